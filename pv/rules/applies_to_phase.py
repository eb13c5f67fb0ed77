"""`applies_to_phase` where it means nothing (PV217).

`applies_to_phase` names the phase of the kernel whose loop an invariant or a variant is about. An obligation of another type is about
no loop, and nobody reads what stands there.

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1, applies_to_phase: sum}

Good:

    kernel_structure:
      phases: [{name: sum}]
    proof_obligations:
      - {type: loop_invariant, property: the sum is 1, applies_to_phase: sum}

Upstream: SCHEMA-015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import misplaced
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._problem import Problem

CODE = "PV217"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation of another type that has `applies_to_phase`."""
    yield from misplaced(contract, "applies_to_phase", ("loop_invariant", "loop_variant"))
