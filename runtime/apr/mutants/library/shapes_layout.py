"""Faults of layouts: numbers looked for at other bytes than they stand at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.shapes_layout import filled_bytes, matrix_of_bytes, packed_matrix, padded, shape_of_dims, tensor_bytes
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]
    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

MUTANTS: dict[str, KernelMutant] = {}
Q4_1, Q5_0, Q8_0, Q4_K, Q5_K, Q6_K = 3, 6, 8, 12, 13, 14  # GGML's numbers


@mutant("padding-always", of="padded", fault="what is aligned already gets a whole unit more", into=MUTANTS)
def _(n: int, a: int) -> Whole:
    return np.asarray((n // a + 1) * a)


@mutant("padding-downwards", of="padded", fault="the multiple below is taken", into=MUTANTS)
def _(n: int, a: int) -> Whole:
    return np.asarray(n // a * a)


@mutant("padding-always-32", of="padded", fault="GGUF's unit is used whatever the file says", into=MUTANTS)
def _(n: int, _a: int) -> Whole:
    return padded(n, 32)


@mutant(
    "padding-by-mask", of="padded", fault="(n + a) & ~(a - 1): one unit too much where n is a multiple", into=MUTANTS
)
def _(n: int, a: int) -> Whole:
    return np.asarray((n + a) // a * a if n % a == 0 and n else padded(n, a))


@mutant("blocks-flat", of="tensor_bytes", fault="blocks run across rows: all values divided by the block", into=MUTANTS)
def _(kind: int, rows: int, columns: int) -> Whole:
    return tensor_bytes(kind, 1, -(-rows * columns // 256) * 256)


@mutant(
    "q5k-as-q4k", of="tensor_bytes", fault="Q5_K blocks are counted as Q4_K's, without the fifth bits", into=MUTANTS
)
def _(kind: int, rows: int, columns: int) -> Whole:
    return tensor_bytes(Q4_K if kind == Q5_K else kind, rows, columns)


@mutant("q50-as-q41", of="tensor_bytes", fault="Q5_0 blocks are counted as Q4_1's", into=MUTANTS)
def _(kind: int, rows: int, columns: int) -> Whole:
    return tensor_bytes(Q4_1 if kind == Q5_0 else kind, rows, columns)


@mutant(
    "rows-filled-up",
    of="tensor_bytes",
    fault="a row that ends within a block is filled up, as only .apr files do",
    into=MUTANTS,
)
def _(kind: int, rows: int, columns: int) -> Whole:
    block = tensor_bytes(kind, 1, 256)
    return (
        rows * -(-columns // 256) * block
        if tensor_bytes(kind, rows, columns) < 0
        else tensor_bytes(kind, rows, columns)
    )


@mutant(
    "filled-flat", of="filled_bytes", fault="one block for all that is left over, not one a row (GH-370)", into=MUTANTS
)
def _(kind: int, rows: int, columns: int) -> Whole:
    return filled_bytes(kind, 1, rows * columns)


@mutant("filled-cut", of="filled_bytes", fault="what is left over of a row is dropped", into=MUTANTS)
def _(kind: int, rows: int, columns: int) -> Whole:
    return filled_bytes(kind, rows, columns - columns % 256 or columns)


@mutant("dims-as-written", of="shape_of_dims", fault="dimensions stand as the file writes them", into=MUTANTS)
def _(dims: Whole) -> Whole:
    return dims


@mutant("dims-last-two", of="shape_of_dims", fault="the last two dimensions are exchanged, those of experts stay in front",
        into=MUTANTS)  # fmt: skip
def _(dims: Whole) -> Whole:
    return np.concatenate([dims[:-2], dims[-2:][::-1]])


@mutant("dims-sorted", of="shape_of_dims", fault="the greater dimension is taken for the rows", into=MUTANTS)
def _(dims: Whole) -> Whole:
    return np.sort(shape_of_dims(dims))[::-1]


@mutant("matrix-column-major", of="matrix_of_bytes", fault="columns follow each other, not rows", into=MUTANTS)
def _(raw: Bytes, rows: int, columns: int) -> Floats:
    return matrix_of_bytes(raw, columns, rows).T


@mutant(
    "matrix-big-endian", of="matrix_of_bytes", fault="the first byte of a number is taken for its highest", into=MUTANTS
)
def _(raw: Bytes, rows: int, columns: int) -> Floats:
    return raw.view(">f4").astype(np.float32).reshape(rows, columns)


@mutant("matrix-rows-reversed", of="matrix_of_bytes", fault="the last row comes first, as in pictures", into=MUTANTS)
def _(raw: Bytes, rows: int, columns: int) -> Floats:
    return matrix_of_bytes(raw, rows, columns)[::-1]


@mutant("packed-next", of="packed_matrix", fault="matrices are counted from 1", into=MUTANTS)
def _(raw: Bytes, matrices: int, index: int) -> Bytes:
    return packed_matrix(raw, matrices, (index + 1) % matrices)


@mutant(
    "packed-interleaved",
    of="packed_matrix",
    fault="row r of every matrix stands together: an index is a stride",
    into=MUTANTS,
)
def _(raw: Bytes, matrices: int, index: int) -> Bytes:
    return raw[index::matrices]


@mutant("packed-row-off", of="packed_matrix", fault="a slice begins one row late", into=MUTANTS)
def _(raw: Bytes, matrices: int, index: int) -> Bytes:
    return packed_matrix(np.roll(raw, -1, axis=0), matrices, index)


@mutant("q6k-as-q5k", of="tensor_bytes", fault="Q6_K blocks are counted as Q5_K's", into=MUTANTS)
def _(kind: int, rows: int, columns: int) -> Whole:
    return tensor_bytes(Q5_K if kind == Q6_K else kind, rows, columns)


@mutant("blocks-short", of="tensor_bytes", fault="the scale of a Q8_0 block is forgotten", into=MUTANTS)
def _(kind: int, rows: int, columns: int) -> Whole:
    whole = tensor_bytes(kind, rows, columns)
    return whole - 2 * rows * columns // 32 if kind == Q8_0 else whole
