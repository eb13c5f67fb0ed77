"""The tensors of a Hugging Face folder under GGUF's names, in GGUF's row order; nothing is read before it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.names import hf_name, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from apr.formats.hf_config import HfConfig
    from apr.formats.safetensors_file import SafetensorsFile, Stored

TYPES = {"F32": 4, "F16": 2, "BF16": 2}  # bytes of one value
_STACKED = {"mlp.experts.gate_up_proj": ("gate", "up"), "mlp.experts.down_proj": ("down",)}
_COMPUTED = "rotary_emb.inv_freq"  # old checkpoints carry the frequencies, which everybody computes


@dataclass(frozen=True)
class Piece:
    """Rows of a tensor in a file.

    Attributes:
        file: that holds it.
        name: of the tensor there.
        start, rows: which rows, where all dimensions but the innermost count as one.
    """

    file: SafetensorsFile
    name: str
    start: int
    rows: int

    @property
    def stored(self) -> Stored:
        """The tensor in the file."""
        return self.file.tensors[self.name]

    def raw(self) -> NDArray[np.uint8]:
        """[rows, bytes a row], as stored."""
        whole = self.file.raw(self.name).reshape(math.prod(self.stored.shape[:-1]), -1)
        return whole[self.start : self.start + self.rows]


@dataclass(frozen=True)
class HfTensor:
    """A tensor as GGUF has it.

    Attributes:
        name: GGUF's.
        shape: outermost dimension first.
        type_name: `F32`, `F16` or `BF16`. Vectors and routers are F32 whatever the file has, as converters make them.
        pieces: the whole tensor, or one for each of its matrices.
        n_heads: among how many heads the rows are reordered from halves to neighbours; None: they stay.
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    pieces: tuple[Piece, ...]
    n_heads: int | None = None

    @property
    def nbytes(self) -> int:
        """Of the encoded values."""
        return math.prod(self.shape) * TYPES[self.type_name]

    def raw(self, index: int | None = None) -> NDArray[np.uint8]:
        """The encoded bytes, read-only: of all, or of one matrix of a packed tensor.

        A view of the file where the file has the values like this, else a copy.

        Returns:
            uint8 [rows, bytes a row]
        """
        parts = [piece.raw() for piece in (self.pieces if index is None else (self.pieces[index],))]
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        rows = self._encoded(rows)
        if self.n_heads is not None:
            numbers = rows.reshape(self.shape[0], -1)  # rows of a matrix, single numbers of a bias
            rows = numbers[neighbours(len(numbers), self.n_heads)].reshape(rows.shape)
        if rows.ctypes.data % TYPES[self.type_name]:
            rows = rows.copy()  # a header of odd length; numbers that are not aligned are slow wherever they go
        rows.flags.writeable = False
        return rows

    def _encoded(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        stored = self.pieces[0].stored.dtype
        if stored == self.type_name:
            return rows
        rows = np.ascontiguousarray(rows)
        if stored == "F16":
            return rows.view("<f2").astype("<f4").view(np.uint8)
        return (rows.view("<u2").astype("<u4") << 16).view(np.uint8)  # BF16 is the upper half of a float32


def neighbours(rows: int, n_heads: int) -> NDArray[np.intp]:
    """Which row of a Hugging Face projection stands at each row of GGUF's: [rows].

    A pair that rotates together stands half a head apart there, and side by side here, as in the weights of the model's
    own release. Source: llama.cpp's converter, `LlamaModel.permute`.
    """
    return np.arange(rows).reshape(n_heads, 2, -1).swapaxes(1, 2).ravel()


def gguf_tensors(config: HfConfig, files: list[SafetensorsFile]) -> dict[str, HfTensor]:
    """Every tensor of a folder by its GGUF name, in the order of the files.

    Raises:
        UnusableInput: a tensor is there twice, or a single expert, the head or biases are missing; experts that differ.
        UnsupportedModel: a name that the architecture does not have, or a dtype other than `TYPES`.
    """
    found: dict[str, dict[int | None, Piece]] = {}
    for file in files:
        for name in file.tensors:
            if name.endswith(_COMPUTED):
                continue
            for gguf, expert, piece in _places(config, file, name):
                pieces = found.setdefault(gguf, {})
                if expert in pieces or (pieces and (expert is None) != (None in pieces)):
                    raise UnusableInput("is there twice", where=f"{file.path}: tensor {name!r}")
                pieces[expert] = piece
    tensors = {name: _tensor(config, name, pieces) for name, pieces in found.items()}
    return _without_repetition(config, _without_idle_bias(config, tensors))


def _places(config: HfConfig, file: SafetensorsFile, name: str) -> Iterator[tuple[str, int | None, Piece]]:
    """Where the rows of a stored tensor belong: GGUF's name, which expert, and the rows."""
    stored, where = file.tensors[name], f"{file.path}: tensor {name!r}"
    if stored.dtype not in TYPES:
        raise UnsupportedModel(f"is {stored.dtype}, only {', '.join(TYPES)} are read here", where=where)
    if not stored.shape or not stored.nbytes:
        raise UnusableInput(f"has shape {list(stored.shape)}, no matrix and no vector", where=where)
    rows = math.prod(stored.shape[:-1])
    layer, _, inner = name.removeprefix("model.layers.").partition(".")
    if inner in _STACKED and config.experts and layer.isascii() and layer.isdecimal():
        parts = _STACKED[inner]
        if len(stored.shape) != 3 or stored.shape[1] % len(parts):
            raise UnusableInput(f"has shape {list(stored.shape)}, no stack of {' and '.join(parts)}", where=where)
        each = stored.shape[1] // len(parts)
        for expert in range(stored.shape[0]):
            for number, part in enumerate(parts):
                start = (expert * len(parts) + number) * each
                yield f"blk.{layer}.ffn_{part}_exps.weight", expert, Piece(file, name, start, each)
        return
    try:
        place = place_of(config.architecture, name)
    except UnsupportedModel as error:
        raise UnsupportedModel(error.problem, where=where, hint=error.hint) from error
    spelled = place.role == "whole" and hf_name(config.architecture, place.name) == name
    if place.role != "expert" and (not spelled or place.name.endswith("_exps.weight")):
        raise UnsupportedModel("is no name that transformers gives a tensor", where=where)
    yield place.name, place.expert, Piece(file, name, 0, rows)


def _tensor(config: HfConfig, name: str, pieces: Mapping[int | None, Piece]) -> HfTensor:
    """One tensor of its pieces; those of experts are put in order and must be alike."""
    ordered: tuple[Piece, ...]
    first = next(iter(pieces.values()))
    where = f"{first.file.path}: tensor {first.name!r}"
    shape, ordered = first.stored.shape, (first,)
    if None not in pieces:
        missing = next((index for index in range(len(pieces)) if index not in pieces), len(pieces))
        if missing < config.experts or len(pieces) > config.experts:
            what = f"there are {len(pieces)} experts" if missing >= config.experts else f"expert {missing} is missing"
            raise UnusableInput(f"{what}, {config.json.path} says {config.experts}", where=where)
        ordered = tuple(pieces[index] for index in range(len(pieces)))
        for piece in ordered:
            if (piece.stored.dtype, piece.rows, piece.stored.shape[-1]) != (
                first.stored.dtype,
                first.rows,
                first.stored.shape[-1],
            ):
                raise UnusableInput(
                    f"is {piece.stored.dtype} {list(piece.stored.shape)}, another expert {first.stored.dtype} "
                    f"{list(first.stored.shape)}",
                    where=f"{piece.file.path}: tensor {piece.name!r}",
                )
        shape = (config.experts, first.rows, first.stored.shape[-1])
    wide = len(shape) == 1 or name.endswith("ffn_gate_inp.weight")
    n_heads = _reordered_heads(config, name)
    if n_heads is not None and shape[0] % (2 * n_heads):
        raise UnusableInput(f"{shape[0]} rows do not divide into pairs of {n_heads} heads", where=where)
    return HfTensor(name, shape, "F32" if wide else first.stored.dtype, ordered, n_heads)


def _reordered_heads(config: HfConfig, name: str) -> int | None:
    """Heads of the projections whose rows GGUF orders otherwise: a llama's queries and keys."""
    if config.architecture != "llama":
        return None
    inner = name.rpartition("attn_")[2]
    return {
        "q.weight": config.n_heads,
        "q.bias": config.n_heads,
        "k.weight": config.n_kv_heads,
        "k.bias": config.n_kv_heads,
    }.get(inner)


def _without_idle_bias(config: HfConfig, tensors: dict[str, HfTensor]) -> dict[str, HfTensor]:
    """A llama has biases if and only if config.json says so; that of the output projection must be zero, and is let go."""
    if config.architecture != "llama":
        return tensors
    biases = [name for name in tensors if name.endswith(".bias")]
    outputs = [name for name in biases if name.endswith("attn_output.bias")]
    if config.biased != (len(biases) > len(outputs)) or (outputs and not config.biased):
        what = f"there is a tensor {tensors[biases[0]].pieces[0].name!r}" if biases else "queries and keys have none"
        raise UnusableInput(f"is {str(config.biased).lower()}, and {what}", where=config.json.where("attention_bias"))
    for name in outputs:
        piece = tensors.pop(name).pieces[0]
        if (piece.raw().reshape(-1, TYPES[piece.stored.dtype]) & _value_bits(piece.stored.dtype)).any():
            raise UnsupportedModel(
                "a bias of the output projection is not built here", where=f"{piece.file.path}: tensor {piece.name!r}"
            )
    return tensors


def _value_bits(dtype: str) -> NDArray[np.uint8]:
    """The bits of a little-endian number without its sign, so that -0 is zero: [bytes of the number]."""
    return np.array([0xFF] * (TYPES[dtype] - 1) + [0x7F], np.uint8)


def _without_repetition(config: HfConfig, tensors: dict[str, HfTensor]) -> dict[str, HfTensor]:
    """A head is there if and only if config.json does not tie it to the embedding; one that repeats the embedding is let go."""
    at = config.json.where("tie_word_embeddings")
    head, embedding = tensors.get("output.weight"), tensors.get("token_embd.weight")
    if embedding is not None and embedding.shape[0] != config.vocabulary:
        raise UnusableInput(
            f"is {config.vocabulary}, the embedding has {embedding.shape[0]} rows",
            where=config.json.where("vocab_size"),
        )
    if head is None and not config.tied:
        raise UnusableInput("is false, and there is no tensor 'lm_head.weight'", where=at)
    if head is not None and embedding is not None and config.tied:
        if (head.type_name, head.shape) != (embedding.type_name, embedding.shape) or not _equal(head, embedding):
            raise UnusableInput("is true, and 'lm_head.weight' differs from 'model.embed_tokens.weight'", where=at)
        del tensors["output.weight"]
    return tensors


def _equal(one: HfTensor, other: HfTensor) -> bool:
    """Whether two tensors of one shape hold the same bytes; some rows at a time."""
    a, b = one.raw(), other.raw()
    step = max(1, (1 << 24) // a.shape[1])
    same = all(np.array_equal(a[at : at + step], b[at : at + step]) for at in range(0, len(a), step))
    for tensor in (one, other):
        tensor.pieces[0].file.release(tensor.pieces[0].name)
    return same
