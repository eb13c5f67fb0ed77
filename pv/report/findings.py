"""What `pv validate` prints, in each of its formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pv.report.annotation import annotation
from pv.report.console import escape
from pv.report.frame import frame
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.corpus import Reading
    from pv.report.console import Paint


def summary(readings: Sequence[Reading]) -> dict[str, int]:
    """The counts, each with what it is a part of."""
    findings = [found for reading in readings for found in reading.findings]
    contracts = [reading.contract for reading in readings if reading.contract]
    return {
        "files": len(readings),
        "contracts": len(contracts),
        "claims": sum(len(contract.claims) for contract in contracts),
        "errors": sum(found.severity is Severity.ERROR for found in findings),
        "warnings": sum(found.severity is Severity.WARNING for found in findings),
    }


def as_text(readings: Sequence[Reading], paint: Paint) -> str:
    """Each finding with its source line, then the summary; a file that cannot be read is one line, with no summary of nothing."""
    lines: list[str] = []
    for reading in readings:
        for found in reading.findings:
            shown = frame(found, reading.source, paint)
            lines += (
                [*shown, ""] if reading.readable else [shown[0] + (f"; {escape(found.help)}" if found.help else "")]
            )
    if readings and not any(reading.readable for reading in readings):
        return "\n".join(lines)
    counts = summary(readings)
    tail = ", ".join(_counted(number, name) for name, number in counts.items())
    colour = "red" if counts["errors"] else "yellow" if counts["warnings"] or not counts["contracts"] else "green"
    return "\n".join([*lines, paint(tail, colour)])


def as_json(readings: Sequence[Reading]) -> str:
    """The findings and the summary as one JSON object."""
    findings = [
        {
            "path": found.path,
            "line": found.span.line,
            "col": found.span.col,
            "code": found.code,
            "severity": found.severity,
            "message": found.message,
            "help": found.help,
        }
        for reading in readings
        for found in reading.findings
    ]
    return json.dumps({"findings": findings, "summary": summary(readings)}, indent=2)


def as_github(readings: Sequence[Reading]) -> str:
    """Workflow commands that GitHub shows beside the lines they are about."""
    lines = []
    for reading in readings:
        for found in reading.findings:
            text = found.message + (f"\nhelp: {found.help}" if found.help else "")
            lines.append(annotation(found.severity, text, path=found.path, span=found.span, title=found.code))
    counts = summary(readings)
    return "\n".join([*lines, ", ".join(_counted(number, name) for name, number in counts.items())])


def _counted(number: int, name: str) -> str:
    return f"{number} {name.removesuffix('s') if number == 1 else name}"
