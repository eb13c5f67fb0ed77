from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from pv import __version__
from pv.types import Fix, Severity, Span


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    text = resources.files("pv").joinpath("schema/findings.schema.json").read_text("utf-8")
    jsonschema.Draft7Validator.check_schema(json.loads(text))
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_a_finding_has_its_place_its_page_and_its_fix(findings: Any, schema: dict[str, Any]) -> None:
    found = findings.found(line=4, col=3, width=5, help="h", fix=Fix(Span(4, 3, 0), "x"))
    report = json.loads(findings.write("json", findings.file(found)))
    jsonschema.validate(report, schema)
    assert report["findings"] == [
        {
            "path": "contracts/a-v1.yaml",
            "line": 4,
            "col": 3,
            "end_line": 4,
            "end_col": 8,
            "code": "PV101",
            "severity": "error",
            "title": "A key that its block does not know",
            "message": "it is wrong",
            "help": "h",
            "fix": {"line": 4, "col": 3, "end_line": 4, "end_col": 3, "text": "x"},
        }
    ]
    assert report["summary"] == {
        "files": 1,
        "unreadable": 0,
        "contracts": 1,
        "registries": 0,
        "claims": 3,
        "errors": 1,
        "warnings": 0,
        "notes": 0,
        "fixable": 1,
    }
    assert (report["schema"], report["pv"], report["exit_code"]) == ("pv-findings-v1", __version__, 1)


def test_notes_are_there_whatever_is_asked_for(findings: Any, schema: dict[str, Any]) -> None:
    files = [findings.file(findings.found(severity=Severity.NOTE), name=name) for name in ("a.yaml", "b.yaml")]
    for loudness in (-2, 0, 2):
        report = json.loads(findings.write("json", *files, loudness=loudness))
        jsonschema.validate(report, schema)
        assert [one["path"] for one in report["findings"]] == ["a.yaml", "b.yaml"]
        assert (report["summary"]["notes"], report["exit_code"]) == (2, 0)


def test_without_findings_and_without_files(findings: Any, schema: dict[str, Any]) -> None:
    for files in ([findings.file()], []):
        report = json.loads(findings.write("json", *files))
        jsonschema.validate(report, schema)
        assert report["findings"] == []


def test_strict_is_told_by_the_exit_code(findings: Any) -> None:
    file = findings.file(findings.found(severity=Severity.WARNING))
    assert [json.loads(findings.write("json", file, strict=strict))["exit_code"] for strict in (False, True)] == [0, 1]


def test_a_name_that_is_not_utf_8_is_readable_by_everybody(findings: Any, schema: dict[str, Any]) -> None:
    name = "contracts/\udcff.yaml"
    text = findings.write("json", findings.file(findings.found(message=f"as in {name}"), name=name))
    report = json.loads(text)
    jsonschema.validate(report, schema)
    assert report["findings"][0]["path"] == "contracts/\\udcff.yaml"
    assert json.dumps(report, ensure_ascii=False).encode("utf-8")  # no half of a surrogate pair is left
    assert text.isascii()


def test_the_schema_refuses_what_is_none(findings: Any, schema: dict[str, Any]) -> None:
    report = json.loads(findings.write("json", findings.file(findings.found())))
    wrongs: list[dict[str, Any]] = [{"schema": "pv-findings-v0"}, {"exit_code": 3}, {"more": 1}, {"findings": [{}]}]
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**report, **wrong}, schema)
