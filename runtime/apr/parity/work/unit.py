"""A unit of work and what comes of it, as plain data: both have a JSON form, so a unit can be measured on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from apr.parity.result import Cell
    from apr.stages import StageKey

SIDES = ("subject", "oracle")


@dataclass(frozen=True)
class Plan:
    """What holds for every stage of one prompt; it is decided once, before the first stage is compared.

    Attributes:
        prompt: index of the prompt, from 0.
        tokens: token ids, one a position.
        positions: the position of each token.
        first, stop: which of the positions are compared: from `first` up to `stop`, that left out.
        ours_in, theirs_in: names of the arithmetics that subject and oracle compute in.
        every_bit: whether free runs must agree in every bit.
        fed: whether the subject's stages are computed from the oracle's inputs.
        judged: the sides (`subject`, `oracle`) that the judge computes again from their own inputs.
        stock: whether the subject is the judge's own code.
    """

    prompt: int
    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    first: int
    stop: int
    ours_in: str
    theirs_in: str
    every_bit: bool
    fed: bool
    judged: tuple[str, ...]
    stock: bool

    @property
    def rows(self) -> slice:
        """The rows of a stage that are compared."""
        return slice(self.first, self.stop)


@dataclass(frozen=True)
class Unit:
    """One stage of one prompt, in all the views that it has.

    Attributes:
        index: its place among the units of the prompt; findings are put together in this order.
        key: stage and layer.
    """

    index: int
    key: StageKey


@dataclass(frozen=True)
class Missing:
    """What could not be compared.

    Attributes:
        side: `subject` or `oracle`.
        key: stage and layer.
        reason: as the end of a sentence.
    """

    side: str
    key: StageKey
    reason: str


@dataclass(frozen=True)
class Findings:
    """What came of a unit.

    Attributes:
        index, key: of the unit.
        cells: every comparison that was made, in the order of the views.
        missing: what could not be compared.
    """

    index: int
    key: StageKey
    cells: tuple[Cell, ...] = ()
    missing: tuple[Missing, ...] = ()


class Done(NamedTuple):
    """A unit that was measured.

    Attributes:
        unit: which.
        findings: what came of it.
    """

    unit: Unit
    findings: Findings
