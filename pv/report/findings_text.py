"""Findings as text for people, and for grep: the first line of each is `path:line:col: severity[CODE]: message`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.report.findings import Writer, counted
from pv.report.frame import frame, headline
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.source import Source
    from pv.types import Diagnostic

_MOST = 20  # findings of one code in one file that are shown with their lines


class Text(Writer):
    """Each finding with its source line; with -q one line each; notes with -v alone."""

    def file(self, reading: Reading, source: Source | None) -> str:
        """The findings of a file; with -vv also what it is.

        Of a file that is no text there is one line that says why.
        """
        lines = []
        loudness = self.asked.loudness
        if loudness >= 2:
            lines.append(f"{escape(reading.name)}: {_kind(reading)}")
        if loudness > -2:
            told = [one for one in reading.findings if loudness > 0 or one.severity is not Severity.NOTE]
            if loudness < 0 or source is None:
                lines += [self._line(one, reading) for one in told]
            else:
                lines += self._framed(told, reading, source)
        return "".join(f"{line}\n" for line in lines)

    def end(self, tally: Tally) -> str:
        """The counts, each of what there was."""
        colour = "red" if tally.errors else "yellow" if tally.warnings or tally.nothing else "green"
        return self.asked.paint(tally.headline(notes_shown=self.asked.loudness > 0), colour) + "\n"

    def _line(self, found: Diagnostic, reading: Reading) -> str:
        fix = f"; {escape(found.help)}" if found.help and not reading.readable else ""
        return headline(found, self.asked.paint) + fix

    def _framed(self, told: list[Diagnostic], reading: Reading, source: Source | None) -> Iterator[str]:
        seen: Counter[str] = Counter()
        for found in told:
            seen[found.code] += 1
            if self.asked.loudness > 0 or seen[found.code] <= _MOST:
                yield from frame(found, source, self.asked.paint)
                yield ""
        for code, number in seen.items():
            if number > _MOST and self.asked.loudness < 1:
                yield f"{escape(reading.name)}: and {number - _MOST} more {code} (-v shows all)"
                yield ""


def _kind(reading: Reading) -> str:
    if not reading.readable:
        return "unreadable"
    if reading.contract is None:
        return str(reading.shape)
    return f"contract ({escape(reading.contract.kind)}), {counted(len(reading.contract.claims), 'claim')}"
