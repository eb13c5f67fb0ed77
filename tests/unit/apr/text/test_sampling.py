"""Sampling: what each step leaves, how often each token is drawn, and that a seed tells everything."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.engines.llama_cpp.providers import find_provider
from apr.errors import UnusableInput, UsageError
from apr.text.sampling import Sampling, distribution, draw, draws, greedy, min_p, sample, sampler, top_k, top_p

PROBABILITIES = [0.5, 0.2, 0.15, 0.1, 0.05]
LOGITS = np.log(PROBABILITIES)[[3, 0, 4, 1, 2]]  # ids 1, 3, 4, 0, 2 by their chances

logits_of = st.lists(st.integers(-40, 40), min_size=1, max_size=30).map(lambda steps: np.array(steps) / 4)


def left(logits: Any) -> list[int]:
    return np.flatnonzero(np.isfinite(logits)).tolist()


def test_each_step_leaves_what_it_should() -> None:
    assert left(top_k(LOGITS, 2)) == [1, 3]
    assert left(top_k(LOGITS, 99)) == [0, 1, 2, 3, 4]
    assert left(top_p(LOGITS, 0.5)) == [1]
    assert left(top_p(LOGITS, 0.6)) == [1, 3]
    assert left(top_p(LOGITS, 0.71)) == [1, 3, 4]
    assert left(top_p(LOGITS, 1.0)) == [0, 1, 2, 3, 4]
    assert left(min_p(LOGITS, 0.39)) == [1, 3]
    assert left(min_p(LOGITS, 0.0)) == [0, 1, 2, 3, 4]
    assert left(min_p(LOGITS, 1.0)) == [1]


def test_of_equal_tokens_the_lower_ids_are_left() -> None:
    assert left(top_k(np.zeros(5), 2)) == [0, 1]
    assert greedy(np.array([1.0, 3.0, 3.0])) == 1


@given(logits_of, st.integers(1, 40))
def test_top_k_leaves_k_and_none_greater_is_out(logits: Any, k: int) -> None:
    kept = left(top_k(logits, k))
    out = np.delete(logits, kept)
    assert len(kept) == min(k, len(logits))
    assert not out.size or out.max() <= logits[kept].min()


@given(logits_of, st.floats(0.01, 1.0))
def test_top_p_leaves_enough_and_no_more(logits: Any, p: float) -> None:
    chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    kept = sorted(chances[left(top_p(logits, p))])
    assert sum(kept) >= p - 1e-12
    assert sum(kept[1:]) < p + 1e-12


@given(logits_of, st.floats(0.0, 1.0))
def test_min_p_is_a_fraction_of_the_likeliest(logits: Any, p: float) -> None:
    chances = np.exp(logits - logits.max())
    kept = set(left(min_p(logits, p)))
    for index, chance in enumerate(chances):
        if abs(chance - p) > 1e-12:
            assert (index in kept) == (chance >= p)


@given(logits_of)
def test_nothing_asked_for_is_the_softmax(logits: Any) -> None:
    expected = np.exp(logits) / np.exp(logits).sum()
    assert np.allclose(distribution(logits, Sampling()), expected, rtol=1e-12, atol=0)


@given(logits_of, st.floats(0.1, 10.0))
def test_temperature_divides_logarithms(logits: Any, temperature: float) -> None:
    plain, changed = (np.log(distribution(logits, Sampling(temperature=t))) for t in (1.0, temperature))
    assert np.allclose(changed - changed.max(), (plain - plain.max()) / temperature, atol=1e-9)


def test_the_order_is_the_one_that_is_stated() -> None:
    # top-p after top-k looks at what is left of it: 0.5 of 0.7 is 0.71
    assert left_of(top_k=2, top_p=0.71) == [1]
    assert left_of(top_p=0.71) == [1, 3, 4]
    # temperature comes last: were it first, it would even things out and more would be left
    assert left_of(top_p=0.6, temperature=100.0) == [1, 3]
    assert left_of(min_p=0.39, temperature=100.0) == [1, 3]


def left_of(**settings: Any) -> list[int]:
    return np.flatnonzero(distribution(LOGITS, Sampling(**settings))).tolist()


def test_a_temperature_near_zero_is_greedy_and_overflows_nowhere() -> None:
    logits = np.array([-3e38, 1e38, 3e38, 2.9e38], np.float32)
    assert distribution(logits, Sampling(temperature=1e-300)).tolist() == [0, 0, 1, 0]


def test_tokens_are_drawn_as_often_as_their_chances_say() -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    count = 40_000
    drawn = np.bincount([draw(np.array(PROBABILITIES), rng) for _ in range(count)], minlength=5)
    for seen, chance in zip(drawn, PROBABILITIES, strict=True):
        # five standard deviations of a binomial count: 3 in a million seeds are farther off
        assert abs(seen - count * chance) < 5 * math.sqrt(count * chance * (1 - chance))


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 3), st.integers(0, 3))
def test_what_has_no_chance_is_never_drawn(place: float, before: int, behind: int) -> None:
    class Fixed:
        def random(self, n: int) -> Any:
            return np.full(n, place)

    fixed: Any = Fixed()
    chances = np.array([0.0] * before + [0.3, 0.0, 0.7] + [0.0] * behind)
    assert draw(chances, fixed) == before + (0 if place < 0.3 else 2)


def test_running_sums_that_fall_short_of_one_still_yield_an_id() -> None:
    class AlmostOne:
        def random(self, n: int) -> Any:
            return np.full(n, math.nextafter(1.0, 0.0))

    almost: Any = AlmostOne()
    chances = np.array([0.1] * 10)
    assert np.cumsum(chances)[-1] < 1
    assert draw(chances, almost) == 9


def test_weights_of_less_precision_are_summed_in_float64() -> None:
    class AlmostOne:
        def random(self, n: int) -> Any:
            return np.full(n, math.nextafter(1.0, 0.0))

    almost: Any = AlmostOne()
    for dtype in (
        np.float16,
        np.float32,
    ):  # in float32 the number would be the sum itself, and its place behind the last
        assert draw(np.full(3, 0.25, dtype), almost) == 2


def test_several_draws_are_single_ones_in_a_row() -> None:
    rngs = [np.random.Generator(np.random.PCG64(5)) for _ in range(2)]
    chances = np.array(PROBABILITIES)
    assert draws(chances, rngs[0], 40).tolist() == [draw(chances, rngs[1]) for _ in range(40)]


def test_a_top_p_of_one_leaves_what_has_almost_no_chance() -> None:
    # exp(-60) is lost in a sum of about 1, so the sum is 1 at the first token
    assert left(top_p(np.array([0.0, -60.0]), 1.0)) == [0, 1]
    assert left(top_p(np.array([0.0, -60.0]), math.nextafter(1.0, 0.0))) == [0]


def test_a_seed_tells_everything() -> None:
    def run(seed: int) -> list[int]:
        choose = sampler(Sampling(seed=seed))
        return [choose(LOGITS) for _ in range(50)]

    assert run(3) == run(3) != run(4)
    assert run(3)[:8] == [0, 1, 3, 1, 0, 1, 1, 1]  # of PCG64 and ids in order: otherwise it would be another text
    assert sampler(None)(LOGITS) == 1
    rng = np.random.Generator(np.random.PCG64(3))
    assert [sample(LOGITS, Sampling(), rng) for _ in range(50)] == run(3)


@pytest.mark.parametrize(
    ("logits", "problem"),
    [
        ([1.0, math.nan, math.inf], "2 of 3 logits are no numbers"),
        ([-math.inf, -math.inf], "all 2 logits are -inf"),
    ],
)
def test_nothing_is_chosen_from_what_is_no_number(logits: list[float], problem: str) -> None:
    for choose in (sampler(None), sampler(Sampling())):
        with pytest.raises(UnusableInput, match=problem):
            choose(np.array(logits))
    assert greedy(np.array([-math.inf, -5.0])) == 1


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"temperature": 0.0}, "temperature: must be above 0, not 0.0; greedy is what 0 would be"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_k": 0}, "top_k: must be 1 or more, not 0; leave it out to turn it off"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"min_p": -0.1}, "min_p"),
        ({"min_p": math.nan}, "min_p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Sampling(**settings)
    assert str(refusal.value).startswith(place)


# Applies samplers to logits; answers with the ids that are left and their probabilities.
LLAMA_SAMPLE = """
import ctypes as C, json, sys
lib = C.CDLL(sys.argv[1])
class Datum(C.Structure):
    _fields_ = [("id", C.c_int32), ("logit", C.c_float), ("p", C.c_float)]
class Data(C.Structure):
    _fields_ = [("data", C.POINTER(Datum)), ("size", C.c_size_t), ("selected", C.c_int64), ("sorted", C.c_bool)]
kinds = {"top_k": (C.c_int32,), "top_p": (C.c_float, C.c_size_t), "min_p": (C.c_float, C.c_size_t),
         "temp": (C.c_float,), "dist": (C.c_uint32,)}
for name, types in kinds.items():
    function = getattr(lib, f"llama_sampler_init_{name}")
    function.argtypes, function.restype = types, C.c_void_p
lib.llama_sampler_apply.argtypes = [C.c_void_p, C.POINTER(Data)]
lib.llama_sampler_free.argtypes = [C.c_void_p]
answer = []
for logits, steps in json.load(sys.stdin):
    buffer = (Datum * len(logits))(*[(index, logit, 0.0) for index, logit in enumerate(logits)])
    data = Data(buffer, len(logits), -1, False)
    for name, value in [*steps, ["dist", 1]]:
        more = [1] if len(kinds[name]) == 2 else []
        made = getattr(lib, f"llama_sampler_init_{name}")(value, *more)
        lib.llama_sampler_apply(made, C.byref(data))
        lib.llama_sampler_free(made)
    answer.append({data.data[i].id: data.data[i].p for i in range(data.size)})
json.dump(answer, sys.stdout)
"""


@pytest.mark.oracle
@pytest.mark.usefixtures("llama_cpp")
def test_chances_are_those_of_llama_cpp() -> None:
    rng = np.random.Generator(np.random.PCG64(11))
    settings = [
        Sampling(temperature=t, top_k=k, top_p=p, min_p=m)
        for t in (0.3, 1.0, 2.5)
        for k in (None, 1, 20)
        for p in (None, 0.3, 0.95)
        for m in (None, 0.05, 0.6)
    ]
    asked = [((3 * rng.standard_normal(200)).astype(np.float32), one) for one in settings]
    names = {"top_k": "top_k", "top_p": "top_p", "min_p": "min_p", "temperature": "temp"}
    request = [
        (
            logits.tolist(),
            [(theirs, value) for ours, theirs in names.items() if (value := getattr(one, ours)) is not None],
        )
        for logits, one in asked
    ]
    done = subprocess.run(
        [sys.executable, "-c", LLAMA_SAMPLE, str(find_provider().library)],
        input=json.dumps(request), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for (logits, one), theirs in zip(asked, json.loads(done.stdout), strict=True):
        chances = distribution(logits, one)
        assert sorted(map(int, theirs)) == np.flatnonzero(chances).tolist(), one
        # theirs are of float32: exponentials and a sum of 200 of them
        assert all(abs(chances[int(index)] - p) < 1e-5 for index, p in theirs.items()), one
