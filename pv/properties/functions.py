"""What the functions of the language compute. All arguments come widened: float64 or int64, but for those that look at dtypes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import FLOATS, cast, float_name, wide

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.properties.arrays import Array

Axis = Any


def _axes(axis: Axis) -> int | tuple[int, ...]:
    """One axis or several, as numpy wants them."""
    if isinstance(axis, (list, tuple)):
        return tuple(int(one) for one in axis)
    return int(axis)


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction along axes that stay with length 1."""

    def reduce(x: Any, axis: Axis = -1) -> Array:
        array = np.asarray(x)
        if array.ndim == 0:
            array = array.reshape(1)
        result: Array = np.asarray(function(array, axis=_axes(axis), keepdims=True))
        return result

    return reduce


def _norm(x: Array, axis: Any, *, keepdims: bool) -> Array:
    # scaled, so that squares of large numbers do not overflow
    largest = np.max(np.abs(x), axis=axis, keepdims=True)
    by = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    length: Array = by * np.sqrt(np.sum((x / by) ** 2, axis=axis, keepdims=keepdims))
    return length


def _dot(a: Any, b: Any) -> Array:
    result: Array = np.sum(np.multiply(a, b), axis=-1, keepdims=True)
    return result


def _erf(x: Any) -> Array:
    """The error function of C's library, element by element."""
    computed: Array = np.vectorize(math.erf, otypes=[np.float64])(np.asarray(x, np.float64))
    return computed


def _repeat(x: Array, n: Any, axis: Axis = -1) -> Array:
    return np.repeat(x, int(n), int(axis))


def _take(x: Array, places: Any, axis: Axis = 0) -> Array:
    return np.take(x, np.asarray(places, np.intp), int(axis))


def _gather(x: Array, places: Any) -> Array:
    return np.take_along_axis(np.asarray(x), np.asarray(places, np.intp), -1)


def _concat(*parts: Any, axis: Axis = -1) -> Array:
    return np.concatenate([np.asarray(part) for part in parts], int(axis))


def _stack(*parts: Any, axis: Axis = -1) -> Array:
    return np.stack(np.broadcast_arrays(*parts), int(axis))


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in shape) if isinstance(shape, (list, tuple)) else (int(shape),)


def _counts(ids: Any, n: Any) -> Array:
    flat = np.asarray(ids, np.int64).ravel()
    if flat.size and (flat.min() < 0 or flat.max() >= int(n)):
        return np.full(int(n), -1)  # an id that there is not: no such counts
    return np.bincount(flat, minlength=int(n))


def bits(x: Any) -> Array:
    """The bits of floats, as int64; of other numbers, themselves."""
    array = np.asarray(x)
    if array.dtype.kind != "f":
        return array.astype(np.int64)
    if array.dtype.itemsize == 8:
        return np.ascontiguousarray(array).view(np.int64).reshape(array.shape)
    unsigned = np.uint32 if array.dtype.itemsize == 4 else np.uint16
    return np.ascontiguousarray(array).view(unsigned).reshape(array.shape).astype(np.int64)


def same(a: Any, b: Any) -> Array:
    """Where two arrays hold the same number, +0 and -0 told apart; any NaN is any other."""
    left, right = np.broadcast_arrays(wide(a), wide(b))
    if left.dtype.kind != "f" and right.dtype.kind != "f":
        return np.asarray(left == right)
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    equal = (left == right) & (np.signbit(left) == np.signbit(right))
    return np.asarray(equal | (np.isnan(left) & np.isnan(right)))


def ulps(a: Any, b: Any, dtype: str) -> Array:
    """How many numbers of a float dtype lie between, as float64: 0 where equal or both NaN, infinity where one is NaN."""
    left, right = cast(wide(a), dtype), cast(wide(b), dtype)
    step = 1 << 16 if dtype == "bf16" else 1
    apart = np.abs(_order(left) - _order(right)) // step
    nan = np.isnan(left) | np.isnan(right)
    return np.where(nan, np.where(np.isnan(left) & np.isnan(right), 0.0, np.inf), apart.astype(np.float64))


def _order(x: Array) -> Array:
    """Integers in the order of the floats, -0 and +0 the same."""
    signed = np.dtype(f"i{x.dtype.itemsize}")
    whole = np.ascontiguousarray(x).view(signed).reshape(x.shape).astype(np.int64)
    least = -(1 << 8 * x.dtype.itemsize - 1)
    return np.where(whole < 0, least - whole, whole)


def multinomial_tail(counts: Any, p: Any) -> float:
    """No less than the probability that so many draws from p give a distribution as far from it, in relative entropy.

    `exp(-n D) (e n D / (k - 1))^(k - 1)` for n D > k - 1, else 1: for n draws, k outcomes that can come, D the relative entropy of
    what was seen to p (Agrawal 2020, Finite-Sample Concentration of the Multinomial in Relative Entropy, theorem 1.2). An outcome of
    probability 0 that was seen, or counts that are none, give 0.
    """
    seen, chances = np.asarray(counts, np.float64).ravel(), np.asarray(p, np.float64).ravel()
    if (
        seen.shape != chances.shape
        or (seen < 0).any()
        or (seen[chances == 0] > 0).any()
        or not (np.isfinite(chances) & (chances >= 0)).all()
    ):
        return 0.0
    n, k = seen.sum(), int((chances > 0).sum())
    if n == 0 or k == 0:
        return 0.0
    drawn = seen > 0
    far = float((seen[drawn] * np.log(seen[drawn] / n / chances[drawn])).sum()) + n * (chances.sum() - 1)
    if k == 1:
        return float(min(1.0, np.exp(-far)))  # certain, unless its chance is not 1
    if far <= k - 1:
        return 1.0
    return float(min(1.0, np.exp((k - 1) * (1 + np.log(far / (k - 1))) - far)))


# computed on widened values
COMPUTED: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "erf": _erf,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "trunc": np.trunc,
    "isfinite": np.isfinite,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "signbit": np.signbit,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "clip": np.clip,
    "sum": _kept(np.sum),
    "mean": _kept(np.mean),
    "prod": _kept(np.prod),
    "norm": _kept(_norm),
    "cumsum": lambda x, axis=-1: np.cumsum(x, axis=int(axis)),
    "total": np.sum,
    "dot": _dot,
    "counts": _counts,
    "multinomial_tail": multinomial_tail,
}
# taken as they are: they only move or choose values
STRUCTURAL: dict[str, Callable[..., Any]] = {
    "max": _kept(np.max),
    "min": _kept(np.min),
    "any": _kept(np.any),
    "all": _kept(np.all),
    "argmax": _kept(np.argmax),
    "argmin": _kept(np.argmin),
    "sort": lambda x, axis=-1: np.sort(x, axis=int(axis), kind="stable"),
    "argsort": lambda x, axis=-1: np.argsort(x, axis=int(axis), kind="stable"),
    "len": lambda x, axis=0: np.shape(x)[int(axis)],
    "size": np.size,
    "transpose": lambda x: np.swapaxes(x, -1, -2),
    "permute": lambda x, axes: np.transpose(x, [int(one) for one in axes]),
    "reshape": lambda x, shape: np.reshape(x, _shape(shape)),
    "flip": lambda x, axis=-1: np.flip(x, int(axis)),
    "repeat": _repeat,
    "concat": _concat,
    "stack": _stack,
    "take": _take,
    "gather": _gather,
    "eye": lambda n: np.eye(int(n)),
    "ones": lambda *shape: np.ones(_shape(shape)),
    "zeros": lambda *shape: np.zeros(_shape(shape)),
    "full": lambda shape, value: np.full(_shape(shape), value),
    "arange": lambda n: np.arange(int(n)),
    "where": np.where,
    "f64": lambda x: cast(x, "f64"),
    "f32": lambda x: cast(x, "f32"),
    "f16": lambda x: cast(x, "f16"),
    "bf16": lambda x: cast(x, "bf16"),
    "i32": lambda x: cast(x, "i32"),
    "i64": lambda x: cast(x, "i64"),
    "u8": lambda x: cast(x, "u8"),
    "bits": bits,
    "from_bits_f32": lambda i: np.asarray(wide(i)).astype(np.uint32).view(np.float32),
    "from_bits_f16": lambda i: np.asarray(wide(i)).astype(np.uint16).view(np.float16),
    "same": same,
}


def roundings(y: Any) -> tuple[float, float, float]:
    """Unit roundoff, smallest normal and smallest subnormal number of the first array of y."""
    first = y[0] if isinstance(y, tuple) else y
    return FLOATS[float_name(np.asarray(first))]
