"""Rotary position embedding (Su et al. 2021, equation 34), with the ways of stretching it to longer contexts.

Two kinds of pairs, by ggml's names: `norm` rotates neighbours (2i, 2i + 1), `neox` rotates halves (i, i + dims / 2). They
are the same rotation for weights whose rows are ordered for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.formats.model_file import RopeKind

_F32 = np.float32


@dataclass(frozen=True)
class Yarn:
    """YaRN (Peng et al. 2023): high frequencies stay, low ones are interpolated, a ramp between the two.

    Attributes:
        original_context: positions the model was trained on before it was stretched.
        attention_factor: multiplies sine and cosine beside YaRN's own `0.1 ln(factor) + 1`.
        beta_fast, beta_slow: rotations over the original context above which a frequency stays, below which it is divided.
    """

    original_context: int
    attention_factor: float = 1.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0


@dataclass(frozen=True)
class Rope:
    """How a model rotates.

    Attributes:
        kind: which dimensions of a head rotate together.
        theta: base of the frequencies.
        dims: how many dimensions of a head rotate.
        factor: what frequencies are divided by (linear scaling, Chen et al. 2023; YaRN where `yarn` is set); 1 for none.
        divisors: what each pair's frequency is divided by (llama3 scaling as GGUF's `rope_freqs.weight` holds it), or None.
        yarn: where the division depends on the frequency.
    """

    kind: RopeKind
    theta: float
    dims: int
    factor: float = 1.0
    divisors: tuple[float, ...] | None = None
    yarn: Yarn | None = None

    @property
    def magnitude(self) -> float:
        """What sine and cosine are multiplied by: 1, or YaRN's `0.1 ln(factor) + 1` times its attention factor."""
        if self.yarn is None:
            return 1.0
        own = 0.1 * math.log(self.factor) + 1 if self.factor > 1 else 1.0
        return own * self.yarn.attention_factor


def _ramp(rope: Rope, dtype: type[Any]) -> NDArray[np.floating[Any]]:
    """[dims / 2]: 1 for pairs that keep their frequency, 0 for those divided by the factor (Peng et al. 2023, 3.2).

    Every step is in the dtype: a float32 ramp that is rounded at its end is an ulp off ggml's, which grows to 3e-5 radians
    at position 500.
    """
    yarn = rope.yarn
    if yarn is None:
        return np.zeros(rope.dims // 2, dtype)
    one = dtype(1)

    def pair_with(rotations: float) -> Any:
        """The pair, as a real number, that turns so often over the original context."""
        turns = dtype(yarn.original_context) / (dtype(rotations) * dtype(2) * dtype(np.pi))
        return dtype(rope.dims) * np.log(turns) / (dtype(2) * np.log(dtype(rope.theta)))

    low = np.maximum(dtype(0), np.floor(pair_with(yarn.beta_fast)))
    high = np.minimum(dtype(rope.dims - 1), np.ceil(pair_with(yarn.beta_slow)))
    along = (np.arange(rope.dims // 2).astype(dtype) - low) / np.maximum(dtype(0.001), high - low)
    ramp: NDArray[np.floating[Any]] = one - np.minimum(one, np.maximum(dtype(0), along))
    return ramp


def frequencies(rope: Rope) -> NDArray[np.float64]:
    """[dims / 2] in radians a position: theta ** (-2 i / dims), scaled as the model asks."""
    plain: NDArray[np.float64] = float(rope.theta) ** (-np.arange(0, rope.dims, 2, dtype=np.float64) / rope.dims)
    if rope.divisors is not None:
        plain = plain / np.asarray(rope.divisors, np.float64)
    kept = _ramp(rope, np.float64)
    scaled: NDArray[np.float64] = plain / rope.factor * (1 - kept) + plain * kept
    return scaled


def angles(positions: NDArray[np.integer[Any]], rope: Rope) -> NDArray[np.float64]:
    """[positions, dims / 2] in radians: every position times every frequency."""
    return positions.astype(np.float64)[:, None] * frequencies(rope)


def angles_ggml(positions: NDArray[np.integer[Any]], rope: Rope) -> NDArray[np.float64]:
    """The same as ggml computes it: one float32 factor, multiplied up pair by pair in float32, then scaled in float32.

    The factor is C's `powf(theta, -2 / dims)`, correctly rounded. numpy's own float32 power is one ulp off, which grows
    to 2.5e-6 relative at position 127; rounding the float64 power gives C's value.
    """
    step = _F32(np.power(np.float64(_F32(rope.theta)), np.float64(_F32(-2) / _F32(rope.dims))))
    angle = positions.astype(_F32)
    columns = []
    for _ in range(rope.dims // 2):
        columns.append(angle)
        angle = angle * step
    plain: NDArray[np.float32] = np.stack(columns, axis=-1)
    if rope.divisors is not None:
        plain /= np.asarray(rope.divisors, _F32)
    divided: NDArray[np.float32] = plain * (_F32(1) / _F32(rope.factor))
    if rope.yarn is None:
        return divided.astype(np.float64)
    kept = _ramp(rope, _F32)
    # `a * b + c * d` compiles to one fused multiply-add over one rounded product; 48 bits are exact in float64
    rounded = (plain * kept).astype(np.float64)
    mixed = divided.astype(np.float64) * (_F32(1) - kept).astype(np.float64) + rounded
    return mixed.astype(_F32).astype(np.float64)


class Turns(NamedTuple):
    """Sine and cosine of the angles, times the magnitude: [positions, 1, rope.dims / 2] each."""

    cos: NDArray[np.floating[Any]]
    sin: NDArray[np.floating[Any]]


def turns(angle: NDArray[np.float64], rope: Rope, dtype: np.dtype[np.floating[Any]]) -> Turns:
    """What to rotate by, the same for queries and keys and for every layer.

    Args:
        angle: [positions, rope.dims / 2] in radians.
        rope: its magnitude.
        dtype: that sine and cosine are rounded to before they are multiplied by the magnitude.
    """
    magnitude = dtype.type(rope.magnitude)
    return Turns(*(np.asarray(f(angle), dtype)[:, None, :] * magnitude for f in (np.cos, np.sin)))


def rotate(x: NDArray[np.floating[Any]], by: Turns, rope: Rope) -> NDArray[np.floating[Any]]:
    """Rotates each pair of every head.

    Args:
        x: [positions, heads, head_dim]; dimensions beyond `rope.dims` stay.
        by: made by `turns`, in the dtype of x.
        rope: which dimensions are pairs.

    Returns:
        [positions, heads, head_dim] in the dtype of x.
    """
    cos, sin = by
    first, second = pairs(rope)
    rotated = np.array(x)
    rotated[..., first] = x[..., first] * cos - x[..., second] * sin
    rotated[..., second] = x[..., first] * sin + x[..., second] * cos
    return rotated


def pairs(rope: Rope) -> tuple[slice, slice]:
    """The first and the second dimensions of the pairs."""
    if rope.kind == "norm":
        return slice(0, rope.dims, 2), slice(1, rope.dims, 2)
    return slice(0, rope.dims // 2), slice(rope.dims // 2, rope.dims)
