"""Spans of time as contracts write them: `30d`, `12h`, `2w`, or a duration of ISO 8601 without months and years."""

from __future__ import annotations

import re
from datetime import timedelta

from pv.pattern import lazy

_SHORT = lazy(r"(?P<count>\d{1,6})(?P<unit>[hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
# ISO 8601-1:2019, 5.5.2.2 and 5.5.2.3; months and years differ in length and are left out
_ISO = lazy(
    r"P(?:(?P<weeks>\d{1,6})W|(?=.)(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?)",
    re.ASCII,
)


def duration(text: str) -> timedelta | None:
    """The span of time that `text` names; None if it names none, or one of no length."""
    found = _SHORT.fullmatch(text)
    if found:
        span = int(found["count"]) * _UNITS[found["unit"]]
    else:
        iso = _ISO.fullmatch(text)
        if iso is None:
            return None
        span = timedelta(**{unit: int(count) for unit, count in iso.groupdict(default="0").items()})
    return span or None


def in_words(span: timedelta) -> str:
    """A span of time as reports show it, in the greatest unit of which there are two: `41 d`, `36 h`, `5 min`, `40 s`."""
    seconds = int(abs(span.total_seconds()))
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0):
            return f"{seconds // length} {name}"
    return f"{seconds} s"
