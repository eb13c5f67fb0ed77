"""`pv status --hypotheses` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
status: PROPOSED
equations: {f: {formula: x}}
hypotheses:
  H1: {statement: some weight is another}
  H2: {statement: some bias is another, parent: H1}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], hypothesis: H1}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], hypothesis: H2}
"""


def pv(cwd: Path, *arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False, env=environment
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "x-v1.yaml").write_text(CONTRACT)
    return tmp_path


def test_the_tree_and_what_to_run_next(project: Path) -> None:
    done = pv(project, "status", "--hypotheses")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "x-v1 (contracts/x-v1.yaml): 2 hypotheses: 2 open",
        "└── H1: open: some weight is another (F-1: not run)",
        "    └── H2: open: some bias is another (F-2: not run)",
    ]
    assert lines[3].startswith("next: F-1 (H1): 0.92 bits, never timed; refuted, it removes 2 of 2 live hypotheses")
    assert "`-- H1: open" in pv(project, "status", "--hypotheses", encoding="ascii").stdout


def test_other_formats(project: Path) -> None:
    done = pv(project, "status", "--hypotheses", "--format", "markdown", "--output", "s.json", "--output", "s.txt")
    assert done.returncode == 0, done.stderr
    assert "* H1: **open**" in done.stdout
    assert "└── H1: open" in (project / "s.txt").read_text("utf-8")
    (contract,) = json.loads((project / "s.json").read_text())["contracts"]
    assert contract["hypotheses"]["tree"][0]["below"][0]["hypothesis"] == "H2"
    assert [one["claim"] for one in contract["hypotheses"]["next"]] == ["F-1", "F-2"]


def test_a_tree_that_is_none_is_refused_before_anything_is_concluded(project: Path) -> None:
    file = project / "contracts" / "x-v1.yaml"
    file.write_text(CONTRACT.replace("parent: H1", "parent: H2"))
    done = pv(project, "status", "--hypotheses")
    assert done.returncode == 2
    assert "error[PV316]" in done.stderr
    assert "hypotheses in a circle: H2 is a case of H2" in done.stderr
    assert "PV316" in pv(project, "explain", "PV316").stdout
