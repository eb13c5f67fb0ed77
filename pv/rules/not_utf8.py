"""Bytes that are not UTF-8 (PV002).

The message names the first bad byte and its offset.

Upstream: a parse error there.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV002"
SEVERITY = Severity.ERROR
