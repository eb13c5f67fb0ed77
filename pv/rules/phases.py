"""An obligation of a phase that does not exist (PV339).

`applies_to_phase` says in which phase of `kernel_structure` an invariant or variant of a loop holds. A phase that is not there
makes it hold nowhere.

Bad:

    kernel_structure:
      phases: [{name: find_max, description: d}, {name: normalise, description: d}]
    proof_obligations:
      - {type: loop_invariant, property: the maximum so far, applies_to: f, applies_to_phase: find_maximum}

Good:

    kernel_structure:
      phases: [{name: find_max, description: d}, {name: normalise, description: d}]
    proof_obligations:
      - {type: loop_invariant, property: the maximum so far, applies_to: f, applies_to_phase: find_max}

Not flagged: a phase of a contract without phases, since they may be told elsewhere; `lean.depends_on`, which names theorems of
libraries that nobody can look up here.

Upstream: none; SCHEMA-015 asks only on which types of obligation the key may stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import obligations
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV339"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each `applies_to_phase` that is none of the phases, where there are any."""
    asking = [(index, entry) for index, entry in obligations(contract) if "applies_to_phase" in entry]
    if not asking:
        return
    structure = contract.document.data.get("kernel_structure")
    phases = structure.get("phases") if isinstance(structure, dict) else None
    known = [
        entry["name"] if isinstance(entry, dict) else entry
        for entry in (phases if isinstance(phases, list) else ())
        if isinstance(entry, str) or (isinstance(entry, dict) and isinstance(entry.get("name"), str))
    ]
    for index, entry in asking if known else ():
        name = entry["applies_to_phase"]
        if isinstance(name, str) and name.strip() not in known:
            span = contract.document.value_span("proof_obligations", index, "applies_to_phase")
            fix = did_you_mean(name, known) or f"the phases are: {', '.join(known[:8])}"
            yield Problem(span, f"{name!r} is no phase of the kernel", fix)
