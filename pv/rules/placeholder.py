"""A text that nobody has filled in (PV290).

`pv new` writes `FILL IN: …` where the author has something to say. What still begins so, or with TODO, TBD or FIXME, says
nothing yet: a claim without a prediction can be neither discharged nor refuted.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, rule: r, prediction: "FILL IN: what is seen", if_fails: q}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, rule: r, prediction: sums of 500 lists are within 1e-12 of 1, if_fails: q}

Not flagged: such a word within a text, and text in small letters, which is prose ("todo lists are sorted"); what stands
below a key that begins with `x-`.

Upstream: none; a text that is not empty is enough there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV290"
SEVERITY = Severity.WARNING

_WORDS = ("FILL IN", "TODO", "TBD", "FIXME", "fill-in-")
_WORD = lazy(r"(?:FILL IN|TODO|TBD|FIXME)\b|fill-in-")
_LONGEST = 60


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each text of the file that begins as one does that is still to be written."""
    document = contract.document
    if not any(word in document.source.text for word in _WORDS):
        return
    seen: set[object] = set()  # what an alias repeats is said once
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(document.data, ())]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, str) and _WORD.match(value.lstrip()):
            span = document.value_span(*path)
            if span in seen:
                continue
            seen.add(span)
            text = " ".join(value.split())
            shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
            yield Problem(span, f"nobody has filled this in: {shown!r}", "write what it asks for, or drop the key")
        elif isinstance(value, (dict, list)) and id(value) not in seen:
            seen.add(id(value))
            below = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(one, (*path, key)) for key, one in below if not str(key).startswith("x-")]
