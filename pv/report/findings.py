"""What every report of `pv validate` is made of: how it is asked for, what is counted, and what a writer of a format does."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pv.report.console import Paint
from pv.shapes import Shape
from pv.types import Severity

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.source import Source


@dataclass(frozen=True)
class Asked:
    """How a report is asked for: `loudness` is 1 with -v, 2 with -vv, -1 with -q, -2 with -qq."""

    strict: bool = False
    loudness: int = 0
    paint: Paint = field(default_factory=lambda: Paint(on=False))


@dataclass
class Tally:
    """What has been seen so far, each with what it is a part of."""

    files: int = 0
    unreadable: int = 0
    contracts: int = 0
    registries: int = 0
    claims: int = 0
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    fixable: int = 0

    def add(self, reading: Reading) -> None:
        """Count a file and what was found in it."""
        self.files += 1
        self.unreadable += not reading.readable
        self.registries += reading.shape is Shape.BINDINGS
        if reading.contract is not None:
            self.contracts += 1
            self.claims += len(reading.contract.claims)
        for found in reading.findings:
            self.errors += found.severity is Severity.ERROR
            self.warnings += found.severity is Severity.WARNING
            self.notes += found.severity is Severity.NOTE
            self.fixable += found.fix is not None

    @property
    def nothing(self) -> bool:
        """Whether there was nothing that could have been wrong."""
        return not (self.contracts or self.registries or self.errors)

    def code(self, *, strict: bool) -> int:
        """The exit code: 2 if a file could not be read or there was nothing to check, 1 with findings, else 0."""
        if self.unreadable or self.nothing:
            return 2
        return 1 if self.errors or (strict and self.warnings) else 0

    def counts(self) -> dict[str, int]:
        """The figures by their names."""
        return asdict(self)

    def headline(self, *, notes_shown: bool = True) -> str:
        """One line that counts everything, and says of what."""
        files = counted(self.files, "file") + (f" ({self.unreadable} unreadable)" if self.unreadable else "")
        registries = [counted(self.registries, "registry")] if self.registries else []
        hidden = "" if notes_shown else " (-v shows them)"
        notes = [counted(self.notes, "note") + hidden] if self.notes else []
        parts = [
            files,
            counted(self.contracts, "contract"),
            *registries,
            counted(self.claims, "claim"),
            counted(self.errors, "error"),
            counted(self.warnings, "warning"),
            *notes,
        ]
        mend = f"; `pv fix` can mend {self.fixable} of them" if self.fixable else ""
        return ", ".join(parts) + mend


class Writer:
    """Writes one format, file by file: what is not yet written is all that it keeps.

    A subclass says what stands in front, what one file adds, and what stands at the end.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def begin(self) -> str:
        """What stands in front of everything."""
        return ""

    def file(self, reading: Reading, source: Source | None) -> str:
        """What a file adds; `source` is its text even where that is no YAML."""
        raise NotImplementedError

    def end(self, tally: Tally) -> str:
        """What stands at the end."""
        raise NotImplementedError


def counted(number: int, name: str) -> str:
    """`3 files`, `1 registry`."""
    many = f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}s"
    return f"{number} {name if number == 1 else many}"


def unicode_only(text: str) -> str:
    """`text` without halves of surrogate pairs, which stand for the bytes of a name that is not UTF-8, and no JSON reader takes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
