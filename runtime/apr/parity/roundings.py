"""Other ways of rounding the activations before a product: what an engine may do in place of what it should.

Kernels for quantised weights round activations to signed bytes with a scale for each block. Details that look like nothing move a
product by 1e-4 of its size: which way ties go, whether a scale is rounded before or after its reciprocal is taken, what is summed.
"""

from __future__ import annotations

import copy
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.linear import Activations, linear_f64, linear_ggml, round_activations
from apr.parity.kinds import Hypothesis
from apr.parity.kinds.values import to_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.quant.blocks import Format
    from apr.quant.weights import Weights

    Floats = NDArray[np.float32]
    Real = NDArray[np.float64]
    Codes = Callable[[Floats], Floats]

_F32 = np.float32
_BYTES = frozenset({"Q8_0", "Q8_1", "Q8_K"})
_BITS = {"F16": 11, "BF16": 8}  # of a significand


def roundings(model: Model, name: str, made: Callable[[Model], Array]) -> Iterator[Hypothesis]:
    """Hypotheses about how the activations of a product were rounded.

    Args:
        model: in the arithmetic that is expected.
        name: of the tensor that they are multiplied with.
        made: computes the stage with another model.
    """

    def with_linear(linear: Callable[..., Any]) -> Callable[[], Array]:
        other = copy.copy(model)
        other.arithmetic = dataclasses.replace(model.arithmetic, linear=linear)
        return partial(made, other)

    if model.arithmetic.name in ("f64", "f32"):
        yield Hypothesis("rounding", "activations are rounded as llama.cpp rounds them", with_linear(linear_ggml))
        for told, size in (("blocks of 32", 32), ("blocks of 256", 256), ("one block a position", 0)):
            yield Hypothesis("rounding", f"activations are rounded to 8 bits in {told}", with_linear(_in_bytes(size)))
        return
    yield Hypothesis("rounding", "activations are not rounded", with_linear(_unrounded))
    form = model.weights.format(name)
    if form.rounding in _BITS:
        cut = with_linear(partial(linear_ggml, rounding=_cut))
        yield Hypothesis("rounding", f"activations are cut off to {form.rounding}, not rounded", cut)
    if form.rounding in _BYTES:
        for told, rounding in _variants(form):
            yield Hypothesis("rounding", told, with_linear(partial(linear_ggml, rounding=rounding)))


def _unrounded(x: Array, weights: Weights, name: str) -> Real:
    return linear_f64(x, weights, name)


def _in_bytes(size: int) -> Callable[[Array, Weights, str], Real]:
    def linear(x: Array, weights: Weights, name: str) -> Real:
        values, _ = _blocked(np.asarray(x, _F32), size if size and x.shape[1] % size == 0 else x.shape[1], np.rint)
        return linear_f64(values, weights, name)

    return linear


def _cut(x: Floats, form: Format) -> Activations:
    return Activations(to_bits(x.astype(np.float64), _BITS[form.rounding], cut=True), None)


def _variants(form: Format) -> Iterator[tuple[str, Callable[[Floats, Format], Activations]]]:
    size = 256 if form.rounding == "Q8_K" else 32
    other = 32 if size == 256 else 256
    yield "ties of activations are rounded away from zero", _blocks_of(size, _away)
    yield "activations are cut off, not rounded", _blocks_of(size, np.trunc)
    yield "activations are rounded down", _blocks_of(size, np.floor)
    yield f"activations are rounded in blocks of {other}, not of {size}", _blocks_of(other, np.rint)
    yield "one scale for all activations of a position", _blocks_of(0, np.rint)
    if size == 32:
        yield "scales of activations are not stored in float16", _blocks_of(size, np.rint, narrow=False)
        yield "activations are multiplied with the reciprocal of the scale", _blocks_of(size, np.rint, reciprocal=True)
        yield "activations are rounded as the gguf package does", _blocks_of(size, _away, reciprocal=True)
    else:
        yield "scales of activations are rounded to float16", _blocks_of(size, np.rint, narrow=True)
    if form.minima is not None:
        yield "minima meet the sums of the rounded activations", _sums(rounded=True, stored=False)
        yield "minima meet the sums of the activations", _sums(rounded=False, stored=False)
        yield "minima meet sums of the rounded activations, stored in float16", _sums(rounded=True, stored=True)
        yield "sums of activations are not stored in float16", _sums_kept
        yield "minima are left out", lambda x, form: round_activations(x, form)._replace(sums=None)


def _away(x: Floats) -> Floats:
    out: Floats = np.trunc(x + np.copysign(_F32(0.5), x))
    return out


def _blocked(x: Floats, size: int, codes: Codes, *, narrow: bool = True, reciprocal: bool = False) -> tuple[Real, Real]:
    """[T, K] and [T, blocks]: rounded values, and the scale times the codes' sum."""
    blocks = x.reshape(len(x), -1, size)
    amax = np.abs(blocks).max(axis=-1, keepdims=True)
    scale = amax / _F32(127)
    with np.errstate(all="ignore"):
        inverse = np.where(amax == 0, _F32(0), _F32(1) / scale if reciprocal else _F32(127) / amax)
        whole = codes(blocks * inverse)
        stored = scale.astype(np.float16) if narrow else scale
    values = whole.astype(np.float64) * stored.astype(np.float64)
    return values.reshape(x.shape), (scale[..., 0].astype(np.float64) * whole.sum(axis=-1, dtype=np.float64))


def _blocks_of(size: int, codes: Codes, **how: bool) -> Callable[[Floats, Format], Activations]:
    def rounding(x: Floats, form: Format) -> Activations:
        width = size if size and x.shape[1] % size == 0 else x.shape[1]
        # blocks of 32 store their scales in float16, those of 256 in float32
        values, sums = _blocked(x, width, codes, **{"narrow": width == 32, **how})
        if form.minima is None:
            return Activations(values, None)
        if width == form.minima.group:
            return Activations(values, sums.astype(np.float16).astype(np.float64))
        return Activations(values, _grouped(values, form))

    return rounding


def _grouped(values: Real, form: Format) -> Real:
    size = form.minima.group if form.minima is not None else 1
    return np.asarray(values.reshape(len(values), -1, size).sum(axis=-1))


def _sums(*, rounded: bool, stored: bool) -> Callable[[Floats, Format], Activations]:
    def rounding(x: Floats, form: Format) -> Activations:
        sound = round_activations(x, form)
        sums = _grouped(sound.values if rounded else x.astype(np.float64), form)
        return sound._replace(sums=sums.astype(np.float16).astype(np.float64) if stored else sums)

    return rounding


def _sums_kept(x: Floats, form: Format) -> Activations:
    sound = round_activations(x, form)
    size = form.minima.group if form.minima is not None else 1
    _, sums = _blocked(x, size, np.rint)
    return sound._replace(sums=sums)
