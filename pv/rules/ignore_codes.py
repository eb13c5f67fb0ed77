"""An ignore that names no rule (PV901).

`# pv: ignore[CODE] reason` names one code or several; without any it would hide whatever comes, and with one that does not
exist it hides nothing.

Bad:

    status: Probably # pv: ignore

Good:

    status: Probably # pv: ignore[PV302] the word our release board uses

Upstream: none.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV901"
SEVERITY = Severity.ERROR
