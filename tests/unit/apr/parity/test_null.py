"""Null models: proxies that follow from a derivation, statistics with a value that can be worked out by hand, limits, power."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.formats.gguf import GgufFile, read_gguf
from apr.mutants.nulls import MUTANTS
from apr.ops.arithmetic import ARITHMETICS, EXACT, F32, F64, GGML
from apr.ops.rope import Rope, Turns, angles, angles_ggml, rotate, turns
from apr.parity.honest import JUDGES, ORDERS, stages
from apr.parity.null import ALPHA, Null, limit, null_of, power, split
from apr.parity.null import tests as six
from apr.parity.null.attention import spread_of_attention
from apr.parity.null.base import Test as Statistic
from apr.parity.null.elementwise import variance_of_addition, variance_of_silu
from apr.parity.null.limits import root_mean_square
from apr.parity.null.norms import rank_of_norm, variance_of_norm
from apr.parity.null.pair import EXP, Pair, U
from apr.parity.null.rotation import angles_apart, rank_of_rotation, variance_of_rotation
from apr.parity.null.routing import Logits, ranking, variance_of_choice, variance_of_weights
from apr.parity.null.testing import repeats
from apr.quant.activations import round_to_q8_1
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

    from apr.capture import Capture

SAME, MIXED = Pair("ggml", "ggml"), Pair("f64", "ggml")
NAMES = ("element", "position", "channel", "stage", "gain", "bias")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def by_name(found: tuple[Statistic, ...]) -> dict[str, Statistic]:
    assert tuple(test.name for test in found) == NAMES
    return {test.name: test for test in found}


def test_statistics_by_hand() -> None:
    expected = np.array([[1.0, 2.0], [4.0, -4.0]])
    tau = np.array([[0.5, 1.0], [2.0, 4.0]])
    seen = expected + np.array([[1.0, 1.0], [0.0, -12.0]])
    at = by_name(six(seen, expected, Null(tau, None, ())))
    assert (at["element"].value, at["element"].position, at["element"].channel) == (3.0, 1, 1)
    assert (at["element"].trials, at["element"].unit) == (4, 4.0)
    assert (at["position"].value, at["position"].position) == (math.sqrt(9 / 2), 1)
    assert at["position"].unit == pytest.approx(math.sqrt(20 / 32))
    assert (at["channel"].value, at["channel"].channel) == (math.sqrt(10 / 2), 1)
    assert (at["stage"].value, at["stage"].count) == (math.sqrt(14 / 4), 4)
    assert at["gain"].value == pytest.approx((4 + 2 + 3) / math.sqrt(4 + 4 + 4 + 1))
    assert at["bias"].value == pytest.approx(abs(4 + 1 - 0.75) / math.sqrt(4 + 1 + 0.25 + 0.0625))


def test_where_every_bit_must_agree() -> None:
    expected = rng().standard_normal((3, 4)).astype(np.float32)
    exact = Null(np.zeros((3, 4)), None, ())
    assert all(test.value == 0 for test in six(expected, expected, exact))
    seen = expected.copy()
    seen[2, 1] = np.nextafter(seen[2, 1], np.float32(9))
    at = by_name(six(seen, expected, exact))
    assert [at[name].value for name in NAMES[:4]] == [math.inf] * 4
    assert (at["element"].position, at["position"].position, at["channel"].channel) == (2, 2, 1)
    zero, negative = np.zeros((1, 1), np.float32), -np.zeros((1, 1), np.float32)
    assert by_name(six(negative, zero, Null(np.zeros((1, 1)), None, ())))["element"].value == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_never_passes(bad: float) -> None:
    expected = rng().standard_normal((3, 4))
    for tau in (np.ones((3, 4)), np.zeros((3, 4)), np.full((3, 4), np.inf)):
        for seen, other in ((expected.copy(), expected), (expected, expected.copy())):
            (seen if seen is not expected else other)[1, 2] = bad
            for test in six(seen, other, Null(tau, None, ())):
                assert not test.value <= limit(test, 1e-9), test


def test_what_is_too_near_a_tie_is_not_judged() -> None:
    expected = np.array([[3.0, 1.0]])
    null = Null(np.array([[np.inf, 0.0]]), None, ())
    assert by_name(six(np.array([[2.0, 1.0]]), expected, null))["element"].value == 0
    assert by_name(six(np.array([[3.0, 2.0]]), expected, null))["element"].value == math.inf


def test_shapes_that_are_no_stage() -> None:
    with pytest.raises(ValueError, match="shapes"):
        six(np.zeros((2, 3)), np.zeros((3, 2)), Null(np.zeros((3, 2)), None, ()))
    with pytest.raises(ValueError, match="nothing"):
        six(np.zeros((0, 3)), np.zeros((0, 3)), Null(np.zeros((0, 3)), None, ()))


def test_shared_errors_count_once() -> None:
    expected, tau = rng().standard_normal((4, 100)), np.ones((4, 100))
    seen = expected + 1.0
    alone, shared = (by_name(six(seen, expected, Null(tau, rank, ()))) for rank in (None, np.full(4, 5.0)))
    assert (alone["position"].count, shared["position"].count) == (100, 5)
    assert (alone["stage"].count, shared["stage"].count) == (400, 20)
    assert shared["bias"].value == pytest.approx(alone["bias"].value / math.sqrt(20))
    # a column holds one error of each row, however the row's are related
    assert alone["channel"].count == shared["channel"].count == 4


def test_rows_that_come_back() -> None:
    y = rng().standard_normal((300, 8))
    y[7] = y[200] = y[3] * (1 + 1e-12)
    expected = np.ones(300)
    expected[[3, 7, 200]] = 3
    assert (repeats(y) == expected).all()
    y[5, 0] = np.nan
    assert repeats(y)[5] == 1
    at = by_name(six(y[:4] * 0 + 1, np.ones((4, 8)), Null(np.ones((4, 8)), None, ())))
    assert (at["channel"].count, at["stage"].count) == (1, 8)


def test_limits() -> None:
    assert split(1e-6, 100) == pytest.approx(1e-6 / 600)
    element = Statistic("element", 0.0, 1, 1000, 1.0)
    # 2 N exp(-t^2 / 2) = alpha
    assert 2 * 1000 * math.exp(-(limit(element, 1e-9) ** 2) / 2) == pytest.approx(1e-9)
    assert limit(replace(element, trials=1), 1e-9) == limit(Statistic("gain", 0.0, 1, 1, 1.0), 1e-9)
    few, many = (limit(Statistic("position", 0.0, count, 1, 1.0), 1e-9) for count in (2, 10**8))
    assert few > 5
    assert many == pytest.approx(1, abs=1e-3)
    assert root_mean_square(16, 0.0) == 1.0


@pytest.mark.parametrize("name", ["depth-forgotten", "repeats-ignored"])
def test_a_mutant_is_planted_where_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, faulty = MUTANTS[name].planted()
    sound = getattr(module, attribute)
    monkeypatch.setattr(module, attribute, faulty)
    assert getattr(module, attribute) is not sound


def test_power_is_smaller_where_more_is_seen() -> None:
    found = []
    for rows in (4, 64):
        expected = rng(rows).standard_normal((rows, 50))
        found.append(power(six(expected, expected, Null(np.full((rows, 50), 1e-6), None, ())), 1e-9))
    few, many = found
    assert many.gain < few.gain
    assert many.channel < few.channel
    assert many.bias == pytest.approx(few.bias / 4, rel=0.1)
    exact = six(np.ones((2, 2)), np.ones((2, 2)), Null(np.zeros((2, 2)), None, ()))
    assert power(exact, 1e-9).channel == power(exact, 1e-9).gain == 2.0**-23


def test_a_sum_in_any_order_stays_within_its_proxy() -> None:
    """Root mean square over many sums; with massive terms too."""
    x = rng().standard_normal((2000, 256)).astype(np.float32)
    x[::2, 7] *= 1000
    exact = x.astype(np.float64).sum(axis=-1)
    for order in ORDERS:
        z = (order(x) - exact) / (U * np.sqrt(256 * (exact**2 + (x.astype(np.float64) ** 2).sum(axis=-1))))
        assert 1e-3 < np.sqrt(np.mean(z**2)) < 1, order.__name__


def test_additions_and_norms_have_one_result_in_float32() -> None:
    y = rng().standard_normal((3, 64))
    assert not variance_of_addition(SAME, y, y, y).any()
    assert not variance_of_norm(SAME, y, 64).any()
    assert rank_of_norm(SAME, y, 64) is None
    assert (variance_of_addition(MIXED, y, y) >= (U * y) ** 2).all()
    wide, heads = rank_of_norm(Pair("f64", "f32"), y, 64), rank_of_norm(Pair("f64", "f32"), y, 16)
    assert wide is not None
    assert heads is not None
    assert 1 <= wide[0] < heads[0] <= 64


def test_silu_is_as_sensitive_as_its_derivative() -> None:
    gate = np.array([[-30.0, 0.0, 30.0]])
    y = gate / (1 + np.exp(-gate)) + 1
    relative = np.sqrt(variance_of_silu(SAME, gate, y)) / np.abs(y)
    assert relative[0] == pytest.approx([math.hypot(EXP, 2 * U), math.hypot(EXP / 2, 2 * U), 2 * U])


def test_a_rotation_by_nothing_rounds_as_little_as_a_copy_and_a_product() -> None:
    rope = Rope("neox", 12345.0, 4)
    y = np.array([[[1.0, 2.0, 0.0, 0.0, 5.0, 6.0]]])
    variance = variance_of_rotation(SAME, y, np.array([0]), rope)[0, 0]
    assert variance[4:] == pytest.approx([0, 0], abs=0)
    assert np.sqrt(variance[:2]) / y[0, 0, :2] == pytest.approx(U * math.sqrt(2 * (1 + 1.13**2) + 2))
    assert angles_apart(SAME, np.array([9]), rope) is None
    apart = angles_apart(MIXED, np.array([100]), rope)
    assert apart is not None
    assert (apart[0, 0], apart[0, 1] > 0) == (0, True)
    far = variance_of_rotation(MIXED, y, np.array([100]), rope)[0, 0]
    assert far[1] > apart[0, 1] ** 2 * y[0, 0, 3] ** 2


@pytest.mark.parametrize("start", [0, 2000, 30000])
@pytest.mark.parametrize("kind", ["norm", "neox"])
def test_rotations_with_other_formulas_for_the_frequencies(kind: Any, start: int) -> None:
    """Ours in float64, llama.cpp's, and float32 throughout as an engine of today computes it."""
    rope, f32 = Rope(kind, 1e4, 64), np.float32
    positions = np.arange(start, start + 48)
    x = rng().standard_normal((48, 4, 80)).astype(f32)
    inverse = f32(1) / np.power(f32(rope.theta), np.arange(0, 64, 2, dtype=f32) / f32(64))
    angle = positions.astype(f32)[:, None] * inverse
    plain = Turns(np.cos(angle)[:, None], np.sin(angle)[:, None])
    made = {
        "f64": rotate(x.astype(np.float64), turns(angles(positions, rope), rope, np.dtype(np.float64)), rope),
        "ggml": rotate(x, turns(angles_ggml(positions, rope), rope, np.dtype(f32)), rope),
        "f32": rotate(x, plain, rope),
    }
    for judge, other in (("f64", "f32"), ("ggml", "f32"), ("f64", "ggml"), ("ggml", "f64")):
        y = made[judge].astype(np.float64)
        pair = Pair(judge, other)
        proxy = np.sqrt(variance_of_rotation(pair, y, positions, rope)).reshape(48, -1)
        null = Null(proxy, rank_of_rotation(pair, y, positions, rope), ())
        for test in six(made[other].astype(f32).reshape(48, -1), y.astype(f32).reshape(48, -1), null):
            assert test.value <= 0.9 * limit(test, 1e-9), (pair, test)


def test_attention_to_one_key_cannot_go_wrong_by_its_score() -> None:
    q, k, v = (rng(seed).standard_normal((3, 2, 8)) for seed in (1, 2, 3))
    mask = np.tril(np.ones((3, 3), bool))
    spread = spread_of_attention(SAME, q, k, v, mask, 0.3)
    relative = np.sqrt(spread.variance[0]) / np.abs(v[0].ravel())
    assert (relative < 4 * U).all()
    assert spread.top[0] == pytest.approx(1.0)
    assert (spread.top[1:] > 1.5).all()


def test_a_score_error_moves_attention_as_the_proxy_says() -> None:
    """Scores with errors of known size, propagated through a real softmax."""
    noise, size = rng(5), 1e-4
    scores, v = noise.standard_normal((1, 6)), noise.standard_normal((6, 3))

    def mixed(s: Any) -> Any:
        p = np.exp(s - s.max(axis=-1, keepdims=True))
        return p / p.sum(axis=-1, keepdims=True) @ v

    moved = mixed(scores + size * noise.standard_normal((20000, 6))) - mixed(scores)
    p = np.exp(scores)[0] / np.exp(scores).sum()
    y = p @ v
    predicted = size * np.sqrt((p[:, None] ** 2 * (v - y) ** 2).sum(axis=0))
    assert moved.std(axis=0) == pytest.approx(predicted, rel=0.05)


def test_a_router_near_a_tie() -> None:
    values = np.array([[3.0, 2.0, 2.0 + 1e-9, -1.0], [3.0, 2.0, 1.0, 0.0]])
    logits = Logits(values, np.full((2, 4), 1e-16))
    ranked = ranking(SAME, logits)
    proxy = variance_of_choice(ranked, 2)
    assert proxy.tolist() == [[0.0, np.inf], [0.0, 0.0]]
    assert variance_of_choice(ranked, 4)[0].tolist() == [0.0, np.inf, np.inf, 0.0]
    variance = variance_of_weights(SAME, logits, np.array([[0, 1], [0, 1]]))
    w = math.exp(3) / (math.exp(3) + math.exp(2))
    # both weights move by the same, in opposite directions
    assert variance[0, 0] > (w * (1 - w)) ** 2 * 2 * 2 * EXP**2
    assert np.sqrt(variance[0]).max() < 8 * EXP


@pytest.fixture(scope="module")
def file(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> GgufFile:
    path: Path = tmp_path_factory.mktemp("null") / "experts.gguf"
    spec = maker.Spec(architecture="qwen3moe", weights="Q8_0", layers=1, massive=(3,))
    return read_gguf(maker.write_model(path, spec))


@pytest.fixture(scope="module")
def captured(file: GgufFile) -> dict[str, Capture]:
    return {
        name: Reference(file, ARITHMETICS[name]).capture([(7 * n + 3) % 250 for n in range(12)])
        for name in ("f64", "f32", "ggml", "exact")
    }


@pytest.mark.parametrize("judge", [*JUDGES, "exact"])
@pytest.mark.parametrize("other", ["f64", "f32", "ggml", "exact"])
def test_honest_engines_agree_in_every_pair(
    file: GgufFile, captured: dict[str, Capture], judge: str, other: str
) -> None:
    model = Reference(file, ARITHMETICS[judge]).model
    found = list(stages(model, captured[other], other))
    assert len(found) == len(model.stage_keys())
    for comparison in found:
        ratio, name = comparison.worst(split(ALPHA, len(found)))
        assert ratio <= 1, (comparison.family, name)
    if judge == other == "exact":
        assert all(comparison.worst(1e-9)[0] == 0 for comparison in found)


def test_every_stage_says_what_its_model_is_made_of(file: GgufFile, captured: dict[str, Capture]) -> None:
    capture = captured["ggml"]
    tokens, positions = np.asarray(capture.provenance.tokens), np.asarray(capture.provenance.positions)
    said = {}
    for arithmetic in (F64, F32, GGML, EXACT):
        model = Reference(file, arithmetic).model
        for key in model.stage_keys():
            null = null_of(model, key, tokens, positions, capture.stages, capture[key], "ggml")
            assert null.proxy.shape == capture[key].shape
            assert (null.proxy >= 0).all()
            assert null.rank is None or ((null.rank >= 1) & (null.rank <= capture[key].shape[1] + 1e-9)).all()
            said[arithmetic.name, key.stage] = null.because
    assert said["f64", "ffn_gate"] == ("sums of 2 blocks in float32", "activations rounded to Q8_0")
    assert said["f32", "ffn_gate"][0] == "sums of 64 products in float32"
    assert said["ggml", "attn_norm"] == ("a norm over 64 numbers",)
    assert all(because for because in said.values())


@pytest.mark.parametrize("weights", ["Q4_1", "Q8_0", "F16"])
def test_gain_and_bias_of_shared_errors_are_worked_out(
    maker: Any, tmp_path_factory: pytest.TempPathFactory, weights: str
) -> None:
    """Queries, keys and values of the same rows, stacked: against the same forms with every matrix written out."""
    path = tmp_path_factory.mktemp("forms") / "model.gguf"
    model = Reference(read_gguf(maker.write_model(path, maker.Spec(weights=weights, layers=1))), F64).model
    x = rng().standard_normal((3, 64)).astype(np.float32)
    key, tokens = StageKey("qkv_matmul", 0), np.arange(3)
    given = {StageKey("attn_norm", 0): x}
    y = model.compute(key, tokens, tokens, given)
    null = null_of(model, key, tokens, tokens, given, y, "ggml")
    assert null.along is not None
    stacked = np.concatenate([model.weights.dequantised(f"blk.0.attn_{part}.weight") for part in "qkv"])
    apart = [parts for part in "qkv" for _, parts in model.weights.affine(f"blk.0.attn_{part}.weight")]
    scaled = np.concatenate([parts.scaled for parts in apart])
    minima = np.concatenate([np.zeros((1, 2)) if parts.minimum is None else parts.minimum for parts in apart])
    rounded = round_to_q8_1(x)
    if weights == "F16":
        most = np.exp2(np.floor(np.log2(np.abs(x)))) * 2.0**-11
    else:
        most = np.abs(rounded.scales).repeat(32, axis=1) / 2
    for along, v in zip(null.along, (y / null.proxy**2, 1 / null.proxy**2), strict=True):
        alone = (v**2 * null.proxy**2).sum(axis=1)
        codes = ((most * (v @ stacked)) ** 2).sum(axis=1)
        # a scale in float16 is off for its whole block, and so is a sum that meets the minima
        stored = np.zeros(3)
        if weights != "F16":
            parts = (rounded.values * (v @ scaled)).reshape(3, 2, 32).sum(axis=-1)
            stored += 2.0**-22 * (parts**2).sum(axis=1)
        if weights == "Q4_1":
            stored += 2.0**-22 * ((v @ minima * rounded.group_sums(32)) ** 2).sum(axis=1)
        assert 1 + (codes + stored) / alone == pytest.approx(along, rel=1e-5)
        assert (along <= null.proxy.shape[1] / np.asarray(null.rank) + 1).all()


def test_a_stage_without_a_null_model(file: GgufFile, captured: dict[str, Capture]) -> None:
    with pytest.raises(ValueError, match="no null model"):
        null_of(
            Reference(file, GGML).model, StageKey("layer_sum", 0), np.zeros(1, np.intp), np.zeros(1, np.intp),
            captured["ggml"].stages, np.zeros((1, 4)), "ggml",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ("ffn_gate", lambda y: y * np.float32(1 + 1e-5)),
        ("attn_out", lambda y: y + np.float32(3e-5)),
        ("qkv_matmul", lambda y: np.where(np.arange(y.shape[1]) == 5, y * np.float32(1 + 1e-4), y)),
        ("lm_head", lambda y: np.roll(y, 1, axis=1)),
        ("attn_norm", lambda y: np.where(np.arange(y.shape[1]) == 9, np.nextafter(y, np.float32(99)), y)),
    ],
    ids=["gain", "bias", "channel", "shift", "ulp"],
)
def test_small_faults_are_beyond(file: GgufFile, captured: dict[str, Capture], stage: str, fault: Any) -> None:
    """Beyond what all tests of a run of a hundred layers share."""
    capture, model = captured["ggml"], Reference(file, GGML).model
    key = next(key for key in model.stage_keys() if key.stage == stage)
    tokens, positions = np.asarray(capture.provenance.tokens), np.asarray(capture.provenance.positions)
    expected = model.compute(key, tokens, positions, capture.stages)
    null = null_of(model, key, tokens, positions, capture.stages, expected, "ggml")
    each = split(ALPHA, 2000)
    assert all(test.value <= limit(test, each) for test in six(capture[key], expected, null))
    faulty = six(fault(capture[key]).astype(np.float32), expected, null)
    assert any(not test.value <= limit(test, each) for test in faulty)
