"""A condition that nobody can check (PV320).

What a claim waits for is looked for at each `pv status`, so that the wait ends when its reason does. Each entry of `pending`
names one thing, beside a `note`: a `file` (a pattern; `~` and `${VAR}` are replaced, `**` is not taken), a `package`, a
`program`, an `env` variable, the last day to wait as `until`, or a probe that `[tool.pv.probes]` of the project defines.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, pending: [{packge: torch}]}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, pending: [{package: torch, note: the build for CPUs will do}]}

Upstream: none; what is waited for stands there in prose.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import CONDITIONS, NOTE, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract

CODE = "PV320"
SEVERITY = Severity.ERROR

_DAY = lazy(r"\d{4}-\d\d-\d\d", re.ASCII)
_SAYABLE = f"one of {', '.join(CONDITIONS)}, or a probe of [tool.pv.probes]"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each entry of `pending` that names nothing, several things, or something of the wrong shape."""
    for claim in contract.claims:
        written = claim.data.get("pending")
        for index, entry in enumerate(written if isinstance(written, list) else []):
            if not isinstance(entry, dict):
                continue
            found = _wrong(entry)
            if found is not None:
                key, what, fix = found
                path = (*claim.at, "pending", index)
                at = contract.document.key_span(*path, key) if key else contract.document.value_span(*path)
                yield Problem(at, f"claim {claim.id!r}: {what}", fix)


def _wrong(entry: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """The key, what is wrong with it, and what to do."""
    named = [key for key in entry if key != NOTE]
    if len(named) != 1:
        what = "waits for nothing" if not named else f"one entry of 'pending' names {len(named)} things"
        return "", what, "write an entry for each thing" if named else _SAYABLE
    (key,) = named
    value = entry[key]
    meant = None if key in CONDITIONS else did_you_mean(key, CONDITIONS, near=0.75)
    if meant:
        return key, f"unknown condition {key!r}", meant
    if is_blank(value):
        return key, f"names no {key} to wait for", _SAYABLE
    if isinstance(value, str):
        return _unusable(key, value)
    return None  # the shape is for another rule to report


def _unusable(key: str, value: str) -> tuple[str, str, str] | None:
    if key == "until" and not _is_day(value):
        return key, f"{value!r} is no day", "write it as 2026-12-31"
    if key == "file" and "**" in value.split("/"):
        return key, "a pattern with '**' searches whole disks", "name the folders"
    if key in {"program", "env"} and ("/" in value or "=" in value):
        return key, f"{value!r} is the name of no {'program' if key == 'program' else 'variable'}", "name it alone"
    return None


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False
