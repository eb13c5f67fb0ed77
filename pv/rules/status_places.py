"""Two statuses in one contract (PV317).

A status may stand as `status`, as `metadata.status` and as `verification_summary.status`. Where several stand they must say the
same: the first alone is compared with evidence, and whoever reads another is told something else.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], status: DRAFT}
    status: ACTIVE_RUNTIME

Good:

    metadata: {version: "1.0.0", description: d, references: [r]}
    status: ACTIVE_RUNTIME

Not flagged: words for the same rung (`ACTIVE` and `ACTIVE_ALGORITHM_LEVEL`), and a summary with a word of its own.

Upstream: none; no rule there reads a status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV317"
SEVERITY = Severity.ERROR
PLACES = (("status",), ("metadata", "status"), ("verification_summary", "status"))


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each status that says something else than the first of the contract."""
    data = contract.document.data
    places = [path for path in PLACES if _said(data, path)]
    for path in places[1:]:
        first, other = _said(data, places[0]), _said(data, path)
        one, two = rung(first), rung(other)
        own_word = path[0] == "verification_summary" and (one is None or two is None)
        if first.upper() != other.upper() and not own_word and (one is None or one is not two):
            message = f"{'.'.join(path)} is {other!r}, but {'.'.join(places[0])} is {first!r}"
            yield Problem(contract.document.value_span(*path), message, "keep one of the two, or make them the same")


def _said(data: Any, path: tuple[str, ...]) -> str:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data.strip() if isinstance(data, str) else ""
