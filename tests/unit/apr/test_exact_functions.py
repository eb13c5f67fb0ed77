"""The functions of exact arithmetic against C's: fused multiply-add, exponential, dot products of every type."""

from __future__ import annotations

import ctypes as c
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.llama_cpp import probe_models
from apr.engines.llama_cpp.kernels import Kernels, open_kernels
from apr.engines.llama_cpp.providers import providers
from apr.errors import UnsupportedModel
from apr.ops.exact import c_library, plain
from apr.ops.exact.exponential import exponential, silu_exact
from apr.ops.exact.fused import Accumulator, bits_of, fused_multiply_add, rounds_once
from apr.ops.exact.linear import TYPES, linear_exact
from apr.ops.exact.norm import expert_weights_exact, rms_norm_exact
from apr.ops.exact.softmax import softmax_exact
from apr.ops.experts import expert_weights
from apr.ops.norm import rms_norm
from apr.ops.softmax import softmax
from apr.quant.blocks import FORMATS, affine
from apr.quant.codes import SUPER_BLOCKS, codes
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

needs_library = pytest.mark.skipif(not providers(), reason="no llama.cpp library: pip install xllamacpp")


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    return open_kernels()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(4))


def same(a: Floats, b: Floats) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def c_fma(a: Floats, b: Floats, c_: Floats) -> Floats:
    function = c.CDLL("libm.so.6").fmaf
    function.restype, function.argtypes = c.c_float, [c.c_float] * 3
    return np.array([function(*three) for three in zip(a.tolist(), b.tolist(), c_.tolist(), strict=True)], np.float32)


# a product of 1 and next to nothing more, and one of next to nothing less: (1 + x)(1 - x + x^2) = 1 + x^3, (1 + x)(1 - x) = 1 - x^2
MORE = (1 + 2.0**-12, 1 - 2.0**-12 + 2.0**-24)
LESS = (1 + 2.0**-16, 1 - 2.0**-16)
GREATEST = float(np.finfo(np.float32).max)
# what rounding the float64 sum again gets wrong: midpoints that stand for a little more, a little less, of negative numbers,
# of numbers below the normal ones, and between the greatest number and infinity
WRONG = [
    (MORE[0], MORE[1] * 2.0**-24, 1.0),
    (LESS[0], LESS[1] * 2.0**-24, 1 + 2.0**-23),
    (-MORE[0], MORE[1] * 2.0**-24, -1.0),
    (LESS[0], -LESS[1] * 2.0**-24, -1 - 2.0**-23),
    (MORE[0] * 2.0**-75, MORE[1] * 2.0**-75, 2.0**-127),
    (LESS[0] * 2.0**-75, LESS[1] * 2.0**-75, 2.0**-127 + 2.0**-149),
    (LESS[0] * 2.0**51, LESS[1] * 2.0**52, GREATEST),
]
RIGHT = [
    (2.0**-24, 1.0, 1.0),  # midpoints themselves
    (2.0**-24, 1.0, 1 + 2.0**-23),
    (2.0**-75, 2.0**-75, 2.0**-149),
    (3.0e38, 3.0e38, 1.0),
    (float("inf"), 1.0, -1.0),
    (0.0, -1.0, 0.0),
    (-0.0, 1.0, -0.0),
]


def test_the_fused_multiply_add_is_cs() -> None:
    a, b, added = (np.array(part, np.float32) for part in zip(*WRONG, *RIGHT, strict=True))
    assert same(fused_multiply_add(a, b, added), c_fma(a, b, added))
    with np.errstate(over="ignore"):
        twice = (a.astype(np.float64) * b + added).astype(np.float32)
    differ = twice.view(np.uint32) != c_fma(a, b, added).view(np.uint32)
    assert differ.tolist() == [True] * len(WRONG) + [False] * len(RIGHT)


@pytest.mark.parametrize("spread", [3, 30, 300])
def test_so_it_is_for_numbers_of_any_size(random: np.random.Generator, spread: int) -> None:
    a, b, added = (
        (random.uniform(-2, 2, 20_000) * 2.0 ** (random.integers(-spread, spread + 1, 20_000) % 126 - 63)).astype(
            np.float32
        )
        for _ in range(3)
    )
    assert same(fused_multiply_add(a, b, added), c_fma(a, b, added))


def test_shapes_go_together() -> None:
    out = fused_multiply_add(np.ones((3, 1), np.float32), np.float32(2), np.arange(4, dtype=np.float32))
    assert out.shape == (3, 4)
    assert (out == np.arange(4) + 2).all()


def test_digits_that_numbers_need_together() -> None:
    rows = np.array([[0.0, 0.0], [1.0, -1.0], [1.0, 3.0], [2.0**-24, 1.0], [-6.0, 0.0], [5.0, 96.0]])
    assert bits_of(rows).tolist() == [0, 1, 2, 25, 2, 7]


def test_a_promise_is_given_only_where_float64_holds_every_sum(random: np.random.Generator) -> None:
    for trial in range(60):
        spread = int(random.integers(0, 12))
        scales = random.uniform(1, 2, (2, 1, 64)).astype(np.float16) * 2.0 ** random.integers(-spread, 1, (2, 1, 64))
        left, right = (scales * random.integers(-127, 128, (2, 1, 64))).astype(np.float64)
        once = rounds_once(int(bits_of(left)[0]), int(bits_of(right)[0]), 64)
        assert once or spread  # scales alike: 11 + 7 bits a side
        sums = [Accumulator(np.zeros(1, np.float32), tiny=False, once=promise) for promise in (once, False)]
        for product in (left * right)[0]:
            for total in sums:
                total.add(np.array([product]))
        assert same(sums[0].sums, sums[1].sums), trial
    assert not rounds_once(30, 20, 4)
    assert rounds_once(25, 24, 7)
    assert not rounds_once(25, 24, 8)


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("count", [8, 16, 13, 3, 250])
def test_softmax_and_activation_are_ggmls(kernels: Kernels, random: np.random.Generator, count: int) -> None:
    soft = kernels.function("ggml_vec_soft_max_f32", c.c_double, c.c_int, c.c_void_p, c.c_void_p, c.c_float)
    gated = kernels.function("ggml_vec_swiglu_f32", None, c.c_int, c.c_void_p, c.c_void_p, c.c_void_p)
    x = (random.standard_normal((5, count)) * np.array([1, 10, 30, 60, 200])[:, None]).astype(np.float32)
    up = random.standard_normal((5, count)).astype(np.float32)
    x[1, 1] = x[2, 0] = -np.inf
    theirs, activated = np.empty_like(x), np.empty_like(x)
    for row in range(len(x)):
        greatest = x[row].max()
        total = soft(count, theirs[row:].ctypes.data, x[row:].ctypes.data, greatest)
        theirs[row] *= np.float32(1 / total)
        gated(count, activated[row:].ctypes.data, x[row:].ctypes.data, up[row:].ctypes.data)
    assert same(softmax_exact(x), theirs)
    x[x == -np.inf] = -300
    assert np.abs(softmax_exact(x) - softmax(x.astype(np.float64))).max() < 1e-6
    finite = np.isfinite(activated)
    assert same((silu_exact(x) * up)[finite], activated[finite])


def test_the_exponential_is_one() -> None:
    x = np.linspace(-87, 88, 10_001).astype(np.float32)
    relative = exponential(x) / np.exp(x.astype(np.float64)) - 1
    assert np.abs(relative).max() < 2.5e-7  # ggml promises 1.45 + 0.5 ulp
    special = np.array([-np.inf, np.inf, -104, 89, -100, np.nan], np.float32)
    out = exponential(special)
    assert out[:4].tolist() == [0, np.inf, 0, np.inf]
    assert 0 < out[4] < 1e-43
    assert np.isnan(out[5])


class One:
    """One matrix in the place of a model's weights."""

    def __init__(self, type_name: str, raw: NDArray[np.uint8], columns: int, *, expert: bool) -> None:
        self._type, self._raw, self._columns, self._expert = type_name, raw, columns, expert

    def type_name(self, _name: str) -> str:
        return self._type

    def is_expert(self, _name: str) -> bool:
        return self._expert

    def shape(self, _name: str) -> tuple[int, int]:
        return len(self._raw), self._columns

    def format(self, _name: str) -> Any:
        return FORMATS[self._type]

    def matrix(self, _name: str) -> Any:
        yield slice(0, len(self._raw)), by_gguf(self._raw, self._type)

    def affine(self, _name: str) -> Any:
        yield slice(0, len(self._raw)), affine(self._raw, self._type, by_gguf)

    def codes(self, _name: str) -> Any:
        yield slice(0, len(self._raw)), codes(self._raw, self._type, by_gguf)


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("type_name", [name for name in TYPES if name != "F32"])
@pytest.mark.parametrize(("positions", "rows", "columns"), [(1, 5, 256), (7, 13, 512), (3, 1, 1024), (2, 70, 768)])
def test_products_are_the_vec_dots(
    kernels: Kernels, random: np.random.Generator, type_name: str, positions: int, rows: int, columns: int
) -> None:
    # of an expert, and few: what ggml calls is ggml_vec_dot then, for every type
    raw = probe_models.random_bits(random, type_name, (rows, columns))
    x = (random.standard_normal((positions, columns)) * 10.0 ** random.integers(-2, 2, (positions, 1))).astype(
        np.float32
    )
    x[0, : columns // 2] *= np.float32(3e2)  # sums that float64 does not hold: the slower way
    ours = linear_exact(x, One(type_name, raw, columns, expert=True), "w")  # type: ignore[arg-type] # stands for weights
    assert same(ours, kernels.linear(x, raw, type_name))
    plainly = x.astype(np.float64) @ by_gguf(raw, type_name).astype(np.float64).T
    assert np.abs(ours - plainly).max() < 0.05 * np.abs(plainly).max()


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("length", [4, 16, 32, 48, 64, 100, 128])
def test_dot_products_of_float32_are_ggmls(kernels: Kernels, random: np.random.Generator, length: int) -> None:
    size = c.c_size_t
    dot = kernels.function(
        "ggml_vec_dot_f32", None, c.c_int, c.c_void_p, size, c.c_void_p, size, c.c_void_p, size, c.c_int
    )
    x, w = (random.standard_normal((n, length)).astype(np.float32) for n in (3, 9))
    theirs = np.empty((3, 9), np.float32)
    for i in range(3):
        for j in range(9):
            dot(length, theirs[i, j:].ctypes.data, 0, w[j:].ctypes.data, 0, x[i:].ctypes.data, 0, 1)
    assert same(plain.by_vec_dot(x, w), theirs)


@pytest.mark.parametrize(("length", "type_name"), [(33, "F32"), (2, "F32"), (48, "F16"), (4, "BF16")])
def test_lengths_without_a_kernel_are_refused(length: int, type_name: str) -> None:
    x = np.ones((2, length), np.float32)
    with pytest.raises(UnsupportedModel, match=f"dot product of {length} {type_name} numbers"):
        plain.by_vec_dot(x, x, type_name)


def test_scales_that_float16_does_not_hold_are_refused(random: np.random.Generator) -> None:
    raw = probe_models.random_bits(random, "Q4_1", (4, 64))
    weights: Any = One("Q4_1", raw, 64, expert=False)
    with pytest.raises(UnsupportedModel, match=r"'w' whose scale or sum overflows float16"):
        linear_exact(np.full((2, 64), 1e9, np.float32), weights, "w")
    bad: Any = One("Q4_K", probe_models.random_bits(random, "Q4_K", (4, 256)), 256, expert=False)
    with pytest.raises(UnsupportedModel, match="not finite"):
        linear_exact(np.full((2, 256), np.nan, np.float32), bad, "w")
    odd: Any = One("IQ4_NL", probe_models.random_bits(random, "IQ4_NL", (4, 96)), 96, expert=True)
    with pytest.raises(UnsupportedModel, match="odd number of IQ4_NL blocks"):
        linear_exact(np.ones((2, 96), np.float32), odd, "w")


@pytest.mark.parametrize("type_name", SUPER_BLOCKS)
def test_codes_times_scales_are_the_weights(random: np.random.Generator, type_name: str) -> None:
    raw = probe_models.random_bits(random, type_name, (6, 512))
    apart = codes(raw, type_name, by_gguf)
    assert (apart.scaled == np.rint(apart.scaled)).all()
    numbers = apart.scaled.reshape(6, 2, 256) * apart.scale[..., None].astype(np.float64)
    if apart.minima is not None and apart.minima_scale is not None:
        minima = apart.minima * apart.minima_scale[..., None].astype(np.float64)
        numbers -= np.repeat(minima, 256 // minima.shape[2], axis=2)
    assert np.allclose(numbers.reshape(6, 512), by_gguf(raw, type_name), rtol=1e-6, atol=1e-9)


def test_norms_and_weights_of_experts(random: np.random.Generator) -> None:
    x = random.standard_normal((4, 333)).astype(np.float32)
    gain = random.standard_normal(333).astype(np.float32)
    wide = rms_norm(x.astype(np.float64), gain.astype(np.float64), 1e-5)
    assert np.abs(rms_norm_exact(x, gain, 1e-5) - wide).max() < 2e-6
    square = x[0] * x[0]
    total = 0.0
    for value in square.tolist():
        total += value
    scale = np.float32(1) / np.sqrt(np.float32(total / 333) + np.float32(1e-5))
    assert same(rms_norm_exact(x, gain, 1e-5)[0], x[0] * scale * gain)
    probabilities = softmax(random.standard_normal((5, 8)).astype(np.float32))
    chosen = np.argsort(-probabilities, axis=1)[:, :3]
    ours, plainly = (f(probabilities, chosen) for f in (expert_weights_exact, expert_weights))
    assert np.abs(ours - plainly).max() < 2e-7
    assert same(expert_weights_exact(np.zeros((1, 4), np.float32), chosen[:1] % 4), np.zeros((1, 3), np.float32))


def test_without_glibc_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    c_library._function.cache_clear()
    monkeypatch.setattr(c_library, "sys", SimpleNamespace(platform="darwin"))
    with pytest.raises(UnsupportedModel, match="cosf of darwin"):
        c_library.each("cosf", np.zeros(1, np.float32))
    monkeypatch.setattr(c_library, "sys", SimpleNamespace(platform="linux"))

    def missing(_name: str) -> None:
        raise OSError("no such file")

    monkeypatch.setattr(c, "CDLL", missing)
    with pytest.raises(UnsupportedModel, match="powf: this system has no glibc"):
        c_library.power(2.0, 3.0)
