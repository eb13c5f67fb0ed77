"""A model of any format as a GGUF file that llama.cpp reads, through the `gguf` package's own writer."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import gguf
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType

from apr.convert.evidence import check_model
from apr.convert.numbers import encoded_rows, narrowed, numbers
from apr.convert.options import Floats
from apr.convert.row_order import reordered
from apr.convert.stated import FILE_TYPE, type_of_value
from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr_model import EMBEDDING
from apr.formats.files import replacing
from apr.formats.gguf import DEFAULT_ALIGNMENT
from apr.formats.model_file import PADDED
from apr.formats.names import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile, RopeKind, Value

_ALIGNMENT = "general.alignment"
_TOKENS, _TYPES, _SCORES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.scores"
_UNUSED = 5  # llama_token_type in llama.h
_QUERIES_AND_KEYS = re.compile(r"blk\.\d+\.attn_(?P<part>[qk])\.(?:weight|bias)", re.ASCII)
_ELEMENT_TYPES = {_TYPES: "array:int32", _SCORES: "array:float32"}


@dataclass
class Exported:
    """What was made.

    Attributes:
        path: of the file.
        nbytes: its size.
        tensors: how many are in it.
        kept: types that were left byte for byte as they were, with counts.
        changed: `AprQ8 to F16` and the like, with counts.
        notes: what else a reader should know.
    """

    path: Path
    nbytes: int
    tensors: int
    kept: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class _Planned(NamedTuple):
    """A tensor of the new file; `heads` where its rows change their order."""

    name: str
    kind: GGMLQuantizationType
    shape: tuple[int, ...]
    nbytes: int
    heads: int | None


class Export:
    """One conversion, checked and planned, so that its size is known before it starts.

    Args:
        file: the model.
        dequantise: what types become that GGUF does not have; None refuses them.

    Raises:
        UnusableInput: the model is incomplete or contradicts itself.
        UnsupportedModel: an architecture that is not known, or a type that GGUF does not have.
    """

    def __init__(self, file: ModelFile, dequantise: Floats | None = None) -> None:
        self.file, self.dequantise = file, dequantise
        check_model(file)
        self._heads = self._moved_rows()
        self._planned = [self._plan(name) for name in self._order()]

    @property
    def nbytes(self) -> int:
        """Of the tensor data that will be written."""
        return sum(tensor.nbytes for tensor in self._planned)

    def write(self, path: str | Path, advance: Callable[[int], None] = lambda _nbytes: None) -> Exported:
        """Writes the GGUF file; it appears complete or not at all.

        A file that came from GGUF through `apr import` comes out as the same bytes, if the source was laid out as gguf's and
        llama.cpp's writers do.

        Args:
            path: of the GGUF file.
            advance: is told bytes as they are written.

        Raises:
            UsageError: the file cannot be written.
            UnusableInput, UnsupportedModel: numbers that the new type cannot hold, or that cannot be decoded.
        """
        path = Path(path)
        done = Exported(path, 0, len(self._planned))
        for tensor in self._planned:
            before = self.file.tensors[tensor.name].type_name
            if before == tensor.kind.name:
                done.kept[before] += 1
            else:
                done.changed[f"{before} to {tensor.kind.name}"] += 1
        if self._heads:
            done.notes.append("rows of queries and keys were put into the order that GGUF has them in")
        with replacing(path) as temporary:
            writer = gguf.GGUFWriter(temporary, self.file.architecture)
            try:
                self._add_metadata(writer, done)
                for tensor in self._planned:
                    writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), tensor.nbytes, tensor.kind)
                writer.write_header_to_file()
                writer.write_kv_data_to_file()
                writer.write_ti_data_to_file()
                for tensor in self._planned:
                    streamed = _Streamed(tensor.nbytes, self._bytes(tensor), advance)
                    writer.write_tensor_data(streamed)  # type: ignore[arg-type] # all that it uses of an array
            finally:
                writer.close()
            done.nbytes = temporary.stat().st_size
        return done

    def _order(self) -> list[str]:
        """The source's order where the file keeps it, else the embedding, the layers by number, the rest."""
        kept = {name: place for place, name in enumerate(getattr(self.file, "order", ()))}

        def place(name: str) -> tuple[int, int, str]:
            block = re.match(r"blk\.(\d+)\.", name, re.ASCII)
            if name in kept:
                return 0, kept[name], name
            return 1, -1 if name == EMBEDDING else int(block[1]) if block else len(self.file.tensors), name

        return sorted(self.file.tensors, key=place)

    def _plan(self, name: str) -> _Planned:
        tensor = self.file.tensors[name]
        if tensor.type_name in GGMLQuantizationType.__members__:
            kind = GGMLQuantizationType[tensor.type_name]
            return _Planned(name, kind, tensor.shape, tensor.nbytes, self._heads.get(name))
        if self.dequantise is None:
            raise UnsupportedModel(
                f"type {tensor.type_name} does not exist in GGUF"
                + (", whose rows are whole blocks" if tensor.type_name.endswith(PADDED) else ""),
                where=f"{self.file.path}: tensor {name!r}",
                hint="--dequantise F16 or --dequantise F32 writes its numbers instead",
            )
        kind = GGMLQuantizationType[self.dequantise if len(tensor.shape) > 1 else Floats.F32]
        nbytes = int(np.prod(tensor.shape, dtype=np.int64)) * GGML_QUANT_SIZES[kind][1]
        return _Planned(name, kind, tensor.shape, nbytes, self._heads.get(name))

    def _moved_rows(self) -> dict[str, int]:
        """Tensors whose rows GGUF has in another order, with the number of their heads.

        Raises:
            UnsupportedModel: head norms would have to be reordered too, which no known model needs.
        """
        wanted: RopeKind = names_of(self.file.architecture).rope_kind
        if self.file.rope_kind in (None, wanted):
            return {}
        if any("attn_q_norm" in name for name in self.file.tensors):
            raise UnsupportedModel(
                f"rows ordered as {self.file.rope_kind} in an architecture with norms of single heads",
                where=str(self.file.path),
                hint="rope_type is probably wrong: these models have 2",
            )
        architecture = self.file.architecture
        query = self.file.require(f"{architecture}.attention.head_count", int)
        key = self.file.optional(f"{architecture}.attention.head_count_kv", int) or query
        found = {}
        for name in self.file.tensors:
            match = _QUERIES_AND_KEYS.fullmatch(name)
            if match is not None:
                heads = found[name] = query if match["part"] == "q" else key
                if self.file.tensors[name].shape[0] % (2 * heads):
                    raise UnusableInput(
                        f"{self.file.tensors[name].shape[0]} rows are not {heads} heads of pairs",
                        where=f"{self.file.path}: tensor {name!r}",
                    )
        return found

    def _bytes(self, tensor: _Planned) -> Iterator[NDArray[np.uint8]]:
        """The tensor's bytes in pieces; a tensor whose rows move comes whole."""
        same = self.file.tensors[tensor.name].type_name == tensor.kind.name
        pieces = encoded_rows(self.file, tensor.name) if same else self._decoded(tensor)
        if tensor.heads is None:
            yield from pieces
            return
        rows = np.concatenate([np.ascontiguousarray(piece).view(np.uint8) for piece in pieces])
        kind = names_of(self.file.architecture).rope_kind
        yield reordered(rows.reshape(tensor.shape[0], -1), tensor.heads, kind)

    def _decoded(self, tensor: _Planned) -> Iterator[NDArray[np.uint8]]:
        where = f"{self.file.path}: tensor {tensor.name!r}"
        for rows in numbers(self.file, tensor.name):
            half = tensor.kind is GGMLQuantizationType.F16
            yield (narrowed(rows, where) if half else np.ascontiguousarray(rows, "<f4")).view(np.uint8)

    def _metadata(self, done: Exported) -> dict[str, tuple[Value, str]]:
        """Every key in its order with its value and type."""
        values = dict(self.file.metadata)
        if done.changed and FILE_TYPE in values:
            del values[FILE_TYPE]  # named a mixture of types that the tensors no longer have
        self._fill_up_tokens(values, done)
        typed: dict[str, tuple[Value, str]] = {}
        for key, value in values.items():
            if type(value) is list and not value:
                done.notes.append(f"metadata key {key!r} is an empty list, which gguf's writer does not write")
            else:
                kind = self.file.value_types.get(key) or _ELEMENT_TYPES.get(key) or type_of_value(key, value)
                typed[key] = value, kind
        return typed

    def _add_metadata(self, writer: gguf.GGUFWriter, done: Exported) -> None:
        writer.kv_data[0].clear()  # the architecture, which is put where the file has it
        for key, (value, kind) in self._metadata(done).items():
            outer, _, inner = kind.upper().partition(":")
            self._check_range(key, value, (inner or outer).lower())
            writer.add_key_value(key, value, GGUFValueType[outer], GGUFValueType[inner] if inner else None)
        alignment = self.file.optional(_ALIGNMENT, int)
        writer.data_alignment = DEFAULT_ALIGNMENT if alignment is None else alignment

    def _check_range(self, key: str, value: Value, kind: str) -> None:
        """Whole numbers that GGUF's type of the key does not have.

        Raises:
            UnusableInput: there is one.
        """
        if "int" not in kind:
            return
        limits = np.iinfo(kind)
        for number in value if type(value) is list else [value]:
            if type(number) is int and not limits.min <= number <= limits.max:
                raise UnusableInput(
                    f"is {number}, which is no {kind}",
                    where=f"{self.file.path}: metadata key {key!r}",
                    hint="correct the file",
                )

    def _fill_up_tokens(self, values: dict[str, Value], done: Exported) -> None:
        """A token for every row of the embedding, which llama.cpp asks for; checkpoints often have more rows than tokens."""
        tokens, rows = values.get(_TOKENS), self.file.tensors[EMBEDDING].shape[0]
        if type(tokens) is not list or len(tokens) >= rows:
            return
        missing = range(len(tokens), rows)
        fillers: dict[str, list[Value]] = {
            _TOKENS: [f"[PAD{index}]" for index in missing],
            _TYPES: [_UNUSED] * len(missing),
            _SCORES: [-1000.0] * len(missing),
        }
        for key, filler in fillers.items():
            present = values.get(key)
            if type(present) is list:
                values[key] = [*present, *filler]
        done.notes.append(
            f"{len(missing)} rows of the embedding have no token; they were named [PAD{len(tokens)}] and so on"
        )


class _Streamed:
    """What gguf's writer takes for an array: bytes that are made while they are written."""

    def __init__(self, nbytes: int, pieces: Iterator[NDArray[np.uint8]], advance: Callable[[int], None]) -> None:
        self.nbytes, self._pieces, self._advance = nbytes, pieces, advance

    def tofile(self, file: BinaryIO) -> None:
        """Writes the pieces.

        Raises:
            AssertionError: they are more or fewer bytes than announced, which is a bug here.
        """
        written = 0
        for piece in self._pieces:
            file.write(np.ascontiguousarray(piece).data)
            written += piece.nbytes
            self._advance(piece.nbytes)
        if written != self.nbytes:
            raise AssertionError(f"{written} bytes instead of {self.nbytes}")
