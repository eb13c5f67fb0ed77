"""What a benchmark gives: figures, each with what it is held against and the bound that was asked for.

A script measures in `main(sheet)` and ends with `sys.exit(told(main))`. Beside its own options it then has two: `--json` prints the
figures as one JSON object, and what it says otherwise goes to standard error; `--quick` asks for small sizes, on which no bound on
time or memory is judged.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: unique within its benchmark; documents quote it as `benchmark.name`.
        what: what was measured, for a table.
        ours: the value, in `unit` ("" for a count).
        peer, theirs: what it is held against in the same run, and its value in the same unit.
        at_most, at_least: the bound that was asked for; on `ours`, or on the ratio of `ours` to `theirs` where `of_ratio` says so.
        holds: whether the bound is kept; None where none was asked for, or sizes were too small to tell.
    """

    name: str
    what: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    of_ratio: bool = False
    holds: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return self.ours / self.theirs if self.theirs else None


@dataclass
class Sheet:
    """The figures of one benchmark, and what it could not measure, with the reason."""

    quick: bool = False
    figures: list[Figure] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        what: str,
        ours: float,
        unit: str = "",
        *,
        against: tuple[str, float] | None = None,
        at_most: float | None = None,
        at_least: float | None = None,
        of_ratio: bool = False,
        at_any_size: bool = False,
    ) -> Figure:
        """Enter a figure, and judge it by the bound that was asked for.

        `against` is what it is held against, and that one's value; `at_any_size` has the bound judged in a quick run too. All else is
        as in `Figure`.

        Raises:
            ValueError: there is one of this name, or a bound on a ratio to nothing.
        """
        if any(one.name == name for one in self.figures):
            raise ValueError(f"there are two figures {name!r}")
        peer, theirs = against or ("", None)
        if of_ratio and not theirs:
            raise ValueError(f"the figure {name!r} has a bound on its ratio to nothing")
        value = ours / theirs if of_ratio and theirs else ours
        asked = at_most is not None or at_least is not None
        # written so that a value that is no number keeps no bound
        kept = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        judged = asked and (at_any_size or not self.quick)
        one = Figure(name, what, ours, unit, peer, theirs, at_most, at_least, of_ratio, kept if judged else None)
        self.figures.append(one)
        return one

    def leave_out(self, why: str) -> None:
        """Say what was not measured, and why."""
        self.not_measured.append(why)
        print(f"not measured: {why}")

    @property
    def code(self) -> int:
        """1 where a bound is not kept, else 0."""
        return int(any(one.holds is False for one in self.figures))


def told(main: Callable[[Sheet], int | None]) -> int:
    """Run a benchmark with the arguments of the process, and give its exit code: 1 if a bound is not kept, or `main` says so.

    Without `--json` a line a bound is printed at the end.
    """
    as_json = _take("--json")
    sheet = Sheet(quick=_take("--quick"))
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        code = main(sheet) or sheet.code
    if as_json:
        print(json.dumps({"figures": [as_data(one) for one in sheet.figures], "not_measured": sheet.not_measured}))
        return code
    for one in sheet.figures:
        if one.holds is not None:
            print(f"asked for: {one.what}: {bound(one)}: {'holds' if one.holds else 'DOES NOT HOLD'}")
    return code


def as_data(one: Figure) -> dict[str, Any]:
    """A figure as JSON keeps it."""
    return asdict(one)


def from_data(data: dict[str, Any]) -> Figure:
    """The figure that JSON keeps.

    Raises:
        TypeError: the data is not that of a figure.
    """
    return Figure(**data)


def shown(value: float, unit: str) -> str:
    """A value for people: three digits that count, never an exponent for what is neither tiny nor huge."""
    if unit in ("", "MB", "ms", "s") and value >= 1000:
        text = f"{value:,.0f}"
    elif value and not 1e-3 <= abs(value) < 1e6:
        text = f"{value:.2e}"
    else:
        text = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return f"{text} {unit}".strip()


def bound(one: Figure) -> str:
    """The bound that was asked for, as `at most 8 s`; empty where there is none."""
    unit = "times" if one.of_ratio else one.unit
    parts = [
        f"{word} {shown(value, unit)}"
        for word, value in (("at most", one.at_most), ("at least", one.at_least))
        if value is not None
    ]
    return ", ".join(parts)


def _take(option: str) -> bool:
    if option not in sys.argv[1:]:
        return False
    sys.argv.remove(option)
    return True
