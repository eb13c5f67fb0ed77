"""A file that cannot be opened (PV001).

The path leads nowhere, to something that is no file, or may not be read.

Upstream: a parse error there.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV001"
SEVERITY = Severity.ERROR
