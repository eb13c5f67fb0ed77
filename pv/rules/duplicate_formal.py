"""Two obligations with one formal statement (PV206).

Two proof obligations that state the same formula for the same target are one obligation, counted twice: either the second was
copied and never changed, or the formula leaves out what tells them apart.

Bad:

    proof_obligations:
      - {type: bound, property: no entry is negative, formal: "y_i >= 0"}
      - {type: bound, property: no entry is above one, formal: "y_i >= 0"}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}

Good:

    proof_obligations:
      - {type: bound, property: no entry is negative, formal: "y_i >= 0"}
      - {type: bound, property: no entry is above one, formal: "y_i <= 1"}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}

Not flagged: the same formula for two targets, such as `applies_to: scalar` and `applies_to: simd`; of an executable equation, for
other inputs (`forall`, `where`) or with other parts (`let`).

Upstream: SCHEMA-006, PV-VAL-006; there also for two targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import canonical
from pv.rules._formal import about
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV206"
SEVERITY = Severity.WARNING

_DRAWN = ("forall", "where", "let", "alpha")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation whose formal statement an earlier one makes for the same target."""
    first: dict[tuple[str, ...], int] = {}
    for index, entry in entries(contract, BLOCK):
        key = "formal" if "formal" in entry else "verification"
        formal = entry.get(key)
        if not isinstance(formal, str) or is_blank(formal):
            continue
        # what is drawn for an executable one, and what its names stand for, tells it apart
        drawn = [canonical(entry.get(name)) for name in _DRAWN] if about(contract, entry) else []
        said = (" ".join(formal.split()), str(entry.get("applies_to")), *drawn)
        if said in first:
            span = contract.document.value_span(BLOCK, index, key)
            line = contract.document.value_span(BLOCK, first[said]).line
            message = f"states formally what proof obligation {first[said] + 1} states already, at line {line}"
            yield Problem(span, message, "say what tells the two apart, or drop one")
        first.setdefault(said, index)
