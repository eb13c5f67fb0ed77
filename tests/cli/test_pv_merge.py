"""`pv merge`: ledgers of several machines as one, or the reason why not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import append, read, verify
from tests.programs import LEAN

if TYPE_CHECKING:
    from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40
PLAN, ANOTHER = "1" * 64, "2" * 64


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def rows(
    name: str,
    *claims: str,
    commit: str | None = COMMIT,
    dirty: bool | None = False,
    shard: str = "",
    plan: str = PLAN,
    ended: bool = True,
) -> list[dict[str, Any]]:
    """What a run writes that discharges these claims; `name` is one hex digit."""
    run: dict[str, Any] = {"run": name * 32, "commit": commit, "dirty": dirty}
    about: dict[str, Any] = {"started": "2026-11-22T04:00:00+00:00", "pv": "1", "python": "3", "arguments": []}
    written: list[dict[str, Any]] = [
        {"kind": "run", **run, **about, **({"shard": shard, "plan": plan} if shard else {})}
    ]
    for claim in claims:
        case = {**run, "contract": "x-v1", "claim": claim, "params": "{}", "mutant": "", "label": ""}
        case |= {"level": "algorithm", "inputs": [], "fingerprint": "0" * 64, "falsifier": None}
        written.append({**case, "kind": "begin", "verdict": "error", "compared": {}})
        written.append({**case, "kind": "case", "verdict": "inconclusive", "reason": name, "compared": {}})
    return [*written, {"kind": "end", "run": run["run"], "cases": len(claims), "exit": 0}] if ended else written


def write(path: Path, *runs: list[dict[str, Any]]) -> Path:
    for run in runs:
        append(path, run)
    return path


def bodies(path: Path) -> list[bytes]:
    """The lines without what chains them."""
    return [line.split(b",", 1)[1] for line in path.read_bytes().splitlines()]


def refused(cwd: Path, words: str, *names: str, arguments: tuple[str, ...] = ()) -> None:
    done = pv(cwd, "merge", *names, "-o", "out.jsonl", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (cwd / "out.jsonl").exists()
    assert not list(cwd.glob(".out.jsonl*"))


def test_common_history_is_kept_once_and_every_line_keeps_its_id(tmp_path: Path) -> None:
    history = rows("0", "F-1", "F-2", commit=OTHER, dirty=True)
    one = write(tmp_path / "one.jsonl", history, rows("1", "F-1", shard="1/2"))
    two = write(tmp_path / "two.jsonl", history, rows("2", "F-2", shard="2/2"))
    done = pv(tmp_path, "merge", "two.jsonl", "one.jsonl", "-o", "new/out.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "new" / "out.jsonl"
    assert bodies(out) == bodies(two) + bodies(one)[len(history) :]
    assert verify(out).faults == ()
    assert [entry.id for entry in read(out).entries()][: len(history)] == [entry.id for entry in read(one).entries()][
        : len(history)
    ]
    told = json.loads(done.stdout)
    assert (told["lines"], told["common"], told["commit"]) == (len(bodies(out)), len(history), COMMIT)
    assert (told["plan"], told["shards"], told["missing"]) == (PLAN, ["1/2", "2/2"], [])
    assert told["head"] == read(out).head
    assert [(part["path"], part["added"]) for part in told["ledgers"]] == [("two.jsonl", 10), ("one.jsonl", 4)]


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (rows("1", "A"), rows("2", "B", commit=OTHER), "is of commit aaaaaaaaaaaa, run 222222222222 (two.jsonl) is of commit bbbb"),
        (rows("1", "A"), rows("2", "B", dirty=True), "run 222222222222 (two.jsonl) ran in a tree that differed"),
        (rows("1", "A"), rows("2", "B", dirty=None), "run 222222222222 (two.jsonl) ran in a tree that differed"),
        (rows("1", "A"), rows("2", "B", commit=None, dirty=None), "run 222222222222 (two.jsonl) names no commit"),
        (
            rows("1", "A", "B"),
            rows("2", "B"),
            "double claim: x-v1: B was measured by run 111111111111 (one.jsonl) and by run 222222222222 (two.jsonl)",
        ),
        (
            rows("1", "A", shard="1/2"),
            rows("2", "B", shard="2/2", plan=ANOTHER),
            "shards were cut differently: run 111111111111 (one.jsonl, shard 1/2) by 111111111111 into 2, run 2222",
        ),
        (
            rows("1", "A", shard="1/2"),
            rows("2", "B", shard="2/3"),
            "into 3; run them again with the same --pv-durations",
        ),
        (rows("1", "A", shard="1/4"), rows("2", "B", shard="3/4"), "shards 2/4, 4/4 of plan 111111111111 is in none"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, one: list[dict[str, Any]], two: list[dict[str, Any]], words: str
) -> None:
    write(tmp_path / "one.jsonl", one)
    write(tmp_path / "two.jsonl", two)
    refused(tmp_path, words, "one.jsonl", "two.jsonl")


def test_a_ledger_that_is_given_twice_makes_nothing_common(tmp_path: Path) -> None:
    """Else whoever hands in each of two ledgers twice could join what must not be joined."""
    write(tmp_path / "a.jsonl", rows("1", "A"))
    write(tmp_path / "b.jsonl", rows("2", "A", commit=OTHER))
    refused(tmp_path, "is of commit", "a.jsonl", "a.jsonl", "b.jsonl", "b.jsonl")


def test_a_missing_shard_can_be_left_out_but_not_in_silence(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", rows("1", "A", shard="1/3"))
    write(tmp_path / "two.jsonl", rows("2", "B", shard="2/3"))
    refused(tmp_path, "shard 3/3 of plan 111111111111 is in none of the ledgers; --partial", "one.jsonl", "two.jsonl")
    refused(tmp_path, "shards 2/3, 3/3 of plan", "one.jsonl")
    done = pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "out.jsonl", "--partial")
    assert done.returncode == 0
    assert done.stderr == "pv: PARTIAL: shard 3/3 is missing; its claims are not run\n"
    assert len(bodies(tmp_path / "out.jsonl")) == 8


def test_one_machine_may_measure_again_what_it_measured(tmp_path: Path) -> None:
    killed = rows("1", "A", "B", shard="1/2", ended=False)
    resumed = rows("3", "B", "C", shard="1/2")
    write(tmp_path / "one.jsonl", killed, resumed)
    write(tmp_path / "two.jsonl", rows("2", "D", shard="2/2"))
    done = pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert "run 111111111111 never ended" in done.stdout
    newest = next(read(tmp_path / "out.jsonl").newest(("x-v1", "B", "{}", "")))
    assert newest.row["run"] == "3" * 32


def test_what_is_part_of_another_ledger_does_not_become_newer_by_it(tmp_path: Path) -> None:
    write(tmp_path / "new.jsonl", rows("2", "A"))
    write(tmp_path / "both.jsonl", rows("1", "A"), rows("2", "A"))
    done = pv(tmp_path, "merge", "new.jsonl", "both.jsonl", "-o", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert bodies(tmp_path / "out.jsonl") == bodies(tmp_path / "both.jsonl")
    write(tmp_path / "turned.jsonl", rows("2", "A"), rows("1", "A"))
    (tmp_path / "out.jsonl").unlink()
    refused(tmp_path, "holds lines of another ledger in another order", "both.jsonl", "turned.jsonl")


@pytest.mark.parametrize("change", [(b'"reason":"1"', b'"reason":"2"'), (b'"kind":"case"', b'"kind":"kase"')])
def test_a_ledger_that_was_changed_is_named(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    one = write(tmp_path / "one.jsonl", rows("1", "A"))
    write(tmp_path / "two.jsonl", rows("2", "B"))
    one.write_bytes(one.read_bytes().replace(*change))
    for arguments in ((), ("--json",)):
        done = pv(tmp_path, "merge", "two.jsonl", "one.jsonl", "-o", "out.jsonl", *arguments)
        assert done.returncode == 1
        assert "one.jsonl" in done.stdout
        assert not (tmp_path / "out.jsonl").exists()


def test_a_torn_last_line_is_left_aside_and_said(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", rows("1", "A"))
    write(tmp_path / "two.jsonl", rows("2", "B"))
    whole = bodies(one)
    one.write_bytes(one.read_bytes()[:-9])
    done = pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "out.jsonl")
    assert done.returncode == 0
    assert "one.jsonl:4: torn; left aside" in done.stdout
    assert bodies(tmp_path / "out.jsonl") == bodies(tmp_path / "two.jsonl") + whole[:-1]


def test_nothing_is_overwritten_unless_that_was_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", rows("1", "A"))
    write(tmp_path / "two.jsonl", rows("2", "B"))
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    done = pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "out.jsonl")
    assert (done.returncode, done.stderr) == (2, "pv: out.jsonl: is there already; --force replaces it\n")
    assert out.read_text() == "precious"
    assert pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "out.jsonl", "--force").returncode == 0
    assert pv(tmp_path, "merge", "out.jsonl", "two.jsonl", "-o", "out.jsonl", "--force").returncode == 0
    assert len(bodies(out)) == 8
    done = pv(tmp_path, "merge", "one.jsonl", "none.jsonl", "-o", "x.jsonl")
    assert (done.returncode, done.stderr) == (2, "pv: none.jsonl: no such ledger\n")
    done = pv(tmp_path, "merge", "one.jsonl", "two.jsonl", "-o", "one.jsonl/x")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
status: PARTIAL_ALGORITHM_LEVEL
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, params: {n: [1, 2]}, mutants: [{id: m, stage: s}, {id: k, stage: s}]}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
  - {id: F-3, prediction: p, if_fails: q, expect: refuted, mutants: [{id: m, stage: s}]}
  - {id: F-4, prediction: p, if_fails: q}
"""
FALSIFIERS = """\
from pv import Refuted, falsifies
@falsifies("x-v1", "F-1")
def one(mutant, n, evidence):
    evidence.compared(n, "x")
    evidence.worst(0.5, bound=1.0, stage="s", position=n)
    if mutant: raise Refuted("off", stage="s")
@falsifies("x-v1", "F-2")
def two(mutant, evidence): evidence.compared(1, "x")
@falsifies("x-v1", "F-3")
def three(mutant, evidence):
    evidence.compared(1, "x")
    assert mutant
"""


def falsify(cwd: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "falsify", *arguments]
    done = subprocess.run(command, cwd=cwd, env=os.environ | LEAN, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr


def status(cwd: Path, ledger: str) -> Any:
    """The status as JSON, without where the ledger is, what its lines are called, and when they were written."""
    report = json.loads(pv(cwd, "status", "--format", "json", "--ledger", ledger).stdout)
    return _without(
        report, {"ledger", "line", "id", "ids", "evidence", "run", "started", "duration_s", "seconds", "head"}
    )


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(entry, names) for name, entry in value.items() if name not in names}
    return [_without(entry, names) for entry in value] if isinstance(value, list) else value


def test_shards_of_three_machines_make_the_status_of_one_run(tmp_path: Path) -> None:
    first = tmp_path / "0"
    for name, text in (
        ("pyproject.toml", '[tool.pv]\n[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n'),
        ("contracts/x-v1.yaml", CONTRACT),
        ("falsifiers/x.py", FALSIFIERS),
        (".gitignore", ".pv/\n__pycache__/\n"),
    ):
        (first / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).write_text(text)
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=first, check=True, env={**os.environ, **identity})  # noqa: S607  git is where the shell finds it
    for number in (1, 2, 3):
        shutil.copytree(first, tmp_path / str(number))
        falsify(tmp_path / str(number), "--pv-shard", f"{number}/3")
    falsify(first)
    ledgers = [str(tmp_path / str(number) / ".pv" / "ledger.jsonl") for number in (3, 1, 2)]
    done = pv(first, "merge", *ledgers, "-o", "merged.jsonl")
    assert done.returncode == 0, done.stdout + done.stderr
    merged, whole = status(first, "merged.jsonl"), status(first, ".pv/ledger.jsonl")
    assert merged == whole
    assert merged["headline"] == (
        "4 claims: 1 discharged, 1 refuted (1 as expected), 2 inconclusive (1 unbound, 1 vacuous), 3/4 mutants killed"
    )
    assert pv(first, "verify", "merged.jsonl").returncode == 0
