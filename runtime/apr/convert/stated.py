"""What an .apr file says about a model: .apr's own keys, and under `source_metadata` everything they have no place for."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr import canonical
from apr.formats.apr_keys import (
    EXPERTS,
    HEAD_DIM,
    IDS,
    KEY_LENGTH,
    LISTS,
    ROPE_KINDS,
    SCORES,
    SIZES,
    SOURCE,
    TEXTS,
    TOKENS,
    decode_value,
    encode_value,
    gguf_keys,
)
from apr.formats.apr_model import EMBEDDING
from apr.formats.names import names_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apr.formats.model_file import ModelFile, Value

FILE_TYPE = "general.file_type"  # which mixture of types the tensors have; says nothing once they have others
_MAX_U32 = 2**32 - 1
_MIN_I32, _MAX_I32 = -(2**31), 2**31 - 1
_MAX_I64 = 2**63 - 1


def describe(file: ModelFile, *, types_changed: bool = False) -> dict[str, Any]:
    """The metadata of the .apr file that holds this model.

    Two sizes may be absent from a GGUF file because its specification says what they are then: key heads (as many as query
    heads) and the width of a head (hidden / heads). An .apr file states them.

    Args:
        file: the model; see `apr.convert.evidence`.
        types_changed: whether tensors get other types than they have.

    Raises:
        UnusableInput: a size is missing or of another type.
        UnsupportedModel: a value that cannot be kept.
    """
    architecture = file.architecture
    stated: dict[str, Any] = {"architecture": architecture, "original_format": file.format}
    stated |= _sizes(file, architecture) | _texts(file) | _lists(file)
    kind = file.rope_kind or names_of(architecture).rope_kind
    stated["rope_type"] = next(number for number, name in ROPE_KINDS.items() if name == kind)
    return stated | {SOURCE: _source(file, stated, types_changed=types_changed)}


def as_stored(file: ModelFile, key: str) -> tuple[Value, str]:
    """A key's value and GGUF type; formats without types may have more digits than GGUF's float32.

    Raises:
        UnsupportedModel: see `type_of_value`.
    """
    value = file.metadata[key]
    kind = file.value_types.get(key)
    if kind is None:
        kind = type_of_value(key, value)
        if kind.endswith("float32"):
            value = decode_value(encode_value(value, kind), kind, f"{file.path}: metadata key {key!r}")
    return value, kind


def type_of_value(key: str, value: Value) -> str:
    """How GGUF stores a value, where no file says: as converters do.

    Raises:
        UnsupportedModel: a list of lists, a list of several kinds, or one that is empty.
    """
    if type(value) is list:
        kinds = {_scalar_type(member, in_list=True) for member in value}
        if len(kinds) != 1:
            raise UnsupportedModel(f"the list is of {len(kinds)} kinds", where=f"metadata key {key!r}")
        return f"array:{kinds.pop()}"
    return _scalar_type(value, in_list=False)


def _scalar_type(value: Value, *, in_list: bool) -> str:
    if type(value) is bool:
        return "bool"
    if type(value) is int:
        if in_list:
            return "int32" if _MIN_I32 <= value <= _MAX_I32 else "int64"
        if 0 <= value <= _MAX_U32:
            return "uint32"
        return "int64" if value <= _MAX_I64 else "uint64"
    if type(value) is float:
        return "float32"
    if type(value) is str:
        return "string"
    raise UnsupportedModel("lists of lists are not kept")


def _sizes(file: ModelFile, architecture: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, gguf in SIZES.items():
        name = f"{architecture}.{gguf}"
        if key == "vocab_size":
            found[key] = file.tensors[EMBEDDING].shape[0]
        elif key == "num_kv_heads" and name not in file.metadata:
            found[key] = found["num_heads"]
        else:
            found[key] = file.require(name, float if key in {"rope_theta", "rms_norm_eps"} else int)
    if found["num_heads"] <= 0 or found["hidden_size"] <= 0:
        raise UnusableInput("sizes must be positive", where=f"{file.path}: metadata")
    width = file.optional(f"{architecture}.{KEY_LENGTH}", int)
    if width is None and found["hidden_size"] % found["num_heads"]:
        raise UnusableInput(
            f"{found['hidden_size']} dimensions do not divide into {found['num_heads']} heads",
            where=f"{file.path}: metadata",
        )
    found[HEAD_DIM] = found["hidden_size"] // found["num_heads"] if width is None else width
    experts = {key: file.optional(f"{architecture}.{gguf}", int) for key, gguf in EXPERTS.items()}
    return found | {key: value for key, value in experts.items() if value is not None}


def _texts(file: ModelFile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, gguf in TEXTS.items():
        if type(file.metadata.get(gguf)) is str:  # a list of licences has no place but in source_metadata
            found[key] = file.metadata[gguf]
    for key, gguf in IDS.items():
        if gguf in file.metadata:
            found[key] = file.require(gguf, int)
    return found


def _lists(file: ModelFile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, (gguf, kind) in LISTS.items():
        if gguf not in file.metadata:
            continue
        value = file.require(gguf, list)
        if set(map(type, value)) - {kind}:
            raise UnusableInput(f"holds other things than {kind.__name__}", where=f"{file.path}: metadata key {gguf!r}")
        # the shortest digits that tell a float32 apart, as other writers of this format have them
        found[key] = [float(str(number)) for number in np.asarray(value, np.float32)] if key == SCORES else value
    if TOKENS in found:
        found["tokenizer.vocab_size"] = len(found[TOKENS])
    return found


def _source(file: ModelFile, stated: Mapping[str, Any], *, types_changed: bool) -> dict[str, Any]:
    """Every key in its order with its type, and the value where .apr's keys do not give the very same back."""
    derived = gguf_keys(canonical(stated), "metadata to write").values
    keys: list[Sequence[Any]] = []
    for key in file.metadata:
        if types_changed and key == FILE_TYPE:
            continue
        try:
            value, kind = as_stored(file, key)
            same = key in derived and identical(derived[key], value)
            keys.append((key, kind) if same else (key, kind, encode_value(value, kind)))
        except UnsupportedModel as error:
            raise UnsupportedModel(error.problem, where=f"{file.path}: metadata key {key!r}") from error
    return {"format": file.format, "keys": keys, "tensors": list(file.tensors)}


def identical(a: Value, b: Value) -> bool:
    """Whether two values are the same in type and bits."""
    if type(a) is not type(b):
        return False
    if type(a) is float and type(b) is float:
        return struct.pack("<d", a) == struct.pack("<d", b)
    if type(a) is list and type(b) is list:
        return len(a) == len(b) and all(identical(x, y) for x, y in zip(a, b, strict=True))
    return a == b
