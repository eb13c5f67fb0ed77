"""The GitHub action and the workflow: their shape, and their scripts run in bash against a small project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.recorded_project import RecordedProject

BASH = shutil.which("bash") or "bash"
ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
# YAML 1.1 takes the key `on` for a truth value
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/contracts.yml").read_text().replace("\non:", '\n"on":'))
HOW_TO = (ROOT / "docs/how-to/status-in-ci.md").read_text()
DEFAULTS = {name: str(given["default"]) for name, given in ACTION["inputs"].items()}


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ACTION["runs"]["steps"]
    return found


def step(identity: str) -> dict[str, Any]:
    return next(one for one in steps() if one.get("id") == identity)


def run(
    project: RecordedProject, identity: str, *, python: Path | None = None, **inputs: Any
) -> tuple[int, dict[str, str], str, str]:
    """A step of the action as a runner would run it: exit code, outputs, summary, what was printed."""
    given = {**DEFAULTS, **{name.replace("_", "-"): value for name, value in inputs.items()}}
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], value)
        for name, value in step(identity)["env"].items()
    }
    assert not any("${{" in value for name, value in environment.items() if given.get(name) != value)
    output, summary = project.root.parent / "output", project.root.parent / "summary"
    for file in (output, summary):
        file.write_text("")
    environment |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    environment |= {"PATH": f"{(python or Path(sys.executable)).parent}:{os.environ['PATH']}"}
    script = project.root.parent / "script.sh"
    script.write_text(step(identity)["run"])
    command = [BASH, "--noprofile", "--norc", "-eo", "pipefail", str(script)]  # what `shell: bash` stands for
    done = subprocess.run(
        command,
        cwd=project.root / given["working-directory"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, outputs, summary.read_text(), done.stdout + done.stderr


@pytest.fixture
def measured(project: RecordedProject) -> RecordedProject:
    project.commit()
    project.record()
    return project


def test_reports_lie_where_the_outputs_say(measured: RecordedProject) -> None:
    code, outputs, summary, printed = run(measured, "status")
    assert code == 0, printed
    folder = measured.root / "pv-reports"
    assert outputs == {"sarif": str(folder / "status.sarif"), "reports": str(folder)}
    assert json.loads((folder / "status.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((folder / "status.json").read_text())["contracts"][0]["contract"] == "x-v1"
    assert {file.suffix for file in folder.iterdir()} == {".sarif", ".html", ".json", ".md", ".xml", ".svg"}
    assert "x-v1" in summary
    assert "2 claims: 2 discharged" in printed


def test_findings_are_annotated_and_leave_the_decision_to_the_gate(measured: RecordedProject) -> None:
    measured.record({"F-1": "refuted"})
    code, outputs, summary, printed = run(measured, "status")
    assert (code, set(outputs)) == (0, {"sarif", "reports"})
    assert "::error file=contracts/x-v1.yaml,line=4," in printed
    assert "refuted" in summary


def test_reports_of_an_older_run_are_not_handed_on(measured: RecordedProject) -> None:
    run(measured, "status")
    (measured.root / "contracts/x-v1.yaml").write_text("metadata: {\n")
    code, outputs, _, printed = run(measured, "status")
    assert (code, outputs) == (0, {}), "what cannot be read is for the gate to say"
    assert "error[PV" in printed
    assert run(measured, "gate")[:2] == (2, {"code": "2"})


@pytest.mark.parametrize(
    ("outcomes", "inputs", "code", "words"),
    [
        ({}, {}, 0, "gate passed: 2 claims: 2 discharged"),
        ({"F-1": "refuted"}, {}, 1, "gate failed (1 reason)"),
        ({"F-1": "inconclusive", "F-2": "inconclusive"}, {}, 2, "gate not measured (1 reason)"),
        ({"F-1": "inconclusive"}, {}, 0, "gate passed"),
        ({"F-1": "inconclusive"}, {"require": "measured"}, 1, "gate failed"),
        ({}, {"require": "much"}, 2, "pv gate: it could not be asked"),
        ({}, {"no-new-refutations": "yes"}, 2, None),
        ({}, {"contracts": "contracts/x-v1.yaml\n\ncontracts\n"}, 0, "gate passed"),
        ({}, {"contracts": "contracts/none.yaml"}, 2, "pv gate: it could not be asked"),
        ({}, {"ledger": "nowhere"}, 2, "pv gate: it could not be asked"),
    ],
)
def test_the_gate_decides(
    project: RecordedProject, outcomes: dict[str, str], inputs: dict[str, Any], code: int, words: str | None
) -> None:
    project.commit()
    project.record(outcomes)
    found, outputs, summary, printed = run(project, "gate", **inputs)
    assert found == code, printed
    if words is None:
        assert "::error::no-new-refutations is true or false" in printed
    else:
        assert outputs == {"code": str(code)}
        assert words in summary


def test_since_reaches_both_steps(project: RecordedProject) -> None:
    project.commit()
    other = project.root.parent / "main ledger.jsonl"
    project.record({"F-2": "refuted"}, ledger=other)
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    project.record({"F-2": "refuted"})
    given: dict[str, Any] = {"since": "main", "base_ledger": str(other)}
    assert run(project, "gate", **given)[0] == 1
    given["no_new_refutations"] = "true"
    assert run(project, "gate", **given)[:2] == (0, {"code": "0"})
    run(project, "status", **given)
    since = json.loads((project.root / "pv-reports/status.json").read_text())["since"]
    assert (since["ref"], since["measured"], since["newly_refuted"]) == ("main", True, [])
    # a base that is not there takes no report away, and does not pass
    given["since"] = "nope"
    assert run(project, "status", **given)[0] == 0
    assert (project.root / "pv-reports/status.sarif").exists()
    assert run(project, "gate", **given)[1] == {"code": "1"}


@pytest.fixture
def asked(project: RecordedProject) -> Path:
    """A program called python that only writes down, beside itself, what it was asked."""
    python = project.root.parent / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!{BASH}\nprintf \'%s\\0\' "$@" > "${{0%/*}}/asked"\n')
    python.chmod(0o755)
    return python


def test_the_contracts_are_checked_and_found_again_in_the_reports(project: RecordedProject) -> None:
    code, outputs, summary, printed = run(project, "validate")
    sarif = project.root / "pv-reports/validate.sarif"
    assert (code, outputs) == (0, {"code": "0", "sarif": str(sarif)}), printed
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert "1 contract, 2 claims, 0 errors" in summary
    assert "1 contract, 2 claims, 0 errors" in printed


BROKEN = """\
metadata: {version: "1", description: d, references: [r]}
equations: {f: {formula: x, domain: d}}
falsification_tests:
  - {id: F-1, rule: r, prediction: "", if_fails: q}
  - {id: F-2, rule: r, prediction: TODO, if_fails: q}
"""


@pytest.mark.parametrize(
    ("inputs", "code", "words"),
    [
        ({}, 1, "::error file=contracts/x-v1.yaml,line=4,"),
        ({"ignore": "PV208,PV24"}, 0, "::warning file=contracts/x-v1.yaml,line=5,"),
        ({"ignore": "PV208,PV24", "strict": "true"}, 1, "::warning file=contracts/x-v1.yaml,line=5,"),
        ({"select": "PV301", "strict": "true"}, 0, "0 errors, 0 warnings"),
        ({"select": "PV999"}, 2, "PV999"),
        ({"contracts": "contracts/x-v1.yaml\n\n"}, 1, "1 file, 1 contract"),
        ({"contracts": "nowhere"}, 2, "nowhere"),
    ],
)
def test_findings_stop_at_their_lines(project: RecordedProject, inputs: dict[str, Any], code: int, words: str) -> None:
    project.write("contracts/x-v1.yaml", BROKEN)
    found, outputs, _, printed = run(project, "validate", **inputs)
    assert (found, outputs["code"]) == (code, str(code)), printed
    assert words in printed
    assert ("sarif" in outputs) == (code < 2)
    if code == 1 and not inputs:
        (told,) = json.loads(Path(outputs["sarif"]).read_text())["runs"]
        assert "PV208" in {one["ruleId"] for one in told["results"]}


def test_findings_of_an_older_run_are_not_handed_on(project: RecordedProject) -> None:
    run(project, "validate")
    assert (project.root / "pv-reports/validate.sarif").exists()
    _, outputs, _, _ = run(project, "validate", contracts="nowhere")
    assert outputs == {"code": "2"}
    assert not (project.root / "pv-reports/validate.sarif").exists()


def test_strict_is_a_truth_value(project: RecordedProject) -> None:
    code, outputs, _, printed = run(project, "validate", strict="yes")
    assert (code, outputs) == (2, {})
    assert "::error::strict is true or false" in printed


def test_each_part_can_be_left_out_and_findings_hide_no_status() -> None:
    conditions = {one["id"]: one["if"] for one in steps() if "id" in one}
    assert set(conditions) == {"validate", "status", "gate"}
    assert all(f"inputs.{identity} != 'false'" in condition for identity, condition in conditions.items())
    after = [conditions[identity] for identity in ("status", "gate")]
    assert all("(success() || steps.validate.outcome == 'failure')" in condition for condition in after)


@pytest.mark.parametrize(
    "text", ["$(touch owned)", "`touch owned`", '"; touch owned; "', "--help", "a b", "'", "${PATH}", "*", "-", "é"]
)
@pytest.mark.parametrize("identity", ["validate", "status", "gate"])
def test_no_input_is_taken_for_a_command(project: RecordedProject, asked: Path, identity: str, text: str) -> None:
    names = {
        "validate": ("select", "ignore"),
        "status": ("ledger", "since", "base_ledger"),
        "gate": ("ledger", "since", "base_ledger", "require"),
    }[identity]
    given: dict[str, Any] = dict.fromkeys(names, text)
    code, outputs, _, _ = run(project, identity, python=asked, contracts=f"{text}\n\n{text} b", **given)
    arguments = (asked.parent / "asked").read_text().split("\0")[:-1]
    assert arguments[:3] == ["-m", "pv", identity]
    assert [f"--{name.replace('_', '-')}={text}" in arguments for name in given] == [True] * len(given)
    assert arguments[arguments.index("--") :] == ["--", text, f"{text} b"]
    assert (code, outputs) == (0, {} if identity == "status" else {"code": "0"})
    assert not list(project.root.parent.rglob("owned"))


def test_an_input_of_two_lines_makes_no_second_output(project: RecordedProject, asked: Path) -> None:
    code, outputs, _, _ = run(project, "gate", python=asked, require="x\ncode=1", no_new_refutations="true")
    assert (code, outputs) == (0, {"code": "0"})
    assert "--require=x\ncode=1" in (asked.parent / "asked").read_text()


@pytest.mark.parametrize("identity", ["validate", "status", "gate"])
def test_without_inputs_nothing_is_asked_for(project: RecordedProject, asked: Path, identity: str) -> None:
    run(project, identity, python=asked, base_ledger="unused without since")
    arguments = (asked.parent / "asked").read_text().split("\0")[3:-1]
    assert [one for one in arguments if not one.startswith("--output=")] == {
        "validate": ["--format=sarif", "--"],
        "status": ["--format", "github", "--"],
        "gate": ["--"],
    }[identity]


@pytest.mark.parametrize(("code", "found"), [(0, 0), (1, 0), (2, 0), (3, 3), (127, 127)])
def test_a_bug_of_ours_is_nobodys_finding(project: RecordedProject, asked: Path, code: int, found: int) -> None:
    asked.write_text(f"#!{BASH}\nexit {code}\n")
    assert run(project, "status", python=asked)[0] == found
    assert run(project, "gate", python=asked)[:2] == (code, {"code": str(code)})
    assert run(project, "validate", python=asked)[:2] == (code, {"code": str(code)})


@pytest.mark.parametrize("text", ["$(touch owned)", "a b/c", "-x", "x\nsarif=y", "'"])
def test_a_folder_of_any_name_holds_the_reports(measured: RecordedProject, text: str) -> None:
    code, outputs, _, printed = run(measured, "status", reports=text)
    assert not list(measured.root.rglob("owned"))
    if "\n" in text:
        assert (code, outputs) == (2, {})
        assert "line break" in printed
    else:
        assert (code, outputs["reports"]) == (0, str(measured.root / text)), printed
        assert (measured.root / text / "status.sarif").exists()


def test_no_script_holds_an_expression() -> None:
    """`${{ … }}` in a script is text that somebody else writes into it."""
    scripts = [one["run"] for one in steps() if "run" in one]
    scripts += [one["run"] for job in WORKFLOW["jobs"].values() for one in job["steps"] if "run" in one]
    assert len(scripts) >= 6
    assert [text for text in scripts if "${{" in text] == []


def test_every_input_is_described_and_used_and_the_workflow_knows_them() -> None:
    text = (ROOT / "action.yml").read_text()
    assert all(given["description"] and "default" in given for given in ACTION["inputs"].values())
    assert {name for name in ACTION["inputs"] if f"inputs.{name} " in text} == set(ACTION["inputs"])
    for output in ACTION["outputs"].values():
        identity, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output["value"]).groups()  # type: ignore[union-attr]
        assert f'echo "{name}=' in step(identity)["run"]
    ours = [one for job in WORKFLOW["jobs"].values() for one in job["steps"] if one.get("uses") == "./"]
    assert ours
    assert all(set(one["with"]) <= set(ACTION["inputs"]) for one in ours)


def test_the_workflow_has_no_more_rights_than_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    (job,) = WORKFLOW["jobs"].values()
    assert job["permissions"] == {"contents": "read", "actions": "read", "security-events": "write"}
    assert set(WORKFLOW["on"]) == {"push", "pull_request"}, (
        "pull_request_target would run a fork's code with our rights"
    )
    checkout = job["steps"][0]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    with_token = [index for index, one in enumerate(job["steps"]) if "GH_TOKEN" in one.get("env", {})]
    first_code = next(index for index, one in enumerate(job["steps"]) if "make " in one.get("run", ""))
    assert with_token
    assert max(with_token) < first_code, "the token is gone before code of the pull request runs"


@pytest.mark.parametrize("there", [True, False])
def test_the_workflow_finds_the_evidence_of_the_base(tmp_path: Path, there: bool) -> None:
    """With a `gh` that answers as GitHub's does, or has nothing to answer."""
    script = next(one["run"] for one in WORKFLOW["jobs"]["contracts"]["steps"] if one.get("id") == "base")
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    answer = 'case "$2" in list) echo 17 ;; download) [ "$3" = 17 ] ;; esac' if there else "true"
    gh.write_text(f'#!/usr/bin/env bash\necho "$@" >> "{tmp_path}/asked"\n{answer}\n')
    gh.chmod(0o755)
    output = tmp_path / "output"
    output.write_text("")
    environment = {"REPOSITORY": "o/r", "BASE": "main", "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    environment |= {"PATH": f"{gh.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [BASH, "-eo", "pipefail", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--event push" in (tmp_path / "asked").read_text()
    if there:
        assert output.read_text() == f"ledger={tmp_path}/base/ledger.jsonl\nref=origin/main\n"
    else:
        assert output.read_text() == ""
        assert "::notice::" in done.stdout


def test_what_the_how_to_shows_can_be_used() -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", HOW_TO, re.DOTALL)
    workflows = [yaml.safe_load(text.replace("\non:", '\n"on":')) for kind, text in blocks if kind == "yaml"]
    assert workflows
    for workflow in workflows:
        for job in workflow["jobs"].values():
            for one in job["steps"]:
                assert "${{" not in one.get("run", "")
                if "pv-falsify" in one.get("uses", ""):
                    assert set(one["with"]) <= set(ACTION["inputs"])
    scripts = [text for kind, text in blocks if kind in ("bash", "sh")]
    assert scripts
    for text in scripts:
        subprocess.run([BASH, "-n"], input=text, text=True, check=True)
    from pv.arguments import parser

    commands = re.findall(
        r"^(?:python -m )?pv ((?:gate|status|trace|validate) [^\n|>#]*)", "\n".join(scripts), re.MULTILINE
    )
    assert commands
    for command in commands:
        parser().parse_args(re.sub(r"\$\w+|\"\$\w+\"", "x", command).split())
