"""`pv status` on ledgers and terminals that mean no good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import read
from pv.digest import sha256
from pv.ledger import append

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
"""


def pv(
    cwd: Path, *arguments: str, stdout: Any = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments],
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    for name in ("contracts", "falsifiers", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "contracts" / "x-v1.yaml").write_text(CONTRACT)
    (tmp_path / "falsifiers" / "f.py").write_text("x")
    return tmp_path


def record(project: Path, **change: Any) -> None:
    contract = read(project / "contracts" / "x-v1.yaml").contract
    assert contract
    folder = project / "falsifiers"
    row = {
        "kind": "case",
        "run": "1" * 32,
        "contract": "x-v1",
        "claim": "F-1",
        "params": "{}",
        "mutant": "",
        "verdict": "discharged",
        "fingerprint": contract.claims[0].fingerprint,
        "level": "measured",
        "engines": [
            {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
            {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
        ],
        "compared": {"x": 1},
        "inputs": [{"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(folder)}, *change.pop("more", [])],
        "falsifier": {"path": "falsifiers/f.py", "sha256": sha256(folder / "f.py")},
        **change,
    }
    append(project / ".pv" / "ledger.jsonl", [row])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a\x00b", "cannot be read"),
        ("\ud800", "cannot be read"),
        ("fifo", "neither a regular file nor a folder"),
        ("/dev/zero", "neither a regular file nor a folder"),
        ("/", "a folder that is not below the root of the project"),
        (".", "a folder that is not below the root of the project"),
        ("data/../..", "a folder that is not below the root of the project"),
        ("loop", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("none", "is missing"),
        ("data/..", "a folder that is not below the root of the project"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_an_input_that_is_no_file_of_ours_makes_evidence_stale(project: Path, path: str, words: str, form: str) -> None:
    os.mkfifo(project / "fifo")
    (project / "loop").symlink_to("loop")
    record(project, more=[{"kind": "data", "path": path, "sha256": "0" * 64}])
    done = pv(project, "status", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "1 inconclusive (1 stale)" in done.stdout
    if len(path) < 100:
        assert words in done.stdout
    if form == "json":
        assert done.stdout.isascii()
        assert json.loads(done.stdout)["contracts"][0]["claims"][0]["stale"]


def test_a_folder_below_the_root_counts(project: Path) -> None:
    os.mkfifo(project / "data" / "fifo")
    record(project, more=[{"kind": "data", "path": "data", "sha256": sha256(project / "data")}])
    assert "1 inconclusive (1 vacuous)" in pv(project, "status").stdout
    (project / "data" / "new").write_text("x")
    assert "data data has changed since" in pv(project, "status").stdout


@pytest.mark.parametrize(
    "change",
    [
        {"worst": {"distance": 10**400}},
        {"worst": {"distance": 1.0, "where": "abc"}},
        {"verdict": "green"},
        {"compared": {}},
        {"falsifier": None},
    ],
)
def test_a_row_that_cannot_be_counted_is_named(project: Path, change: dict[str, Any]) -> None:
    record(project, **change)
    done = pv(project, "status")
    assert done.returncode == 0
    assert "ledger.jsonl:1: " in done.stdout
    assert "left aside" in done.stdout
    assert "1 claim: 0 discharged" in done.stdout


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_any_text_can_be_written_anywhere(project: Path, form: str, encoding: str) -> None:
    record(project, verdict="refuted", message="é \u2192 \ud800 \U0001f600")
    done = pv(project, "status", "--format", form, PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if form == "json":
        assert json.loads(done.stdout)


def test_a_ledger_that_is_no_regular_file_is_refused(project: Path) -> None:
    os.mkfifo(project / "fifo")
    for ledger in ("fifo", "/dev/zero", "data"):
        done = pv(project, "status", "--ledger", ledger)
        assert done.returncode == 2
        assert "cannot be read: it is no regular file" in done.stderr


def test_an_explicit_ledger_must_be_there(project: Path) -> None:
    done = pv(project, "status", "--ledger", "none.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("pv: none.jsonl: no such ledger; ")


def test_the_project_is_that_of_the_first_path(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    record(project)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in (project, project / "contracts", project / "contracts" / "x-v1.yaml"):
        done = pv(elsewhere, "status", str(path))
        assert "1 claim: 0 discharged, 0 refuted, 1 inconclusive (1 vacuous)" in done.stdout
    relative = os.path.relpath(project / "contracts", elsewhere)
    assert "1 claim: 0 discharged, 0 refuted, 1 inconclusive (1 vacuous)" in pv(elsewhere, "status", relative).stdout


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_broken_contract_hides_no_other(project: Path, form: str) -> None:
    record(project)
    (project / "contracts" / "z.yaml").write_text("a: [\n")
    (project / "contracts" / "y.yaml").write_text(CONTRACT.replace("prediction: p", "prediction: ''"))
    done = pv(project, "status", "--format", form)
    assert done.returncode == 2
    assert "1 claim: 0 discharged, 0 refuted, 1 inconclusive (1 vacuous)" in done.stdout
    assert [line.split(" error")[0] for line in done.stderr.splitlines()] == [
        "pv: contracts/y.yaml:4:15:",
        "contracts/z.yaml:1:5:",
    ]
    if form == "json":
        assert len(json.loads(done.stdout)["unusable"]) == 2


def test_each_file_is_hashed_once_however_many_rows_are_stale(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pv.freshness
    import pv.status
    from pv.config import find_config
    from pv.ledger import read as read_ledger

    for _ in range(50):
        record(project, more=[{"kind": "data", "path": "data", "sha256": "0" * 64}])
    seen: list[Path] = []

    def counting(path: Path) -> str:
        seen.append(path)
        return sha256(path)

    monkeypatch.setattr(pv.freshness, "sha256", counting)
    contract = read(project / "contracts" / "x-v1.yaml", "contracts/x-v1.yaml").contract
    assert contract
    (status,) = pv.status.compute([contract], read_ledger(project / ".pv/ledger.jsonl"), find_config(project))
    assert status.claims[0].stale
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.parametrize(
    "command", [["validate", "contracts"], ["status"], ["explain"], ["explain", "PV101"], ["schema"]]
)
def test_output_that_cannot_be_written_is_one_line(project: Path, command: list[str]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device
        done = pv(project, *command, stdout=full)
    assert (done.returncode, done.stderr) == (2, "pv: cannot write: No space left on device\n")
    line = " ".join([sys.executable, "-m", "pv", *command, ">&-"])
    closed = subprocess.run(["bash", "-c", line], cwd=project, capture_output=True, text=True, check=False)  # noqa: S607  bash is where the shell finds it
    assert (closed.returncode, closed.stderr) == (2, "pv: cannot write: standard output is closed\n")


def test_without_any_stream_the_exit_code_remains(project: Path) -> None:
    line = f"{sys.executable} -m pv status none.yaml >&- 2>&-"
    assert subprocess.run(["bash", "-c", line], cwd=project, check=False).returncode == 2  # noqa: S607  as above
