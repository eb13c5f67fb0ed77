"""Nested more than 64 levels deep (PV006).

Readers that call themselves at each level die of such files.

Bad:

    x-list: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]

Good:

    x-list: [[1]]

Upstream: none.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV006"
SEVERITY = Severity.ERROR
