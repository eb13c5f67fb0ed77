"""An obligation discharged by nothing (PV331).

`discharged_by` of a proof obligation, one or a list, names what discharges it: a claim or a kani harness of the contract by its
id, or by its place, as in `falsification_tests[0]`. An id that nothing has, or a place behind the end of the list, leaves the
obligation open while it reads as closed.

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1, discharged_by: "falsification_tests[1]"}

Good:

    proof_obligations:
      - {type: invariant, property: the sum is 1, applies_to: f, discharged_by: FALSIFY-B-001}

Not flagged: a test's path (`tests/a.rs::sum`) and prose, which name something outside of contracts; a claim of another contract
(`softmax-v1:FALSIFY-SM-001`) is for PV335 to look up.

Upstream: none; no rule there reads `discharged_by`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries
from pv.rules._references import is_id, names, obligations, place
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV331"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each name in `discharged_by` that has the shape of an id or of a place and names nothing."""
    asking = [(index, entry["discharged_by"]) for index, entry in obligations(contract) if "discharged_by" in entry]
    if not asking:
        return
    known = dict.fromkeys(claim.id for claim in contract.claims if claim.id)
    known.update(dict.fromkeys(str(entry["id"]) for _, entry in entries(contract, "kani_harnesses") if "id" in entry))
    for index, value in asking:
        for name in names(value, "proof_obligations", index, "discharged_by", split=True):
            wrong = _wrong(contract, name.text, known)
            if wrong:
                message, fix = wrong
                yield Problem(contract.document.value_span(*name.path), message, fix)


def _wrong(contract: Contract, name: str, known: dict[str, None]) -> tuple[str, str] | None:
    at = place(name)
    if at:
        block = contract.document.data.get(at[0])
        count = len(block) if isinstance(block, list) else 0
        if not 0 <= at[1] < count:
            return (
                f"discharged by {name!r}, but {at[0]!r} has {count} entries",
                "the first is [0]; an id says it better",
            )
        return None
    if name in known:
        return None
    meant = did_you_mean(name, known, near=0.8)
    if is_id(name) or (meant and not any(mark in name for mark in " /:")):
        fix = meant or f"the claims here are: {', '.join(list(known)[:8]) or 'none'}"
        return f"discharged by {name!r}, which is no claim here", fix
    return None
