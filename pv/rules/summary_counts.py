"""Counts that don't match the file they stand in (PV222).

`verification_summary` says how many obligations there are and how far each rung of proof has come; `qa_gate` and the description often say how
many claims or harnesses there are. A number typed by hand stays when the entries change, and readers believe the number. Checked are:
whole numbers of 0 or more; the total against `proof_obligations`; no rung above the total; what was tested against claims, what kani proved
against harnesses, what Lean proved against obligations whose `lean.status` is `proved`; and in prose "N falsification tests",
"N kani harnesses", "N proof obligations".

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1}
    verification_summary: {total_obligations: 2, l2_property_tested: 1}

Good:

    proof_obligations:
      - {type: invariant, property: the sum is 1}
    verification_summary: {total_obligations: 1, l2_property_tested: 1}

A total that is wrong, a rung above it, and proof of which the file shows nothing are errors; the other mismatches are warnings, because one
harness may prove two obligations, and prose may speak of other tests.

Not flagged: a schema contract without obligations; `l4_sorry_count` above the number of obligations, since a proof may hold several; a part of
the entries ("the first 3 falsification tests", "6 of 13 claims"), and what says neither claims, harnesses nor obligations ("15 tests", "12 gates").

Upstream: SCHEMA-024, for the total alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._counts import Counts, counts_of, stated
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract

CODE = "PV222"
SEVERITY = Severity.ERROR

_BLOCK = "verification_summary"
_RUNGS = ("l2_property_tested", "l3_kani_proved", "l4_lean_proved", "l4_not_applicable")
_COUNTS = ("total_obligations", *_RUNGS, "l4_sorry_count")
_PROSE = (("metadata", "description"), ("qa_gate", "description"), ("qa_gate", "pass_criteria"))


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each number of `verification_summary`, and each in prose about the file's entries, that cannot be right."""
    data = contract.document.data
    counts = counts_of(contract)
    summary = data.get(_BLOCK)
    if isinstance(summary, dict):
        for name in _COUNTS:
            if summary.get(name) is not None:
                told = _departure(contract, counts, summary, name)
                if told:
                    yield Problem(contract.document.value_span(_BLOCK, name), told[0], severity=told[1])
    for block, key in _PROSE:
        owner = data.get(block)
        text = owner.get(key) if isinstance(owner, dict) else None
        for number, what, have in stated(text, counts) if isinstance(text, str) else ():
            span = contract.document.value_span(block, key)
            yield Problem(span, f"speaks of {number} {what}, the file has {have}", severity=Severity.WARNING)


def _departure(
    contract: Contract, counts: Counts, summary: Mapping[str, Any], name: str
) -> tuple[str, Severity | None] | None:
    """What is wrong with one number, and how grave it is (None: as the rule says)."""
    number, total = summary[name], summary.get("total_obligations")
    if not _is_count(number):
        return f"{name} must be a whole number of 0 or more", None
    if name == "total_obligations":
        exempt = contract.kind == "schema" and counts.obligations == 0
        wrong = number != counts.obligations and not exempt
        return (f"{name} is {number}, the file has {counts.obligations}", None) if wrong else None
    if name in _RUNGS and _is_count(total) and number > total:
        return f"{name} is {number}, of {total} obligations", None
    if name == "l2_property_tested" and number and not counts.claims:
        return f"{name} is {number}, and the file has no claims", None
    if name == "l3_kani_proved" and number > counts.harnesses:
        grave = None if counts.harnesses == 0 else Severity.WARNING
        return f"{name} is {number}, the file has {counts.harnesses} kani harnesses", grave
    return _lean_departure(counts, name, number)


def _lean_departure(counts: Counts, name: str, number: int) -> tuple[str, Severity | None] | None:
    if name == "l4_lean_proved" and number != counts.proved and not (counts.theorems and number > counts.proved):
        grave = None if number > counts.proved else Severity.WARNING
        return f"{name} is {number}, and lean.status of {counts.proved} obligations is proved", grave
    if name == "l4_sorry_count" and number == 0 and counts.sorry:
        return f"{name} is 0, and lean.status of {counts.sorry} obligations is sorry", None
    return None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
