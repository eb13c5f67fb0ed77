"""Two that agree outvote one that agrees with neither; without a majority nobody is accused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.engines.reference import Reference
from apr.formats import open_model
from apr.formats.gguf import read_gguf
from apr.mutants.planting import at
from apr.ops.arithmetic import ARITHMETICS, GGML
from apr.parity.explain import explain, look_closer
from apr.parity.measure import Filters, capture, measure
from apr.parity.null import Null, null_of
from apr.parity.null.stages import NORMS
from apr.parity.sides import Judge, Side
from apr.parity.verdict import judge
from apr.parity.vote import pair, vote
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.mutants.planting import Call
    from apr.parity.result import Culprit, Divergence, Measurement

    Real = NDArray[np.float64]

RNG = np.random.default_rng(3)
TRUTH = RNG.standard_normal((16, 48))
FINE, COARSE = (Null(np.full(TRUTH.shape, tau), None, ()) for tau in (1e-6, 1e-2))


def noisy(null: Null, seed: int) -> Real:
    return np.asarray(TRUTH + 0.5 * null.proxy * np.random.default_rng(seed).standard_normal(TRUTH.shape))


WRONG = noisy(FINE, 1) * 1.001
OTHER = noisy(FINE, 2) + 0.002
CASES: dict[str, tuple[Real, Real, Real, Culprit, str]] = {
    "the subject": (WRONG, noisy(FINE, 2), TRUTH, "subject", "oracle and numpy:f64 agree"),
    "the oracle": (noisy(FINE, 1), WRONG, TRUTH, "oracle", "subject and numpy:f64 agree"),
    "both, each in its way": (WRONG, OTHER, TRUTH, "both", "nor with the other"),
    "both alike": (WRONG, WRONG, TRUTH, "undecided", "two camps"),
    "nobody": (noisy(FINE, 1), noisy(FINE, 2), TRUTH, "undecided", "nobody"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_majority_decides(case: str) -> None:
    subject, oracle, third, culprit, told = CASES[case]
    found = vote(subject, oracle, third, FINE, FINE, FINE)
    assert found.culprit == culprit
    assert told in found.because
    assert set(found.distances) == {"subject to oracle", "subject to numpy:f64", "oracle to numpy:f64"}


def test_a_third_voice_that_is_too_rough_accuses_nobody() -> None:
    # the two differ by a thousand times their rounding, and by a tenth of the third's
    found = vote(WRONG, noisy(FINE, 2), noisy(COARSE, 4), FINE, COARSE, COARSE, third_name="float64")
    assert found.culprit == "undecided"
    assert "two camps without a majority" in found.because
    assert "float64 is within its own rounding of both" in found.because


@pytest.mark.parametrize("factor", [1.00001, 0.5, -1.0])
def test_sides_change_places(factor: float) -> None:
    bad, good = noisy(FINE, 1) * factor, noisy(FINE, 2)
    assert vote(bad, good, TRUTH, FINE, FINE, FINE).culprit == "subject"
    assert vote(good, bad, TRUTH, FINE, FINE, FINE).culprit == "oracle"


def test_what_is_not_finite_is_wrong() -> None:
    broken = TRUTH.copy()
    broken[3, 4] = np.nan
    found = vote(broken, noisy(FINE, 1), TRUTH, FINE, FINE, FINE)
    assert found.culprit == "subject"
    assert np.isnan(found.distances["subject to oracle"])


def test_a_bit_decides_where_every_bit_must_agree() -> None:
    single = TRUTH.astype(np.float32)
    other = single.copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(9))
    zero = Null(np.zeros(TRUTH.shape), None, ())
    assert vote(other, single, single, zero, zero, zero).culprit == "subject"
    assert vote(single, single, single, zero, zero, zero).culprit == "undecided"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 20), channels=st.integers(1, 50))
def test_honest_pairs_agree(seed: int, rows: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((rows, channels))
    tau = np.exp(rng.standard_normal((rows, 1))) * np.full_like(y, 1e-5)
    found = pair(y + tau * rng.standard_normal(y.shape), y, Null(tau, None, ()))
    assert not found.disagree


@pytest.mark.parametrize("pattern", [TRUTH, np.ones_like(TRUTH), np.eye(16, 48), np.arange(48) == 7])
def test_each_test_of_a_pair_sees_its_error(pattern: NDArray[np.generic]) -> None:
    wide = np.asarray(pattern, np.float64) * np.ones_like(TRUTH)
    size = 40 * FINE.proxy[0, 0] / np.sqrt(np.square(wide).sum())
    assert not pair(noisy(FINE, 1) + size * wide / 10, TRUTH, FINE).disagree
    assert pair(noisy(FINE, 1) + size * wide, TRUTH, FINE).disagree


def test_shapes_have_to_be_equal() -> None:
    with pytest.raises(ValueError, match="are not one"):
        vote(TRUTH, TRUTH[1:], TRUTH, FINE, FINE, FINE)


def test_a_rough_pair_does_not_hide_who_is_far_from_the_third() -> None:
    assert vote(WRONG, noisy(FINE, 2), TRUTH, COARSE, FINE, FINE).culprit == "subject"
    assert vote(noisy(FINE, 2), WRONG, TRUTH, COARSE, FINE, FINE).culprit == "oracle"
    # at the edge of rounding that is not enough
    edge = pair(noisy(FINE, 1) + 5e-7, TRUTH, FINE)
    assert 1 < edge.excess < 4
    assert vote(noisy(FINE, 1) + 5e-7, noisy(FINE, 2), TRUTH, COARSE, FINE, FINE).culprit == "undecided"


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3", "qwen3moe"])
def test_honest_norms_are_never_beyond(fixture_model: Callable[[str], Path], name: str) -> None:
    # the elements of a row share the error of its root: without their rank one norm in six would be accused
    file = open_model(fixture_model(f"{name}-q4_k_m"))
    third, count = Judge(file).model("f64"), 0
    for stride in (3, 5, 11):
        tokens, places = np.asarray([(stride * i + 7) % 250 for i in range(24)]), np.arange(24)
        taken = Reference(file, GGML).capture(tokens.tolist())
        for key in third.stage_keys():
            if key.stage in NORMS:
                expected = third.compute(key, tokens, places, taken.stages)
                null = null_of(third, key, tokens, places, taken.stages, expected, GGML.name)
                assert pair(taken[key], expected, null).excess < 0.7, key
                count += 1
    assert count >= 15


TOKENS = [(7 * i + 3) % 250 for i in range(24)]


class Sides:
    """Makes sides over one file."""

    def __init__(self, path: Path) -> None:
        self.file = read_gguf(path)
        self.judge = Judge(self.file)

    def numpy(self, arithmetic: str = "ggml", plant: Callable[[Model], Model] | None = None) -> Side:
        """The reference, stock or with a fault in it."""
        model = self.judge.model(arithmetic)
        engine = Reference(self.file, ARITHMETICS[arithmetic], plant(model) if plant else model)
        return Side(f"numpy:{arithmetic}", engine, self.judge, stock=plant is None)


@pytest.fixture
def sides(tiny_llama: Callable[..., Path]) -> Sides:
    return Sides(tiny_llama("Q8_0"))


def run(subject: Side, oracle: Side) -> tuple[Measurement, Divergence]:
    """As `apr parity` does it."""
    found = measure(subject, oracle, [TOKENS], look_closer=look_closer)
    explain(found, judge(found), subject, oracle, lambda side: capture(side, TOKENS, Filters()))
    first = judge(found).first
    assert first is not None
    return found, first


def louder(call: Call) -> Array:
    return call.sound() * np.float32(1.0078125)


def channel(call: Call) -> Array:
    out = call.sound()
    out[:, 7] *= np.float32(1.5)
    return out


def quiet_channel(call: Call) -> Array:
    out = call.sound()
    out[:, 7] *= np.float32(1.0078125)
    return out


def last_left_out(call: Call) -> Array:
    x = np.array(call.input("ffn_swigl"))
    x[:, -1] = 0
    return call.with_input("ffn_swigl", x)


FAULTS: dict[str, tuple[StageKey, Any, str, str]] = {
    "a norm's gain": (StageKey("ffn_norm", 1), louder, "gain", "1.00781"),
    "a product's channel": (StageKey("qkv_matmul", 1), channel, "channel", "channel 7: 1.5 times"),
    "an attention's gain": (StageKey("attention", 1), louder, "gain", "1.00781"),
    "a product's last input": (StageKey("ffn_out", 1), last_left_out, "last element", "is left out"),
    "a residual's gain": (StageKey("post_attn_residual", 0), louder, "gain", "1.00781"),
    "a rotation's gain": (StageKey("q_post_rope", 0), louder, "gain", "1.00781"),
    "a head's gain": (StageKey("lm_head", None), louder, "gain", "1.00781"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("who", ["subject", "oracle"])
def test_it_is_the_same_fault_on_either_side(sides: Sides, fault: str, who: str) -> None:
    key, change, kind, told = FAULTS[fault]
    faulty, sound = sides.numpy(plant=at(key.stage, key.layer, change)), sides.numpy()
    found, first = run(*((faulty, sound) if who == "subject" else (sound, faulty)))
    assert (first.key, first.culprit) == (key, who)
    assert first.kind is not None
    assert (first.kind.name, told in first.kind.detail) == (kind, True), first.kind
    assert first.kind.detail.startswith("of the oracle: ") == (who == "oracle")
    # and only the culprit's drift is laid to its operation
    for name in ("subject", "oracle"):
        rungs = [rung.name for rung in found.ladders.get((name, 0, key), ())]
        assert ("operation" in rungs) == (name == who), (name, rungs)


def another_order(call: Call) -> Array:
    """One value rounded the other way, as after a sum in another order."""
    out = call.sound()
    out[5, 3] = np.nextafter(out[5, 3], np.float32(np.inf))
    return out


@pytest.mark.parametrize("who", ["subject", "oracle"])
def test_only_the_culprits_drift_is_laid_to_its_operation(sides: Sides, who: str) -> None:
    key = StageKey("ffn_up", 1)
    faulty, sound = (sides.numpy(plant=at(key.stage, key.layer, change)) for change in (louder, another_order))
    found, first = run(*((faulty, sound) if who == "subject" else (sound, faulty)))
    assert (first.key, first.culprit) == (key, who)
    rest = {name: found.ladders[name, 0, key][-1].name for name in ("subject", "oracle")}
    other = "oracle" if who == "subject" else "subject"
    assert rest == {who: "operation", other: "accumulation order"}


def test_what_float64_is_too_rough_for_is_told_from_the_judges_result_all_the_same(sides: Sides) -> None:
    # the fault is smaller than the rounding of activations, which float64 does not make
    faulty = sides.numpy(plant=at("qkv_matmul", 1, quiet_channel))
    _, first = run(sides.numpy(), faulty)
    assert (first.key, first.culprit) == (StageKey("qkv_matmul", 1), "undecided")
    assert first.kind is not None
    assert (first.kind.name, "of the oracle: channel 7: 1.00781" in first.kind.detail) == ("channel", True), first.kind
