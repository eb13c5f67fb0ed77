"""An ignore without a reason (PV902).

Whoever reads the contract later must be able to tell whether the reason still holds.

Bad:

    status: Probably # pv: ignore[PV302]

Good:

    status: Probably # pv: ignore[PV302] the word our release board uses

Upstream: none.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV902"
SEVERITY = Severity.WARNING
