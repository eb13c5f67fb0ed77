"""The table of a run of benchmarks: with rich where somebody looks, plain where it is piped, Markdown for documents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from figures import Figure, bound, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from results import Ran, Results

HEAD = ("figure", "measured", "beside it", "ratio", "asked for", "holds")


def rows(ran: Ran) -> Iterator[tuple[str, ...]]:
    """One row a figure."""
    for one in ran.figures:
        yield (one.what, shown(one.ours, one.unit), beside(one), ratio(one), bound(one), holds(one))


def beside(one: Figure) -> str:
    """The peer, and its value."""
    return f"{one.peer}: {shown(one.theirs, one.unit)}" if one.theirs is not None else ""


def ratio(one: Figure) -> str:
    """Ours over theirs."""
    return "" if one.ratio is None else f"{one.ratio:.3g}"


def holds(one: Figure) -> str:
    """A word for the last column; empty where nothing was asked for or judged."""
    return {True: "yes", False: "NO", None: ""}[one.holds]


def of(ran: Ran) -> str:
    """The day, and the code, of a benchmark: `2026-01-02, 0123456 with changes`."""
    code = ran.commit[:7] or "no checkout"
    return f"{ran.date}, {code}{' with changes' if ran.dirty else ''}"


def show(results: Results) -> None:
    """Print everything, then what was asked for and does not hold, and what could not be measured."""
    if sys.stdout.isatty():
        _rich(results)
    else:
        _plain(results)
    for line in summary(results):
        print(line)


def summary(results: Results) -> list[str]:
    """How many bounds are kept, each that is not, and each benchmark that failed."""
    asked = [(ran.name, one) for ran in results.benchmarks for one in ran.figures if one.holds is not None]
    missed = [(name, one) for name, one in asked if not one.holds]
    lines = [f"{name}.{one.name}: {one.what}: {_said(one)}" for name, one in missed]
    lines = [f"does not hold: {line}" for line in lines]
    lines += [f"not measured: {ran.name}: {ran.outcome}" for ran in results.benchmarks if not ran.measured]
    lines += [f"left out: {ran.name}: {why}" for ran in results.benchmarks for why in ran.not_measured]
    seconds = sum(ran.seconds for ran in results.benchmarks)
    judged = " (quick: sizes are small, and only bounds that hold at any size are judged)" if results.quick else ""
    head = f"{len(asked) - len(missed)} of {len(asked)} bounds hold, {len(results.benchmarks)} benchmarks, {seconds:.0f} s{judged}"
    return [*lines, head]


def markdown(results: Results) -> str:
    """Every figure for which a bound was asked, as a table for documents, those that do not hold among them."""
    lines = ["| figure | measured | asked for | holds | date, commit |", "|---|---:|---|---|---|"]
    for ran in results.benchmarks:
        for one in ran.figures:
            if one.holds is not None:
                value = (
                    f"{one.ratio:.3g} times" if one.of_ratio and one.ratio is not None else shown(one.ours, one.unit)
                )
                held = f" ({one.peer})" if one.of_ratio else ""
                cells = (f"{one.what}{held}", value, bound(one), "yes" if one.holds else "**no**", of(ran))
                lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def about(results: Results) -> str:
    """Where, when and with what, in one sentence for documents."""
    here = results.machine
    packages = here["packages"]
    named = ", ".join(f"{name} {packages[name]}" for name in ("numpy", "pyyaml", "xllamacpp") if packages.get(name))
    busy = (
        f", while the machine was busy with other things (load {results.load:.0f})"
        if results.load > here["cores"]
        else ""
    )
    size = f"{here['cores']} cores, {here['memory_gb']:.0f} GB"
    dates = " to ".join(dict.fromkeys((results.dates[0], results.dates[-1]))) if results.dates else "not run"
    return f"{here['cpu']}, {size}, {here['python']}, {named}, {dates}{busy}"


def _said(one: Figure) -> str:
    value = f"{ratio(one)} times {one.peer}" if one.of_ratio else shown(one.ours, one.unit)
    return f"{value}, asked for: {bound(one)}"


def _plain(results: Results) -> None:
    for ran in results.benchmarks:
        print(f"\n{ran.name}: {ran.outcome}, {ran.seconds:.1f} s ({of(ran)})")
        for what, ours, theirs, times, asked, kept in rows(ran):
            said = f"  {what}: {ours}"
            said += f"; {theirs} (ratio {times})" if theirs else ""
            said += f"; asked for: {asked}{f': {kept}' if kept else ''}" if asked else ""
            print(said)


def _rich(results: Results) -> None:
    from rich.console import Console  # noqa: PLC0415 - where somebody looks
    from rich.table import Table  # noqa: PLC0415 - as above

    console = Console()
    for ran in results.benchmarks:
        title = f"{ran.name}: {ran.outcome}, {ran.seconds:.1f} s ({of(ran)})"
        table = Table(*HEAD, title=title, title_justify="left")
        for row in rows(ran):
            table.add_row(*row, style="red" if row[-1] == "NO" else None)
        console.print(table)
