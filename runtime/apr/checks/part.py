"""One file of a model as its head describes it, with every fault that the head has; read without giving up at the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from apr.checks.verdict import Blocked, Finding

if TYPE_CHECKING:
    from pathlib import Path


class Placed(NamedTuple):
    """A line of the tensor index.

    Attributes:
        name: as the file spells it.
        start: of the data, from the start of the file.
        nbytes: of the data; None where the type, and with it the size, is not known.
        relative: of the data, from the start of all tensor data: what has to be aligned.
        at: of the line itself, from the start of the file.
        size_fault: how its size contradicts type and shape.
    """

    name: str
    start: int
    nbytes: int | None
    relative: int
    at: int
    size_fault: Finding | None = None


@dataclass
class Part:
    """A file.

    Attributes:
        path: of the file.
        format: `apr`, `gguf` or `safetensors`.
        size: in bytes.
        faults: of the head, by the number of the check that objects, in the order in which they were met.
        seen: what was found to be right, by the number of the check.
        absent: why there is nothing to check, by the number of the check.
        index: the lines of the tensor index, in file order; None where it cannot be read.
        alignment: of tensor data; None where the format has none.
        data_start: of the tensor data.
    """

    path: Path
    format: str
    size: int
    faults: dict[int, Finding] = field(default_factory=dict)
    seen: dict[int, str] = field(default_factory=dict)
    absent: dict[int, str] = field(default_factory=dict)
    index: tuple[Placed, ...] | None = None
    alignment: int | None = None
    data_start: int = 0

    def table(self) -> tuple[Placed, ...]:
        """The tensor index.

        Raises:
            Blocked: it cannot be read, because of the fault that was met last.
        """
        if self.index is None:
            self.block()
        return self.index or ()

    def block(self) -> None:
        """Names the fault that ended the reading.

        Raises:
            Blocked: always, if there is one.
        """
        if self.faults:
            number, finding = next(reversed(self.faults.items()))
            raise Blocked(number, [finding])

    def fault(self, number: int, problem: str, section: str | None = None, offset: int | None = None) -> None:
        """Notes a fault."""
        self.faults[number] = Finding(str(self.path), problem, section, None, offset)
