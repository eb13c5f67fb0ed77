"""What the last run changed in a contract's counts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from pv.fold import CaseEvidence, Folded, fold
from pv.ledger import Ledger
from pv.matrix import killed
from pv.trend import Trend, trend

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

TWO = """\
falsification_tests:
  - {id: A, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
  - {id: B, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
"""


def rows(run: str, contract: str = "base-v1", **words: str) -> list[dict[str, Any]]:
    """The rows of a run: by claim what it came to, and by claim and `_m` what became of its mutant."""
    found = []
    for name, word in words.items():
        claim, _, mutant = name.partition("_")
        key = {"run": run, "contract": contract, "claim": claim, "params": "{}", "mutant": mutant}
        found.append({**key, "verdict": word, "message": "", "where": {"stage": "s"}})
    return found


def run(name: str, a: str = "discharged", b: str = "discharged", mutant: str = "killed") -> list[dict[str, Any]]:
    return rows(name, A=a, A_m=mutant, B=b, B_m="killed")


def now(contract: Contract, ledger: Ledger) -> list[Folded]:
    """Every claim by its newest rows, as if all were fresh."""
    folded = []
    for claim in contract.claims:
        evidence = []
        for case in claim.cases():
            key = (claim.contract, claim.id, case.key, case.mutant.id if case.mutant else "")
            entry = next(iter(ledger.newest(key)), None)
            evidence.append(CaseEvidence(case, entry.row if entry else None))
        folded.append(fold(claim, evidence))
    return folded


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], None),
        ([run("1")], None),
        ([run("1"), run("2")], Trend()),
        ([run("1"), run("2", a="refuted")], Trend(discharged=-1, refuted=1)),
        ([run("1", a="refuted"), run("2")], Trend(discharged=1, refuted=-1)),
        ([run("1", b="inconclusive"), run("2", b="error")], Trend(inconclusive=-1, error=1)),
        ([run("1", mutant="survived"), run("2")], Trend(discharged=1, inconclusive=-1, killed=1)),
        ([run("1", a="refuted"), run("2"), run("3")], Trend()),
        # the last run touched one claim only: the other one is what it was
        ([run("1", a="refuted"), run("2", a="refuted"), rows("3", A="discharged")], Trend(discharged=1, refuted=-1)),
        # a case that was never run before
        ([rows("1", A="discharged", A_m="killed"), run("2")], Trend(discharged=1, inconclusive=-1, killed=1)),
        # a run of another contract is none of this one
        ([run("1"), run("2", a="refuted"), rows("3", "other-v1", A="discharged")], Trend(discharged=-1, refuted=1)),
    ],
)
def test_the_last_run_against_what_was_known_before(
    contract_of: Callable[..., Contract], history: list[list[dict[str, Any]]], expected: Trend | None
) -> None:
    contract = contract_of(TWO)
    ledger = Ledger.of(row for rows_ in history for row in rows_)
    assert trend(contract, ledger, now(contract, ledger)) == expected


def test_what_has_gone_stale_since_shows(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(TWO)
    ledger = Ledger.of([*run("1"), *run("2")])
    stale = [fold(claim, [CaseEvidence(case, None, "changed") for case in claim.cases()]) for claim in contract.claims]
    assert trend(contract, ledger, stale) == Trend(discharged=-2, inconclusive=2, killed=-2)


def test_two_lines_a_case_are_looked_at_however_long_the_ledger(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(TWO)
    ledger = Ledger.of(row for number in range(50) for row in run(str(number)))
    read: list[int] = []
    glimpses = ledger.glimpses

    def counted(key: Any) -> Any:
        for one in glimpses(key):
            read.append(one.number)
            yield one

    folded = now(contract, ledger)
    ledger.glimpses = counted  # type: ignore[method-assign]
    assert trend(contract, ledger, folded) == Trend()
    assert len(read) == 2 * 4


WORDS = ("discharged", "refuted", "inconclusive", "error")
OF_MUTANTS = ("killed", "survived", "mislocalised", "inconclusive", "error", "discharged")


@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_unfolded_changes_nothing(seed: int, contract_of: Callable[..., Contract]) -> None:
    """Against folding all rows, whole, of both sides."""
    rng = random.Random(seed)  # noqa: S311  the same each time
    contract = contract_of(TWO.replace("A,", "A, expect: refuted,") if seed % 2 else TWO)
    history = []
    for number in range(3):
        words = {name: rng.choice(WORDS[:2] if rng.random() < 0.7 else WORDS) for name in ("A", "B")}
        mutants = {f"{name}_m": rng.choice(OF_MUTANTS[:2] if rng.random() < 0.7 else OF_MUTANTS) for name in ("A", "B")}
        each = {**words, **mutants}
        history.append(rows(str(number), **{name: word for name, word in each.items() if rng.random() < 0.9}))
    ledger = Ledger.of(row for rows_ in history for row in rows_)
    newest = next(str(number) for number in (2, 1, 0) if history[number])
    older = Ledger.of(row for rows_ in history for row in rows_ if row["run"] != newest)
    after, before = now(contract, ledger), now(contract, older)
    moved = [sum(one.outcome == word for one in after) - sum(one.outcome == word for one in before) for word in WORDS]
    more = sum(killed(one.cells) for one in after) - sum(killed(one.cells) for one in before)
    expected = Trend(moved[0], moved[1], moved[2], moved[3], more)
    assert trend(contract, ledger, after) == expected
