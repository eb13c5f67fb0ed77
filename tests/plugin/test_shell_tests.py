"""Commands of contracts: data everywhere, and run where `--run-shell-tests` asks for it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]


PYTEST = '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'


def one(test: str, more: str = "") -> str:
    return f"id: F-1, test: {json.dumps(test)}{more}"


def run(project: Any, test: str, *options: str, more: str = "") -> dict[str, Any]:
    """The row of a claim with that test, run with commands."""
    project.contract(one(test, more))
    project.run("-m", "falsify", "--run-shell-tests", *options)
    (row,) = project.rows()
    return dict(row)


@pytest.mark.parametrize("options", [(), ("--mutants",), ("--pv-strict",)])
def test_without_the_option_nothing_is_run(project: Any, options: tuple[str, ...]) -> None:
    made = project.root / "made"
    project.contract(one(f"touch {made} && test -e /nowhere", ", mutants: [{id: m, stage: s}]"))
    project.run("-m", "falsify", *options)
    assert not made.exists()
    assert {row["reason"] for row in project.rows()} == {"unbound"}


def test_status_0_lets_the_claim_be_and_says_what_was_run(project: Any) -> None:
    row = run(project, "test -d /usr")
    assert (row["verdict"], row["ok"], row["compared"]) == ("discharged", True, {"exit statuses": 1})
    assert row["reported"] == {"shell_test": ["test", "-d", "/usr"], "read_by": "nobody", "exit_status": 0}
    assert row["falsifier"]["path"] == "pv.shelltest"
    assert row["level"] == "algorithm"


def test_it_discharges_nothing_alone(project: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from pv.cli import main

    run(project, "test -d /")
    os.chdir(project.root)
    capsys.readouterr()
    main(["status", "--format", "json"])
    (contract,) = json.loads(capsys.readouterr().out)["contracts"]
    (claim,) = contract["claims"]
    assert (claim["outcome"], claim["reason"]) == ("inconclusive", "vacuous")


def test_another_status_refutes_with_the_end_of_what_it_said(project: Any) -> None:
    row = run(project, "grep -q x /dev/null || { printf 'first\\nlast \\033[31m\\n'; (exit 3); }")
    assert (row["verdict"], row["ok"], row["where"]) == ("refuted", False, {"status": 3})
    assert row["message"].endswith("ended with 3: first | last \x1b[31m")
    assert row["reported"]["read_by"] in {"bash", "sh"}
    assert row["reported"]["shell_test"][1:] == [
        "-c",
        "grep -q x /dev/null || { printf 'first\\nlast \\033[31m\\n'; (exit 3); }",
    ]


def test_what_a_command_says_drives_no_terminal(project: Any) -> None:
    project.contract(one("grep -q x /dev/null || { printf '\\033]8;;http://x\\007 \\033[2J'; (exit 1); }"))
    result = project.run("-m", "falsify", "--run-shell-tests")
    assert "\x1b" not in result.stdout.str().replace("\x1b[0m", "")
    assert "\\u{1b}[2J" in result.stdout.str()
    assert "because --run-shell-tests asked for it" in result.stdout.str()


def test_a_claim_that_expects_to_be_refuted_is(project: Any) -> None:
    row = run(project, "test -e /nowhere/at/all", more=", expect: refuted")
    assert (row["verdict"], row["ok"]) == ("refuted", True)


def test_a_word_is_no_shell_text(project: Any) -> None:
    """An argument vector: quotes are taken away, and nothing else is done to a word."""
    row = run(project, "grep -q '$(touch x); *' \"/dev/null\"")
    assert row["reported"]["shell_test"] == ["grep", "-q", "$(touch x); *", "/dev/null"]
    assert row["verdict"] == "refuted"


def test_the_folder_is_empty_and_the_environment_is_small(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("CARGO_HOME", "/cargo")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    project.write(
        "pyproject.toml",
        '[tool.pv.shell-tests]\nenv = ["CARGO_HOME"]\n' + PYTEST,
    )
    out = project.root / "said"
    row = run(
        project,
        f"test -w . -a -w $HOME -a -w $TMPDIR && env > {out} && pwd >> {out} && printf %s '*' * >> {out}",
    )
    assert row["verdict"] == "discharged", row["message"]
    said = out.read_text()
    names = {line.partition("=")[0] for line in said.splitlines() if "=" in line}
    assert names - {"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"} == {
        *("HOME", "TMPDIR", "PV_PROJECT", "CARGO_HOME", "TZ")
    }
    assert f"PV_PROJECT={project.root}\n" in said
    work, star = said.splitlines()[-2:]
    assert (Path(work).name, star) == ("work", "**")  # nothing was in it
    assert not Path(work).exists()


@pytest.mark.parametrize(
    ("test", "reason", "words"),
    [
        ("no-such-program-anywhere --check", "no program", "'no-such-program-anywhere'"),
        ("no-such-program --check && true", "no program", "cannot be run"),
        ("grep -q x contracts/x-v1.yaml", "not runnable", "'contracts/x-v1.yaml' is a path in the project"),
        ("cargo test -p core softmax", "not runnable", "cargo test looks at the folder that it is run in"),
        ("set -e; make check", "not runnable", "make check looks at"),
        ("grep -q x /dev/null (the empty one)", "not runnable", "cannot read its command"),
    ],
)
def test_what_would_say_nothing_is_inconclusive(project: Any, test: str, reason: str, words: str) -> None:
    row = run(project, test)
    assert (row["verdict"], row["reason"]) == ("inconclusive", reason)
    assert words in row["message"]


def test_a_command_that_cannot_fail_is_vacuous_where_the_rule_against_it_is_off(project: Any) -> None:
    project.write("pyproject.toml", '[tool.pv.validate]\nignore = ["PV401"]\n' + PYTEST)
    row = run(project, "test -d /usr; echo OK")
    assert (row["verdict"], row["reason"]) == ("inconclusive", "vacuous")


def test_the_project_is_where_the_variable_says(project: Any) -> None:
    assert run(project, 'cd "$PV_PROJECT" && test -f contracts/x-v1.yaml')["verdict"] == "discharged"


@pytest.mark.parametrize(
    ("test", "limit", "reason"),
    [
        ("set -e; sleep 60 & sleep 60; test -d /usr", "seconds = 0.5", "time limit"),
        ("test -d /usr && exec >&- 2>&- && sleep 60", "seconds = 0.5", "time limit"),
        ("cat /dev/zero | tr '\\0' x", "seconds = 30", "output limit"),
        (
            "bash -c 'x=$(head -c 200000000 /dev/zero | tr \"\\0\" x); test ${#x} = 0'",
            "memory-mib = 64",
            "memory limit",
        ),
    ],
)
def test_a_limit_is_no_verdict_on_the_claim(project: Any, test: str, limit: str, reason: str) -> None:
    project.write(
        "pyproject.toml",
        f"[tool.pv.shell-tests]\n{limit}\n" + PYTEST,
    )
    row = run(project, test)
    assert (row["verdict"], row["reason"]) == ("inconclusive", reason), row["message"]


def test_nothing_of_its_group_goes_on(project: Any) -> None:
    pid = project.root / "pid"
    row = run(project, f"sleep 60 & echo $! > {pid}; test -s {pid}")
    assert row["verdict"] == "discharged"
    stat = Path("/proc", pid.read_text().strip(), "stat")
    assert (
        not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    )  # gone, or dead and not yet reaped


def test_a_signal_is_an_error(project: Any) -> None:
    row = run(project, "kill -SEGV $$")
    assert row["verdict"] == "error"
    assert row["message"] == "kill -SEGV $$: ended by SIGSEGV"


def test_a_fault_cannot_be_planted_in_a_command(project: Any) -> None:
    project.contract(one("test -d /", ", mutants: [{id: broken, stage: s}]"))
    project.run("-m", "falsify", "--run-shell-tests")
    rows = {row["mutant"]: row for row in project.rows()}
    assert rows[""]["verdict"] == "discharged"
    assert (rows["broken"]["verdict"], rows["broken"]["reason"]) == ("inconclusive", "unbound")


def test_parameters_are_handed_to_no_command(project: Any) -> None:
    row = run(project, "test -d /", more=", params: {n: [1]}")
    assert (row["verdict"], row["reason"]) == ("inconclusive", "unbound")
    assert "takes no 'params'" in row["message"]


def test_a_falsifier_goes_before_the_command(project: Any) -> None:
    project.falsifiers(
        """
        @falsifies("x-v1", "F-1")
        def check(evidence):
            evidence.compared(1, "values")
        """
    )
    assert run(project, "test -e /nowhere")["falsifier"]["qualname"] == "check"


def test_prose_stays_prose(project: Any) -> None:
    row = run(project, "compare both sides, and find them equal")
    assert (row["verdict"], row["reason"]) == ("inconclusive", "unbound")


def test_replay_runs_no_command(project: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from pv.cli import main

    run(project, "test -d /")
    os.chdir(project.root)
    capsys.readouterr()
    assert main(["replay", "F-1"]) == 2
    assert "which only --run-shell-tests does" in capsys.readouterr().err


def test_where_there_are_no_contracts_the_option_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--run-shell-tests")
    result.stderr.fnmatch_lines(["*--run-shell-tests: *no [[]tool.pv[]], so no contracts"])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("seconds = 0", "seconds must be above 0"),
        ("seconds = true", "seconds must be above 0"),
        ("memory-mib = 1", "memory-mib must be a whole number from 16"),
        ('env = ["A=b"]', "env must be a list of names of variables"),
        ("second = 1", "unknown key 'second'"),
    ],
)
def test_settings_that_cannot_be_used(project: Any, table: str, words: str) -> None:
    project.write("pyproject.toml", f"[tool.pv.shell-tests]\n{table}\n")
    project.contract(one("test -d /"))
    project.run("--run-shell-tests").stderr.fnmatch_lines([f"*[[]tool.pv.shell-tests[]]*{words.replace('[', '[[]')}*"])
