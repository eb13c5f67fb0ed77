from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.report.finding_formats import writer
from pv.report.findings import Asked, Tally
from pv.report.findings_github import append_summary
from pv.types import Severity, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

NOTE, WARNING = Severity.NOTE, Severity.WARNING


def summary(*files: Any, **asked: Any) -> str:
    report, tally = writer("github", Asked(**asked)), Tally()
    report.begin()
    for reading, source in files:
        tally.add(reading)
        report.file(reading, source)
    text: str = report.summary(tally)  # type: ignore[attr-defined]  # of this format alone
    return text


def test_one_command_a_finding_and_notes_with_v(findings: Any) -> None:
    file = findings.file(findings.found(help="do"), findings.found("PV010", NOTE), findings.found("PV102", WARNING))
    lines = [
        "::error file=contracts/a-v1.yaml,line=2,col=1,title=PV101::contracts/a-v1.yaml:2:1: PV101: it is wrong%0Ahelp: do",
        "::notice file=contracts/a-v1.yaml,line=2,col=1,title=PV010::contracts/a-v1.yaml:2:1: PV010: it is wrong",
        "::warning file=contracts/a-v1.yaml,line=2,col=1,title=PV102::contracts/a-v1.yaml:2:1: PV102: it is wrong",
    ]
    assert findings.write("github", file, loudness=1).splitlines()[:-1] == lines
    quiet = findings.write("github", file).splitlines()
    assert quiet == [
        lines[0],
        lines[2],
        "1 file, 1 contract, 3 claims, 1 error, 1 warning, 1 note (-v shows them)",
    ]


def test_paths_are_those_of_the_checkout(findings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    file = findings.file(findings.found(), name="a.yaml")
    assert findings.write("github", file).startswith("::error file=sub/a.yaml,line=2")
    assert "| sub/a.yaml:2:1 |" in summary(file)


def test_no_text_ends_a_command_or_begins_another(findings: Any) -> None:
    name = f"a,b:c\n::stop-commands::x {findings.hostile}.yaml"
    found = findings.found(message=f"{findings.hostile}\n::add-mask::x", help="::error::y")
    lines = findings.write("github", findings.file(found, name=name)).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=a%2Cb%3Ac\\n%3A%3Astop-commands")
    assert "%250A" in lines[0]
    assert "\x1b" not in lines[0]


def test_the_summary_counts_and_shows_the_gravest_first(findings: Any) -> None:
    text = summary(findings.file(findings.found("PV102", WARNING), findings.found()))
    assert text.startswith("### ❌ pv validate\n\n1 file, 1 contract, 3 claims, 1 error, 1 warning\n")
    rows = [line for line in text.splitlines() if line.startswith(("| e", "| w"))]
    assert rows == [
        "| error | PV101 | contracts/a-v1.yaml:2:1 | it is wrong |",
        "| warning | PV102 | contracts/a-v1.yaml:2:1 | it is wrong |",
    ]
    assert "### ✅" in (good := summary(findings.file()))
    assert "|" not in good
    assert "### ❌" in summary(findings.file(findings.found("PV102", WARNING)), strict=True)
    assert "### ⛔" in summary()


def test_the_summary_of_many_is_short_and_says_so(findings: Any) -> None:
    many = [findings.found("PV102", WARNING, message="m" * 9000) for _ in range(400)]
    text = summary(findings.file(*many, findings.found()))
    assert text.count("\n| warning") == 49
    assert "\n| error | PV101" in text
    assert "and 351 more" in text
    assert len(text) < 50_000
    assert "more" not in summary(findings.file(*many[:50]))


def test_nothing_in_a_finding_is_markup(findings: Any) -> None:
    message = findings.hostile + " <b> | a | [x](http://y) @someone #12 `code` **bold** &lt;"
    (row,) = [
        line for line in summary(findings.file(findings.found(message=message))).splitlines() if "error |" in line
    ]
    assert row.replace("\\|", "").count("|") == 5
    for markup in ("<", "@", "#1", " **", " [", " `", "&lt; "):
        assert markup not in row.replace("&#", "").replace("&lt;b", "").replace("&lt;/", "").replace("&lt;img", "")


def test_the_summary_is_appended_where_github_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = writer("github", Asked())
    report.begin()
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    append_summary(report, Tally())
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    append_summary(report, Tally(files=1, contracts=1))
    assert path.read_text().startswith("# before\n### ✅ pv validate\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(UsageProblem, match="GITHUB_STEP_SUMMARY"):
        append_summary(report, Tally())
