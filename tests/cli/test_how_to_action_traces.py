"""What docs/how-to/action-traces.md shows, done in an empty folder, in its order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from apr.meter.coverage import Coverage, Covered, Trial
from apr.meter.rows import Feature, Row, load_rows

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/action-traces.md").read_text(encoding="utf-8")
# blocks end with 0, but for these, by their last line
DIFFERS = "ccpa diff other/teacher.ccpa-trace.jsonl other/student.ccpa-trace.jsonl --before corpus/0001-mend/before"
ENDS = {"ccpa validate broken.ccpa-trace.jsonl": 1, DIFFERS: 1}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The programs by the names that the page uses."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("apr", "apr"), ("ccpa", "apr.ccpa"), ("python", "")):
        command = [sys.executable, *(["-m", module] if module else [])]
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (programs / name).chmod(0o755)
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def test_every_command_of_the_page(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    told: dict[str, str] = {}
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        last = block.splitlines()[-1]
        command = ["bash", "-e", "-c", block]
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == ENDS.get(last, 0), (block, done.stdout, done.stderr)
        told[last] = done.stdout
    assert len(told) == 11
    (tree,) = (said for command, said in told.items() if command.startswith("python -c"))
    assert f'"cwd_sha256":"{tree.strip()}"' in PAGE
    assert "broken.ccpa-trace.jsonl:4: $.ok: " in told["ccpa validate broken.ccpa-trace.jsonl"]
    assert told["ccpa diff corpus/0001-mend"].startswith("AGREES: score 1.0000")
    assert "mismatched_tool_input 0 0 Edit" in told[DIFFERS]
    assert "mismatched_file_state - - tides.txt" in told[DIFFERS]
    assert "1 of 1 pairs are as expected" in told["ccpa corpus corpus"]
    assert "1 of 1 rows covered by 1 pairs; 1 out of scope" in told["ccpa coverage corpus"]
    (measured,) = (said for command, said in told.items() if command.startswith("ccpa measure"))
    assert measured.startswith("AGREES: score 1.0000")
    upstream = told["ccpa coverage corpus --compat upstream --oos-rows status-line"]
    assert "parity_score = 1.0000" in upstream
    assert "1/1 reachable rows covered" in upstream
    assert (folder / "work/tides.txt").read_text() == "Brest 6.9\nHull 7.4\n"


def test_the_features_that_the_page_names_are_features(tmp_path: Path) -> None:
    table = [line for line in PAGE.splitlines() if line.startswith("| `{")]
    features = [feature for line in table for feature in re.findall(r"`(\{[^`]*\})`", line.split(" | ")[0])]
    assert len(features) >= 11
    rows = tmp_path / "rows.yaml"
    listed = "".join(f"      - {feature}\n" for feature in features)
    rows.write_text(f"rows:\n  - id: a\n    about: b\n    status: SHIPPED\n    feature:\n{listed}")
    (row,) = load_rows(rows)
    kinds = {feature.kind for feature in row.features}
    assert kinds == {"tool", "hook", "skill", "result", "course", "files"}


def test_every_key_of_the_json_is_named() -> None:
    row = Row("a", "b", "SHIPPED", (Feature("course"),))
    trial = Trial("c", "a", row.features[0], 1.0, 0.5, "noticed")
    content = Coverage((Covered(row, (trial,)),), 1, ()).as_json()
    (shown,) = content["rows"]
    (feature,) = shown["features"]
    (tried,) = feature["trials"]
    keys = {*content, *shown, *feature, *tried} - {"schema", "pair"}
    section = PAGE.partition("`--json` prints one object")[2].partition("##")[0]
    assert [key for key in sorted(keys) if f"`{key}`" not in section] == []
    assert f"`{content['schema']}`" in section


def test_the_number_of_pairs_that_the_page_names() -> None:
    pairs = [path for path in (ROOT / "fixtures/action-traces").iterdir() if path.is_dir()]
    assert f"the {len(pairs)} of `fixtures/action-traces`" in PAGE
