"""A tag (PV005).

`!!python/object` and its like run code in careless readers, and no field of a contract needs one.

Bad:

    x-size: !!int 3

Good:

    x-size: 3

Upstream: none; tags are accepted there.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV005"
SEVERITY = Severity.ERROR
