from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.judge import Verdict, Word, judge, judge_change, judge_fixture
from pv.parse import Mutant
from pv.signals import Inconclusive, Refuted
from pv.types import UsageProblem
from pv.words import Expect

MUTANT = Mutant("theta", "q_rope", 3)
ANYWHERE = Mutant("eps", "norm")


@pytest.mark.parametrize(
    ("raised", "compared", "expect", "word", "ok"),
    [
        (None, 5, Expect.DISCHARGED, Word.DISCHARGED, True),
        (None, 0, Expect.DISCHARGED, Word.INCONCLUSIVE, False),
        (Refuted("x"), 5, Expect.DISCHARGED, Word.REFUTED, False),
        (Refuted("x"), 0, Expect.DISCHARGED, Word.REFUTED, False),
        (AssertionError("x"), 5, Expect.DISCHARGED, Word.REFUTED, False),
        (Inconclusive("no model"), 5, Expect.DISCHARGED, Word.INCONCLUSIVE, False),
        (ValueError("x"), 5, Expect.DISCHARGED, Word.ERROR, False),
        (None, 5, Expect.REFUTED, Word.DISCHARGED, False),
        (None, 0, Expect.REFUTED, Word.INCONCLUSIVE, False),
        (Refuted("x"), 5, Expect.REFUTED, Word.REFUTED, True),
        (AssertionError(), 5, Expect.REFUTED, Word.REFUTED, True),
        (Inconclusive("no model"), 5, Expect.REFUTED, Word.INCONCLUSIVE, False),
        (ValueError("x"), 5, Expect.REFUTED, Word.ERROR, False),
    ],
)
def test_the_verdict_of_an_honest_run(
    raised: BaseException | None, compared: int, expect: Expect, word: Word, ok: bool
) -> None:
    verdict = judge(raised, compared=compared, expect=expect)
    assert (verdict.word, verdict.ok) == (word, ok)


@pytest.mark.parametrize(
    ("raised", "mutant", "word"),
    [
        (None, MUTANT, Word.SURVIVED),
        (Refuted("x", stage="q_rope", layer=3), MUTANT, Word.KILLED),
        (Refuted("x", stage="q_rope", layer=2), MUTANT, Word.MISLOCALISED),
        (Refuted("x", stage="q_rope"), MUTANT, Word.MISLOCALISED),
        (Refuted("x", stage="k_rope", layer=3), MUTANT, Word.MISLOCALISED),
        (Refuted("x"), MUTANT, Word.MISLOCALISED),
        (AssertionError("x"), MUTANT, Word.MISLOCALISED),
        (Refuted("x", stage="norm", layer=29), ANYWHERE, Word.KILLED),
        (Inconclusive("no oracle"), MUTANT, Word.INCONCLUSIVE),
        (KeyError("x"), MUTANT, Word.ERROR),
    ],
)
@pytest.mark.parametrize("compared", [0, 5])
def test_the_verdict_of_a_run_on_a_mutant(
    raised: BaseException | None, mutant: Mutant, word: Word, compared: int
) -> None:
    verdict = judge(raised, compared=compared, mutant=mutant)
    assert (verdict.word, verdict.ok) == (word, word is Word.KILLED)
    assert verdict.refuted is (word in (Word.KILLED, Word.MISLOCALISED))


@pytest.mark.parametrize(
    ("raised", "compared", "word"),
    [
        (None, 5, Word.KILLED),
        (None, 0, Word.SURVIVED),
        (Refuted("x", stage="q_rope", layer=3), 5, Word.SURVIVED),
        (AssertionError("x"), 5, Word.SURVIVED),
        (Inconclusive("no oracle"), 5, Word.INCONCLUSIVE),
        (KeyError("x"), 5, Word.ERROR),
    ],
)
def test_a_mutant_of_a_claim_known_to_be_false_makes_it_true(
    raised: BaseException | None, compared: int, word: Word
) -> None:
    verdict = judge(raised, compared=compared, expect=Expect.REFUTED, mutant=MUTANT)
    assert (verdict.word, verdict.ok) == (word, word is Word.KILLED)
    assert word is not Word.SURVIVED or MUTANT.id in verdict.message
    assert verdict.refuted is isinstance(raised, (Refuted, AssertionError))
    assert verdict.where == ({"stage": "q_rope", "layer": 3} if isinstance(raised, Refuted) else {})


def test_a_mislocalised_mutant_says_expected_and_found() -> None:
    verdict = judge(Refuted("off", stage="k_rope", layer=2), compared=1, mutant=MUTANT)
    assert verdict.message == "expected at stage q_rope, layer 3, found at stage k_rope, layer 2: off"


def test_a_refutation_keeps_what_it_knows() -> None:
    raised = Refuted("m", stage="s", layer=0, position=0, channel=7, distance=0.5, bound=1e-6, kind="sign")
    verdict = judge(raised, compared=1)
    assert verdict.where == {"stage": "s", "layer": 0, "position": 0, "channel": 7, "kind": "sign"}
    assert (verdict.message, verdict.distance, verdict.bound) == ("m", 0.5, 1e-6)


def test_a_group_of_refutations_is_a_refutation_and_a_mixed_one_is_not() -> None:
    both = ExceptionGroup("two", [AssertionError("first"), ExceptionGroup("in", [Refuted("second")])])
    mixed = ExceptionGroup("two", [AssertionError("first"), ValueError("broken")])
    assert judge(both, compared=1).message == "first"
    assert judge(both, compared=1).word is Word.REFUTED
    assert judge(mixed, compared=1).word is Word.ERROR


def test_a_fixture_refutes_nothing() -> None:
    assert judge_fixture(AssertionError("x")).word is Word.ERROR
    assert judge_fixture(Refuted("x")).word is Word.ERROR
    verdict = judge_fixture(Inconclusive("no model", "apr pull smollm2"))
    assert (verdict.word, verdict.reason, verdict.message) == (Word.INCONCLUSIVE, "no model", "apr pull smollm2")


@pytest.mark.parametrize(
    ("raised", "more", "message"),
    [
        (None, {"compared": 0}, "nothing was compared"),
        (None, {"compared": 0, "left_out": "3 rows (no model)"}, "nothing was compared; skipped: 3 rows (no model)"),
        (None, {"compared": 1, "expect": Expect.REFUTED}, "expected to be refuted, and was not"),
        (None, {"compared": 1, "mutant": MUTANT}, "the falsifier lets the fault 'theta' through"),
        (AssertionError("  "), {"compared": 1}, "assertion failed"),
        (None, {"compared": 1}, ""),
    ],
)
def test_a_verdict_says_why_in_one_sentence(raised: BaseException | None, more: dict[str, Any], message: str) -> None:
    assert judge(raised, **more).message == message


def test_a_reason_is_for_what_is_inconclusive() -> None:
    assert judge(None, compared=0).reason == "vacuous"
    assert judge(Refuted("x"), compared=1).reason == ""


def test_a_distance_beyond_its_own_bound_cannot_just_return() -> None:
    verdict = judge(None, compared=1, beyond="0.5 of 0.1")
    message = "recorded a distance beyond its bound but returned: 0.5 of 0.1; raise Refuted or assert"
    assert verdict == Verdict(Word.ERROR, ok=False, message=message)
    assert judge(None, compared=0, beyond="0.5 of 0.1") == verdict


def test_a_level_that_says_too_much_is_an_error_and_an_unexpected_refutation_stands() -> None:
    overstated = Verdict(Word.ERROR, ok=False, message="the falsifier says measured without an engine")
    says = "says measured without an engine"
    assert judge(None, compared=1, overstated=says) == overstated
    assert judge(Refuted("x"), compared=1, expect=Expect.REFUTED, overstated=says) == overstated
    assert judge(Refuted("x"), compared=1, overstated=says).word is Word.REFUTED
    assert judge(Refuted("x", stage="norm"), compared=1, mutant=ANYWHERE, overstated=says).word is Word.KILLED


def test_an_error_tells_its_type_unless_it_is_a_whole_sentence() -> None:
    assert judge_fixture(ValueError(" off ")) == Verdict(Word.ERROR, ok=False, message="ValueError: off")
    assert judge_fixture(KeyError()) == Verdict(Word.ERROR, ok=False, message="KeyError")
    sentence = UsageProblem("x.yaml: not there; write it")
    assert judge_fixture(sentence) == Verdict(Word.ERROR, ok=False, message="x.yaml: not there; write it")
    assert judge_fixture(UsageProblem("")).message == "UsageProblem"


def test_what_changed_during_the_run_leaves_nothing_of_its_verdict() -> None:
    good = Verdict(Word.DISCHARGED, ok=True)
    message = "a.py, b.py: not what was there when this process began; run it again"
    assert judge_change(good, []) is good
    assert judge_change(good, ["a.py", "b.py"]) == Verdict(
        Word.INCONCLUSIVE, ok=False, reason="source changed", message=message
    )
    broken = Verdict(Word.ERROR, ok=False, message="x")
    assert judge_change(broken, ["a.py"]) is broken


def test_a_place_without_a_layer_is_its_stage() -> None:
    message = judge(Refuted("off", stage="q"), compared=1, mutant=ANYWHERE).message
    assert message == "expected at stage norm, found at stage q: off"
    message = judge(AssertionError("off"), compared=1, mutant=MUTANT).message
    assert message == "expected at stage q_rope, layer 3, found at no stage at all: off"


raisable = st.sampled_from([None, AssertionError("a"), Refuted("r"), Inconclusive("i"), OSError("o"), SystemExit(0)])


@given(raisable, st.integers(0, 3), st.sampled_from(list(Expect)), st.sampled_from([None, MUTANT, ANYWHERE]))
def test_only_two_ways_lead_to_ok(
    raised: BaseException | None, compared: int, expect: Expect, mutant: Mutant | None
) -> None:
    verdict = judge(raised, compared=compared, expect=expect, mutant=mutant)
    refuted = isinstance(raised, (AssertionError, Refuted))
    if verdict.ok and mutant is None:
        assert refuted if expect is Expect.REFUTED else (raised is None and compared > 0)
    assert not (verdict.ok and isinstance(raised, (Inconclusive, OSError, SystemExit)))
    assert verdict.fails == (not verdict.ok and verdict.word is not Word.INCONCLUSIVE)
