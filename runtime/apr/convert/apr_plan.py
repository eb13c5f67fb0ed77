"""Which tensors an .apr file gets, in which types, and their bytes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.convert.numbers import encoded_rows, narrowed, numbers
from apr.convert.options import Quantise
from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr import Dtype, Layout, encoded_size
from apr.formats.apr.dtypes import CODES
from apr.formats.apr_model import EMBEDDING, HEAD
from apr.formats.names import hf_name
from apr.quant.apr_blocks import stream_apr_q4, stream_apr_q8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile, Tensor

SMALLEST = 1024  # values; what has fewer is not worth quantising, as upstream has it
_ROWS_TOGETHER = frozenset({Dtype.APR_Q8, Dtype.APR_Q4})
_TARGETS = {Quantise.FP16: Dtype.F16, Quantise.INT8: Dtype.APR_Q8, Quantise.INT4: Dtype.APR_Q4}
_ROUTER = "ffn_gate_inp.weight"  # rounded, it sends positions to other experts


@dataclass(frozen=True)
class ImportOptions:
    """What is to be made.

    Attributes:
        layout: `apr` as `apr import` upstream writes (Hugging Face's names, outermost dimension first), or `ggml` as its
            `--preserve-q4k` (GGUF's names, innermost first, no checksum of the whole file).
        dequantise: types that the layout does not have become F32; otherwise they are refused.
        quantise: what matrices become; None leaves them.
        keep_tied: a tied head is said to be one and not written; otherwise layout apr gets a copy of the embedding, which
            other readers need.
    """

    layout: Layout = Layout.APR
    dequantise: bool = False
    quantise: Quantise | None = None
    keep_tied: bool = False


class Planned(NamedTuple):
    """A tensor of the new file.

    Attributes:
        name: in the new file.
        source: its GGUF name in the source.
        dtype: that it gets.
        shape: outermost dimension first.
        nbytes: that it will take.
    """

    name: str
    source: str
    dtype: Dtype
    shape: tuple[int, ...]
    nbytes: int


def plan_tensors(file: ModelFile, options: ImportOptions) -> list[Planned]:
    """The tensors of the new file, in the source's order; a tied head that is written out last.

    Raises:
        UnsupportedModel: the layout does not have a type, or cannot quantise a tensor as it is asked to.
    """
    native = options.layout is Layout.APR
    unknown: Counter[str] = Counter()
    first: dict[str, str] = {}
    planned = []
    for name, tensor in file.tensors.items():
        dtype = _dtype(file, name, tensor, options)
        if dtype is None:
            unknown[tensor.type_name] += 1
            first.setdefault(tensor.type_name, name)
            continue
        written = hf_name(file.architecture, name) if native else name
        planned.append(_planned(file, written, name, dtype, tensor.shape, options.layout))
    if unknown:
        counts = ", ".join(f"{count} of type {kind} (first {first[kind]!r})" for kind, count in unknown.items())
        raise UnsupportedModel(
            f"an .apr file in layout {_LAYOUT_NAMES[options.layout]} cannot hold {counts}",
            where=str(file.path),
            hint=f"{'--layout gguf keeps most types; ' if native else ''}--dequantise makes F32 of them",
        )
    if native and HEAD not in file.tensors and not options.keep_tied:
        embedding = next(tensor for tensor in planned if tensor.source == EMBEDDING)
        planned.append(embedding._replace(name=hf_name(file.architecture, HEAD)))
    return planned


_LAYOUT_NAMES = {Layout.APR: "hf", Layout.GGML: "gguf"}  # as users spell them


def _dtype(file: ModelFile, name: str, tensor: Tensor, options: ImportOptions) -> Dtype | None:
    """The type that a tensor gets; None where the layout has none for it."""
    is_matrix = len(tensor.shape) > 1 and not name.endswith(_ROUTER)
    if options.quantise is not None and is_matrix and math.prod(tensor.shape) >= SMALLEST:
        target = _TARGETS[options.quantise]
        if target not in CODES[options.layout]:
            raise UnsupportedModel(
                f"type {target} is not one of layout {_LAYOUT_NAMES[options.layout]}",
                where=str(file.path),
                hint=f"use --layout hf with --quantise {options.quantise}",
            )
        if target in _ROWS_TOGETHER and len(tensor.shape) != 2:
            raise UnsupportedModel(
                f"{len(tensor.shape)} dimensions are not encoded as {target}: one scale would serve all experts",
                where=f"{file.path}: tensor {name!r}",
                hint=f"use --quantise {Quantise.FP16}",
            )
        return target
    if tensor.type_name in {dtype.value for dtype in CODES[options.layout]}:
        return Dtype(tensor.type_name)
    return Dtype.F32 if options.dequantise else None


def _planned(file: ModelFile, written: str, name: str, dtype: Dtype, shape: tuple[int, ...], layout: Layout) -> Planned:
    nbytes = encoded_size(dtype, shape if layout is Layout.APR else shape[::-1], layout)
    if nbytes is None or (dtype == file.tensors[name].type_name and nbytes != file.tensors[name].nbytes):
        raise UnusableInput(
            f"rows of {shape[-1]} values are no whole blocks of {dtype}", where=f"{file.path}: tensor {name!r}"
        )
    return Planned(written, name, dtype, shape, nbytes)


def encoded(file: ModelFile, tensor: Planned) -> Iterator[NDArray[Any]]:
    """The bytes of a tensor of the new file, piece by piece: the source's own where the type stays.

    Raises:
        UnusableInput, UnsupportedModel: numbers that the new type cannot hold, or that cannot be decoded.
    """
    where = f"{file.path}: tensor {tensor.source!r}"
    if file.tensors[tensor.source].type_name == tensor.dtype:
        yield from encoded_rows(file, tensor.source)
    elif tensor.dtype is Dtype.APR_Q8:
        yield from stream_apr_q8(lambda: numbers(file, tensor.source), where)
    elif tensor.dtype is Dtype.APR_Q4:
        yield from stream_apr_q4(numbers(file, tensor.source), where)
    else:
        for rows in numbers(file, tensor.source):
            yield narrowed(rows, where) if tensor.dtype is Dtype.F16 else np.asarray(rows, "<f4")
