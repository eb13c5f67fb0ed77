"""Faults of readers and writers of file formats, planted in the running process: what is replaced is named, and put back.

A new one is a function from the sound thing to the faulty one, and a line in the list.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UnusableInput
from apr.formats.apr import dtypes, header, index, metadata, reader, strict_json, writer
from apr.formats.apr.dtypes import Dtype, Undecided, matrix_of
from apr.quant import apr_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    # where it stands, its name there, and what makes the faulty one of the sound one
    Patch = tuple[object, str, Callable[[Any], Any]]


@dataclass(frozen=True)
class FormatMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: the section of the file where it has to be found.
        patches: what is replaced.
        layer: None; files have none.
    """

    name: str
    fault: str
    stage: str
    patches: tuple[Patch, ...]
    layer: int | None = None

    def plant(self, put: Callable[[Any, str, Any], None] = setattr) -> None:
        """Puts the fault into the running process; `put` may be one that can be undone."""
        for owner, name, make in self.patches:
            put(owner, name, make(getattr(owner, name)))


# --- the .apr container: header and footer --------------------------------------------------------------------------


def _any_magic(sound: Any) -> Any:
    """The header is read as if its magic were right."""

    def read_header(path: Any, content: bytes, size: int) -> Any:
        fields = header.MAGIC + content[4:40]
        right = struct.pack("<I", zlib.crc32(fields + content[44:]))
        return sound(path, fields + right + content[44:] if content[:4] == b"APR2" else content, size)

    return read_header


def _any_checksum(sound: Any) -> Any:
    def read_header(path: Any, content: bytes, size: int) -> Any:
        right = struct.pack("<I", zlib.crc32(content[:40] + content[44:]))
        return sound(path, content[:40] + right + content[44:], size)

    return read_header


def _nothing(*_: Any, **__: Any) -> None:
    """Instead of a function that refuses."""


# --- metadata -------------------------------------------------------------------------------------------------------


def _or_nothing(sound: Any) -> Any:
    """What realizar does with metadata that it cannot read."""

    def parse_metadata(*args: Any) -> Any:
        try:
            return sound(*args)
        except UnusableInput:
            return {}

    return parse_metadata


def _known_keys_only(sound: Any) -> Any:
    return lambda content, spelling: sound({key: content[key] for key in content if key in metadata.KEYS}, spelling)


# --- index and data -------------------------------------------------------------------------------------------------


def _reversed_dims(sound: Any) -> Any:
    return lambda name, code, shape, offset, nbytes: sound(name, code, shape[::-1], offset, nbytes)


def _bf16_as_f16(sound: Any) -> Any:
    codes = {dtypes.NATIVE_CODES[Dtype.BF16]: dtypes.NATIVE_CODES[Dtype.F16]}
    return lambda name, code, shape, offset, nbytes: sound(name, codes.get(code, code), shape, offset, nbytes)


def _in_given_order(sound: Any) -> Any:
    def plan(path: Any, listed: Any, layout: Any) -> Any:
        given = [name for name, *_ in listed]
        return sorted(sound(path, listed, layout), key=lambda tensor: given.index(tensor.name))

    return plan


def _last_byte_zero(sound: Any) -> Any:
    def chunks(data: Any) -> Any:
        whole = b"".join(sound(data))
        yield memoryview(whole[:-1] + b"\0")

    return chunks


def _unknown_is_f32(sound: Any) -> Any:
    def dtype_of(code: int, *rest: Any) -> Dtype:
        return sound(code, *rest) if code in dtypes.CANDIDATES else Dtype.F32

    return dtype_of


def _first_candidate(_sound: Any) -> Any:
    def dtype_of(code: int, *_: Any) -> Dtype:
        if code not in dtypes.CANDIDATES:
            raise Undecided("not known", unknown=True)
        return dtypes.CANDIDATES[code][0]

    return dtype_of


def _rows_not_padded(sound: Any) -> Any:
    def encoded_size(dtype: Dtype, shape: tuple[int, ...], layout: Any) -> Any:
        if dtype not in {Dtype.Q4_K, Dtype.Q6_K}:
            return sound(dtype, shape, layout)
        rows, columns = matrix_of(shape, layout)
        return -(-rows * columns // 256) * dtypes.BLOCKS[dtype].nbytes

    return encoded_size


def _only_what_fits(sound: Any) -> Any:
    """Tensors that a cut file does not have any more are left out, as if it had never had them."""

    def place_tensors(path: Any, data: Any, head: Any, entries: Any, layout: Any) -> Any:
        there = [entry for entry in entries if head.data_offset + entry.offset + entry.nbytes <= len(data)]
        return sound(path, data, head, there, layout)

    return place_tensors


# --- AprQ4 and AprQ8 ------------------------------------------------------------------------------------------------


def _halves(sound: Any) -> Any:
    """Nibbles as ggml's Q4_0 has them: elements 0 to 15 low, 16 to 31 high."""

    def encode(values: Any, *rest: Any) -> Any:
        flat = np.zeros(-(-values.size // 32) * 32, np.float32)
        flat[: values.size] = values.reshape(-1)
        order = flat.reshape(-1, 2, 16).transpose(0, 2, 1)
        return sound(np.ascontiguousarray(order).reshape(-1)[: values.size], *rest)

    return encode


def _truncated(_sound: Any) -> Any:
    def quotients(values: Any, scales: Any, low: int, high: int) -> Any:
        return np.clip(np.trunc(values / scales), low, high).astype(np.float32)

    return quotients


_HEADER, _METADATA, _INDEX, _DATA, _FOOTER = "header", "metadata", "index", "data", "footer"
_ALL = [
    FormatMutant("apr-aligned-to-32", "sections and tensors start at multiples of 32", _INDEX,
                 ((writer, "align", lambda _: lambda size: -(-size // 32) * 32),)),
    FormatMutant("apr-dims-reversed", "dimensions are written innermost first", _INDEX,
                 ((writer, "pack_entry", _reversed_dims),)),
    FormatMutant("apr-bf16-as-f16", "BF16 tensors are labelled F16", _INDEX, ((writer, "pack_entry", _bf16_as_f16),)),
    FormatMutant("apr-last-byte-lost", "the last byte of each tensor is written as zero", _DATA,
                 ((writer, "_chunks", _last_byte_zero),)),
    FormatMutant("apr-custom-keys-lost", "keys that the writer does not know are not written", _METADATA,
                 ((writer, "dump_metadata", _known_keys_only),)),
    FormatMutant("apr-apr2-taken", "the magic APR2 is taken for .apr version 2", _HEADER,
                 ((reader, "refuse_foreign", lambda _: _nothing), (reader, "read_header", _any_magic))),
    FormatMutant("apr-foreign-unnamed", "other formats called .apr are not recognised", _HEADER,
                 ((reader, "refuse_foreign", lambda _: _nothing),)),
    FormatMutant("apr-header-checksum-ignored", "the header's checksum is not looked at", _HEADER,
                 ((reader, "read_header", _any_checksum),)),
    FormatMutant("apr-footer-always-matches", "every footer is said to match", _FOOTER,
                 ((reader.Footer, "matches", lambda _: property(lambda _: True)),)),
    FormatMutant("apr-nulls-forgotten", "the keys of provenance are left out where nothing is known", _METADATA,
                 ((metadata, "EXPLICIT_NULLS", lambda _: ()),)),
    FormatMutant("apr-index-unsorted", "the index has the tensors in the order given", _INDEX,
                 ((writer, "_plan", _in_given_order),)),
    FormatMutant("apr-checksum-not-inverted", "the checksum lacks its final inversion", _HEADER,
                 ((header, "checksum", lambda _: lambda content: zlib.crc32(content) ^ 0xFFFFFFFF),)),
    FormatMutant("apr-footer-of-the-end", "the footer is the checksum of what was written last", _FOOTER,
                 ((writer, "zlib", lambda _: SimpleNamespace(crc32=lambda chunk, _crc: zlib.crc32(chunk))),)),
    FormatMutant("apr-column-major-taken", "a column-major file is read as row major", _HEADER,
                 ((header, "UNREADABLE", lambda sound: {flag: what for flag, what in sound.items()
                                                        if flag is not header.Flags.LAYOUT_COLUMN_MAJOR}),)),
    FormatMutant("apr-metadata-defaulted", "metadata that cannot be read counts as none", _METADATA,
                 ((reader, "parse_metadata", _or_nothing),)),
    FormatMutant("apr-last-key-wins", "of a key that occurs twice the last counts", _METADATA,
                 ((strict_json, "_unique", lambda _: dict),)),
    FormatMutant("apr-spellings-mixed", "a key may have two spellings", _METADATA,
                 ((metadata, "check_spellings", lambda _: _nothing),)),
    FormatMutant("apr-unknown-as-f32", "tensors of an unknown type are read as float32", _INDEX,
                 ((index, "dtype_of", _unknown_is_f32),)),
    FormatMutant("apr-overlap-taken", "tensors may overlap", _DATA,
                 ((index._IndexReader, "refuse_overlaps", lambda _: _nothing),)),  # noqa: SLF001 - the point of a mutant
    FormatMutant("apr-tail-ignored", "bytes behind the tensor data are not looked at", _FOOTER,
                 ((reader, "_footer", lambda _: _nothing),)),
    FormatMutant("apr-cut-file-taken", "tensors beyond the end of a cut file are left out", _DATA,
                 ((reader, "place_tensors", _only_what_fits), (reader, "_footer", lambda _: _nothing))),
    FormatMutant("apr-type-by-code-alone", "a code stands for one type, whatever the tensor's size", _INDEX,
                 ((index, "dtype_of", _first_candidate), (writer, "dtype_of", _first_candidate))),
    FormatMutant("apr-rows-not-padded", "K-quants run across rows", _INDEX,
                 ((dtypes, "encoded_size", _rows_not_padded), (writer, "encoded_size", _rows_not_padded))),
    FormatMutant("apr-q4-in-halves", "AprQ4 has its nibbles in ggml's order", _DATA,
                 ((apr_blocks, "encode_apr_q4", _halves),)),
    FormatMutant("apr-q8-truncated", "quotients are cut off instead of rounded", _DATA,
                 ((apr_blocks, "_quotients", _truncated),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
