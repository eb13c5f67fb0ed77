"""An alias that cannot be followed, or a merge key (PV007).

The alias contains itself, names no anchor above it, stands for a key, or repeats more than 10,000 values. The merge key
`<<` of YAML 1.1 is gone from YAML 1.2: some readers put the values in its place, upstream's and others keep a key of
that name, and the same contract says two things. In quotes it is a key like any other.

Bad:

    x-list: &a [1, *a]

Good:

    x-list: &a [1]
    x-again: *a

Upstream: none; aliases are followed there, a merge key is not applied and its keys are missing.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV007"
SEVERITY = Severity.ERROR
