from __future__ import annotations

from typing import Any

import pytest

from pv.report.console import Paint
from pv.report.findings import Tally, counted
from pv.shapes import Shape
from pv.types import Fix, Severity, Span

NOTE, WARNING = Severity.NOTE, Severity.WARNING


def heads(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("contracts/")]


def test_a_finding_is_shown_with_its_line(findings: Any) -> None:
    found = findings.found(line=2, col=3, width=7, help="mend it")
    assert findings.write("text", findings.file(found)).splitlines()[:6] == [
        "contracts/a-v1.yaml:2:3: error[PV101]: it is wrong",
        "  |",
        '2 |   version: "1.0.0"',
        "  |   ^^^^^^^",
        "  = help: mend it",
        "",
    ]


@pytest.mark.parametrize(
    ("loudness", "lines"),
    [
        (-2, []),
        (-1, [":2:1: error[PV101]: it is wrong", ":3:1: warning[PV102]: it is wrong"]),
        (0, [":2:1: error[PV101]: it is wrong", ":3:1: warning[PV102]: it is wrong"]),
        (1, [":2:1: error[PV101]: it is wrong", ":3:1: warning[PV102]: it is wrong", ":4:1: note[PV010]: it is wrong"]),
        (
            2,
            [
                ": contract (kernel), 3 claims",
                ":2:1: error[PV101]: it is wrong",
                ":3:1: warning[PV102]: it is wrong",
                ":4:1: note[PV010]: it is wrong",
            ],
        ),
    ],
)
def test_how_much_is_said(findings: Any, loudness: int, lines: list[str]) -> None:
    found = [findings.found(), findings.found("PV102", WARNING, line=3), findings.found("PV010", NOTE, line=4)]
    text = findings.write("text", findings.file(*found), loudness=loudness)
    assert heads(text) == [f"contracts/a-v1.yaml{line}" for line in lines]
    assert ("  | ^^^^" in text) is (loudness >= 0)
    hint = "" if loudness > 0 else " (-v shows them)"
    assert text.endswith(f"1 file, 1 contract, 3 claims, 1 error, 1 warning, 1 note{hint}\n")


def test_hundreds_of_one_kind_are_cut_and_others_are_not(findings: Any) -> None:
    many = [findings.found("PV102", WARNING) for _ in range(200)]
    file = findings.file(*many, findings.found("PV208"))
    text = findings.write("text", file)
    assert len([line for line in heads(text) if "[PV102]" in line]) == 20
    assert "contracts/a-v1.yaml: and 180 more PV102 (-v shows all)" in text
    assert "error[PV208]" in text
    assert "1 error, 200 warnings" in text
    for loudness in (-1, 1):
        whole = findings.write("text", file, loudness=loudness)
        assert len([line for line in heads(whole) if "[PV102]" in line]) == 200
        assert "more PV102" not in whole
    assert "more PV102" not in findings.write("text", findings.file(*many[:20]))


def test_the_cut_is_of_each_file(findings: Any) -> None:
    twelve = [findings.found("PV102", WARNING) for _ in range(12)]
    files = [findings.file(*twelve, name=f"contracts/{name}.yaml") for name in "ab"]
    assert len(heads(findings.write("text", *files))) == 24


def test_a_file_that_is_no_yaml_is_told_with_its_place_and_counted(findings: Any) -> None:
    file = findings.file(findings.found("PV003", line=1, col=4, width=1, help="close it"), text="a: [\n")
    text = findings.write("text", file)
    assert text.startswith("contracts/a-v1.yaml:1:4: error[PV003]: it is wrong\n")
    assert "1 | a: [\n  |    ^\n  = help: close it\n" in text
    assert text.endswith("1 file (1 unreadable), 0 contracts, 0 claims, 1 error, 0 warnings\n")
    quiet = findings.write("text", file, loudness=-1)
    assert quiet.startswith("contracts/a-v1.yaml:1:4: error[PV003]: it is wrong; close it\n")
    assert findings.write("text", file, loudness=-2).startswith("1 file (1 unreadable), 0 contracts")
    both = findings.write("text", file, findings.file(name="contracts/b.yaml"))
    assert both.endswith("2 files (1 unreadable), 1 contract, 3 claims, 1 error, 0 warnings\n")


def test_what_can_be_mended_is_counted(findings: Any) -> None:
    mended = findings.found(fix=Fix(Span(2, 1), "x"))
    text = findings.write("text", findings.file(mended, mended, findings.found()))
    assert text.endswith("3 errors, 0 warnings; `pv fix` can mend 2 of them\n")


def test_registries_are_counted_as_such(findings: Any) -> None:
    registry = findings.file(text="bindings: []\ntarget_crate: x\n", shape=Shape.BINDINGS)
    assert findings.write("text", registry) == "1 file, 0 contracts, 1 registry, 0 claims, 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("severity", "colour"), [(Severity.ERROR, "31"), (WARNING, "33"), (NOTE, "32")], ids=("error", "warning", "note")
)
def test_the_colour_of_the_counts(findings: Any, severity: Severity, colour: str) -> None:
    text = findings.write("text", findings.file(findings.found(severity=severity)), paint=Paint(on=True))
    assert text.splitlines()[-1].startswith(f"\x1b[{colour}m1 file")


def test_nothing_in_a_file_or_its_name_drives_a_terminal(findings: Any) -> None:
    found = findings.found(message=findings.hostile, help=findings.hostile)
    for loudness in (-1, 0, 2):
        text = findings.write("text", findings.file(found, name="a\x1b[2J\nb.yaml"), loudness=loudness)
        assert not {"\x1b", "\r", "\u202e"} & set(text)
        assert "a\\u{1b}[2J\\nb.yaml:2:1: error[PV101]" in text


@pytest.mark.parametrize(
    ("counts", "strict", "code"),
    [
        ({"files": 1, "contracts": 1}, True, 0),
        ({"files": 1, "contracts": 1, "notes": 5}, True, 0),
        ({"files": 1, "contracts": 1, "warnings": 1}, False, 0),
        ({"files": 1, "contracts": 1, "warnings": 1}, True, 1),
        ({"files": 1, "contracts": 1, "errors": 1}, False, 1),
        ({"files": 2, "contracts": 1, "errors": 2, "unreadable": 1}, False, 2),
        ({"files": 1}, False, 2),
        ({"files": 1, "notes": 1}, False, 2),
        ({"files": 1, "registries": 1}, False, 0),
        ({"files": 1, "errors": 1}, False, 1),  # it would be a contract if it were not broken
    ],
)
def test_exit_codes(counts: dict[str, int], strict: bool, code: int) -> None:
    assert Tally(**counts).code(strict=strict) == code


def test_numbers_and_their_words() -> None:
    said = [counted(number, name) for number, name in ((0, "file"), (1, "registry"), (2, "registry"), (1, "note"))]
    assert said == ["0 files", "1 registry", "2 registries", "1 note"]
