"""One field under two spellings (PV104).

`rule`, `prediction`, `test` and `if_fails` have had other names: `description`, `expected`, `command`, `fails_if`. An entry that
gives a field under both says it twice; which of the two counts would depend on who reads it. Keep one.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        expected: "the sum is below 1"
        if_fails: "wrong reduction"

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_fails: "wrong reduction"

Not flagged: `falsification_conditions` and `invariants`, whose entries may well have a `name`, a `description` and an `assertion`.

Upstream: none; to their parser such a file is no contract at all ("duplicate field").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv import spelling
from pv.rules._problem import Problem, entries
from pv.rules._written import short
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV104"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each field that an entry of `falsification_tests` gives more than once."""
    document = contract.document
    for index, entry in entries(contract, "falsification_tests"):
        for name, older in spelling.OLDER.items():
            if name not in entry:
                continue
            for other in older:
                if other in entry:
                    at = document.key_span("falsification_tests", index, name)
                    yield Problem(
                        document.key_span("falsification_tests", index, other),
                        f"both {other!r}, {short(entry[other])}, and {name!r} at {at.line}:{at.col}, {short(entry[name])}",
                        f"they are one field; keep {name!r}, and say what else there is to say in 'notes'",
                    )
