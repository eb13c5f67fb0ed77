"""The JSON between header and tensor index: read, its aliases resolved, and written as the two writers spell it.

Source: `apr-format` of paiml/aprender, v2/header_impl.rs (`AprV2Metadata`) and the aliases of realizar's `AprMetadata`.
"""

from __future__ import annotations

import json
import math
import struct
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.errors import UnusableInput, UsageError
from apr.formats.apr.header import MAX_METADATA
from apr.formats.apr.refuse import MAKE_AGAIN
from apr.formats.apr.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

# in the order in which `apr import` writes them
KEYS = (
    *("model_type", "name", "description", "author", "license", "data_source", "data_license", "version", "source"),
    *("original_format", "created_at", "total_size", "param_count", "quantization", "sharding", "chat_template"),
    *("chat_format", "special_tokens", "architecture", "hf_architecture", "hf_model_type", "hidden_size", "num_layers"),
    *("num_heads", "num_kv_heads", "vocab_size", "intermediate_size", "max_position_embeddings", "rope_theta"),
    *("rope_type", "rms_norm_eps", "head_dim", "num_experts", "num_experts_per_tok", "moe_intermediate_size"),
)
# other spellings that are read; a file has one spelling of each
ALIASES = {
    "hidden_size": ("hidden_dim", "d_model", "n_embd"),
    "num_layers": ("num_hidden_layers", "n_layers", "n_layer"),
    "num_heads": ("num_attention_heads", "n_heads", "n_head"),
    "num_kv_heads": ("num_key_value_heads", "n_kv_heads"),
    "vocab_size": ("n_vocab",),
    "intermediate_size": ("ffn_dim", "intermediate_dim", "n_inner"),
    "max_position_embeddings": ("max_seq_len", "context_length", "n_ctx"),
    "rms_norm_eps": ("layer_norm_eps", "norm_eps"),
}
CANONICAL = {alias: key for key, aliases in ALIASES.items() for alias in aliases}
REQUIRED = ("model_type", "total_size", "param_count")  # every writer of layout apr states these
EXPLICIT_NULLS = ("license", "data_source", "data_license")  # said even where nothing is known: provenance
_COUNTS = frozenset(
    {
        *("total_size", "param_count", "hidden_size", "num_layers", "num_heads", "num_kv_heads", "vocab_size"),
        *("intermediate_size", "max_position_embeddings", "rope_type", "head_dim", "num_experts"),
        *("num_experts_per_tok", "moe_intermediate_size"),
    }
)
_FLOATS = frozenset({"rope_theta", "rms_norm_eps"})  # float32 to every reader
_OBJECTS = frozenset({"quantization", "sharding", "special_tokens"})
_MAX_COUNT = 2**63 - 1
_F32 = struct.Struct("<f")


class Spelling(StrEnum):
    """How keys without a value are written."""

    CURRENT = "current"  # left out, but for the three of provenance
    NULLS = "nulls"  # all of them as null: `apr import` before v0.57
    GIVEN = "given"  # nothing added, sorted by key: `--preserve-q4k`


def parse_metadata(raw: bytes, path: Path, offset: int = 0) -> dict[str, Any]:
    """Reads the JSON.

    Args:
        raw: the section, without the zeros behind it.
        path: of the file, for messages.
        offset: of the section in the file, for messages.

    Raises:
        UnusableInput: what `parse_object` refuses, or two spellings of one key.
    """
    content = parse_object(raw, path, "metadata", offset)
    check_spellings(content, f"{path}: metadata, offset {offset:#x}")
    return content


def check_spellings(metadata: Mapping[str, Any], where: str) -> None:
    """Refuses two spellings of one key in the same object.

    realizar takes such a file for one without any metadata; reading one of the two would be a guess.

    Raises:
        UnusableInput: naming both.
    """
    found: dict[str, str] = {}
    for key in metadata:
        canonical_key = CANONICAL.get(key, key)
        if canonical_key in found:
            raise UnusableInput(
                f"keys {found[canonical_key]!r} and {key!r} are two spellings of {canonical_key!r}",
                where=where,
                hint=MAKE_AGAIN,
            )
        found[canonical_key] = key


def canonical(metadata: Mapping[str, Any], where: str = "metadata") -> dict[str, Any]:
    """The metadata under canonical keys, types checked; null means absent.

    Args:
        metadata: as read.
        where: for messages: the file and the section.

    Returns:
        The canonical keys that have a value, in their order, then all other keys as they are. Counts are ints from 0;
        `rope_theta` and `rms_norm_eps` are floats, rounded to the float32 that every reader of this format holds.

    Raises:
        UnusableInput: two spellings of one key, or a value of another type.
    """
    check_spellings(metadata, where)
    spelled = {CANONICAL.get(key, key): key for key in metadata}
    result = {
        key: _typed(key, metadata[spelled[key]], f"{where}, $.{spelled[key]}")
        for key in KEYS
        if key in spelled and metadata[spelled[key]] is not None
    }
    result.update({key: value for key, value in metadata.items() if key not in KEYS and key not in CANONICAL})
    return result


def _typed(key: str, value: Any, where: str) -> Any:
    if key in _COUNTS:
        if type(value) is not int or not 0 <= value <= _MAX_COUNT:
            raise UnusableInput(f"must be a whole number from 0, not {_short(value)}", where=where, hint=MAKE_AGAIN)
    elif key in _FLOATS:
        rounded = _float32(value)
        if rounded is None:
            raise UnusableInput(f"must be a number, not {_short(value)}", where=where, hint=MAKE_AGAIN)
        return rounded
    elif key in _OBJECTS:
        named = key == "quantization" and type(value) is str  # an early `--preserve-q4k` has the type's name
        if type(value) is not dict and not named:
            raise UnusableInput(f"must be an object, not {_short(value)}", where=where, hint=MAKE_AGAIN)
    elif type(value) is not str:
        raise UnusableInput(f"must be a text, not {_short(value)}", where=where, hint=MAKE_AGAIN)
    return value


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=repr)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _float32(value: Any) -> float | None:
    """The nearest float32; None for what is no number or beyond float32."""
    if type(value) not in {int, float}:
        return None
    try:
        rounded: float = _F32.unpack(_F32.pack(value))[0]
    except (OverflowError, struct.error):
        return None
    return rounded if math.isfinite(rounded) else None


def dump_metadata(metadata: Mapping[str, Any], spelling: Spelling = Spelling.CURRENT) -> bytes:
    """Writes the JSON without blanks, canonical keys first and in their order.

    `rope_theta` and `rms_norm_eps` are written with as many digits as tell their float32 apart, which is how serde writes
    them.

    Args:
        metadata: keys to JSON values; a key under one spelling.
        spelling: what is written for keys that are absent or None.

    Raises:
        UsageError: a required key is missing, a key has two spellings, a value is none of JSON's (NaN and infinities are
            none), text that is no Unicode, nested too deep, too large.
    """
    where = "metadata to write"
    try:
        check_spellings(metadata, where)
    except UnusableInput as error:
        raise UsageError(error.problem, where=where, hint="give one of the two") from error
    content = _with_policy(metadata, spelling, where)
    for key in content:
        if CANONICAL.get(key, key) in _FLOATS and content[key] is not None:
            content[key] = _shortest(content[key], f"{where}, $.{key}")
    try:
        raw = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"is no JSON: {error}", where=where, hint="give texts, numbers, lists and objects") from error
    if len(raw) > MAX_METADATA:
        raise UsageError(
            f"{len(raw)} bytes; at most {MAX_METADATA} are possible", where=where, hint="leave out what is not needed"
        )
    try:
        parse_metadata(raw, Path(where))
    except UnusableInput as error:  # what json writes and this format's readers do not take
        raise UsageError(error.problem, where=where, hint="write simpler metadata") from error
    return raw


def _with_policy(metadata: Mapping[str, Any], spelling: Spelling, where: str) -> dict[str, Any]:
    """Keys in the order and with the nulls of a spelling."""
    if spelling is Spelling.GIVEN:
        return dict(sorted(metadata.items()))
    for key in REQUIRED:
        if metadata.get(key) is None:
            raise UsageError(f"key {key!r} is missing", where=where, hint="every .apr file states it")
    spelled = {CANONICAL.get(key, key): key for key in metadata}
    content: dict[str, Any] = {}
    for key in KEYS:
        written = spelled.get(key, key)
        if written != key:
            continue  # under an alias, which is a custom key and stands behind
        value = metadata.get(key)
        if value is not None or spelling is Spelling.NULLS or key in EXPLICIT_NULLS:
            content[key] = value
    content.update({key: value for key, value in metadata.items() if key not in KEYS})
    return content


def _shortest(value: Any, where: str) -> float:
    """The float64 whose text is the shortest among those that round to the same float32."""
    rounded = _float32(value)
    if rounded is None:
        raise UsageError(f"must be a number that float32 holds, not {_short(value)}", where=where, hint="correct it")
    for digits in range(6, 10):  # six always come back from a float32, and nine tell any two apart
        short = float(f"{rounded:.{digits}g}")
        if _float32(short) == rounded:
            return short
    raise AssertionError(f"nine digits do not tell {rounded!r} apart")
