"""Types of tensors: the codes in the index, how many bytes they take, and which of two writers a code came from.

Two writers exist. `apr import` writes codes of its own (layout `apr`: HF names, dimensions outermost first); realizar's
`--preserve-q4k` writes GGML's codes into a GGUF-shaped file (layout `ggml`: GGUF names, dimensions innermost first). Codes
3, 6, 7, 8 and 9 mean different types to the two; the bytes that a tensor takes decide, and where they do not, nothing does.
Source: `apr-format` of paiml/aprender, v2/tensor_index_impl.rs; block sizes: ggml-common.h.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from apr.formats.apr.header import Flags

if TYPE_CHECKING:
    from collections.abc import Iterable

APR_Q4_BLOCK, APR_Q4_BYTES = 32, 18  # values and bytes of one AprQ4 block
APR_Q8_HEAD = 4  # the float32 scale in front of AprQ8's int8 values


class Layout(StrEnum):
    """Whose conventions a file follows: names, order of dimensions, padding of rows."""

    APR = "apr"
    GGML = "ggml"


class Dtype(StrEnum):
    """How a tensor's values are encoded; the value is GGML's name of the type, where GGML has it."""

    F32 = "F32"
    F16 = "F16"
    BF16 = "BF16"
    F64 = "F64"
    I8 = "I8"
    I32 = "I32"
    I64 = "I64"
    U8 = "U8"
    Q4_0 = "Q4_0"
    Q4_1 = "Q4_1"
    Q5_0 = "Q5_0"
    Q5_1 = "Q5_1"
    Q8_0 = "Q8_0"
    Q8_1 = "Q8_1"  # nobody stores it; it is here to be told apart from AprQ8
    Q2_K = "Q2_K"
    Q3_K = "Q3_K"
    Q4_K = "Q4_K"
    Q5_K = "Q5_K"
    Q6_K = "Q6_K"
    APR_Q4 = "AprQ4"
    APR_Q8 = "AprQ8"

    @property
    def type_name(self) -> str:
        """The name alone: `Q4_K`, `AprQ8`."""
        return self.value


class Block(NamedTuple):
    """The smallest piece of a type that can be stored: so many values in so many bytes."""

    values: int
    nbytes: int


BLOCKS = {
    Dtype.F32: Block(1, 4),
    Dtype.F16: Block(1, 2),
    Dtype.BF16: Block(1, 2),
    Dtype.F64: Block(1, 8),
    Dtype.I8: Block(1, 1),
    Dtype.I32: Block(1, 4),
    Dtype.I64: Block(1, 8),
    Dtype.U8: Block(1, 1),
    Dtype.Q4_0: Block(32, 18),
    Dtype.Q4_1: Block(32, 20),
    Dtype.Q5_0: Block(32, 22),
    Dtype.Q5_1: Block(32, 24),
    Dtype.Q8_0: Block(32, 34),
    Dtype.Q8_1: Block(32, 36),
    Dtype.Q2_K: Block(256, 84),
    Dtype.Q3_K: Block(256, 110),
    Dtype.Q4_K: Block(256, 144),
    Dtype.Q5_K: Block(256, 176),
    Dtype.Q6_K: Block(256, 210),
}

# the codes each writer writes
NATIVE_CODES = {
    Dtype.F32: 0,
    Dtype.F16: 1,
    Dtype.F64: 3,
    Dtype.I32: 4,
    Dtype.I64: 5,
    Dtype.I8: 6,
    Dtype.U8: 7,
    Dtype.Q4_K: 12,
    Dtype.Q6_K: 14,
    Dtype.BF16: 30,
    Dtype.APR_Q4: 128,
    Dtype.APR_Q8: 129,
}
GGML_CODES = {
    Dtype.F32: 0,
    Dtype.F16: 1,
    Dtype.Q4_0: 2,
    Dtype.Q4_1: 3,
    Dtype.Q5_0: 6,
    Dtype.Q5_1: 7,
    Dtype.Q8_0: 8,
    Dtype.Q2_K: 10,
    Dtype.Q3_K: 11,
    Dtype.Q4_K: 12,
    Dtype.Q5_K: 13,
    Dtype.Q6_K: 14,
    Dtype.BF16: 30,
}
CODES = {Layout.APR: NATIVE_CODES, Layout.GGML: GGML_CODES}
# 8 and 9 were AprQ4 and AprQ8 before they became 128 and 129; 9 is Q8_1 in GGML
_LEGACY_CODES = {8: Dtype.APR_Q4, 9: Dtype.APR_Q8}
_ROW_PADDED = frozenset(
    {Dtype.Q4_K, Dtype.Q6_K}
)  # in layout apr, a row that ends in the middle of a block is filled up


def _candidates() -> dict[int, tuple[Dtype, ...]]:
    """Every type that a code may stand for, `apr import`'s first."""
    pairs = [*((code, dtype) for dtype, code in NATIVE_CODES.items()), *_LEGACY_CODES.items()]
    pairs += [*((code, dtype) for dtype, code in GGML_CODES.items()), (9, Dtype.Q8_1)]
    found: dict[int, tuple[Dtype, ...]] = {}
    for code, dtype in pairs:
        if dtype not in found.get(code, ()):
            found[code] = (*found.get(code, ()), dtype)
    return found


CANDIDATES = _candidates()


def matrix_of(shape: tuple[int, ...], layout: Layout) -> tuple[int, int]:
    """Rows and columns of a tensor as its bytes lie: one row is the innermost dimension, rows are all others together."""
    if not shape:
        return 1, 1
    columns = shape[-1] if layout is Layout.APR else shape[0]
    return math.prod(shape) // columns, columns


def encoded_size(dtype: Dtype, shape: tuple[int, ...], layout: Layout) -> int | None:
    """Bytes that a tensor takes, without padding; None where its rows do not divide into the type's blocks.

    Args:
        dtype: how it is encoded.
        shape: as stored: outermost first in layout apr, innermost first in layout ggml; no dimension is 0.
        layout: whose conventions hold. Only in layout apr are rows of Q4_K and Q6_K filled up to whole blocks.
    """
    elements = math.prod(shape)
    if dtype is Dtype.APR_Q8:
        return APR_Q8_HEAD + elements  # one scale for the whole tensor
    if dtype is Dtype.APR_Q4:
        return -(-elements // APR_Q4_BLOCK) * APR_Q4_BYTES  # blocks run across rows
    block = BLOCKS[dtype]
    rows, columns = matrix_of(shape, layout)
    if columns % block.values and not (layout is Layout.APR and dtype in _ROW_PADDED):
        return None
    return rows * -(-columns // block.values) * block.nbytes


class Undecided(Exception):
    """What a file says fits no reading, or more than one.

    Attributes:
        problem: what it says.
        unknown: a sound file may say so, from a writer that is not known here; otherwise the file is wrong.
    """

    def __init__(self, problem: str, *, unknown: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.unknown = problem, unknown


def dtype_of(code: int, shape: tuple[int, ...], nbytes: int, layout: Layout) -> Dtype:
    """The type that a code stands for, given the bytes that the tensor takes.

    Raises:
        Undecided: no type has this code, no type with this code takes so many bytes, or two do.
    """
    candidates = CANDIDATES.get(code)
    if candidates is None:
        raise Undecided(f"type code {code} is not known", unknown=True)
    sizes = {dtype: encoded_size(dtype, shape, layout) for dtype in candidates}
    fitting = [dtype for dtype, size in sizes.items() if size == nbytes]
    if len(fitting) > 1 and layout is Layout.APR:
        fitting = [dtype for dtype in fitting if dtype in NATIVE_CODES]
    if len(fitting) != 1:
        expected = " or ".join(
            f"{dtype} has rows of whole blocks" if size is None else f"{dtype} takes {size}"
            for dtype, size in sizes.items()
        )
        problem = f"may be {' or '.join(fitting)}" if fitting else f"fits no type: {expected}"
        raise Undecided(
            f"type code {code} with shape {list(shape)} and {nbytes} bytes {problem}", unknown=bool(fitting)
        )
    return fitting[0]


# names that only one of the two namings has
_GGUF_NAME = re.compile(r"token_embd\.|output_norm\.|blk\.\d+\.", re.ASCII)
_HF_NAME = re.compile(r"(?:model\.)?(?:embed_tokens\.|layers\.\d+\.)|\d+\.[qkvo]_proj\.", re.ASCII)


def layout_of(flags: Flags, names: Iterable[str]) -> Layout:
    """Which writer's conventions a file follows.

    `apr import` sets LAYOUT_ROW_MAJOR. A file without that flag is either older than the flag, then its names are HF's, or
    of `--preserve-q4k`, which writes GGUF's names and no flag but QUANTIZED.

    Raises:
        Undecided: flags and names contradict each other.
    """
    if Flags.LAYOUT_ROW_MAJOR in flags:
        return Layout.APR
    gguf = hf = None
    for name in names:
        gguf = name if gguf is None and _GGUF_NAME.match(name) else gguf
        hf = name if hf is None and _HF_NAME.match(name) else hf
    if gguf is None:
        return Layout.APR
    if hf is not None:
        raise Undecided(
            f"without flag LAYOUT_ROW_MAJOR, names in GGUF's style ({gguf!r}) and in HF's ({hf!r}) together",
            unknown=True,
        )
    if flags & ~Flags.SHARDED != Flags.QUANTIZED:
        raise Undecided(
            f"GGUF's names ({gguf!r}) with flags {int(flags):#06x}, which neither writer makes", unknown=True
        )
    return Layout.GGML
