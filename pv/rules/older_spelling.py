"""A field under an older spelling (PV105).

`description`, `expected`, `command` and `fails_if` are read as `rule`, `prediction`, `test` and `if_fails`. One name for one
thing is easier to search for and to complete. What a claim says is told under the present names, so that evidence outlives the
change.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        expected: "the sum is 1"
        fails_if: "wrong reduction"

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_fails: "wrong reduction"

Fix: `pv fix` renames the key, unless a list or mapping stands there.

Upstream: none; both are read there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv import spelling
from pv.rules._problem import Problem, entries
from pv.rules._written import renamed
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV105"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each older spelling in `falsification_tests` that stands alone; where both stand, that is PV104."""
    document = contract.document
    for index, entry in entries(contract, "falsification_tests"):
        for name, older in spelling.OLDER.items():
            found = next((other for other in older if other in entry), None)
            if found is not None and name not in entry:
                span = document.key_span("falsification_tests", index, found)
                # under the older name anything may stand, under the present one only words, or for most a number
                says = isinstance(entry[found], str if name == "test" else (str, int, float))
                yield Problem(
                    span,
                    f"{found!r} is an older spelling of {name!r}",
                    f"rename it to {name!r}" + ("; `pv fix` does" if says else " and write the value as text"),
                    fix=renamed(document, span, found, name) if says else None,
                )
