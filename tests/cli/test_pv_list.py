"""`pv list` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1.0.0", description: d, references: [r]}
status: PROPOSED
equations: {f: {formula: x, domain: d}}
falsification_tests:
  - {id: F-1, rule: r, prediction: p, if_fails: q, params: {n: [1, 2], m: [3]}, mutants: [{id: a, stage: s}, {id: b, stage: s}]}
  - {id: F-2, rule: r, prediction: p, if_fails: q, level: measured, test: "cargo test -p x --lib one"}
  - {id: F-3, rule: r, prediction: p, if_fails: q, test: run it and look}
falsification_conditions:
  - {id: F-4, assertion: p}
"""
OTHER = """\
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {g: {formula: y, domain: d}}
falsification_tests:
  - {id: G-1, rule: r, prediction: p, if_fails: q}
"""
FALSIFIERS = """\
from pv import falsifies


@falsifies("x-v1", "F-1", "F-3")
def one(evidence): ...


@falsifies("x-v1", "F-3")
def two(evidence): ...


@falsifies("x-v1", "F-9")
def gone(evidence): ...


@falsifies("z-v1", "F-1")
def stray(evidence): ...
"""
TABLE = """\
contract  claim  level      declared  cases  mutants  falsifier  test                  place
x-v1      F-1    algorithm  PROPOSED      2        2  bound      none                  contracts/x-v1.yaml:5:10
x-v1      F-2    measured   PROPOSED      1        0  unbound    cargo command         contracts/x-v1.yaml:6:10
x-v1      F-3    algorithm  PROPOSED      1        0  duplicate  prose (not runnable)  contracts/x-v1.yaml:7:10
x-v1      F-4    algorithm  PROPOSED      1        0  unbound    none                  contracts/x-v1.yaml:9:10
x-v1      F-9    -          -             0        0  orphaned   none                  falsifiers/x.py:12:1
y-v1      G-1    algorithm  -             1        0  unbound    none                  contracts/y-v1.yaml:4:10
z-v1      F-1    -          -             0        0  orphaned   none                  falsifiers/x.py:16:1

2 contracts, 5 claims: 1 bound, 3 unbound, 2 orphaned, 1 duplicate
"""


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    for folder in ("contracts", "falsifiers"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pv]\n")
    (root / "contracts/x-v1.yaml").write_text(CONTRACT)
    (root / "contracts/y-v1.yaml").write_text(OTHER)
    (root / "falsifiers/x.py").write_text(FALSIFIERS)
    return root


def test_the_table(home: Path) -> None:
    done = pv(home, "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE, "")


def test_only_what_is_asked_for_and_its_orphans(home: Path) -> None:
    done = pv(home, "list", "contracts/y-v1.yaml")
    assert [line.split()[1] for line in done.stdout.splitlines()[:-2]] == ["claim", "G-1"]
    assert done.stdout.endswith("\n1 contract, 1 claim: 0 bound, 1 unbound\n")
    assert "F-9" in pv(home, "list", "contracts/x-v1.yaml").stdout


def test_json_holds_all_of_it(home: Path) -> None:
    done = pv(home, "list", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, told["schema"], told["contracts"]) == (0, "pv-list-v1", 2)
    assert told["headline"] == TABLE.splitlines()[-1]
    assert told["claims"][0] == {
        "contract": "x-v1",
        "claim": "F-1",
        "level": "algorithm",
        "declared": "PROPOSED",
        "params": ["n", "m"],
        "cases": 2,
        "mutants": 2,
        "binding": "bound",
        "falsifiers": [{"path": "falsifiers/x.py", "line": 4, "qualname": "one", "property": None}],
        "test": "none",
        "path": "contracts/x-v1.yaml",
        "line": 5,
        "col": 10,
    }
    assert [one["qualname"] for one in told["claims"][2]["falsifiers"]] == ["one", "two"]
    words = ["bound", "unbound", "duplicate", "unbound", "orphaned", "unbound", "orphaned"]
    assert [one["binding"] for one in told["claims"]] == words


def test_a_broken_contract_hides_no_other_and_orphans_nobody(home: Path) -> None:
    (home / "contracts/z-v1.yaml").write_text("metadata: {\n")
    done = pv(home, "list")
    assert done.returncode == 2
    assert "contracts/z-v1.yaml:" in done.stderr
    assert "y-v1      G-1" in done.stdout
    assert "falsifiers/x.py:16" not in done.stdout, "its contract is there, and cannot be read"


def test_a_module_that_cannot_be_read_is_said(home: Path) -> None:
    (home / "falsifiers/y.py").write_text("def broken(:\n")
    done = pv(home, "list")
    assert (done.returncode, done.stdout) == (0, TABLE)
    assert done.stderr.startswith("pv: falsifiers/y.py:1: cannot be read")


def test_without_contracts_it_says_so(tmp_path: Path) -> None:
    done = pv(tmp_path, "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no contract found" in done.stderr


def rows(home: Path) -> Any:
    from pv.commands._evidence import select
    from pv.listing import listing
    from pv.written import written

    selection = select([str(home / "contracts")])
    modules = written(selection.config.falsifiers, selection.config.root)
    return list(listing(selection.contracts, modules.falsifiers, strays=True))


@pytest.mark.parametrize("columns", [120, 100, 80, 60, 40])
def test_a_terminal_is_wide_enough(home: Path, columns: int) -> None:
    from pv.report.console import Paint
    from pv.report.list_text import as_text

    text = as_text(rows(home), 2, Paint(on=False), columns)
    table = text.splitlines()[:-2]
    assert max(map(len, table)) <= columns
    assert all("F-" in line or "G-" in line for line in table[1:])
    assert "falsifier" in table[0]
    assert ("declared" in table[0]) == (columns == 120)
    if columns >= 60:
        assert "contracts/x-v1.yaml:5:10" in table[1], "the place is what one clicks on"


def test_colours_tell_what_is_not_bound(home: Path) -> None:
    from pv.report.console import Paint
    from pv.report.list_text import as_text

    lines = as_text(rows(home), 2, Paint(on=True)).splitlines()
    assert ["\x1b[" in line for line in lines[1:4]] == [False, True, True]
    assert lines[2].startswith("\x1b[33m")
    assert lines[3].startswith("\x1b[31m")
