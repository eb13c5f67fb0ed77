"""Honest pairs, of which there must be no alarm: sums in other orders, llama.cpp's own kernels, engines over random models.

What a null model promises, that a correct implementation is beyond a limit with probability alpha at most, can only be tried: here
are correct implementations by the thousand. Each comparison goes through the same `null_of` (or the part of it that a product is
judged by), `tests` and `limit` as a parity run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.formats.model_file import ModelFile
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.null import Null, limit, null_of, tests
from apr.parity.null.pair import Pair
from apr.parity.null.sums import spread_of_rows, variance_of_sums
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from apr.capture import Capture
    from apr.engines.llama_cpp.kernels import Kernels
    from apr.models import Model
    from apr.parity.null.base import Test

    Floats = NDArray[np.float32]

MATRIX = "matrix"
JUDGES = ("f64", "f32", "ggml")


class Comparison(NamedTuple):
    """One stage, or one product, of one honest pair.

    Attributes:
        family: name of the stage, or `product`.
        what: weight type, or the model and the engine.
        pair: the two arithmetics, the judge's first.
        tests: as a parity run makes them.
        layer: of the stage; None for products and stages of the whole model.
    """

    family: str
    what: str
    pair: Pair
    tests: tuple[Test, ...]
    layer: int | None = None

    def worst(self, alpha_each: float) -> tuple[float, str]:
        """The greatest value over its limit, and of which test; NaN is infinite."""
        ratios = [(test.value / limit(test, alpha_each), test.name) for test in self.tests]
        return max((math.inf if math.isnan(ratio) else ratio, name) for ratio, name in ratios)


class _Tensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    type_name: str
    nbytes: int


class _OneMatrix(ModelFile):
    """A model file that holds nothing but a matrix."""

    def __init__(self, raw: NDArray[np.uint8], type_name: str, columns: int) -> None:
        self.path, self.format, self.metadata = Path(MATRIX), "made", {}
        self.tensors = {MATRIX: _Tensor(MATRIX, (len(raw), columns), type_name, raw.nbytes)}
        self._raw = raw

    def raw(self, name: str) -> NDArray[np.uint8]:
        """See `ModelFile`; there is one."""
        if name != MATRIX:
            raise ValueError(f"there is no tensor {name!r}")
        return self._raw

    def release(self, name: str) -> None:
        """Nothing comes from a file."""

    @property
    def sha256(self) -> str:
        """Of no file."""
        return self.weights_sha256


def in_order(products: Floats) -> Floats:
    """One after another, as a loop in C adds."""
    return np.add.accumulate(products, axis=-1)[..., -1]


def backwards(products: Floats) -> Floats:
    """The last first."""
    return in_order(products[..., ::-1])


def in_lanes(products: Floats) -> Floats:
    """Eight lanes side by side, as vector instructions add, then the lanes."""
    return in_order(in_order(np.moveaxis(products.reshape(*products.shape[:-1], -1, 8), -2, -1)))


def in_pairs(products: Floats) -> Floats:
    """Halves onto each other: what numpy and accelerators do, as far as it goes evenly."""
    while products.shape[-1] % 2 == 0:
        half = products.shape[-1] // 2
        products = products[..., :half] + products[..., half:]
    return in_order(products)


ORDERS: tuple[Callable[[Floats], Floats], ...] = (in_order, backwards, in_lanes, in_pairs)


@dataclass(frozen=True)
class Shape:
    """Of a random product: positions, rows and columns, and what its numbers are like."""

    positions: int
    rows: int
    columns: int
    kind: str


KINDS = ("normal", "massive", "shifted", "uneven", "repeated")
# rows of weights that are nearly the same, so that errors of activations come out nearly the same in all of them
ALIKE = "alike"


def random_shape(rng: np.random.Generator) -> Shape:
    """Up to eight positions, 24 rows and 1024 columns, of any of `KINDS`."""
    positions, rows, blocks = int(rng.integers(1, 9)), int(rng.integers(2, 25)), int(rng.integers(1, 5))
    return Shape(positions, rows, 256 * blocks, str(rng.choice(KINDS)))


def random_numbers(rng: np.random.Generator, shape: Shape) -> tuple[Floats, Floats]:
    """Activations [positions, columns] and weights [rows, columns]."""
    x = rng.standard_normal((shape.positions, shape.columns))
    w = rng.standard_normal((shape.rows, shape.columns)) * 10.0 ** rng.uniform(-3, 0)
    if shape.kind == "massive":
        x[:, rng.integers(0, shape.columns, 2)] *= 10.0 ** rng.uniform(1, 4)
    elif shape.kind == "shifted":
        x, w = x + rng.uniform(-2, 2), w + rng.uniform(-1, 1) * w.std()
    elif shape.kind == "uneven":
        x *= rng.gamma(0.3, 1.0, (1, shape.columns))
    elif shape.kind == ALIKE:
        w[:] = w[0] * (1 + 0.01 * rng.standard_normal((shape.rows, 1)))
    elif shape.kind == "repeated":  # the same token again, as it comes out of the embedding
        x[:] = x[0]
    return x.astype(np.float32), w.astype(np.float32)


def products(
    rng: np.random.Generator,
    type_name: str,
    kernels: Kernels,
    judges: Iterable[str] = JUDGES,
    shape: Shape | None = None,
) -> Iterator[Comparison]:
    """One random product in llama.cpp's kernel of a type, against each judge; with F32 weights in every order of a sum.

    Args:
        rng: decides about everything.
        type_name: of the weights.
        kernels: of a llama.cpp.
        judges: arithmetics.
        shape: random if it is not given.
    """
    shape = shape or random_shape(rng)
    x, w = random_numbers(rng, shape)
    if type_name == "F32":
        weights = Weights(_OneMatrix(w.view(np.uint8), type_name, shape.columns))
        seen = [(order.__name__, order(x[:, None] * w), "f32") for order in ORDERS]
    else:
        ones = np.ones(shape.columns, np.float32) if kernels.needs_importance(type_name) else None
        raw = kernels.quantise(w, type_name, ones)
        weights = Weights(_OneMatrix(raw, type_name, shape.columns), kernels.dequantise)
        seen = [("kernel", kernels.linear(x, raw, type_name), "ggml")]
    for name in judges:
        judge = ARITHMETICS[name]
        expected = judge.linear(x, weights, MATRIX)
        for order, values, other in seen:
            pair = Pair(name, other)
            null = Null(
                np.sqrt(variance_of_sums(pair, x, weights, MATRIX)),
                shape.rows / spread_of_rows(pair, x, weights, MATRIX),
                (),
            )
            what = type_name if order == "kernel" else f"{type_name} {order}"
            yield Comparison("product", what, pair, tests(values, expected.astype(np.float32), null))


def stages(judge: Model, capture: Capture, what: str) -> Iterator[Comparison]:
    """Every stage of an honest engine's capture against the judge, fed with what the engine's own stage was fed with."""
    origin = capture.provenance
    tokens, positions = np.asarray(origin.tokens, np.intp), np.asarray(origin.positions, np.intp)
    pair = Pair(judge.arithmetic.name, origin.arithmetic)
    for key in judge.stage_keys():
        expected = judge.compute(key, tokens, positions, capture.stages)
        null = null_of(judge, key, tokens, positions, capture.stages, expected, origin.arithmetic)
        seen = capture[key]
        if seen.dtype != expected.dtype:  # as a parity run compares them
            seen, expected = seen.astype(np.float32), expected.astype(np.float32)
        yield Comparison(key.stage, what, pair, tests(seen, expected, null), key.layer)
