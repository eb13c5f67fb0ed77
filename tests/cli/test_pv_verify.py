"""`pv verify` and `pv schema ledger` as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pv.ledger import append

if TYPE_CHECKING:
    from pathlib import Path

RUN: dict[str, object] = {
    "kind": "run",
    "run": "1" * 32,
    "started": "2026-01-02T03:04:05Z",
    "commit": None,
    "dirty": None,
    "pv": "1",
    "python": "3",
    "arguments": [],
}
END = {"kind": "end", "run": "1" * 32, "cases": 0, "exit": 5}


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose ledger has a run that ended and one that did not."""
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    for name in ("contracts", "falsifiers"):
        (tmp_path / name).mkdir()
    append(tmp_path / ".pv" / "ledger.jsonl", [RUN, END, RUN | {"run": "2" * 32}])
    return tmp_path


def test_a_sound_ledger_is_unbroken_and_its_head_is_printed(project: Path) -> None:
    done = pv(project, "verify")
    assert (done.returncode, done.stderr) == (0, "")
    note, verdict, head = done.stdout.splitlines()
    assert note.endswith(f"/.pv/ledger.jsonl:3: unended: the run {'2' * 32} never ended: it was killed, or goes on")
    assert verdict.endswith("3 lines, 2 runs, 0 cases: unbroken")
    name, _, digits = head.partition(" ")
    assert (name, len(digits)) == ("head", 64)
    for asked in (digits, digits[:12]):
        assert pv(project, "verify", "--head", asked).returncode == 0


def test_a_head_that_is_not_there_is_a_finding(project: Path) -> None:
    done = pv(project, "verify", ".pv/ledger.jsonl", "--head", "0" * 64)
    assert done.returncode == 1
    assert f"no line has the hash {'0' * 64}: the end was cut off" in done.stdout
    assert "1 fault" in done.stdout
    told = json.loads(pv(project, "verify", "--head", "0" * 64, "--json").stdout)
    assert (told["holds_head"], told["faults"]) == (False, [])


def test_a_ledger_that_somebody_was_at_is_a_finding(project: Path) -> None:
    ledger = project / ".pv" / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"exit":5', '"exit":0'))
    done = pv(project, "verify", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["schema"] == "pv-verify-v1"
    assert (told["lines"], told["runs"], told["cases"], told["holds_head"]) == (3, 2, 0, None)
    assert [(one["line"], one["kind"]) for one in told["faults"]] == [(3, "gap")]
    assert "or line 2 was changed" in told["faults"][0]["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.jsonl"], "none.jsonl: no such ledger"),
        (["contracts"], "contracts: the ledger cannot be read: it is no regular file"),
        (["--head", "abc"], "'abc' is no head"),
        (["--head", ""], "'' is no head"),
        (["--head", "G" * 64], "is no head"),
    ],
)
def test_what_cannot_be_checked_is_one_line(project: Path, arguments: list[str], words: str) -> None:
    done = pv(project, "verify", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pv: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_terminal_is_told_how_far_a_long_check_is(project: Path) -> None:
    """Patience set to none stands for a ledger that takes longer."""
    rows = [RUN | {"run": f"{number:032x}"} for number in range(6000)]
    append(project / ".pv" / "ledger.jsonl", rows)
    code = "import sys, pv.commands.verify as v; v._PATIENCE = 0; from pv.cli import main; sys.exit(main(['verify']))"
    seen = {}
    for terminal in (True, False):
        leader, follower = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=project,
            stdout=subprocess.DEVNULL,
            stderr=follower if terminal else subprocess.PIPE,
            check=True,
        )
        os.close(follower)
        seen[terminal] = os.read(leader, 10_000) if terminal else done.stderr
        os.close(leader)
    assert seen[True].startswith(b"\rverifying: ")
    assert seen[True].endswith(b"\r\x1b[K")
    assert seen[False] == b""


def test_the_schema_of_the_ledger_is_printed(project: Path) -> None:
    titles = {
        name: json.loads(pv(project, "schema", *arguments).stdout)["title"]
        for name, arguments in {"": [], "contract": ["contract"], "ledger": ["ledger"]}.items()
    }
    assert titles == {"": "Contract", "contract": "Contract", "ledger": "A line of the ledger (pv-ledger-v2)"}
