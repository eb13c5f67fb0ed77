"""An ignore that hides nothing (PV903).

What it was for is mended, or it stands on the wrong line: it would hide the next fault of that kind. An ignore holds for the
line it stands on; on a line of its own, for the next line that is no comment.

Bad:

    status: PROPOSED # pv: ignore[PV302] the word our release board uses

Good:

    status: Probably # pv: ignore[PV302] the word our release board uses

Upstream: PV-SUP-001, and the stale entries of PV-DUP-002.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV903"
SEVERITY = Severity.WARNING
