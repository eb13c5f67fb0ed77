"""A claim about an obligation that does not apply (PV337).

An obligation is either owed or excused. One that says `applies_to: not_applicable` and that a claim tests all the same says both:
then either the excuse is out of date, or the claim tests something else.

Bad:

    proof_obligations:
      - {id: O-1, type: invariant, property: p, applies_to: not_applicable, na_reason: no sum here, na_owner: me}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: O-1}

Good:

    proof_obligations:
      - {id: O-1, type: invariant, property: p, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: O-1}

Upstream: none; found there by a test that holds obligations to be bound or owed, never both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import names, obligation_ids, obligations, property_texts, squeezed
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV337"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each excused obligation that a claim tests, at what ties the two together."""
    excused = {index: entry for index, entry in obligations(contract) if entry.get("applies_to") == "not_applicable"}
    if not excused:
        return
    for index, entry in excused.items():
        if any(True for _ in names(entry.get("discharged_by"))):
            span = contract.document.value_span("proof_obligations", index, "discharged_by")
            yield Problem(span, "an obligation that does not apply is discharged", "drop one of the two")
    ids, texts = obligation_ids(contract), property_texts(contract)
    for claim in contract.claims:
        for name in names(claim.data.get("obligation"), *claim.at, "obligation", split=True):
            if ids.get(name.text, texts.get(squeezed(name.text))) in excused:
                span = contract.document.value_span(*name.path)
                message = f"claim {claim.id!r} tests {name.text!r}, which is said not to apply"
                yield Problem(span, message, "drop the claim's 'obligation', or say to what the obligation applies")
