"""A kani id used twice (PV212).

What a harness proved is reported under its id; two harnesses of one id cannot be told apart.

Bad:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8}
      - {id: KANI-A-001, obligation: no entry is negative, bound: 8}

Good:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8}
      - {id: KANI-A-002, obligation: no entry is negative, bound: 8}

Upstream: SCHEMA-010.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV212"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each kani harness whose id an earlier one has."""
    first: dict[str, int] = {}
    for index, entry in entries(contract, "kani_harnesses"):
        name = entry.get("id")
        if is_blank(name) or isinstance(name, (dict, list)):
            continue
        span = contract.document.value_span("kani_harnesses", index, "id")
        if str(name) in first:
            yield Problem(span, f"kani id {str(name)!r} stands twice, first at line {first[str(name)]}", "rename one")
        first.setdefault(str(name), span.line)
