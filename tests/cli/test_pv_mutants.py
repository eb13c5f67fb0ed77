"""`pv mutants` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import read
from pv.digest import sha256
from pv.ledger import append
from tests.programs import LEAN

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: a, stage: s, layer: 1}, {id: b, stage: t}]}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: c, stage: s}]}
"""
FALSIFIERS = """\
from pv import Inconclusive, Refuted, falsifies

@falsifies("x-v1", "F-1")
def one(mutant, evidence):
    evidence.compared(1, "x")
    evidence.report(passes=2)
    if mutant:
        raise Refuted("off", stage=mutant.stage, layer=mutant.layer, distance=0.5, bound=1e-6)

@falsifies("x-v1", "F-2")
def two(mutant, evidence):
    evidence.compared(1, "x")
    if mutant:
        raise Refuted("off", stage="s")
"""


def pv(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", "mutants", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | LEAN | environment,
        encoding="utf-8",
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "x-v1.yaml").write_text(CONTRACT)
    (tmp_path / "falsifiers").mkdir()
    (tmp_path / "falsifiers" / "x.py").write_text(FALSIFIERS)
    return tmp_path


def record(project: Path, **change: dict[str, Any]) -> None:
    """A row for each mutant: killed where it was planted, or as `change` says of it."""
    contract = read(project / "contracts" / "x-v1.yaml").contract
    assert contract
    falsifiers = project / "falsifiers"
    base = {
        "kind": "case",
        "run": "1" * 32,
        "contract": "x-v1",
        "params": "{}",
        "level": "measured",
        "engines": [
            {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
            {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
        ],
        "compared": {"x": 1},
        "inputs": [{"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(falsifiers)}],
        "falsifier": {"path": "falsifiers/x.py", "sha256": sha256(falsifiers / "x.py")},
    }
    rows = [
        {
            **base,
            "claim": claim.id,
            "fingerprint": claim.fingerprint,
            "mutant": mutant.id,
            "verdict": "killed",
            "where": {"stage": mutant.stage, "layer": mutant.layer},
            **change.get(mutant.id, {}),
        }
        for claim in contract.claims
        for mutant in claim.mutants
    ]
    append(project / ".pv" / "ledger.jsonl", [row for row in rows if row["verdict"]])


SURVIVED = {"verdict": "survived", "where": {}, "message": "let through"}
ELSEWHERE = {"verdict": "mislocalised", "where": {"stage": "u"}, "message": "found elsewhere"}
UNKNOWN = {"verdict": "inconclusive", "reason": "no oracle", "where": {}}


@pytest.mark.parametrize(
    ("change", "arguments", "code", "headline"),
    [
        ({}, [], 0, "3 mutants of 2 claims: 3 killed"),
        ({}, ["--strict"], 0, "3 mutants of 2 claims: 3 killed"),
        ({"a": SURVIVED}, [], 1, "3 mutants of 2 claims: 2 killed, 1 survived"),
        ({"a": ELSEWHERE}, [], 1, "3 mutants of 2 claims: 2 killed, 1 mislocalised"),
        ({"c": ELSEWHERE}, [], 1, "3 mutants of 2 claims: 2 killed, 1 mislocalised; 1 claim vacuous"),
        ({"c": UNKNOWN}, [], 0, "3 mutants of 2 claims: 2 killed, 1 inconclusive (1 no oracle)"),
        ({"c": UNKNOWN}, ["--strict"], 1, "3 mutants of 2 claims: 2 killed, 1 inconclusive (1 no oracle)"),
        ({"b": {"verdict": "error", "where": {}}}, [], 1, "3 mutants of 2 claims: 2 killed, 1 error"),
        ({"b": {"verdict": ""}}, [], 1, "3 mutants of 2 claims: 2 killed, 1 not run"),
        ({"b": {"fingerprint": "0" * 64}}, [], 1, "3 mutants of 2 claims: 2 killed, 1 stale"),
        ({"b": {"fingerprint": "0" * 64}}, ["--claim", "F-2"], 0, "1 mutant of 1 claim: 1 killed"),
    ],
)
def test_the_exit_code_follows_the_matrix(
    project: Path, change: dict[str, dict[str, Any]], arguments: list[str], code: int, headline: str
) -> None:
    record(project, **change)
    done = pv(project, "--no-run", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == headline
    assert done.stderr == ""


def test_a_claim_without_mutants_is_vacuous(project: Path) -> None:
    (project / "contracts" / "x-v1.yaml").write_text(CONTRACT.replace(", mutants: [{id: c, stage: s}]", ""))
    record(project)
    done = pv(project, "--no-run")
    assert done.returncode == 1
    line = "contracts/x-v1.yaml:5:10: F-2: vacuous: it names no mutant: nothing shows that its falsifier can fail"
    assert f"  {line}" in done.stdout.splitlines()
    (vacuous,) = json.loads(pv(project, "--no-run", "--format", "json").stdout)["vacuous"]
    assert (vacuous["contract"], vacuous["claim"]) == ("x-v1", "F-2")


def test_json_has_a_row_for_each_mutant(project: Path) -> None:
    record(
        project, b=ELSEWHERE, c={"fingerprint": "0" * 64}, a={"distance": 0.5, "bound": 1e-6, "reported": {"passes": 2}}
    )
    matrix = json.loads(pv(project, "--no-run", "--format", "json").stdout)
    assert matrix["schema"] == "pv-mutants-v1"
    assert {name: count for name, count in matrix["totals"].items() if count} == {
        "mutants": 3,
        "killed": 1,
        "mislocalised": 1,
        "stale": 1,
    }
    a, b, c = matrix["mutants"]
    assert (a["contract"], a["claim"], a["mutant"], a["verdict"]) == ("x-v1", "F-1", "a", "killed")
    assert (a["fresh"], a["refuted"], a["localised"], a["reported"]) == (True, True, True, {"passes": 2})
    assert a["expected"] == {"refuted": True, "stage": "s", "layer": 1}
    assert a["found"] == {"stage": "s", "layer": 1, "distance": 0.5, "bound": 1e-6}
    assert (b["verdict"], b["refuted"], b["localised"], b["found"]) == ("mislocalised", True, False, {"stage": "u"})
    assert (c["verdict"], c["fresh"], c["refuted"], c["localised"], c["found"]) == ("stale", False, None, None, None)
    assert c["message"] == "the claim has changed since"


def test_markdown_shows_what_was_not_killed_and_folds_the_rest_away(project: Path) -> None:
    record(project, b={**ELSEWHERE, "where": {"stage": "<img>|u"}})
    text = pv(project, "--no-run", "--format", "markdown").stdout
    row = "| F-1 | b | mislocalised | t | &lt;img>\\|u |  |"
    assert text.splitlines().count(row) == 2
    assert text.startswith("**3 mutants of 2 claims: 2 killed, 1 mislocalised**\n")
    assert text.index(row) < text.index("<details><summary>x-v1: 2/3 mutants killed</summary>")


def test_hostile_evidence_drives_no_terminal_and_is_left_aside_where_it_contradicts_itself(project: Path) -> None:
    nasty = {"verdict": "mislocalised", "where": {"stage": "\x1b[2J\u202e", "x\x1b": "y\n"}, "message": "\x1b[31m"}
    forged = {"expected": {"refuted": True, "stage": "s", "layer": None}, "where": {"stage": "elsewhere"}}
    record(project, b=nasty, c=forged)
    for form in ("text", "markdown"):
        text = pv(project, "--no-run", "--format", form).stdout
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\\u{1b}[2J" in text
        assert "killed, and found elsewhere than expected; left aside" in text
        assert "1 mislocalised, 1 not run" in text


def test_every_mutant_is_run_and_standard_output_is_the_document(project: Path) -> None:
    done = pv(project, "--format", "json")
    assert done.returncode == 0, done.stderr
    matrix = json.loads(done.stdout)
    assert [(one["mutant"], one["verdict"], one["reported"]) for one in matrix["mutants"]] == [
        ("a", "killed", {"passes": 2}),
        ("b", "killed", {"passes": 2}),
        ("c", "killed", {}),
    ]
    assert "3 passed, 2 deselected" in done.stderr
    assert "mutants killed" not in done.stderr  # printed once


def test_a_falsifier_that_lets_a_fault_through_turns_red(project: Path) -> None:
    module = project / "falsifiers" / "x.py"
    assert pv(project, "contracts/x-v1.yaml").returncode == 0
    module.write_text(FALSIFIERS.replace('if mutant:\n        raise Refuted("off", stage="s")', "pass"))
    stale = pv(project, "--no-run")
    assert stale.returncode == 1
    assert "~ stale        c       s           falsifier falsifiers/x.py has changed since" in stale.stdout
    done = pv(project, "--claim", "F-2", "--workers", "1")
    assert done.returncode == 1
    assert "  contracts/x-v1.yaml:5:10: F-2: c: survived: the falsifier lets the fault 'c' through" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 mutant of 1 claim: 0 killed, 1 survived; 1 claim vacuous"
    assert "1 worker [1 item]" in done.stderr


def test_the_ledger_can_be_elsewhere(project: Path) -> None:
    assert pv(project / "contracts", "--ledger", "../other.jsonl").returncode == 0
    assert not (project / ".pv").exists()
    assert pv(project, "--no-run", "--ledger", "other.jsonl").returncode == 0
    assert pv(project, "--no-run").returncode == 1


@pytest.mark.parametrize("arguments", [[], ["--claim", "F-1"]])
def test_paths_with_detours_are_run(project: Path, arguments: list[str]) -> None:
    (project / "contracts").rename(project / "elsewhere")
    (project / "contracts").symlink_to("elsewhere")
    done = pv(project / "falsifiers", "../contracts/x-v1.yaml", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" killed")


def test_an_interrupt_lets_pytest_write_down_what_it_has(project: Path) -> None:
    started = project / "started"
    wait = f'Path({str(started)!r}).write_text(""); time.sleep(60)\n'
    (project / "falsifiers" / "x.py").write_text(
        "import time\nfrom pathlib import Path\n" + FALSIFIERS.replace("evidence.report(passes=2)\n", wait)
    )
    # a shell that started us in the background has SIGINT ignored, and Python leaves it so
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from pv.cli import main; "
    process = subprocess.Popen(
        [sys.executable, "-c", start + "sys.exit(main(['mutants', '--claim', 'F-1']))"],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not started.exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to pv and to pytest
    assert process.wait(60) == 130
    matrix = json.loads(pv(project, "--no-run", "--format", "json", "--claim", "F-1").stdout)
    assert {one["reason"] for one in matrix["mutants"] if one["verdict"] == "inconclusive"} == {"interrupted"}
    assert matrix["totals"]["error"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.yaml"], "none.yaml: no such file or folder"),
        (["--claim", "F-11"], "no claim has the id 'F-11'; did you mean 'F-1'?"),
        (["--no-run", "--ledger", "none"], "none: no such ledger"),
        (["--workers", "0"], "'0' is no number of processes"),
    ],
)
def test_what_cannot_be_done_is_one_line(project: Path, arguments: list[str], words: str) -> None:
    done = pv(project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[-1]


def test_without_a_project_nothing_is_run(project: Path) -> None:
    (project / "pyproject.toml").unlink()
    done = pv(project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "no pyproject.toml with [tool.pv]" in done.stderr


def test_falsifiers_that_cannot_be_imported_are_no_verdict(project: Path) -> None:
    (project / "falsifiers" / "x.py").write_text("import no_such_module\n")
    done = pv(project)
    assert done.returncode == 2
    assert "no_such_module" in done.stderr
    assert "pytest could not run all of it (exit code 2)" in done.stderr
    assert done.stdout.splitlines()[-1] == "3 mutants of 2 claims: 0 killed, 3 not run"


def test_a_contract_that_cannot_be_used_is_named_after_the_others(project: Path) -> None:
    (project / "contracts" / "y-v1.yaml").write_text("metadata: [\n")
    done = pv(project)
    assert done.returncode == 2
    assert "3 killed" in done.stdout
    assert "contracts/y-v1.yaml:1:" in done.stderr


def test_an_encoding_without_the_signs_gets_others(project: Path) -> None:
    record(project, a=SURVIVED)
    text = pv(project, "--no-run", PYTHONIOENCODING="latin-1").stdout
    assert "    x survived     a " in text
    assert "    + killed       b " in text


@pytest.mark.parametrize(("no_colour", "columns", "grid"), [("", "80", True), ("1", "80", True), ("1", "8", False)])
def test_a_terminal_gets_colour_and_a_grid_where_it_fits(
    project: Path, no_colour: str, columns: str, *, grid: bool
) -> None:
    record(project, a=SURVIVED)
    code = textwrap.dedent("""
        import os, pty, sys
        os.environ.pop("FORCE_COLOR", None)
        sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-m", "pv", "mutants", "--no-run"])))
    """)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": no_colour, "COLUMNS": columns, "TERM": "xterm"},
    )
    text = done.stdout.decode()
    assert done.returncode == 1
    assert ("\x1b[" in text) is (not no_colour)
    plain = text.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    lines = [line.rstrip() for line in plain.splitlines()]
    assert ("  F-1  ✗✓" in lines) is ("  F-2    ✓" in lines) is grid
    assert any(line.startswith("✓ killed  ✗ survived") for line in lines) is grid


def test_a_ledger_that_lies_elsewhere_does_not_lose_the_settings_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(f'{text}[tool.pytest.ini_options]\npythonpath = ["lib"]\n')
    (project / "lib").mkdir()
    (project / "lib" / "helping.py").write_text("ONE = 1\n")
    (project / "falsifiers" / "x.py").write_text(f"from helping import ONE\n{FALSIFIERS}")
    ledger = tmp_path_factory.mktemp("elsewhere") / "l.jsonl"
    for _ in range(2):  # the second time it is there
        done = pv(project, "--ledger", str(ledger), "--claim", "F-2")
        assert done.returncode == 0, done.stderr
