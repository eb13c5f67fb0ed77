"""What a null model knows of whole rows: ids that tie, errors that a row shares, rows that come back, rows that are cut out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.mutants.planting import at
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.measure import Filters, measure
from apr.parity.null import Null, limit, null_of, power
from apr.parity.null import tests as six
from apr.parity.null.pair import EXP, Pair, U
from apr.parity.null.ranking import misplaced, open_ranks
from apr.parity.null.routing import Logits, ranking, variance_of_choice, variance_of_weights
from apr.parity.sides import Judge, Side
from apr.parity.verdict import judge
from apr.parity.work.compare import combined
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Array
    from apr.mutants.planting import Call
    from apr.parity.null.base import Test as Statistic
    from apr.parity.work.setting import Closer

ALIKE = Pair("f64", "f64")  # nobody rounds: the proxy of a logit is all there is
TOKENS = [5, 9, 200, 17, 42, 9, 33]
CHOICE = StageKey("moe_router_indices", 0)


def ranked(values: list[list[float]], squares: Any = 0.0) -> Any:
    """[2, positions, candidates]."""
    sizes = np.array(values)
    return np.stack([sizes, np.broadcast_to(np.asarray(squares, float), sizes.shape)])


def worst(seen: Any, expected: Any, ranking_: Any) -> Statistic:
    """The element test of rows of ids, under the proxies that follow from their ranking."""
    ids, others = np.asarray(seen, np.float32), np.asarray(expected, np.float32)
    proxy = variance_of_choice(ranking_, ids.shape[1])
    return six(ids, others, Null(proxy, None, (), ranking=ranking_))[0]


# 0 and 1 tie, then 2 alone, then 3 and 4 tie, 5 is far behind
GROUPS = ranked([[9.0, 9.0, 7.0, 5.0, 5.0, 1.0]], 0.01)


@pytest.mark.parametrize("seen", [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 2, 4], [1, 0, 2, 4]])
def test_members_of_a_tie_stand_at_each_others_ranks(seen: list[int]) -> None:
    assert open_ranks(GROUPS, 4).tolist() == [[True, True, False, True]]
    assert worst([seen], [[0, 1, 2, 3]], GROUPS).value == 0


@pytest.mark.parametrize(
    ("seen", "channel"),
    [
        ([5, 1, 2, 3], 0),  # nobody's group
        ([2, 1, 2, 3], 0),  # another rank's
        ([3, 1, 2, 4], 0),  # another tie's
        ([1, 1, 2, 3], 1),  # once too often
        ([0, 1, 2, 5], 3),
        ([0, 1, 2, 0], 3),
        ([0, 1, 2, 99], 3),  # nobody's at all
        ([0, 1, 2, -1], 3),
        ([99, 1, 2, 3], 0),
        ([-6, 1, 2, 3], 0),
        ([0, 1, 2, 3.5], 3),
        ([0, 1, 3, 2], 2),
    ],
)
def test_nobody_else_does(seen: list[float], channel: int) -> None:
    found = worst([[0, 1, 2, 3], seen], [[0, 1, 2, 3]] * 2, np.repeat(GROUPS, 2, axis=1))
    assert (found.value, found.position, found.channel) == (math.inf, 1, channel)


def test_a_chain_of_neighbours_is_no_group() -> None:
    """Each is near the next, and the first is not near the last: whoever is surely greater comes first."""
    chain = ranked([[3.0, 2.0, 1.0]], 0.8)  # near up to sqrt(1.6) = 1.26
    for row in ([0, 1, 2], [1, 0, 2], [0, 2, 1]):
        assert not misplaced(np.array([row]), chain).any()
    assert misplaced(np.array([[2, 0, 1]]), chain).tolist() == [[True, False, False]]
    assert misplaced(np.array([[1, 2, 0]]), chain).tolist() == [[False, True, False]]
    assert misplaced(np.array([[1, 2]]), chain).tolist() == [[False, True]], "the greatest is not there at all"


def test_who_is_off_further_is_near_more() -> None:
    """Not the next candidate but the one after it may come first: its error is greater."""
    wide = ranked([[3.0, 2.5, 2.0]], [[0.01, 0.01, 1.0]])
    assert open_ranks(wide, 1).tolist() == [[True]]
    assert worst([[2]], [[0]], wide).value == 0
    assert worst([[1]], [[0]], wide).value == math.inf


def test_a_ranking_that_is_not_finite_lets_nobody_through() -> None:
    for bad in (math.nan, math.inf):
        for place in (0, 1):
            broken = GROUPS.copy()
            broken[place, 0, 5] = bad
            assert worst([[1, 0, 2, 3]], [[0, 1, 2, 3]], broken).value == math.inf
            assert worst([[0, 1, 2, 3]], [[0, 1, 2, 3]], broken).value == 0


def test_either_side_may_be_the_wrong_one() -> None:
    """What is expected may be another engine's."""
    assert worst([[0, 1, 2, 3]], [[5, 1, 2, 3]], GROUPS).value == math.inf
    assert worst([[5, 1, 2, 3]], [[5, 1, 2, 3]], GROUPS).value == 0, "they do not differ"
    assert math.isnan(worst([[math.nan, 1, 2, 3]], [[0, 1, 2, 3]], GROUPS).value)


@pytest.mark.parametrize(("apart", "tie"), [(7.9, True), (8.1, False)])
def test_ties_reach_eight_proxies_far(apart: float, tie: bool) -> None:
    """Two logits of proxy s each differ honestly by less than 8 sqrt(2) s."""
    s = 1e-3
    logits = Logits(np.array([[2.0, 2.0 - apart * math.sqrt(2) * s, -5.0]]), np.full((1, 3), s * s))
    made = ranking(ALIKE, logits)
    assert variance_of_choice(made, 3).tolist() == [[math.inf if tie else 0.0] * 2 + [0.0]]
    assert worst([[1, 0]], [[0, 1]], made).value == (0 if tie else math.inf)


def test_a_side_in_float32_rounds_the_exponential() -> None:
    """Each such side adds EXP^2 + (u (l - max))^2 to the square of a logit's proxy, and 64 times that is the ranking's."""
    logits = Logits(np.array([[0.0, -3.0]]), np.full((1, 2), 1e-12))
    made = ranking(Pair("ggml", "ggml"), logits)
    assert made[0].tolist() == [[0.0, -3.0]]
    assert made[1, 0] == pytest.approx(64 * (1e-12 + 2 * np.array([EXP**2, EXP**2 + 9 * U * U])), rel=1e-12, abs=0)
    # w = (1/2, 1/2): w^2 (0 eta^2 + (1/4 + 1/4) eta^2 + 8 u^2) with eta^2 = 1e-12 + 2 EXP^2
    even = Logits(np.zeros((1, 2)), np.full((1, 2), 1e-12))
    weights = variance_of_weights(Pair("ggml", "ggml"), even, np.array([[0, 1]]))
    assert weights[0] == pytest.approx([0.25 * ((1e-12 + 2 * EXP**2) / 2 + 8 * U * U)] * 2, rel=1e-12, abs=0)


def test_nothing_is_promised_where_nothing_is_judged() -> None:
    y = np.ones((2, 2))
    blind = power(six(y, y, Null(np.full((2, 2), np.inf), None, ())), 1e-9)
    assert {blind.gain, blind.bias, blind.channel, blind.element} == {math.inf}
    exact = power(six(y, y, Null(np.zeros((2, 2)), None, ())), 1e-9)
    assert {exact.gain, exact.bias, exact.channel, exact.element} == {2.0**-23}


@pytest.mark.parametrize("tau", [0.0, 1.0, math.inf])
def test_nan_has_no_sign(tau: float) -> None:
    """Libraries and machines disagree about it: x86 makes negative ones, numpy's constant is positive."""
    expected = np.array([[1.0, np.nan], [2.0, 3.0]], np.float32)
    seen = np.array([[1.0, -np.nan], [2.0, 3.0]], np.float32)
    assert np.signbit(seen[0, 1]) != np.signbit(expected[0, 1])
    for test in six(seen, expected, Null(np.full((2, 2), tau), None, ())):
        assert test.value == 0, test
    seen[1, 1] = np.nan
    for test in six(seen, expected, Null(np.full((2, 2), tau), None, ())):
        assert not test.value <= limit(test, 1e-9), test


def test_rows_that_come_back_make_a_gain_and_a_bias_less_certain() -> None:
    """Four errors of 1 with tau 1, y = 1: 4 / sqrt(sum of m y^2), m = 2 where each row is there twice."""
    twice, once = np.ones((4, 1)), np.array([[1.0], [1.1], [1.2], [1.3]])
    null = Null(np.ones((4, 1)), None, ())
    twice[2:] = 2.0
    gain, bias = six(twice + 1, twice, null)[4:]
    assert gain.value == pytest.approx((1 + 1 + 2 + 2) / math.sqrt(2 * (1 + 1 + 4 + 4)))
    assert bias.value == pytest.approx(4 / math.sqrt(2 * 4))
    assert six(once + 1, once, null)[5].value == pytest.approx(4 / math.sqrt(4))


@dataclass
class Sides:
    """Makes sides over one file."""

    path: Path

    def __post_init__(self) -> None:
        self.file = read_gguf(self.path)
        self.judge = Judge(self.file)

    def made(self, arithmetic: str, plant: Any = None) -> Side:
        """The reference, stock or with a fault in it."""
        model = self.judge.model(arithmetic)
        engine = Reference(self.file, ARITHMETICS[arithmetic], plant(model) if plant else model)
        return Side(f"numpy:{arithmetic}", engine, self.judge, stock=plant is None)


@pytest.fixture(scope="module")
def tied(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """A model whose experts are alike to the router in pairs: 0 and 1, 2 and 3, ..."""
    path: Path = tmp_path_factory.mktemp("ties") / "tied.gguf"
    maker.write_model(path, maker.Spec("qwen3moe", "F32", layers=1, used=2))
    router = read_gguf(path).tensors["blk.0.ffn_gate_inp.weight"]
    raw = bytearray(path.read_bytes())
    rows = np.frombuffer(raw, np.float32, router.nbytes // 4, router.offset).reshape(router.shape)
    rows[1::2] = rows[::2]
    path.write_bytes(raw)
    return Sides(path)


def swapped(call: Call) -> Array:
    return np.ascontiguousarray(call.sound()[:, ::-1])


def another_pair(call: Call) -> Array:
    out = np.array(call.sound())
    out[3, 0] = (out[3, 0] + 2) % 8
    return out


def the_same_twice(call: Call) -> Array:
    out = np.array(call.sound())
    out[3, 0] = out[3, 1]
    return out


@pytest.mark.parametrize("positions", [None, range(2, 6)], ids=["all", "some"])
@pytest.mark.parametrize("arithmetic", ["f64", "f32"])
@pytest.mark.parametrize(
    ("plant", "outcome"), [(swapped, "agrees"), (another_pair, "diverges"), (the_same_twice, "diverges")]
)
def test_an_engine_may_break_a_tie_and_nothing_more(
    tied: Sides, plant: Any, outcome: str, arithmetic: str, positions: range | None
) -> None:
    subject = tied.made(arithmetic, at("moe_router_indices", 0, plant))
    ids = {"free": subject.engine.capture(TOKENS)[CHOICE], "sound": tied.made("f64").engine.capture(TOKENS)[CHOICE]}
    assert not np.array_equal(ids["free"], ids["sound"])
    made = measure(subject, tied.made("f64"), [TOKENS], Filters(stages=(CHOICE.stage,), positions=positions))
    found = judge(made)
    assert found.outcome == outcome, found.reason
    if found.first is not None:
        assert (found.first.key, found.first.position) == (CHOICE, 3)


@pytest.mark.parametrize("arithmetic", ["f64", "f32"])
def test_an_oracle_may_not_either(tied: Sides, arithmetic: str) -> None:
    """The judge's own code on the other side, so nothing but the two against each other shows it."""
    for plant, outcome in ((swapped, "agrees"), (another_pair, "diverges")):
        oracle = tied.made(arithmetic, at("moe_router_indices", 0, plant))
        made = measure(tied.made(arithmetic), oracle, [TOKENS], Filters(stages=(CHOICE.stage,)))
        assert {cell.view for cell in made.cells} == {"isolated", "accumulated"}
        assert judge(made).outcome == outcome


def test_of_two_that_round_the_rougher_says_who_may_tie() -> None:
    """Each is held against a judge between them, and by its own errors alone; the other's make no difference to it."""
    fine, rough = (ranked([[3.0, 2.0]], squares) for squares in (0.1, 0.6))  # near up to 0.45, and to 1.10
    nulls = [Null(variance_of_choice(each, 2), None, (), ranking=each) for each in (fine, rough)]
    for null in (combined(*nulls), combined(*nulls[::-1])):
        assert six(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), null)[0].value == 0
    both = combined(nulls[0], nulls[0])
    assert six(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), both)[0].value == math.inf


def test_some_rows_of_a_null_model_are_those_rows(tiny_llama: Callable[..., Path]) -> None:
    """Rounded activations are shared by all outputs of a row: rows that are cut out still know by how much that moves a gain."""
    sides = Sides(tiny_llama("Q8_0"))
    key, oracle = StageKey("qkv_matmul", 0), sides.made("f64")
    subject = sides.made("ggml", at(key.stage, 0, lambda call: call.sound() * np.float32(1.5)))
    closer: list[Closer] = []
    chosen = Filters(stages=(key.stage,), layers=range(1), positions=range(2, 5))
    measure(subject, oracle, [TOKENS], chosen, look_closer=closer.append)
    isolated = next(each for each in closer if np.array_equal(each.expected, oracle.engine.capture(TOKENS)[key][2:5]))
    given = oracle.engine.capture(TOKENS).stages
    tokens, positions = np.asarray(TOKENS), np.arange(len(TOKENS))
    expected = sides.judge.model("ggml").compute(key, tokens, positions, given)
    whole = null_of(sides.judge.model("ggml"), key, tokens, positions, given, expected, "f64")
    assert whole.along is not None
    assert whole.rank is not None
    assert (isolated.null.proxy == whole.proxy[2:5]).all()
    assert isolated.null.rank == pytest.approx(whole.rank[2:5], rel=1e-12)
    assert isolated.null.along == pytest.approx(whole.along[:, 2:5], rel=1e-12)
    assert (whole.along[:, :2] != whole.along[:, 2:4]).all(), "another slice would be noticed"


def test_null_of_a_choice_holds_its_ranking(tied: Sides) -> None:
    model = tied.judge.model("f64")
    capture = tied.made("f64").engine.capture(TOKENS)
    tokens = np.asarray(TOKENS)
    null = null_of(model, CHOICE, tokens, np.arange(len(TOKENS)), capture.stages, capture[CHOICE], "f32")
    assert null.ranking is not None
    assert null.ranking.shape == (2, len(TOKENS), 8)
    assert (null.ranking[0, :, ::2] == null.ranking[0, :, 1::2]).all()
    assert np.isinf(null.proxy).all()
    assert null.because == (f"whole numbers; at {2 * len(TOKENS)} of {2 * len(TOKENS)} ranks experts tie",)
