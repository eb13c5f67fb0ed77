"""`pv status` in all its formats, as a user and a pipeline run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MARKERS = "# Title\n\n<!-- pv status -->\n<!-- /pv status -->\n"
ALL = {
    "report.html": "<!DOCTYPE html>",
    "status.json": "{",
    "summary.md": "**2 claims",
    "junit.xml": "<?xml",
    "pv.sarif": "{",
    "badge.svg": "<svg",
    "pv.badge.json": '{"schemaVersion": 1',
    "status.txt": "contract",
}


def pv(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", *arguments]
    given = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**given, **environment})


@pytest.fixture
def good(project: Any, recorded: ModuleType) -> Any:
    """A project whose two claims are discharged, as it declares."""
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    project.commit()
    project.record()
    return project


def test_several_reports_are_written_beside_the_one_on_standard_output(good: Any) -> None:
    asked = [part for name in ALL for part in ("--output", name)]
    done = pv(good.root, "status", "--format", "json", *asked)
    assert (done.returncode, done.stderr) == (0, "")
    for name, start in ALL.items():
        assert (good.root / name).read_text("utf-8").startswith(start), name
    assert json.loads(done.stdout) == json.loads((good.root / "status.json").read_text())
    assert not [one.name for one in good.root.iterdir() if one.name.endswith(".tmp")]
    again = pv(good.root, "status", "--output", "json=-")
    assert json.loads(again.stdout) == json.loads(done.stdout)


def test_reports_are_written_where_there_are_findings(good: Any) -> None:
    good.record({"F-2": "refuted"})
    done = pv(good.root, "status", "--output", "junit.xml", "--output", "badge.svg")
    assert done.returncode == 1
    assert done.stdout.startswith("contract")
    root = ET.fromstring((good.root / "junit.xml").read_text("utf-8"))  # noqa: S314  our own text
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    assert "1/2 discharged, 1 wrong" in (good.root / "badge.svg").read_text("utf-8")


def test_json_of_a_real_ledger_is_as_the_published_schema_says(good: Any) -> None:
    good.record({"F-2": "inconclusive"})
    schema = json.loads(pv(good.root, "schema", "status").stdout)
    data = json.loads(pv(good.root, "status", "--format", "json").stdout)
    jsonschema.Draft7Validator(schema).validate(data)
    assert data["contracts"][0]["lacking"] == [{"claim": "F-2", "lacks": ["inconclusive: no reason given"]}]
    evidence = data["contracts"][0]["claims"][0]["evidence"][0]
    line = (good.root / ".pv" / "ledger.jsonl").read_text().splitlines()[evidence["line"] - 1]
    assert json.loads(line)["claim"] == "F-1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output", "report"], "does not tell the format"),
        (["--output", "pdf=report"], "no format is called 'pdf'"),
        (["--output", "none/report.html"], "there is no folder none"),
        (["--output", "json=-", "--format", "text"], "both go to standard output"),
        (["--into", "README.md"], "README.md: needs a line"),
        (["--check", "none.md"], "none.md: cannot be read"),
        (["--into", "a.md", "--check", "a.md"], "not allowed with argument"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(good: Any, arguments: list[str], words: str) -> None:
    good.write("README.md", "# no markers\n")
    before = sorted(good.root.rglob("*"))
    done = pv(good.root, "status", "--output", "other.html", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(good.root.rglob("*")) == before


def test_a_readme_holds_the_real_table_and_is_checked(good: Any, recorded: ModuleType) -> None:
    readme = good.write("README.md", MARKERS)
    assert pv(good.root, "status", "--check", "README.md").returncode == 1
    done = pv(good.root, "status", "--into", "README.md")
    assert (done.returncode, done.stdout) == (0, "")
    lines = readme.read_text().splitlines()
    assert "| x-v1 | ACTIVE_RUNTIME | ACTIVE_RUNTIME | 2/2 | 0 | 0 | 2/2 |" in lines
    assert lines[:3] == MARKERS.splitlines()[:3]
    done = pv(good.root, "status", "--check", "README.md")
    assert (done.returncode, done.stdout) == (0, "")
    # the table of another day is no longer true, and a figure that somebody typed never was
    good.write("contracts/y-v1.yaml", recorded.contract("G-1"))
    done = pv(good.root, "status", "--check", "README.md")
    assert done.returncode == 1
    assert "+| y-v1 | - | PROPOSED | 0/1 | 0 | 1 | 0/1 |" in done.stdout
    assert "`pv status --into README.md` writes it" in done.stdout
    (good.root / "contracts" / "y-v1.yaml").unlink()
    readme.write_text(readme.read_text().replace("| 2/2 | 0 | 0 |", "| 3/3 | 0 | 0 |"))
    done = pv(good.root, "status", "--check", "README.md")
    assert done.returncode == 1
    assert "-| x-v1 | ACTIVE_RUNTIME | ACTIVE_RUNTIME | 3/3 |" in done.stdout


def test_no_table_is_written_in_which_a_contract_is_missing(good: Any) -> None:
    readme = good.write("README.md", MARKERS)
    good.write("contracts/z.yaml", "metadata: [\n")
    for option in ("--into", "--check"):
        done = pv(good.root, "status", option, "README.md")
        assert done.returncode == 2
        assert "contracts/z.yaml" in done.stderr
        assert readme.read_text() == MARKERS


def test_github_gets_annotations_and_the_summary_of_the_step(good: Any, tmp_path: Path) -> None:
    good.record({"F-2": "refuted"})
    summary = tmp_path / "summary.md"
    done = pv(good.root, "status", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    assert "::error file=contracts/x-v1.yaml,line=6,col=10,title=F-2 is refuted::" in done.stdout
    assert summary.read_text().startswith("**2 claims: 1 discharged, 1 refuted")
    # an annotation file is no step: only what goes to standard output is for GitHub itself
    pv(good.root, "status", "--output", "github=a.txt", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().count("**2 claims") == 1
    assert (good.root / "a.txt").read_text().startswith("::error file=")


def test_a_full_disk_is_said_and_leaves_the_old_report(good: Any) -> None:
    done = pv(good.root, "status", "--output", "json=/dev/full")
    assert done.returncode == 2
    assert "/dev/full: cannot be written: No space left on device" in done.stderr


def test_a_wheel_holds_what_the_page_is_made_of() -> None:
    from importlib import resources

    folder = resources.files("pv.report.html")
    assert {"report.js", "report.css"} <= {one.name for one in folder.iterdir()}
