"""What `pv promote` and `pv demote` share: a change of a contract is shown, checked and written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.corpus import display
from pv.edit import edited, write
from pv.load import Document, load
from pv.parse import parse
from pv.report.console import emit, escape
from pv.rules import check
from pv.source import Source
from pv.types import Severity, UsageProblem
from pv.words import Effective, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pv.parse import Contract


@dataclass(frozen=True)
class Change:
    """A contract's file with another status and another entry in its history."""

    path: Path
    source: Source
    text: str

    def diff(self) -> str:
        """What changes, as a unified diff."""
        old, new = (text.splitlines(keepends=True) for text in (self.source.text, self.text))
        lines = difflib.unified_diff(old, new, f"a/{self.source.name}", f"b/{self.source.name}")
        return "".join(escape(line.rstrip("\r\n")) + "\n" for line in lines)

    def write(self) -> None:
        """Write it.

        Raises:
            UsageProblem: the file has changed meanwhile, or cannot be written.
        """
        write(self.path, self.source, self.text)


def change(path: Path, contract: Contract, status: str, entry: Mapping[str, Any]) -> Change:
    """The change that declares `status` and records `entry`.

    Raises:
        UsageProblem: it cannot be made safely, or the contract would break a rule with it.
    """
    source = contract.document.source
    text = edited(source, None if status == contract.status else status, entry)
    document = load(Source(source.name, text))
    if isinstance(document, Document):
        errors = [one for one in check(parse(document, contract.name)) if one.severity is Severity.ERROR]
        if errors:
            raise UsageProblem(f"with this entry the contract would be wrong: {escape(errors[0].headline)}")
    return Change(path, source, text)


def rung_of(word: str | None) -> Effective | None:
    """The rung that a user names.

    Raises:
        UsageProblem: there is no such rung.
    """
    if word is None or word.upper() in set(Effective):
        return None if word is None else Effective(word.upper())
    fix = did_you_mean(word.upper(), Effective) or f"one of {', '.join(Effective)}"
    raise UsageProblem(f"--to: {word!r} is no status; {fix}")


def tell(path: str, what: str, details: list[str] | None = None) -> None:
    """Print what became of a contract, and each detail on a line of its own."""
    emit("".join([f"{escape(path)}: {escape(what)}\n", *(f"  {escape(line)}\n" for line in details or [])]))


def near(path: Path, root: Path) -> str:
    """A path as it is shown: from the root of the project where it lies below."""
    return display(path, root)
