"""An obligation of an executable equation that cannot be executed (PV243).

Where the domain of an equation is a mapping, its obligations are run: each type has a builder that makes a test of it, and keys that
the builder needs and takes (docs/reference/contract-language.md). A key that it does not take would say something that nobody hears.
An obligation of a type without a builder can be run by its `formal`.

Bad:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: roundtrip, property: halving leads back, applies_to: f, to: y / 2}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Good:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: roundtrip, property: halving leads back, applies_to: f, through: y / 2}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Not flagged: an obligation of which each claim that cites it names a test of its own; one that is set aside.

Upstream: none; obligations are not executed there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._formal import DOMAINS, EXPRESSIONS, cited, executed, is_about_keys, told
from pv.rules._obligations import BLOCK
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._formal import Fault
    from pv.rules._problem import Problem

CODE = "PV243"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield the first thing that keeps each obligation, or each list of equations, from being executed."""
    for fault in executed(contract).faults:
        if fault.key in DOMAINS or (fault.key in EXPRESSIONS and not is_about_keys(contract, fault)):
            continue
        if not _tested_otherwise(contract, fault):
            yield told(contract, fault)


def _tested_otherwise(contract: Contract, fault: Fault) -> bool:
    """Whether nothing executes the type, and nothing has to: the claims about it have tests of their own."""
    if fault.path[0] != BLOCK or fault.key != "type":
        return False
    claims = [claim for claim in contract.claims if fault.path[1] in cited(contract, claim)]
    return bool(claims) and all(claim.test for claim in claims)
