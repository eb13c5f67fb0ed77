"""A claim about an obligation that is not there (PV330).

`obligation` of a claim, one or a list, names the proof obligations that the claim tests: by id, by what they state, or by
place, as in `proof_obligations[0]`. A name that fits none of them ties the claim to nothing, and the obligation that was
meant stands untested.

Bad:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-01}

Good:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}

Upstream: PV-AUD-003 looks the other way, from the obligation; a test that names no obligation passes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import foreign, names, obligation_ids, obligations, place, property_texts, squeezed
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV330"
SEVERITY = Severity.ERROR
BLOCK = "proof_obligations"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each name in `obligation` that fits no proof obligation of the contract."""
    asking = [claim for claim in contract.claims if "obligation" in claim.data]
    if not asking:
        return
    count = len(contract.document.data[BLOCK]) if obligations(contract) else 0
    ids, texts = obligation_ids(contract), property_texts(contract)
    for claim in asking:
        for name in names(claim.data["obligation"], *claim.at, "obligation", split=True):
            at = place(name.text)
            if name.text in ids or squeezed(name.text) in texts or foreign(name.text):
                continue
            if at and at[0] == BLOCK and 0 <= at[1] < count:
                continue
            span = contract.document.value_span(*name.path)
            known = ", ".join(list(ids)[:8]) or (f"without ids; name one by its place, {BLOCK}[0]" if count else "none")
            fix = did_you_mean(name.text, ids) or f"the obligations here are: {known}"
            yield Problem(span, f"claim {claim.id!r} tests {name.text!r}, which is no obligation here", fix)
