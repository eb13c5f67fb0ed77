"""Metadata of .apr files under GGUF's keys.

An .apr file states sizes under Hugging Face's names, the tokenizer under dotted keys of its own. Files made by `apr import`
here carry `source_metadata` besides: every key of the source in its order with its GGUF type, and the value wherever no .apr
key holds it. So nothing is said twice, nothing is lost, and `apr export` can write the source's metadata byte by byte:

    "source_metadata": {"format": "gguf", "keys": [["general.architecture", "string"], ["llama.rope.scaling.factor", "float32",
    8.0], …], "tensors": ["token_embd.weight", …]}

Nothing is guessed: a size that a file does not state is an error at its JSON path. Source of the keys: paiml/aprender,
`AprV2Metadata` and write.rs; GGUF's keys: docs/gguf.md in ggml.
"""

from __future__ import annotations

import contextlib
import math
import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.names import ARCHITECTURES, gguf_architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.formats.model_file import RopeKind, Value

# .apr key: GGUF key after the architecture's name
SIZES = {
    "num_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_heads": "attention.head_count",
    "num_kv_heads": "attention.head_count_kv",
    "max_position_embeddings": "context_length",
    "vocab_size": "vocab_size",
    "rope_theta": "rope.freq_base",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
}
HEAD_DIM, KEY_LENGTH, VALUE_LENGTH = "head_dim", "attention.key_length", "attention.value_length"
EXPERTS = {
    "num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
}
# .apr key: whole GGUF key
TEXTS = {
    "name": "general.name",
    "description": "general.description",
    "author": "general.author",
    "license": "general.license",
    "version": "general.version",
    "chat_template": "tokenizer.chat_template",
    "chat_format": "tokenizer.chat_format",  # a key of this format alone
    "tokenizer.model_type": "tokenizer.ggml.model",
    "tokenizer.pre_type": "tokenizer.ggml.pre",
}
TOKENS, TOKEN_TYPES, SCORES = "tokenizer.vocabulary", "tokenizer.token_types", "tokenizer.scores"
MERGES = "tokenizer.merges"
LISTS: dict[str, tuple[str, type]] = {  # and what each of their members is
    TOKENS: ("tokenizer.ggml.tokens", str),
    MERGES: ("tokenizer.ggml.merges", str),
    SCORES: ("tokenizer.ggml.scores", float),
    TOKEN_TYPES: ("tokenizer.ggml.token_type", int),
}
IDS = {
    "tokenizer.bos_token_id": "tokenizer.ggml.bos_token_id",
    "tokenizer.eos_token_id": "tokenizer.ggml.eos_token_id",
}
ROPE_KINDS: dict[int, RopeKind] = {0: "norm", 2: "neox"}
SOURCE = "source_metadata"
MAKE_AGAIN = "make the file again with `apr import`"

_NORMAL, _CONTROL = 1, 3  # llama_token_type in llama.h
# what the format takes for a special token, as it keeps no types
_SPECIAL = re.compile(r"<\|.+\|>|</?[a-z_]+>", re.DOTALL)
_LONGEST_TAG = 20
_FLOATS = {"float32": struct.Struct("<f"), "float64": struct.Struct("<d")}
_INTEGERS = {
    f"{sign}int{bits}": (0 if sign else -(1 << bits - 1), (1 << (bits if sign else bits - 1)) - 1)
    for bits in (8, 16, 32, 64)
    for sign in ("u", "")
}


class Source(NamedTuple):
    """What `source_metadata` says.

    Attributes:
        format: the source's: `gguf`, `safetensors`.
        types: GGUF type by key, in the source's order.
        values: of the keys that no .apr key holds.
        tensors: GGUF names in the source's order.
    """

    format: str
    types: dict[str, str]
    values: dict[str, Value]
    tensors: tuple[str, ...]


class Keys(NamedTuple):
    """An .apr file's metadata in GGUF's tongue.

    Attributes:
        values: by GGUF key.
        types: GGUF type by key, where the file keeps it.
        tensors: the order in which the source had its tensors; empty where the file does not keep it.
    """

    values: dict[str, Value]
    types: dict[str, str]
    tensors: tuple[str, ...]


def is_special(token: str) -> bool:
    """Whether a token counts as special in a file that keeps no types: `<|…|>`, or `<tag>` and `</tag>` of at most 20."""
    if token.startswith("<|"):
        return len(token) > 4 and _SPECIAL.fullmatch(token) is not None
    return len(token) <= _LONGEST_TAG and _SPECIAL.fullmatch(token) is not None


def architecture_of(metadata: Mapping[str, Any], where: str) -> str:
    """GGUF's name of the architecture, from `architecture`, else from `hf_model_type`.

    Args:
        metadata: see `apr.formats.apr.canonical`.
        where: for messages: the file and the section.

    Raises:
        UnusableInput: neither is there.
    """
    for key in ("architecture", "hf_model_type"):
        if key in metadata:
            return gguf_architecture(metadata[key])
    raise _missing("architecture", where)


def rope_kind_of(metadata: Mapping[str, Any], architecture: str, *, gguf_rows: bool, where: str) -> RopeKind | None:
    """How the rows of queries and keys are ordered; None: as GGUF files of the architecture have them.

    A file that does not say is taken at its word only where there is nothing to choose: where its rows are GGUF's, and for
    architectures whose checkpoints and GGUF files agree. A llama without `rope_type` may be ordered either way.

    Raises:
        UnusableInput: another number than 0 and 2, or it is missing and decides.
    """
    kind = metadata.get("rope_type")
    if kind is not None:
        if kind not in ROPE_KINDS:
            raise UnusableInput(
                f"is {kind}; 0 (neighbours rotate together) and 2 (halves) are known",
                where=f"{where}, $.rope_type",
                hint=MAKE_AGAIN,
            )
        return ROPE_KINDS[kind]
    names = ARCHITECTURES.get(architecture)
    if gguf_rows or (names is not None and names.rope_kind == "neox"):
        return None
    raise _missing("rope_type", where)


def gguf_keys(metadata: Mapping[str, Any], where: str) -> Keys:
    """Translates an .apr file's metadata.

    Args:
        metadata: see `apr.formats.apr.canonical`.
        where: for messages: the file and the section.

    Raises:
        UnusableInput: a size is missing, a value is of another type, or `source_metadata` contradicts itself or a size.
        UnsupportedModel: a key that changes the model and is not understood here.
    """
    architecture = architecture_of(metadata, where)
    if metadata.get("rope_scaling") is not None:
        raise UnsupportedModel(
            "rope scaling outside of source_metadata is not understood",
            where=f"{where}, $.rope_scaling",
            hint=MAKE_AGAIN,
        )
    derived = {"general.architecture": architecture} | _hyper_parameters(metadata, architecture, where)
    derived |= _texts(metadata, where) | _lists(metadata, where)
    source = read_source(metadata, where)
    if source is None:
        return Keys(derived, {}, ())
    types_kept = metadata.get(TOKEN_TYPES) is not None
    values = _merge(source, derived, architecture, where, types_kept=types_kept)
    return Keys(values, source.types, source.tensors)


def _missing(key: str, where: str) -> UnusableInput:
    return UnusableInput("is missing; it is not guessed", where=f"{where}, $.{key}", hint=MAKE_AGAIN)


def _hyper_parameters(metadata: Mapping[str, Any], architecture: str, where: str) -> dict[str, Value]:
    names = ARCHITECTURES.get(architecture)
    has_experts = names is not None and "ffn_gate_inp.weight" in names.layer
    found: dict[str, Value] = {}
    for key, gguf in (SIZES | EXPERTS).items():
        value = metadata.get(key)
        if value == 0 and key in EXPERTS and not has_experts:
            continue
        if value is not None:
            if value <= 0:
                raise UnusableInput(f"is {value}, it must be positive", where=f"{where}, $.{key}", hint=MAKE_AGAIN)
            found[f"{architecture}.{gguf}"] = value
        elif key in SIZES or has_experts:
            raise _missing(key, where)
    if metadata.get(HEAD_DIM) is not None:
        found |= {f"{architecture}.{key}": metadata[HEAD_DIM] for key in (KEY_LENGTH, VALUE_LENGTH)}
    return found


def _texts(metadata: Mapping[str, Any], where: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, gguf in TEXTS.items():
        value = metadata.get(key)
        if value is not None:
            if type(value) is not str:
                raise _wrong(key, "a text", where)
            found[gguf] = value
    for key, gguf in IDS.items():
        value = metadata.get(key)
        if value is not None:
            if type(value) is not int or value < 0:
                raise _wrong(key, "a token's number", where)
            found[gguf] = value
    return found


def _wrong(key: str, what: str, where: str) -> UnusableInput:
    return UnusableInput(f"is not {what}", where=f"{where}, $.{key}", hint=MAKE_AGAIN)


def _lists(metadata: Mapping[str, Any], where: str) -> dict[str, Value]:
    """The tokenizer's lists; a token's type is told by its spelling where the file does not keep types."""
    found: dict[str, Value] = {}
    for key, (gguf, kind) in LISTS.items():
        value = metadata.get(key)
        if value is None:
            continue
        allowed = {int, float} if kind is float else {kind}
        if type(value) is not list or not set(map(type, value)) <= allowed:
            raise _wrong(key, f"a list of {'texts' if kind is str else 'numbers'}", where)
        found[gguf] = [_float32(number, key, where) for number in value] if kind is float else value
    tokens = metadata.get(TOKENS)
    for key in (SCORES, TOKEN_TYPES):
        if metadata.get(key) is not None and len(metadata[key]) != len(tokens or ()):
            raise UnusableInput(
                f"{len(tokens or ())} tokens have {len(metadata[key])} entries",
                where=f"{where}, $.{key}",
                hint=MAKE_AGAIN,
            )
    if tokens is not None and metadata.get(TOKEN_TYPES) is None:
        found[LISTS[TOKEN_TYPES][0]] = [_CONTROL if is_special(token) else _NORMAL for token in tokens]
    return found


def _float32(number: float, key: str, where: str) -> float:
    try:
        value: float = _FLOATS["float32"].unpack(_FLOATS["float32"].pack(number))[0]
    except (OverflowError, struct.error) as error:
        raise UnusableInput(f"{number} is beyond float32", where=f"{where}, $.{key}", hint=MAKE_AGAIN) from error
    return value


def read_source(metadata: Mapping[str, Any], where: str) -> Source | None:
    """What `source_metadata` says, if it is of the form that `apr import` writes here; upstream keeps other texts there.

    Raises:
        UnusableInput: it is of that form and contradicts itself.
    """
    content = metadata.get(SOURCE)
    if type(content) is not dict or "keys" not in content:
        return None
    here = f"{where}, $.{SOURCE}"
    keys, tensors, kind = content["keys"], content.get("tensors", []), content.get("format")
    if type(kind) is not str or type(keys) is not list or type(tensors) is not list:
        raise UnusableInput("has no format, keys and tensors", where=here, hint=MAKE_AGAIN)
    if not all(type(name) is str for name in tensors):
        raise UnusableInput("is not a list of names", where=f"{here}.tensors", hint=MAKE_AGAIN)
    types: dict[str, str] = {}
    values: dict[str, Value] = {}
    for index, entry in enumerate(keys):
        place = f"{here}.keys[{index}]"
        if (
            type(entry) is not list
            or len(entry) not in {2, 3}
            or type(entry[0]) is not str
            or type(entry[1]) is not str
        ):
            raise UnusableInput("is not a key, a type and, where needed, a value", where=place, hint=MAKE_AGAIN)
        if entry[0] in types:
            raise UnusableInput(f"key {entry[0]!r} occurs twice", where=place, hint=MAKE_AGAIN)
        types[entry[0]] = entry[1]
        if len(entry) == 3:
            values[entry[0]] = decode_value(entry[2], entry[1], place)
    return Source(kind, types, values, tuple(tensors))


def decode_value(value: Any, kind: str, where: str) -> Value:
    """A value from JSON.

    Args:
        value: as it stands in the JSON; a float that JSON cannot hold is its bits in hexadecimal.
        kind: GGUF type: `uint32`, `string`, `array:float32`, …
        where: for messages.

    Raises:
        UnusableInput: the value is not of this type, or there is no such type.
    """
    base, colon, inner = kind.partition(":")
    if base == "array" and colon and type(value) is list:
        return [decode_value(member, inner, where) for member in value]
    if kind in _INTEGERS and type(value) is int and _INTEGERS[kind][0] <= value <= _INTEGERS[kind][1]:
        return value
    if (kind == "bool" and type(value) is bool) or (kind == "string" and type(value) is str):
        return value
    if kind in _FLOATS:
        layout = _FLOATS[kind]
        if type(value) is str and re.fullmatch(rf"0x[0-9a-f]{{{2 * layout.size}}}", value):
            from_bits: float = layout.unpack(bytes.fromhex(value[2:])[::-1])[0]
            return from_bits
        if type(value) in {int, float}:
            with contextlib.suppress(OverflowError):
                rounded: float = layout.unpack(layout.pack(value))[0]
                return rounded
    raise UnusableInput(f"the value is no {kind}", where=where, hint=MAKE_AGAIN)


def encode_value(value: Value, kind: str) -> Any:
    """A value as JSON holds it; the inverse of `decode_value`.

    Raises:
        UnsupportedModel: an array of arrays.
    """
    if kind.startswith("array:"):
        inner = kind.removeprefix("array:")
        if inner.startswith("array") or type(value) is not list:
            raise UnsupportedModel("arrays of arrays are not kept")
        return [encode_value(member, inner) for member in value]
    if kind in _FLOATS and type(value) is float:
        layout = _FLOATS[kind]
        return value if math.isfinite(value) else f"0x{layout.pack(value)[::-1].hex()}"
    return value


def _merge(
    source: Source, derived: dict[str, Value], architecture: str, where: str, *, types_kept: bool
) -> dict[str, Value]:
    """The source's keys in their order, then those that only the .apr file has."""
    # what `derived` has of these is only what they are where nobody says
    secondary = {f"{architecture}.{VALUE_LENGTH}"} | (set() if types_kept else {"tokenizer.ggml.token_type"})
    merged: dict[str, Value] = {}
    for key in source.types:
        if key in source.values:
            if key in derived and key not in secondary and not _agree(source.values[key], derived[key]):
                raise UnusableInput(
                    f"says that {key!r} is {source.values[key]!r}, which contradicts the .apr key",
                    where=f"{where}, $.{SOURCE}",
                    hint=MAKE_AGAIN,
                )
            merged[key] = source.values[key]
        elif key in derived:
            kind, value = source.types[key], derived[key]
            merged[key] = value if kind == "array:string" else decode_value(value, kind, f"{where}, {key!r}")
        else:
            raise UnusableInput(
                f"lists {key!r} without a value, and no .apr key has it", where=f"{where}, $.{SOURCE}", hint=MAKE_AGAIN
            )
    implied = _implied(derived, architecture)
    if not types_kept:
        implied["tokenizer.ggml.token_type"] = derived.get("tokenizer.ggml.token_type", [])
    merged |= {k: v for k, v in derived.items() if k not in merged and (k not in implied or implied[k] != v)}
    return merged


def _agree(stated: Value, derived: Value) -> bool:
    """Whether two values are the same but for float32's rounding, which .apr's own keys have."""
    if type(stated) is float and type(derived) is float:
        try:
            return _FLOATS["float32"].pack(stated) == _FLOATS["float32"].pack(derived)
        except OverflowError:
            return False
    return stated == derived


def _implied(derived: Mapping[str, Value], architecture: str) -> dict[str, Value]:
    """What GGUF takes keys for that a file leaves out."""

    def size(name: str) -> Value:
        return derived[f"{architecture}.{SIZES[name]}"]

    hidden, heads = size("hidden_size"), size("num_heads")
    if not isinstance(hidden, int) or not isinstance(heads, int):
        raise TypeError("sizes are whole numbers")  # `canonical` saw to it
    implied = {
        KEY_LENGTH: hidden // heads,
        VALUE_LENGTH: hidden // heads,
        SIZES["num_kv_heads"]: heads,
        SIZES["vocab_size"]: size("vocab_size"),  # the embedding's rows, which are checked against it
    }
    return {f"{architecture}.{key}": value for key, value in implied.items()}
