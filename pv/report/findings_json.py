"""Findings as one JSON object; pv/schema/findings.schema.json says what whoever reads it may rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pv import __version__
from pv.report.findings import Writer, unicode_only
from pv.report.manual import titles

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.source import Source
    from pv.types import Diagnostic, Span

_SCHEMA = "pv-findings-v1"


class Json(Writer):
    """The findings, notes too, each on a line of its own, then the counts."""

    _between = "\n    "

    def begin(self) -> str:
        """The head of the object."""
        return f'{{\n  "schema": {json.dumps(_SCHEMA)},\n  "pv": {json.dumps(__version__)},\n  "findings": ['

    def file(self, reading: Reading, source: Source | None) -> str:
        """The findings of a file."""
        del source  # what is shown of it stands in the findings
        parts = []
        for found in reading.findings:
            parts += [self._between, json.dumps(_data(found))]
            self._between = ",\n    "
        return "".join(parts)

    def end(self, tally: Tally) -> str:
        """The counts, and the exit code they lead to."""
        close = "\n  ]" if self._between.startswith(",") else "]"
        code = tally.code(strict=self.asked.strict)
        return f'{close},\n  "summary": {json.dumps(tally.counts())},\n  "exit_code": {code}\n}}\n'


def _data(found: Diagnostic) -> dict[str, Any]:
    return {
        "path": unicode_only(found.path),
        **_place(found.span),
        "code": found.code,
        "severity": found.severity,
        "title": titles().get(found.code, found.code),
        "message": unicode_only(found.message),
        "help": None if found.help is None else unicode_only(found.help),
        "fix": None if found.fix is None else {**_place(found.fix.span), "text": unicode_only(found.fix.text)},
    }


def _place(span: Span) -> dict[str, int]:
    return {"line": span.line, "col": span.col, "end_line": span.line, "end_col": span.col + span.width}
