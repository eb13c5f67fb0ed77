"""The status as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pv import __version__
from pv.report.matters import RULES, Matter, matters
from pv.report.sarif_parts import LEVELS, LONGEST, SCHEMA, artifact, fingerprint, message, region
from pv.report.summary import counts, headline
from pv.report.workspace import in_workspace
from pv.types import Severity

if TYPE_CHECKING:
    from pv.status import Report


def as_sarif(report: Report) -> str:
    """Refuted claims, missed mutants, overstated contracts and remarks as results, at their lines."""
    found = [one for one in matters(report) if one.severity is not Severity.NOTE]
    return json.dumps(
        {
            "$schema": SCHEMA,
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
        "level": LEVELS[one.severity],
        "message": message(text or one.title),
        "locations": [
            {"physicalLocation": {"artifactLocation": artifact(in_workspace(one.path)), "region": region(one.span)}}
        ],
        "partialFingerprints": {"claim/v1": fingerprint((one.rule, *one.key))},
    }


def _invocation(report: Report) -> dict[str, Any]:
    said = [*report.unusable, *report.told]
    notes = [{"level": "warning", "message": {"text": text[:LONGEST]}} for text in said if text]
    content: dict[str, Any] = {"executionSuccessful": not report.unusable}
    return {**content, "toolExecutionNotifications": notes} if notes else content
