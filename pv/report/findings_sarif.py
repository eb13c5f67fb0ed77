"""Findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pv import __version__
from pv.report.findings import Writer, unicode_only
from pv.report.manual import body, title
from pv.report.sarif_parts import LEVELS, SCHEMA, artifact, fingerprint, message, region
from pv.report.workspace import in_workspace
from pv.rules import all_rules

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.rules import Rule
    from pv.source import Source
    from pv.types import Diagnostic, Fix


class Sarif(Writer):
    """One run: every rule with its page, and every finding, notes too, as a result."""

    _between = "\n"

    def begin(self) -> str:
        """The head of the run, up to its results."""
        self._number = {rule.CODE: number for number, rule in enumerate(all_rules())}
        run = {
            "tool": {"driver": {"name": "pv", "version": __version__, "rules": [_rule(rule) for rule in all_rules()]}},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        }
        head = json.dumps({"$schema": SCHEMA, "version": "2.1.0"})[:-1]
        return f'{head}, "runs": [{json.dumps(run)[:-1]}, "results": ['

    def file(self, reading: Reading, source: Source | None) -> str:
        """The results of a file."""
        seen: Counter[tuple[str, str]] = Counter()
        parts = []
        for found in reading.findings:
            text = source.line(found.span.line).strip() if source else ""
            parts += [self._between, json.dumps(self._result(found, text, seen[found.code, text]))]
            seen[found.code, text] += 1
            self._between = ",\n"
        return "".join(parts)

    def end(self, tally: Tally) -> str:
        """What came of the run."""
        code = tally.code(strict=self.asked.strict)
        run = {
            "invocations": [{"executionSuccessful": code != 2, "exitCode": code}],
            "properties": {"headline": tally.headline(), "counts": tally.counts()},
        }
        return f"\n], {json.dumps(run)[1:]}]}}\n"

    def _result(self, found: Diagnostic, text: str, nth: int) -> dict[str, Any]:
        """A result, recognised by its rule, its file, the words of its line, and which of several there it is."""
        path = in_workspace(found.path)
        said = f"{found.message}; {found.help}" if found.help else found.message
        result: dict[str, Any] = {
            "ruleId": found.code,
            "level": LEVELS[found.severity],
            "message": message(unicode_only(said) or found.code),
            "locations": [{"physicalLocation": {"artifactLocation": artifact(path), "region": region(found.span)}}],
            "partialFingerprints": {"line/v1": fingerprint((found.code, path, text, str(nth)))},
        }
        if found.code in self._number:
            result["ruleIndex"] = self._number[found.code]
        if found.fix is not None:
            result["fixes"] = [_fix(found.fix, path)]
        return result


def _rule(rule: Rule) -> dict[str, Any]:
    name = rule.__name__.rsplit(".", maxsplit=1)[-1]
    page = body(rule) or title(rule)
    return {
        "id": rule.CODE,
        "name": "".join(word.capitalize() for word in name.split("_")),
        "shortDescription": {"text": f"{title(rule)}."},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": LEVELS[rule.SEVERITY]},
        "properties": {"tags": ["contracts"]},
    }


def _fix(fix: Fix, path: str) -> dict[str, Any]:
    span = fix.span
    deleted = {
        "startLine": span.line,
        "startColumn": span.col,
        "endLine": span.line,
        "endColumn": span.col + span.width,
    }
    replacement = {"deletedRegion": deleted, "insertedContent": {"text": unicode_only(fix.text)}}
    return {
        "description": {"text": "what `pv fix` writes"},
        "artifactChanges": [{"artifactLocation": artifact(path), "replacements": [replacement]}],
    }
