"""The status as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pv import __version__
from pv.report.matters import RULES, Matter, matters
from pv.report.summary import counts, headline
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.status import Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_LONGEST = 4000  # characters of one message


def as_sarif(report: Report) -> str:
    """Refuted claims, missed mutants, overstated contracts and remarks as results, at their lines."""
    found = [one for one in matters(report) if one.severity is not Severity.NOTE]
    return json.dumps(
        {
            "$schema": _SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "pv",
                            "version": __version__,
                            "rules": [_rule(name) for name in RULES],
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
                    "invocations": [_invocation(report)],
                    "results": [_result(one) for one in found],
                    "properties": {"headline": headline(report.claims), "counts": counts(report.claims)},
                }
            ],
        },
        indent=2,
    )


def fingerprint(key: Sequence[str]) -> str:
    """What stays the same of a result when lines move or its words change: 32 hex digits over what it is about."""
    return hashlib.sha256(json.dumps(list(key)).encode()).hexdigest()[:32]


def _rule(name: str) -> dict[str, Any]:
    short, fix = RULES[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": f"{short}."},
        "help": {"text": fix, "markdown": fix},
        "defaultConfiguration": {"level": "warning" if name == "claim-inconclusive" else "error"},
        "properties": {"tags": ["contracts", name.split("-", maxsplit=1)[0]]},
    }


def _result(one: Matter) -> dict[str, Any]:
    text = one.message if one.message.startswith(one.title) else f"{one.title}: {one.message}"
    return {
        "ruleId": one.rule,
        "ruleIndex": list(RULES).index(one.rule),
        "level": _LEVELS[one.severity],
        # braces stand for arguments in messages
        "message": {"text": (text[:_LONGEST] or one.title).replace("{", "{{").replace("}", "}}")},
        "locations": [{"physicalLocation": _location(one)}],
        "partialFingerprints": {"claim/v1": fingerprint((one.rule, *one.key))},
    }


def _location(one: Matter) -> dict[str, Any]:
    place: dict[str, Any] = {"uri": uri(one.path)}
    if not one.path.startswith("/"):
        place["uriBaseId"] = "SRCROOT"
    span = one.span
    region = {"startLine": span.line, "startColumn": span.col, "endColumn": span.col + max(1, span.width)}
    return {"artifactLocation": place, "region": region}


def uri(path: str) -> str:
    """A path as a URI reference; a colon in its first part would make that a scheme."""
    # a name with bytes that are no UTF-8 holds surrogates, which stand for those bytes
    text = quote(path.replace("\\", "/").encode("utf-8", "surrogateescape"), safe="/-._~")
    return f"file://{text}" if path.startswith("/") else text


def _invocation(report: Report) -> dict[str, Any]:
    said = [*report.unusable, *report.told]
    notes = [{"level": "warning", "message": {"text": text[:_LONGEST]}} for text in said if text]
    content: dict[str, Any] = {"executionSuccessful": not report.unusable}
    return {**content, "toolExecutionNotifications": notes} if notes else content
