"""What reaches the terminal: control characters made visible, tables, progress. No command prints colour any other way."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import unicodedata
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

# control, format (bidirectional overrides live here), surrogate, line and paragraph separator
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# a bar that flashes past tells nobody anything
_PATIENCE_SECONDS = 1.0


def escape(text: str, *, keep: str = "") -> str:
    r"""Makes every character visible that could steer a terminal or reorder a line.

    Args:
        text: from a file or a command line, so anybody's.
        keep: characters to let through, for example a newline.

    Returns:
        The text with control, format and separator characters and lone surrogates as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        if char in keep or unicodedata.category(char) not in _HIDDEN_CATEGORIES
        else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def clipped(text: str, most: int = 400) -> str:
    """A text of anybody's for one line of ours: its beginning, where it is longer than anybody reads."""
    return text if len(text) <= most else f"{text[:most]}…"


def is_terminal(stream: IO[str]) -> bool:
    """True when a person reads the stream on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def uses_colour(stream: IO[str]) -> bool:
    """True on a terminal unless `NO_COLOR` is set and not empty (https://no-color.org), where rich is installed."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and _has_rich()


def _has_rich() -> bool:
    """False where only the meter of traces is installed, which works without."""
    return importlib.util.find_spec("rich") is not None


def human_size(nbytes: int) -> str:
    """Bytes with a binary prefix and three digits: `98362432` is `93.8 MiB`."""
    size = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # binary prefixes go by 2**10
            return f"{nbytes} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> None:
    """Prints aligned columns to standard output: a table on a terminal, plain padded text anywhere else.

    Args:
        header: one title a column.
        rows: cells as text; control characters in them are escaped here.
        right: columns, counted from 0, that are aligned to the right.
    """
    cells = [[escape(cell) for cell in row] for row in rows]
    aligned = frozenset(right)
    if uses_colour(sys.stdout):
        from rich import box  # noqa: PLC0415 - only a terminal pays for rich
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for rich
        from rich.table import Table  # noqa: PLC0415 - only a terminal pays for rich
        from rich.text import Text  # noqa: PLC0415 - only a terminal pays for rich

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column, title in enumerate(header):
            table.add_column(title, justify="right" if column in aligned else "left", overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[column]) for row in [list(header), *cells]) for column in range(len(header))]
    for row in [list(header), *cells]:
        padded = (
            cell.rjust(width) if column in aligned else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


class Progress:
    """A bar on standard error that appears only on a terminal and only when the job has lasted a second.

    Use it as a context manager and call `advance` as work gets done.

    Args:
        description: what is being done, in a few words.
        total: how much there is to do; None where that is unknown.
        unit: `bytes`, or the plural of whatever is counted.
    """

    def __init__(self, description: str, total: int | None = None, *, unit: str = "steps") -> None:
        self._description, self._total, self._unit = escape(description), total, unit
        self._done = 0
        self._started = time.monotonic()
        self._shown: tuple[RichProgress, TaskID] | None = None
        self._wanted = is_terminal(sys.stderr) and _has_rich()

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None

    def advance(self, amount: int = 1) -> None:
        """Says that `amount` more units (of the unit given at the start) are done."""
        self._done += amount
        if self._shown is not None:
            self._shown[0].update(self._shown[1], completed=self._done)
        elif self._wanted and time.monotonic() - self._started >= _PATIENCE_SECONDS:
            self._shown = self._show()

    def _show(self) -> tuple[RichProgress, TaskID]:
        from rich import progress as bars  # noqa: PLC0415 - only a terminal pays for rich
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for rich

        amount: list[bars.ProgressColumn] = (
            [bars.DownloadColumn(binary_units=True), bars.TransferSpeedColumn()]
            if self._unit == "bytes"
            else [bars.MofNCompleteColumn(), bars.TextColumn(self._unit)]
        )
        bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            *amount,
            bars.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # above the bar; what goes into a file stays on its way there
        )
        bar.start()
        return bar, bar.add_task(self._description, total=self._total, completed=self._done)
