"""A kernel contract without proof obligations (PV223).

Equations say what is computed, obligations what has to be true of it, claims how that is tried. Without obligations nobody can tell
which properties were thought of and which were forgotten. It is asked of kernels and of competitive parity.

Bad:

    proof_obligations: []

Good:

    proof_obligations:
      - {type: invariant, property: the sum is 1, formal: "sum(y) = 1"}

Upstream: PROVABILITY-001, an error. Here a contract with claims can fail without obligations, so it is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kinds import PROVABLE, by_default
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV223"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a contract of a kind that is asked for obligations has none."""
    if contract.kind in PROVABLE and not contract.document.data.get(BLOCK):
        span = contract.document.key_span(BLOCK)
        yield Problem(span, f"a {contract.kind} contract without {BLOCK}", by_default(contract))
