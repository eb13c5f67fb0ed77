"""A verdict on the terminal: first a card with the answer, then a table. Nothing in it is wider than 80 columns on a terminal."""

from __future__ import annotations

import math
import sys
import textwrap
from typing import TYPE_CHECKING

from apr.console import escape, is_terminal, uses_colour
from apr.parity.summary import facts, headline, rows, worst_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.parity.result import Measurement, Verdict
    from apr.parity.summary import Fact, Row

_WIDTH = 80
_COLOURS = {"agrees": "green", "diverges": "red", "inconclusive": "yellow", "incomparable": "yellow"}
_STATES = {"first": "bold red", "born": "red", "inherits": "yellow", "missing": "yellow", "not judged": "dim"}
_HEADER = ("stage", "layer", "isolated", "bound", "free run", "gain", "pos", "")
_RIGHT = frozenset(range(1, 7))
# rows of the table: what comes before the first divergence, what follows it, further stages that diverge by themselves, and what is
# missing where nothing diverges
_BEFORE, _AFTER, _BORN, _MISSING = 2, 8, 8, 8


def print_card(measurement: Measurement, verdict: Verdict, replay: str = "") -> None:
    """Prints the card and the table to standard output.

    Args:
        measurement: what was measured.
        verdict: what follows from it.
        replay: the command that shows the first divergence again.
    """
    table, left_out = _chosen(measurement, verdict)
    cells = [_cells(row, several=len(measurement.prompts) > 1) for row in table]
    said = facts(measurement, verdict, replay)
    if uses_colour(sys.stdout):
        _print_rich(verdict, said, table, cells)
    else:
        _print_plain(verdict, said, cells)
    if left_out:
        sys.stdout.write(f"{left_out} more rows: --report FILE.html or --json shows them\n")


def _chosen(measurement: Measurement, verdict: Verdict) -> tuple[list[Row], int]:
    """The rows that the table shows, and how many it leaves out."""
    every = worst_of_each(rows(measurement, verdict))
    if verdict.first is None:
        # nothing stands out: of each stage the layer that comes nearest to its bound
        by_stage: dict[str, Row] = {}
        for row in every:
            before = by_stage.get(row.key.stage)
            if before is None or _closeness(row) > _closeness(before):
                by_stage[row.key.stage] = row
        gaps = [row for row in every if row.state == "missing"][:_MISSING]
        wanted = {row.key for row in (*by_stage.values(), *gaps)}
        shown = sorted((row for row in every if row.key in wanted), key=lambda row: row.key.order[::-1])  # by stage
    else:
        at = next(index for index, row in enumerate(every) if row.key == verdict.first.key)
        near = range(max(at - _BEFORE, 0), min(at + _AFTER + 1, len(every)))
        born = [index for index, row in enumerate(every) if row.state == "born" and index not in near]
        shown = [every[index] for index in sorted({*near, *born[:_BORN]})]
    return shown, len(every) - len(shown)


def _closeness(row: Row) -> float:
    return -1.0 if row.excess is None else math.inf if math.isnan(row.excess) else row.excess


def _cells(row: Row, *, several: bool) -> tuple[str, ...]:
    position = "-" if row.position is None else str(row.position)
    return (
        row.key.stage,
        "-" if row.key.layer is None else str(row.key.layer),
        _number(row.isolated),
        _number(row.bound),
        _number(row.accumulated),
        _times(row.gain),
        f"{row.prompt}:{position}" if several else position,
        row.state.upper() if row.state in {"first", "missing"} else row.state,
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return "0" if value == 0 else f"{value:.1e}"


def _times(value: float | None) -> str:
    if value is None or not 0.1 <= value < 1000:  # more than a few digits is no number to read
        return _number(value)
    return f"{value:.1f}"


def _print_plain(verdict: Verdict, said: Sequence[Fact], cells: Sequence[Sequence[str]]) -> None:
    # one fact a line for `grep`; only a terminal's lines are wrapped
    wrap = is_terminal(sys.stdout)
    margin = max((len(fact.label) for fact in said), default=0) + 2
    lines = [f"{verdict.outcome.upper()}: {escape(headline(verdict))}"]
    lines += [f"{fact.label + ':':{margin}}{escape(fact.text)}" for fact in said]
    for line in lines:
        shown = textwrap.wrap(line, _WIDTH, subsequent_indent=" " * margin, break_on_hyphens=False) if wrap else [line]
        sys.stdout.write("\n".join(shown) + "\n")
    if not cells:
        return
    sys.stdout.write("\n")
    grid = [_HEADER, *cells]
    widths = [max(len(line[column]) for line in grid) for column in range(len(_HEADER))]
    for row in grid:
        padded = (
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _print_rich(verdict: Verdict, said: Sequence[Fact], table: Sequence[Row], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console, Group  # noqa: PLC0415 - only a terminal pays for rich
    from rich.panel import Panel  # noqa: PLC0415 - only a terminal pays for rich
    from rich.table import Table  # noqa: PLC0415 - only a terminal pays for rich
    from rich.text import Text  # noqa: PLC0415 - only a terminal pays for rich

    console = Console(highlight=False)
    colour = _COLOURS[verdict.outcome]
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column(overflow="fold")
    for fact in said:
        lines.add_row(fact.label, Text(escape(fact.text)))
    console.print(
        Panel(
            Group(Text(escape(headline(verdict)), style="bold"), Text(), lines),
            title=Text(f" {verdict.outcome.upper()} ", style=f"bold reverse {colour}"),
            title_align="left",
            border_style=colour,
            width=min(console.width, 110),  # longer lines are hard to read
        )
    )
    if not cells:
        return
    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column, title in enumerate(_HEADER):
        # a number that is folded is misread
        grid.add_column(title, justify="right" if column in _RIGHT else "left", no_wrap=True)
    for row, line in zip(table, cells, strict=True):
        grid.add_row(*(Text(cell) for cell in line), style=_STATES.get(row.state, ""))
    Console(highlight=False, width=max(console.width, _WIDTH)).print(grid)
