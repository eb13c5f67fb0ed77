"""`# pv: ignore[CODE] reason`: findings that the author of a contract has seen and lets stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from pv.pattern import lazy
from pv.rules import codes
from pv.types import Diagnostic, Severity, Span
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.policy import Policy
    from pv.source import Source

_COMMENT = lazy(r"(?:^|(?<=\s))#\s*pv:\s*ignore(?![\w-])(?:\[([^\]\n]*)\])?:?[ \t]*(.*)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Ignore(NamedTuple):
    """One comment: what it hides, why, where it stands, and the line that it speaks of."""

    codes: tuple[str, ...]
    reason: str
    span: Span
    line: int


def apply(findings: Sequence[Diagnostic], source: Source, policy: Policy) -> list[Diagnostic]:
    """The findings that no comment hides, and what is wrong with the comments themselves, in the order of the file."""
    if not re.search(r"pv:\s*ignore", source.text):
        return list(findings)
    ignores = list(_ignores(source))
    kept = [found for found in findings if not any(_hides(one, found) for one in ignores)]
    told = [problem for one in ignores for problem in _problems(one, findings, source.name, policy)]
    return sorted([*kept, *policy.judge(told)], key=lambda found: (found.span.line, found.span.col, found.code))


def _hides(one: Ignore, found: Diagnostic) -> bool:
    return found.span.line == one.line and found.code in one.codes


def _problems(one: Ignore, findings: Sequence[Diagnostic], path: str, policy: Policy) -> Iterator[Diagnostic]:
    known = codes()

    def told(code: str, severity: Severity, message: str, fix: str) -> Diagnostic:
        return Diagnostic(path, one.span, code, severity, message, fix)

    if not one.codes:
        fix = "write # pv: ignore[CODE] and the reason"
        yield told("PV901", Severity.ERROR, "an ignore that names no rule", fix)
    for code in one.codes:
        if code not in known:
            several = any(one.startswith(code) for one in known)
            fix = "write out each code" if several else did_you_mean(code, known) or "`pv explain` lists the codes"
            yield told("PV901", Severity.ERROR, f"an ignore of {code!r}, which is no rule", fix)
        elif not any(found.code == code and found.span.line == one.line for found in findings) and policy.allows(code):
            fix = "delete it; an ignore holds for its own line, or for the next one if it stands alone"
            yield told("PV903", Severity.WARNING, f"an ignore of {code} that hides nothing", fix)
    if one.codes and not one.reason:
        fix = "say behind the bracket why the finding may stand"
        yield told("PV902", Severity.WARNING, f"an ignore of {', '.join(one.codes)} without a reason", fix)


def _ignores(source: Source) -> Iterator[Ignore]:
    texts = _texts(source)
    lines = source.lines
    for number, line in enumerate(lines, 1):
        for found in _COMMENT.finditer(line):
            if any(start <= (number, found.start() + 1) < end for start, end in texts):
                continue  # the text of a value, not a comment
            codes = tuple(code.strip().upper() for code in (found[1] or "").split(",") if code.strip())
            alone = not line[: found.start()].strip()
            span = Span(number, found.start() + 1, max(1, len(found[0].rstrip())))
            yield Ignore(codes, found[2].strip(), span, _next(lines, number) if alone else number)
            break


def _next(lines: Sequence[str], number: int) -> int:
    """The first line after line `number` that holds more than a comment."""
    for later in range(number + 1, len(lines) + 1):
        text = lines[later - 1].strip()
        if text and not text.startswith("#"):
            return later
    return number


def _texts(source: Source) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where scalars begin and end, as pairs of line and column from 1."""
    return [
        (
            (token.start_mark.line + 1, token.start_mark.column + 1),
            (token.end_mark.line + 1, token.end_mark.column + 1),
        )
        for token in yaml.scan(source.text, Loader=_LOADER)
        if isinstance(token, yaml.ScalarToken)
    ]
