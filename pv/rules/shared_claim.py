"""Several obligations that hang on one claim (PV336).

An obligation is discharged by the claims that name it, or that it names. Where one claim is all that several obligations have,
they are one test counted several times: what the claim doesn't look at is looked at by nothing. A claim may well test several
things at once, so it is a note; `[tool.pv.validate] severity` can raise it.

Bad:

    proof_obligations:
      - {id: O-1, type: invariant, property: the sum is 1, applies_to: f, discharged_by: FALSIFY-B-001}
      - {id: O-2, type: bound, property: each is at most 1, applies_to: f, tolerance: 1.0e-6, discharged_by: FALSIFY-B-001}

Good:

    proof_obligations:
      - {id: O-1, type: invariant, property: the sum is 1, applies_to: f, discharged_by: FALSIFY-A-001}
      - {id: O-2, type: invariant, property: each is at most 1, applies_to: f, discharged_by: FALSIFY-A-002}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
      - {id: FALSIFY-A-002, prediction: r, if_fails: q, mutants: [{id: n, stage: s}]}

Upstream: none; there any test covers all obligations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._problem import Problem
from pv.rules._references import names, obligation_ids, obligations, place, property_texts, squeezed
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV336"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim that is the only one of several obligations."""
    holding: dict[int, set[str]] = {}
    for index, claim in _pairs(contract):
        holding.setdefault(index, set()).add(claim)
    alone: dict[str, list[int]] = {}
    for index, claims in sorted(holding.items()):
        if len(claims) == 1:
            alone.setdefault(next(iter(claims)), []).append(index)
    spans = {claim.id: claim.span for claim in contract.claims}
    for claim, held in alone.items():
        if len(held) > 1:
            message = f"{len(held)} obligations have no other claim than {claim!r}"
            fix = f"give each a claim of its own: proof_obligations {', '.join(f'[{index}]' for index in held[:8])}"
            yield Problem(spans[claim], message, fix)


def _pairs(contract: Contract) -> Iterator[tuple[int, str]]:
    """Each obligation, by its index, with each claim that one of the two says to belong to it."""
    order = {claim.index: claim.id for claim in contract.claims if claim.block == CLAIMS}
    known = {claim.id for claim in contract.claims if claim.id}
    for index, entry in obligations(contract):
        for name in names(entry.get("discharged_by"), split=True):
            at = place(name.text)
            found = order.get(at[1], "") if at and at[0] == CLAIMS else name.text
            if found in known:
                yield index, found
    ids, texts = obligation_ids(contract), property_texts(contract)
    for claim in contract.claims:
        for name in names(claim.data.get("obligation"), split=True):
            at = place(name.text)
            target = (
                at[1] if at and at[0] == "proof_obligations" else ids.get(name.text, texts.get(squeezed(name.text)))
            )
            if target is not None and claim.id:
                yield target, claim.id
