"""A claim of an executable contract that nothing runs (PV244).

A claim is run without any Python if its `obligation` is the id of one obligation, and that one applies to an equation whose domain is a
mapping. A claim that names none, several, or one about something else waits for a falsifier; where the claims beside it run by
themselves that is easily overlooked. A claim that has a falsifier says so under `test`.

Bad:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: bound, property: y is at most two, applies_to: f, between: [0, 2]}
      - {id: OBL-2, type: frame, property: x stays, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: [OBL-1, OBL-2]}

Good:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: bound, property: y is at most two, applies_to: f, between: [0, 2]}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], test: falsifiers.a_v1.slow}

Not flagged: claims that bind to an equation whose domain is in words; contracts none of whose claims runs by itself.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.property import is_executable
from pv.rules._formal import about, cited
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Claim, Contract

CODE = "PV244"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim without a test that names no executable obligation, or more than one."""
    if not any(is_executable(one.data) for one in contract.equations.values()):
        return
    for claim in contract.claims:
        equation = contract.equations.get(claim.equation or "")
        if claim.test or (equation is not None and not is_executable(equation.data)):
            continue
        wrong = _wrong(contract, claim)
        if wrong:
            span = contract.document.value_span(*claim.at, "obligation" if "obligation" in claim.data else "id")
            yield Problem(
                span, f"nothing runs claim {claim.id!r}: {wrong}", "name its falsifier under 'test' if it has one"
            )


def _wrong(contract: Contract, claim: Claim) -> str:
    """Why the claim does not run by itself; empty if it does, or if PV330 says what is wrong."""
    if claim.executable is not None:
        return ""
    found = cited(contract, claim)
    if not found:
        return "" if claim.data.get("obligation") else "it names no obligation"
    if len(found) > 1:
        return f"it names {len(found)} obligations, and one claim runs one"
    block = contract.document.data.get(BLOCK)
    entry = block[found[0]] if isinstance(block, list) and 0 <= found[0] < len(block) else None
    if isinstance(entry, dict) and about(contract, entry) is None:
        return "the obligation that it names applies to no equation with an executable domain"
    return "what runs it is one obligation, named by its id alone"
