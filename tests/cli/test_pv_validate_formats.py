"""The formats of `pv validate`, as a user or a pipeline asks for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BAD = """\
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {f: {formula: "f(x) = x", domain: x real}}
falsification_tests:
  - {id: FALSIFY-A-001, prediction: p, if_failed: q}
"""
FORMATS = ("text", "json", "sarif", "github", "junit", "checkstyle")


def validate(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", "validate", "--select", "PV101", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GITHUB_ACTIONS": "", "GITHUB_STEP_SUMMARY": "", "FORCE_COLOR": "", **environment},
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_says_where(bad: Path, name: str) -> None:
    done = validate(bad, "--format", name, "a.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    if name == "json":
        (found,) = json.loads(done.stdout)["findings"]
        assert (found["path"], found["line"], found["col"], found["code"]) == ("a.yaml", 4, 40, "PV101")
    elif name == "sarif":
        (result,) = json.loads(done.stdout)["runs"][0]["results"]
        region = {"startLine": 4, "startColumn": 40, "endColumn": 49}
        assert result["locations"][0]["physicalLocation"]["region"] == region
    elif name == "junit":
        (failure,) = ET.fromstring(done.stdout).iter("failure")  # noqa: S314  our own
        assert (failure.text or "").startswith("a.yaml:4:40: error[PV101]")
    elif name == "checkstyle":
        (error,) = ET.fromstring(done.stdout).iter("error")  # noqa: S314  our own
        assert (error.attrib["line"], error.attrib["column"]) == ("4", "40")
    else:
        assert done.stdout.startswith(
            {"text": "a.yaml:4:40: error[PV101]: ", "github": "::error file=a.yaml,line=4,col=40,title=PV101::"}[name]
        )


def test_the_log_of_a_run_on_github_names_places_and_codes(bad: Path) -> None:
    told = validate(bad, "a.yaml", "--format", "github").stdout.partition("title=PV101::")[2]
    assert told.startswith("a.yaml:4:40: PV101: unknown key")


def test_auto_notices_github_and_the_end_of_a_name(bad: Path) -> None:
    assert validate(bad, "a.yaml").stdout.startswith("a.yaml:4:40")
    assert validate(bad, "a.yaml", GITHUB_ACTIONS="true").stdout.startswith("::error file=a.yaml,")
    assert validate(bad, "a.yaml", "--format", "text", GITHUB_ACTIONS="true").stdout.startswith("a.yaml:4:40")
    done = validate(bad, "a.yaml", "--output", "out.sarif", GITHUB_ACTIONS="true")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads((bad / "out.sarif").read_text())["version"] == "2.1.0"


def test_the_summary_of_a_step(bad: Path) -> None:
    summary = bad / "summary.md"
    for arguments, there in (
        (["--format", "json"], False),
        (["--format", "github", "--output", "x"], False),
        ([], True),
    ):
        validate(bad, "a.yaml", *arguments, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
        assert summary.exists() is there
    assert "| error | PV101 | a.yaml:4:40 | unknown key 'if\\_failed' in a claim" in summary.read_text()


def test_a_report_is_written_whole_or_not_at_all(bad: Path) -> None:
    out = bad / "out.json"
    out.write_text("before")
    code = (
        "import sys, pv.cli, pv.report.findings_json as j\n"
        "def broken(self, tally): raise KeyError('planted')\n"
        "j.Json.end = broken\n"
        "sys.exit(pv.cli.main(['validate', 'a.yaml', '--output', 'out.json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=bad, capture_output=True, text=True, check=False)
    assert (done.returncode, out.read_text()) == (3, "before")
    assert sorted(path.name for path in bad.iterdir()) == ["a.yaml", "out.json"]
    assert validate(bad, "a.yaml", "--output", "out.json").returncode == 1
    assert json.loads(out.read_text())["exit_code"] == 1
    assert sorted(path.name for path in bad.iterdir()) == ["a.yaml", "out.json"]


def test_a_report_that_cannot_be_written_is_said(bad: Path) -> None:
    for name in ("gone/out.json", ".", "a.yaml/x"):
        done = validate(bad, "a.yaml", "--output", name)
        assert done.returncode == 2
        assert done.stderr.startswith(f"pv: {name}: cannot be written: ")
    assert validate(bad, "a.yaml", "--format", "json", "--output", "/dev/stdout").stdout.startswith("{")


def test_colours_never_reach_a_file(bad: Path) -> None:
    validate(bad, "a.yaml", "--output", "out.txt", FORCE_COLOR="1")
    assert "\x1b" not in (bad / "out.txt").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_loads_its_own_module_alone(bad: Path, name: str) -> None:
    code = (
        "import sys, pv.cli\n"
        f"pv.cli.main(['validate', 'a.yaml', '--output', 'x', '--format', {name!r}])\n"
        "print(*sorted(one for one in sys.modules if one.startswith('pv.report.findings_')))\n"
        "print(*{'pv.status', 'pv.fold', 'jinja2', 'numpy', 'pytest'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=bad, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"pv.report.findings_{name}", ""]
