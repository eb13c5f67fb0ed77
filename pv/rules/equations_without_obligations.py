"""Equations without obligations (PV232).

A contract of data that states formulas (a tokenizer, a registry, a pattern) should also say what has to be true of them; a formula that
nobody undertook to keep is decoration. Of kernels and of competitive parity PV223 says the same.

Bad:

    metadata: {version: "1.0.0", created: "2026-01-02", description: d, references: [r], kind: tokenizer}
    proof_obligations: []

Good:

    metadata: {version: "1.0.0", created: "2026-01-02", description: d, references: [r], kind: tokenizer}
    equations: {}
    proof_obligations: []

Upstream: AUDIT-003.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kinds import PROVABLE
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV232"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a contract that is not asked for obligations has equations and none of these."""
    if contract.kind not in PROVABLE and contract.equations and not contract.document.data.get(BLOCK):
        many, them = ("equation", "it") if len(contract.equations) == 1 else ("equations", "them")
        message = f"{len(contract.equations)} {many}, and nothing in {BLOCK} says what must be true of {them}"
        yield Problem(contract.document.key_span("equations"), message)
