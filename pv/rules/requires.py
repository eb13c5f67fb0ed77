"""`requires` where it means nothing (PV216).

`requires` gives a postcondition the precondition under which it holds. An obligation of another type has no such place: nobody
reads what stands there.

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1, requires: x is finite}

Good:

    proof_obligations:
      - {type: postcondition, property: the sum is 1, requires: x is finite}

Upstream: SCHEMA-014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import misplaced
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._problem import Problem

CODE = "PV216"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation of another type that has `requires`."""
    yield from misplaced(contract, "requires", ("postcondition",))
