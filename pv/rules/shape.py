"""A value of the wrong kind, or a field that is missing (PV103).

A list where a mapping is expected, a number where text is expected, a word outside a closed list, a required field
that is absent: the published schema (`pv schema`) says what each field takes.

Bad:

    falsification_tests:
      - prediction: "a claim without an id"

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "a claim with an id"
        if_fails: "see above"

Upstream: a parse error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._problem import Problem
from pv.rules._schema import departures, is_within_domain
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._schema import Departure

CODE = "PV103"
SEVERITY = Severity.ERROR


_SAID_ELSEWHERE = {"level", "expect", "direction", "verdict", "from_verdict", "to_verdict", "reason"}
_NAMES = {"object": "a mapping", "array": "a list", "string": "text", "null": "nothing", "boolean": "true or false"}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each departure from the schema that is not about unknown keys."""
    found = departures(contract.document)
    lacking: set[tuple[str | int, ...]] = set()
    typed = {error.path for error in found if error.keyword == "type"}
    for error in found:
        path = error.path
        span = contract.document.value_span(*path)
        if _is_said_elsewhere(error) or (error.keyword == "enum" and path in typed):
            continue
        where = _dotted(path)
        if error.keyword == "required":
            if path in lacking:
                continue  # told already: there is one departure for each field that is missing
            lacking.add(path)
            missing = [name for name in error.wanted if name not in error.value]
            yield Problem(span, f"{where} lacks {', '.join(map(repr, missing))}")
        elif error.keyword == "type":
            wanted = [error.wanted] if isinstance(error.wanted, str) else error.wanted
            kinds = " or ".join(_NAMES.get(kind, f"a {kind}" if kind != "integer" else "an integer") for kind in wanted)
            fix = "quote it" if "string" in wanted and not isinstance(error.value, (dict, list)) else None
            fix = "write it, or take the key out" if error.value is None else fix
            if path == (CLAIMS,):
                fix = "a list of entries, as in - {id: FALSIFY-TOPIC-001, prediction: …, if_fails: …}"
            if "status_history" in path[:1] and len(path) <= 2:  # the list, or an entry of it
                fix = 'a list of entries, as in - {date: "2026-01-02", from: DRAFT, to: PROPOSED, reason: …}'
            yield Problem(span, f"{where} must be {kinds}, not {_shown(error.value)}", fix)
        elif error.keyword == "enum":
            words = [word for word in error.wanted if isinstance(word, str)]
            fix = did_you_mean(str(error.value), words) or f"one of {', '.join(words)}"
            yield Problem(span, f"{where} cannot be {_shown(error.value)}", fix)
        else:
            yield Problem(span, f"{where}: {error.message}")


def _is_said_elsewhere(error: Departure) -> bool:
    """Whether a rule of its own speaks of a value: of unknown keys, of domains, of a word, of an id that is empty, of a bound."""
    path = error.path
    if error.keyword == "additionalProperties" or is_within_domain(path):
        return True
    if error.keyword == "enum":
        return path[-1] in _SAID_ELSEWHERE and path[0] != "proof_obligations"
    if error.keyword == "type":
        of_id = path[:1] == (CLAIMS,) and len(path) == 3 and path[2] == "id"
        return error.value is None and (of_id or path == ("metadata", "version"))
    return error.keyword == "minimum" and path[:1] == ("kani_harnesses",) and path[-1] == "bound"


def _dotted(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"'{text.lstrip('.')}'" if text else "the contract"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
