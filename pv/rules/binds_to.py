"""A claim bound to something that is not there (PV301).

`binds_to` names the equation that a claim is about; its formula is part of the claim's fingerprint. It may be a list, and it may name
the acceptance criterion or the gate that the claim decides: a word with the shape of an id, in capitals and with a dash
(`AC-SHIP-003`), is taken for one. Where the contract lists such ids itself, in `acceptance_criteria` or `gates`, it must be one of them
or be nothing like them; a word that is nearly an equation was meant to be that.

Bad:

    equations:
      softmax: {formula: "f", domain: x is a vector}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], binds_to: softmx}

Good:

    equations:
      softmax: {formula: "f", domain: x is a vector}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], binds_to: [softmax, AC-SHIP-003]}

Upstream: none; no rule there reads `binds_to`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.rules._references import Name, foreign, is_id, names
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV301"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each name in `binds_to` that is no equation of the contract and no criterion."""
    criteria: list[str] | None = None
    for claim in contract.claims:
        value = claim.data.get("binds_to")
        path = (*claim.at, "binds_to")
        for name in [Name("", path)] if isinstance(value, str) and is_blank(value) else names(value, *path):
            if name.text in contract.equations or foreign(name.text):
                continue
            if criteria is None:
                criteria = list(_criteria(contract))
            word = is_id(name.text)
            meant = did_you_mean(name.text, [*contract.equations, *criteria], near=0.8 if word else 0.6)
            if name.text in criteria or (word and not meant):
                continue
            fix = meant or f"the equations are: {', '.join(list(contract.equations)[:8]) or 'none'}"
            message = f"claim {claim.id!r} binds to {name.text!r}, which is no equation here"
            yield Problem(contract.document.value_span(*name.path), message, fix)


def _criteria(contract: Contract) -> Iterator[str]:
    """The ids of what the contract itself asks to be fulfilled."""
    for block in ("acceptance_criteria", "gates"):
        listed = contract.document.data.get(block)
        yield from listed if isinstance(listed, dict) else ()
        yield from (entry["id"] for _, entry in entries(contract, block) if isinstance(entry.get("id"), str))
