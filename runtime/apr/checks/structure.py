"""Checks 1, 2 and 3: what the first bytes of a file say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.verdict import Check, Finding, Outcome, judged, not_applicable

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.checks.subject import Subject


def _of_head(number: int) -> Callable[[Subject], Outcome]:
    def run(subject: Subject) -> Outcome:
        if not subject.parts:
            subject.file  # noqa: B018 - says why there are none
        found: list[Finding] = []
        seen: list[str] = []
        for part in subject.parts:
            if number in part.absent:
                return not_applicable(part.absent[number])
            if number in part.faults:
                found.append(part.faults[number])
            elif number in part.seen:
                seen.append(part.seen[number])
            else:
                part.block()
        return judged(found, "; ".join(dict.fromkeys(seen)))

    return run


CHECKS = (
    Check(1, "format", "the file begins as its format does", _of_head(1)),
    Check(2, "header", "version and fields of the header can be read", _of_head(2)),
    Check(3, "checksum", "the header's checksum is that of the header", _of_head(3)),
)
