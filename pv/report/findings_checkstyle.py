"""Findings as Checkstyle's XML, which many code review tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.report.findings import Writer
from pv.report.xml_text import ascii_only, attribute
from pv.types import Severity

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.source import Source
    from pv.types import Diagnostic

_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "info"}


class Checkstyle(Writer):
    """Each file that has findings, notes too, with them."""

    def begin(self) -> str:
        """The head of the document."""
        return '<?xml version="1.0" encoding="UTF-8"?>\n<checkstyle version="4.3">\n'

    def file(self, reading: Reading, source: Source | None) -> str:
        """The findings of a file."""
        del source  # Checkstyle's readers have it
        if not reading.findings:
            return ""
        errors = "".join(f"    {_error(found)}\n" for found in reading.findings)
        return ascii_only(f"  <file name={attribute(escape(reading.name))}>\n{errors}  </file>\n")

    def end(self, tally: Tally) -> str:
        """The end of the document."""
        del tally  # it has no place for counts
        return "</checkstyle>\n"


def _error(found: Diagnostic) -> str:
    said = found.message + (f"; {found.help}" if found.help else "")
    return (
        f'<error line="{found.span.line}" column="{found.span.col}" severity="{_SEVERITIES[found.severity]}"'
        f" message={attribute(said)} source={attribute(f'pv.{found.code}')}/>"
    )
