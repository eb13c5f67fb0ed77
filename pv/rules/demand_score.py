"""A demand that is no score from 1 to 5 (PV521).

`demand_score` says how much a story is asked for, from 1 to 5; work is sorted by it. One 99 stands before everything real. Each
row of `stories` has one, because a row is there to be sorted.

Bad:

    stories:
      - {id: CRUX-A-01, competitor: ollama, demand_score: 6, status: missing}

Good:

    stories:
      - {id: CRUX-A-01, competitor: ollama, demand_score: 5, status: missing}

Upstream: CRUX-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV521"
SEVERITY = Severity.ERROR

_KEY = "demand_score"
_LEAST, _MOST = 1, 5


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each score outside the range, and each row of `stories` without one."""
    document = contract.document
    if _is_outside(contract.metadata.get(_KEY)):
        span = document.value_span("metadata", _KEY)
        yield Problem(span, f"a demand of {_shown(contract.metadata[_KEY])}", f"from {_LEAST} to {_MOST}")
    for index, row in entries(contract, "stories"):
        value, span = row.get(_KEY), document.value_span("stories", index, _KEY)
        if value is None:
            yield Problem(
                span, f"stories[{index}] has no {_KEY!r}", f"say how much it is asked for, {_LEAST} to {_MOST}"
            )
        elif _is_outside(value):
            yield Problem(span, f"stories[{index}] has a demand of {_shown(value)}", f"from {_LEAST} to {_MOST}")


def _is_outside(value: Any) -> bool:
    """Whether a number is no score; that it is no number is for another rule to report."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and not _LEAST <= value <= _MOST


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else text[:19] + "…"
