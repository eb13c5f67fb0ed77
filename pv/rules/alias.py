"""An alias that cannot be followed (PV007).

It contains itself, names no anchor above it, stands for a key, or repeats more than 10,000 values.

Bad:

    x-list: &a [1, *a]

Good:

    x-list: &a [1]
    x-again: *a

Upstream: none.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV007"
SEVERITY = Severity.ERROR
