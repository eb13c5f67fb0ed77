"""What a trace is made of: entries, and what is found wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from apr.errors import UnusableInput

# one JSON object, valid under schema/action-trace-v1.schema.json; nobody changes one
Record: TypeAlias = Mapping[str, Any]


class Entry(NamedTuple):
    """One record, and where it stands.

    Attributes:
        line: counted from 1; empty lines count.
        record: plain data.
    """

    line: int
    record: Record


@dataclass(frozen=True, order=True)
class Finding:
    """Something that a trace must not say.

    Attributes:
        line: counted from 1; 0 where the whole trace is meant.
        path: JSON path inside the line's object, `$` for the object itself: `$.blocks[1].id`.
        rule: the name of the rule, one of `apr.actions.rules`.
        problem: one sentence without a final full stop.
        hint: what to do about it, or nothing.
    """

    line: int
    path: str
    rule: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.line}: {self.path}: {self.problem} [{self.rule}]"
        return f"{text}; {self.hint}" if self.hint else text


class InvalidTrace(UnusableInput):
    """A trace that breaks a rule; `finding` is the first that was seen.

    Args:
        path: of the file.
        finding: what is wrong.
    """

    def __init__(self, path: str, finding: Finding) -> None:
        super().__init__(
            f"{finding.path}: {finding.problem} [{finding.rule}]",
            where=f"{path}:{finding.line}",
            hint=finding.hint or f"see all of it with `ccpa validate {path}`",
        )
        self.finding = finding
