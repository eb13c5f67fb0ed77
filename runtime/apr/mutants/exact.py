"""Faults of exact arithmetic: another order, another rounding, another exponential, each where one number in many shows it.

Most are planted in a kernel while it runs: a function of the kernel's module gives way to a faulty one. Each shows first in
one stage of the model that is named.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UnsupportedModel
from apr.mutants.planting import Call, Mutant, at
from apr.ops.activation import silu
from apr.ops.exact import attention, blocks, exponential, norm, plain, rope, softmax, super_blocks
from apr.ops.exact.c_library import each, power
from apr.ops.exact.fused import Accumulator
from apr.ops.exact.lanes import sum_pairs
from apr.ops.exact.linear import linear_exact
from apr.ops.linear import linear_ggml
from apr.ops.rope import angles_ggml, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model

    Floats = NDArray[np.float32]

_F32, _F64 = np.float32, np.float64
REAL, SMALL, MIXED, DENSE = "smollm2", "llama-q4_k_m", "qwen3moe", "llama"
_TAKES_TINY_BLAS = plain.takes_tiny_blas  # the sound one


@dataclass(frozen=True)
class ExactMutant(Mutant):
    """One planted fault.

    Attributes:
        model: in which it shows.
        positions: in a run of how many.
    """

    model: str = field(default=REAL, kw_only=True)
    positions: int = field(default=16, kw_only=True)


@dataclass(frozen=True)
class FunctionMutant:
    """A function by itself, faulty.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: what it stands for.
        function: instead of the sound one.
        layer: a function is in none.
    """

    name: str
    fault: str
    stage: str
    function: Callable[..., Any]
    layer: None = None


@contextlib.contextmanager
def _instead(module: ModuleType, name: str, faulty: Any) -> Iterator[None]:
    sound = getattr(module, name)
    setattr(module, name, faulty)
    try:
        yield
    finally:
        setattr(module, name, sound)


def arithmetic(**changes: Any) -> Callable[[Model], Model]:
    """Other equations."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)
        faulty.arithmetic = dataclasses.replace(model.arithmetic, **changes)
        return faulty

    return plant


def within(equation: str, module: ModuleType, name: str, faulty: Any) -> Callable[[Model], Model]:
    """One function of a kernel's module, while that equation of the arithmetic runs."""

    def plant(model: Model) -> Model:
        sound = getattr(model.arithmetic, equation)

        def run(*arguments: Any) -> Any:
            with _instead(module, name, faulty):
                return sound(*arguments)

        return arithmetic(**{equation: run})(model)

    return plant


def _in_order(lanes: Floats) -> Floats:
    """Lanes added from the first to the last."""
    total: Floats = lanes[0]
    for lane in lanes[1:]:
        total = total + lane
    return total


class _NotFused(Accumulator):
    """Products rounded before they are added."""

    def add(self, products: NDArray[np.float64]) -> None:
        self.sums += products.astype(_F32)


class _InFloat64:
    """Sums that are rounded once, at the end."""

    def __init__(self, sums: Floats, **_promises: bool) -> None:
        self._wide = sums.astype(_F64)

    def add(self, products: NDArray[np.float64]) -> None:
        """Adds."""
        self._wide += products

    @property
    def sums(self) -> Floats:
        """Rounded now."""
        return self._wide.astype(_F32)


def _minima_in_float64(sums: Floats, minimum: Floats) -> Floats:
    wide: NDArray[np.float64] = sums.astype(_F64) @ minimum.astype(_F64).T
    return wide.astype(_F32)


def _of_c(x: Floats) -> Floats:
    """The C library's exponential."""
    return each("expf", x)


def _power_up_one_ulp(base: float, exponent: float) -> np.float32:
    return _F32(np.nextafter(power(base, exponent), _F32(np.inf)))


def _as_f32(x: Floats, matrix: Floats, _type_name: str = "F32") -> Floats:
    return plain.in_lanes(x, matrix, 4, sum_pairs)


def _norm_in_float32(x: Floats) -> Floats:
    sums: Floats = np.add.accumulate(x, axis=-1)
    return sums[..., -1:]


def _rotate_not_fused(x: Floats, by: Any, how: Any) -> Any:
    return rotate(x, by, how)


def _softmax_by_division(x: Floats) -> Floats:
    """Divided by the sum instead of multiplied with its reciprocal."""
    powers = exponential.exponential(x - x.max(axis=-1, keepdims=True))
    total = powers.sum(axis=-1, keepdims=True, dtype=_F64)
    return np.asarray(powers / total.astype(_F32), _F32)


def _one_ulp(call: Call) -> Array:
    out = call.sound().copy()
    out[-1, -1] = np.nextafter(out[-1, -1], out.dtype.type(np.inf))
    return out


def _never_tiled(x: Any, scales: Any, codes: Any) -> Any:
    # sixteen minima are Q2_K's; without any, those of Q4_K stay 0
    sixteen = codes.minima is not None and codes.minima.shape[2] == 16
    return super_blocks.in_lanes(x, scales, codes, "Q2_K" if sixteen else "Q4_K")


def _from_three(columns: int, rows: int, length: int) -> bool:
    return columns != 2 and _TAKES_TINY_BLAS(columns, rows, length)


def _divided(positions: Any, how: Any) -> NDArray[np.float64]:
    whole = rope.angles_exact(positions, dataclasses.replace(how, factor=1.0)).astype(_F32)
    return np.asarray(whole / _F32(how.factor), _F64)


def _rounded_twice(a: Any, b: Any, c: Any) -> Floats:
    return np.asarray(np.asarray(a, _F64) * np.asarray(b, _F64) + np.asarray(c, _F64)).astype(_F32)


def _not_fused(a: Any, b: Any, c: Any) -> Floats:
    return np.asarray(np.asarray(a, _F32) * np.asarray(b, _F32) + np.asarray(c, _F32), _F32)


def _midpoints_up(a: Any, b: Any, c: Any) -> Floats:
    """Midpoints away from zero, whatever they stand for."""
    wide = np.asarray(a, _F64) * np.asarray(b, _F64) + np.asarray(c, _F64)
    middle = (wide.view(np.uint64) & np.uint64((1 << 29) - 1)) == np.uint64(1 << 28)
    return np.where(middle, np.nextafter(wide, np.copysign(np.inf, wide)), wide).astype(_F32)


def _without_halves(x: Floats) -> Floats:
    """What lies beyond 2^126 either way is 0 or infinite at once."""
    with np.errstate(all="ignore"):
        limit = _F32(126 * np.log(2))
        powers = exponential.exponential(np.clip(x, -limit, limit))
        return np.where(np.abs(x) > limit, np.where(x > 0, _F32(np.inf), _F32(0)), powers)


def _coefficient_off(x: Floats) -> Floats:
    with _instead(exponential, "_C4", np.nextafter(exponential._C4, _F32(1))):  # noqa: SLF001 # the fault is in there
        return exponential.exponential(x)


def _silently(x: Any, weights: Any, name: str) -> Any:
    try:
        return linear_exact(x, weights, name)
    except UnsupportedModel:
        return linear_ggml(x, weights, name)


_ALL: list[ExactMutant | FunctionMutant] = [
    ExactMutant("exact-lanes-in-order", "lanes are added from the first to the last", "qkv_matmul", 0,
                within("linear", blocks, "sum_halves", _in_order)),
    ExactMutant("exact-lanes-by-neighbours", "neighbouring lanes are added first", "qkv_matmul", 0,
                within("linear", blocks, "sum_halves", sum_pairs)),
    ExactMutant("exact-products-not-fused", "a block's product is rounded before it is added", "qkv_matmul", 0,
                within("linear", blocks, "Accumulator", _NotFused)),
    ExactMutant("exact-sums-in-float64", "blocks are added in float64", "qkv_matmul", 0,
                within("linear", blocks, "Accumulator", _InFloat64)),
    ExactMutant("exact-minima-in-float64", "minima are added in float64", "qkv_matmul", 0,
                within("linear", blocks, "_minima", _minima_in_float64)),
    ExactMutant("exact-norm-in-float32", "squares are added in float32", "attn_norm", 0,
                within("rms_norm", norm, "_one_after_the_other", _norm_in_float32)),
    ExactMutant("exact-power-ulp", "the step from one angle to the next is one ulp off", "q_post_rope", 0,
                within("angles", rope, "power", _power_up_one_ulp)),
    ExactMutant("exact-rotation-not-fused", "both products of a rotation are rounded", "q_post_rope", 0,
                arithmetic(rotate=_rotate_not_fused)),
    ExactMutant("exact-keys-by-tiny-blas", "scores are added in one register, not in four", "attention", 0,
                within("attend", attention, "by_vec_dot", plain.by_tiny_blas)),
    ExactMutant("exact-values-by-vec-dot", "values are added in four registers, not in one", "attention", 0,
                within("attend", attention, "takes_tiny_blas", lambda *_sizes: False)),
    ExactMutant("exact-exponential-of-c", "attention's softmax uses the C library's exponential", "attention", 0,
                within("attend", softmax, "exponential", _of_c)),
    ExactMutant("exact-softmax-by-division", "exponentials are divided by their sum", "attention", 0,
                within("attend", attention, "softmax_exact", _softmax_by_division)),
    ExactMutant("exact-silu-in-float64", "the activation is computed in float64", "ffn_silu", 0, arithmetic(silu=silu)),
    ExactMutant("exact-logit-ulp", "one logit is one ulp off", "lm_head", None, at("lm_head", None, _one_ulp)),
    ExactMutant("exact-never-tiled", "many positions are multiplied as few are", "qkv_matmul", 0,
                within("linear", super_blocks, "_tiled", _never_tiled), model=SMALL),
    ExactMutant("exact-residual-ulp", "one element of a residual is one ulp off", "post_ffn_residual", 1,
                at("post_ffn_residual", 1, _one_ulp), model=SMALL),
    ExactMutant("exact-always-tiled", "few positions are multiplied as many are", "qkv_matmul", 0,
                within("linear", super_blocks, "TILED_FROM", 1), model=SMALL, positions=5),
    ExactMutant("exact-minima-in-order", "the four sums of Q4_K's minima are added in order", "qkv_matmul", 0,
                within("linear", super_blocks, "sum_four", _in_order), model=SMALL, positions=5),
    ExactMutant("exact-scale-rounded-once", "attention's scale is the nearest number to 1 / sqrt(24)", "attention", 0,
                within("attend", attention, "_scale", _F32), model=MIXED, positions=17),
    ExactMutant("exact-bf16-by-neighbours", "BF16 lanes are added as those of F32 are", "moe_ffn_out", 4,
                within("linear", plain, "by_vec_dot", _as_f32), model=MIXED, positions=17),
    ExactMutant("exact-registers-in-order", "the four registers of experts in F32 are added in order", "ffn_gate", 4,
                within("linear", plain, "sum_registers", _in_order), model=MIXED, positions=17),
    ExactMutant("exact-iq4_nl-in-one-sum", "experts in IQ4_NL are added block by block", "moe_ffn_out", 3,
                within("linear", blocks, "TWO_SUMS", ()), model=MIXED, positions=17),
    FunctionMutant("fma-rounded-twice", "the float64 sum is rounded again, midpoints as they come", "fma", _rounded_twice),
    FunctionMutant("fma-not-fused", "the product is rounded before the addition", "fma", _not_fused),
    FunctionMutant("fma-midpoints-up", "every midpoint is rounded away from zero", "fma", _midpoints_up),
    FunctionMutant("exponential-of-c", "the C library's exponential", "exponential", _of_c),
    FunctionMutant("exponential-coefficient", "one coefficient of the polynomial is one ulp off", "exponential", _coefficient_off),
    FunctionMutant("exponential-without-halves", "nothing between 2^-126 and 2^-149", "exponential", _without_halves),
    FunctionMutant("exact-falls-back", "what has no exact kernel is multiplied in arithmetic ggml", "linear", _silently),
    FunctionMutant("exact-yarn-as-ggml", "YaRN is taken in arithmetic ggml", "angles", angles_ggml),
    FunctionMutant("self-test-blind", "the self-test compares nothing", "self-test", lambda _faulty: None),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
# what differs at a single number of positions, or for no power of two: the self-test has to ask there
_EDGES = [
    ExactMutant("exact-tiled-from-nine", "8 positions are multiplied as few are", "qkv_matmul", 0,
                within("linear", super_blocks, "TILED_FROM", 9), model=DENSE, positions=8),
    ExactMutant("exact-tiny-blas-from-three", "2 positions are multiplied as one is", "ffn_gate", 1,
                within("linear", plain, "takes_tiny_blas", _from_three), model=DENSE, positions=2),
    ExactMutant("exact-angles-divided", "angles are divided by a factor, not multiplied with its reciprocal", "q_post_rope", 0,
                arithmetic(angles=_divided), model=DENSE, positions=2),
]  # fmt: skip
# faulty arithmetics that the self-test has to refuse, as if a library's kernels were not ours
STRANGERS = {
    mutant.name: mutant
    for mutant in (*_ALL, *_EDGES)
    if isinstance(mutant, ExactMutant) and not mutant.name.endswith("ulp")
}
