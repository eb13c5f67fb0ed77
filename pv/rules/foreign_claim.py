"""A claim of another contract that is not there (PV335).

`obligation`, `binds_to`, `discharged_by` and `evidence_discharged_by` may name something of another contract of the project, as in
`softmax-v1:FALSIFY-SM-001` or `softmax-v1#FALSIFY-SM-001`. The contract must be there and have a claim, an obligation or an
equation of that id; else nothing stands behind what is said to be discharged.

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1, discharged_by: "softmax-v1:FALSIFY-SM-999"}

Good:

    proof_obligations:
      - {type: invariant, property: the sum is 1, applies_to: f, discharged_by: "softmax-v1:FALSIFY-SM-001"}

Not flagged: a test's path (`tests/a.rs::sum`) and prose, since only a contract's name with its version is taken for one; anything
at all where the project has no other contract, since then its contracts are not known.

Upstream: none; no rule there reads these references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import foreign, names, obligations
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract
    from pv.rules._references import Name

CODE = "PV335"
SEVERITY = Severity.ERROR


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield each reference into another contract that leads nowhere."""
    others = any(known != contract.name for known in index.names)
    for name in _references(contract) if others else ():
        pair = foreign(name.text)
        if pair is None or pair[0] == contract.name:
            continue
        other, wanted = pair
        found = index.get(other)
        span = contract.document.value_span(*name.path)
        if found is None:
            fix = did_you_mean(other, index.like(other), near=0.75)
            yield Problem(span, f"{name.text!r} names {other!r}, which is no contract of this project", fix)
        elif wanted not in (known := found.claims | found.obligations | found.equations):
            fix = (
                did_you_mean(wanted, sorted(known))
                or f"claims are told by their ids; {found.path} has {len(found.claims)}"
            )
            yield Problem(span, f"contract {other!r} has no {wanted!r}", fix)


def _references(contract: Contract) -> Iterator[Name]:
    for index, entry in obligations(contract):
        yield from names(entry.get("discharged_by"), "proof_obligations", index, "discharged_by", split=True)
    for claim in contract.claims:
        for key in ("obligation", "binds_to", "evidence_discharged_by"):
            if key in claim.data:
                yield from names(claim.data[key], *claim.at, key, split=True)
