"""What a check says, and how it says that it could not be made."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from apr.checks.subject import Subject
    from apr.errors import AprError

_HEXADECIMAL = re.compile(r"0x[0-9a-f]+", re.ASCII)
_TENSOR = re.compile(r"tensor ('.*'|\".*\")", re.DOTALL)


class Verdict(StrEnum):
    """How a check came out; only `PASS` says that something was found to be right."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """Something that a check objects to.

    Attributes:
        file: which file, as given.
        problem: what was seen.
        section: of the file: `header`, `metadata key 'x'`; for a tensor see `tensor`.
        tensor: its name.
        offset: of the byte, from the start of the file.
        warning: whether a sound file may be so.
    """

    file: str
    problem: str
    section: str | None = None
    tensor: str | None = None
    offset: int | None = None
    warning: bool = False

    @property
    def where(self) -> str:
        """File, section and offset in one."""
        section = (
            f": tensor {self.tensor!r}" if self.tensor is not None else f": {self.section}" if self.section else ""
        )
        return f"{self.file}{section}{'' if self.offset is None else f', offset {self.offset:#x}'}"


def finding_of(error: AprError, paths: Iterable[Path], *, lenient: bool = False) -> Finding:
    """A reader's refusal as a finding.

    Args:
        error: the refusal.
        paths: of the files that it may be about.
        lenient: whether what is sound and only not built here is a warning.
    """
    problem = f"{error.problem}; {error.hint}" if error.hint else error.problem
    warning = lenient and isinstance(error, UnsupportedModel)
    where = error.where or ""
    # the longest first: a folder's path begins those of the files in it
    for path in sorted(map(str, paths), key=len, reverse=True):
        if where == path:
            return Finding(path, problem, warning=warning)
        if where.startswith(f"{path}: "):
            section, offset = _place(where.removeprefix(f"{path}: "))
            tensor = _TENSOR.fullmatch(section)
            if tensor is not None:
                return Finding(path, problem, None, ast.literal_eval(tensor[1]), offset, warning)
            return Finding(path, problem, section, None, offset, warning)
    return Finding(where or "the model", problem, warning=warning)


def _place(text: str) -> tuple[str, int | None]:
    """`metadata, offset 0x40, $.name` as section and offset; a section may come without one."""
    before, found, after = text.rpartition(", offset ")
    number, comma, more = after.partition(", ")
    if found and _HEXADECIMAL.fullmatch(number):
        return f"{before}{comma}{more}", int(number, 16)
    return text, None


@dataclass(frozen=True)
class Outcome:
    """What became of a check.

    Attributes:
        verdict: how it came out.
        seen: what was looked at, or why nothing was.
        findings: what it objects to.
    """

    verdict: Verdict
    seen: str
    findings: tuple[Finding, ...] = ()


def judged(findings: Iterable[Finding], seen: str) -> Outcome:
    """Fails with any finding that is more than a warning."""
    found = tuple(findings)
    if any(not finding.warning for finding in found):
        return Outcome(Verdict.FAIL, seen, found)
    return Outcome(Verdict.WARN if found else Verdict.PASS, seen, found)


def not_applicable(reason: str) -> Outcome:
    """There is nothing that the check could be about."""
    return Outcome(Verdict.NOT_APPLICABLE, reason)


class Blocked(Exception):
    """A check needs something that is broken.

    Attributes:
        number: of the check that has to say so.
        findings: what it has to say.
    """

    def __init__(self, number: int, findings: Iterable[Finding]) -> None:
        super().__init__(number)
        self.number, self.findings = number, tuple(findings)


@dataclass(frozen=True)
class Check:
    """One numbered check.

    Attributes:
        number: what it is known by.
        name: the same as a word.
        title: what holds where it passes.
        run: makes it; raises `Blocked` where something that it needs is broken.
        reads_data: whether it reads all of the tensor data.
    """

    number: int
    name: str
    title: str
    run: Callable[[Subject], Outcome]
    reads_data: bool = False
