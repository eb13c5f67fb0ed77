"""A second document in the same file (PV008).

One contract a file: whatever stands below the second `---` would be read by some and not by others.

Bad:

    x-a: 1
    ---
    x-b: 2

Good:

    x-a: 1

Upstream: a parse error there.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV008"
SEVERITY = Severity.ERROR
