"""Findings as JUnit's XML: one suite, one case a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.report.findings import Writer, counted
from pv.report.xml_text import ascii_only, attribute, content
from pv.types import Severity

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.source import Source
    from pv.types import Diagnostic


class Junit(Writer):
    """A file with errors, or with --strict warnings, is a failure; what cannot be read an error; what is no contract skipped."""

    def begin(self) -> str:
        """Nothing can be written before everything has been counted."""
        self._cases: list[str] = []
        self._failures = self._errors = self._skipped = 0
        return ""

    def file(self, reading: Reading, source: Source | None) -> str:
        """Keep the case of a file."""
        del source  # the findings say where
        grave = [one for one in reading.findings if self._counts(one)]
        said = "\n".join(_line(one) for one in reading.findings)
        if not reading.readable:
            self._errors += 1
            inner = f'<error message={attribute(_line(reading.findings[0]))} type="unreadable">{content(said)}</error>'
        elif grave:
            self._failures += 1
            head = f"{counted(len(grave), 'finding')}: {grave[0].code} {escape(grave[0].message)}"
            inner = f'<failure message={attribute(head)} type="findings">{content(said)}</failure>'
        elif reading.contract is None:
            self._skipped += 1
            inner = f"<skipped message={attribute(f'not a contract: {reading.shape}')}/>"
        else:
            inner = f"<system-out>{content(said)}</system-out>" if said else ""
        name = attribute(escape(reading.name))
        self._cases.append(
            ascii_only(f'    <testcase classname="pv.validate" name={name} time="0">{inner}</testcase>\n')
        )
        return ""

    def end(self, tally: Tally) -> str:
        """The document."""
        counts = f'tests="{tally.files}" failures="{self._failures}" errors="{self._errors}" skipped="{self._skipped}" time="0"'
        return "".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>\n',
                f"<testsuites name={attribute(tally.headline())} {counts}>\n",
                f'  <testsuite name="pv validate" {counts}>\n',
                *self._cases,
                "  </testsuite>\n</testsuites>\n",
            ]
        )

    def _counts(self, found: Diagnostic) -> bool:
        return found.severity is Severity.ERROR or (self.asked.strict and found.severity is Severity.WARNING)


def _line(found: Diagnostic) -> str:
    return escape(found.headline) + (f"; {escape(found.help)}" if found.help else "")
