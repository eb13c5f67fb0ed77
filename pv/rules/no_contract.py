"""A file that is no contract (PV010).

A note where the file has none of a contract's blocks, or is a binding registry, a list of external corpora or a
publish manifest. An error where it has some of a contract's blocks but lacks `metadata`: it wants to be a contract.

Upstream: a parse error (missing `metadata`), or not told.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV010"
SEVERITY = Severity.NOTE
