"""JUnit and Checkstyle: what an XML parser makes of them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pv.shapes import Shape
from pv.types import Severity

NOTE, WARNING = Severity.NOTE, Severity.WARNING


def parsed(findings: Any, format_: str, *files: Any, **asked: Any) -> ET.Element:
    return ET.fromstring(findings.write(format_, *files, **asked))  # noqa: S314  our own


def test_each_file_is_a_case(findings: Any) -> None:
    root = parsed(
        findings,
        "junit",
        findings.file(name="good.yaml"),
        findings.file(findings.found(), findings.found("PV102", WARNING, help="do"), name="bad.yaml"),
        findings.file(findings.found("PV102", WARNING), name="warned.yaml"),
        findings.file(findings.found("PV003"), text="a: [", name="broken.yaml"),
        findings.file(text="a: 1", shape=Shape.OTHER, name="other.yaml"),
    )
    counts = {name: root.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "1"}
    (suite,) = root
    assert suite.attrib["tests"] == "5"
    cases = {case.attrib["name"]: [child.tag for child in case] for case in suite}
    assert cases == {
        "good.yaml": [],
        "bad.yaml": ["failure"],
        "warned.yaml": ["system-out"],
        "broken.yaml": ["error"],
        "other.yaml": ["skipped"],
    }
    (failure,) = suite[1]
    assert failure.attrib["message"] == "1 finding: PV101 it is wrong"
    assert (failure.text or "").splitlines() == [
        "bad.yaml:2:1: error[PV101]: it is wrong",
        "bad.yaml:2:1: warning[PV102]: it is wrong; do",
    ]


def test_strict_makes_warnings_failures_and_never_notes(findings: Any) -> None:
    files = [findings.file(findings.found(severity=severity)) for severity in (WARNING, NOTE)]
    root = parsed(findings, "junit", *files, strict=True)
    assert [child.tag for case in root[0] for child in case] == ["failure", "system-out"]


def test_checkstyle_has_every_finding_at_its_place(findings: Any) -> None:
    found = [findings.found(line=3, col=7, help="do"), findings.found("PV102", WARNING), findings.found("PV010", NOTE)]
    root = parsed(findings, "checkstyle", findings.file(*found), findings.file(name="good.yaml"))
    (file,) = root
    assert file.attrib["name"] == "contracts/a-v1.yaml"
    assert dict(file[0].attrib) == {
        "line": "3",
        "column": "7",
        "severity": "error",
        "message": "it is wrong; do",
        "source": "pv.PV101",
    }
    assert [one.attrib["severity"] for one in file] == ["error", "warning", "info"]


@pytest.mark.parametrize("format_", ["junit", "checkstyle"])
def test_no_text_breaks_the_document(findings: Any, format_: str) -> None:
    message = findings.hostile + "\0\x08\ufffe\ud800\udcff \t\n規 & <x> ]]> \"'"
    file = findings.file(findings.found(message=message, help=message), name='a\udcff<\n&".yaml')
    text = findings.write(format_, file)
    assert text.isascii()  # right in whatever encoding it is written
    root = ET.fromstring(text)  # noqa: S314  our own
    whole = " ".join([*root.itertext(), *(value for one in root.iter() for value in one.attrib.values())])
    assert "規 & <x> ]]> \"'" in whole
    assert '<\\n&".yaml' in whole
