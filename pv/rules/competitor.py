"""A story taken from nobody (PV522).

Each row of `stories` says from whose program it was taken (`competitor`), and so does the `metadata` of a contract that has one. A
name that stands in two spellings among the rows of one file is a warning: whoever counts the rows of one gets only some.

Bad:

    stories:
      - {id: CRUX-A-01, competitor: "", demand_score: 5, status: missing}

Good:

    stories:
      - {id: CRUX-A-01, competitor: llama_cpp, demand_score: 5, status: missing}
      - {id: CRUX-A-02, competitor: none, demand_score: 1, status: missing}

Not flagged: a name outside a closed list. Upstream has one, of 12, 15 and 18 names in versions a few weeks apart: it is about the
rivals of one project. The spelling is what can be told wrong without it.

Upstream: CRUX-002, with that list.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV522"
SEVERITY = Severity.ERROR

_KEY = "competitor"
_HELP = "name whose program it was taken from, or 'none'"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each empty name, each row without one, and each name that other rows spell otherwise more often."""
    document = contract.document
    said = contract.metadata.get(_KEY)
    if isinstance(said, str) and is_blank(said):
        yield Problem(document.value_span("metadata", _KEY), f"{_KEY!r} is empty", "name it, or remove the key")
    rows: list[tuple[int, str]] = []
    for index, row in entries(contract, "stories"):
        value = row.get(_KEY)
        if is_blank(value):
            yield Problem(document.value_span("stories", index, _KEY), f"stories[{index}] has no {_KEY!r}", _HELP)
        elif isinstance(value, str):
            rows.append((index, value))
    spelt = collections.Counter(value for _, value in rows)
    usual: dict[str, str] = {}
    for name in spelt:  # of spellings that are as frequent as each other, the first
        flat = _flat(name)
        if flat not in usual or spelt[name] > spelt[usual[flat]]:
            usual[flat] = name
    for index, value in rows:
        if usual[_flat(value)] != value:
            message = f"{value!r} is spelt {usual[_flat(value)]!r} in other rows"
            yield Problem(
                document.value_span("stories", index, _KEY), message, "one name, one spelling", Severity.WARNING
            )


def _flat(name: str) -> str:
    """The letters and digits of a name; the name itself where it has none."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name
