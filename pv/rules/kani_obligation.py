"""A kani harness for an obligation that has another name (PV334).

`obligation` of a kani harness says which proof obligation the harness proves. Where obligations have ids, it should be one of
them; one that is nearly an id is an error, since it was meant to be that one.

Bad:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1, applies_to: f}
    kani_harnesses:
      - {id: KANI-SM-001, obligation: SM-INV-01, bound: 8, strategy: exhaustive}

Good:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1, applies_to: f}
    kani_harnesses:
      - {id: KANI-SM-001, obligation: SM-INV-001, bound: 8, strategy: exhaustive}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}

Not flagged: a harness of a contract whose obligations have no ids. Nearly all real contracts are like that, with labels such as
`SM-INV-001` that stand nowhere else (370 of 465 harnesses); there is nothing to hold them against.

Upstream: none; SCHEMA-011 asks only that the text isn't empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries
from pv.rules._references import is_id, obligation_ids, property_texts, squeezed
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV334"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each kani harness whose obligation is none of the ids, where there are ids."""
    ids = obligation_ids(contract)
    if not ids:
        return
    texts = property_texts(contract)
    for index, entry in entries(contract, "kani_harnesses"):
        name = entry.get("obligation")
        if not isinstance(name, str) or not name.strip() or name.strip() in ids or squeezed(name) in texts:
            continue
        span = contract.document.value_span("kani_harnesses", index, "obligation")
        meant = did_you_mean(name, ids, near=0.85) if is_id(name.strip()) else None
        fix = meant or f"the obligations here are: {', '.join(list(ids)[:8])}"
        message = f"kani harness {entry.get('id', index)!r} proves {name!r}, which is no obligation here"
        yield Problem(span, message, fix, Severity.ERROR if meant else None)
