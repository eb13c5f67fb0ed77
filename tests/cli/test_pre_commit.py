"""The hooks of pre-commit: their shape, and each run as pre-commit runs it, with files as arguments, from the top of a repository."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.recorded_project import RecordedProject

ROOT = Path(__file__).resolve().parents[2]
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}
HOW_TO = (ROOT / "docs/how-to/pre-commit.md").read_text()
GOOD = """\
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {f: {formula: x, domain: d}}
falsification_tests:
  - {id: F-1, rule: r, prediction: p, if_fails: q}
"""


def run(project: RecordedProject, identity: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The hook on the files of the index, chosen as pre-commit chooses them."""
    hook = HOOKS[identity]
    program, *words = shlex.split(hook["entry"])
    assert program == "pv"
    files = [name for name in project.git("ls-files").splitlines() if re.search(hook["files"], name)]
    given = files if hook.get("pass_filenames", True) else []
    command = [sys.executable, "-m", "pv", *words, *arguments, *given]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(project: RecordedProject) -> RecordedProject:
    project.write("contracts/x-v1.yaml", GOOD)
    project.write(
        "falsifiers/x_v1.py", 'from pv import falsifies\n\n\n@falsifies("x-v1", "F-1")\ndef f(evidence): ...\n'
    )
    project.write("other/notes.yaml", "a: [\n")
    project.commit()
    return project


def test_every_hook_is_one_of_pre_commit() -> None:
    assert set(HOOKS) == {"pv-validate", "pv-fix", "pv-missing", "pv-gate"}
    for hook in HOOKS.values():
        assert {"id", "name", "description", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python", "pv is installed into an environment of its own"
        re.compile(hook["files"])
    assert all(HOOKS[one]["require_serial"] for one in ("pv-validate", "pv-fix"))


@pytest.mark.parametrize("identity", ["pv-validate", "pv-fix", "pv-missing"])
def test_a_sound_repository_passes_and_stays_as_it_is(repository: RecordedProject, identity: str) -> None:
    done = run(repository, identity)
    assert done.returncode == 0, done.stdout + done.stderr
    assert repository.git("status", "--porcelain") == ""


def test_what_is_wrong_stops_the_commit_at_its_line(repository: RecordedProject) -> None:
    repository.write("contracts/x-v1.yaml", GOOD.replace("prediction: p", "predicton: p"))
    repository.write("deep/er/contracts/a/y-v1.yml", GOOD)
    repository.commit()
    done = run(repository, "pv-validate")
    assert done.returncode == 1
    assert re.search(r"^contracts/x-v1\.yaml:4:\d+: error\[", done.stdout, re.MULTILINE)
    assert "2 files, 2 contracts" in done.stdout


def test_a_warning_stops_it_where_that_is_asked_for(repository: RecordedProject) -> None:
    repository.write("contracts/x-v1.yaml", GOOD.replace("prediction: p", "prediction: TODO"))
    repository.commit()
    assert run(repository, "pv-validate").returncode == 0
    assert run(repository, "pv-validate", "--strict").returncode == 1


def test_a_contract_is_held_against_those_that_are_not_committed_with_it(repository: RecordedProject) -> None:
    """Only one file is given, and the other one is asked nevertheless."""
    repository.write("contracts/y-v1.yaml", GOOD.replace("references: [r]", "references: [r], depends_on: [x-v1]"))
    repository.write("contracts/z-v1.yaml", GOOD.replace("references: [r]", "references: [r], depends_on: [w-v1]"))
    done = repository.pv("validate", "--format", "json", "contracts/y-v1.yaml", "contracts/z-v1.yaml")
    found = json.loads(done.stdout)["findings"]
    (code,) = {one["code"] for one in found if "w-v1" in one["message"]}
    assert {one["path"] for one in found if one["code"] == code} == {"contracts/z-v1.yaml"}


def test_what_is_mechanical_is_mended(repository: RecordedProject) -> None:
    repository.write("contracts/x-v1.yaml", GOOD.replace("description: d", "description: d, created: 2026-01-02"))
    repository.commit()
    done = run(repository, "pv-fix")
    assert done.returncode == 0, done.stderr
    # pre-commit fails where a hook has changed a file
    assert repository.git("diff", "--name-only") == "contracts/x-v1.yaml"
    assert 'created: "2026-01-02"' in (repository.root / "contracts/x-v1.yaml").read_text()


def test_a_claim_without_a_falsifier_is_missed(repository: RecordedProject) -> None:
    repository.write("falsifiers/x_v1.py", "")
    done = run(repository, "pv-missing")
    assert done.returncode == 1
    assert '@falsifies("x-v1", "F-1")' in done.stdout


def test_the_gate_needs_evidence_and_is_asked_late(repository: RecordedProject) -> None:
    assert HOOKS["pv-gate"]["stages"] == ["pre-push", "manual"]
    assert run(repository, "pv-gate").returncode == 2
    repository.record()
    repository.write("contracts/x-v1.yaml", GOOD + "status: ACTIVE_RUNTIME\n")
    assert run(repository, "pv-gate").returncode == 1


def test_what_the_how_to_shows_can_be_used(repository: RecordedProject) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", HOW_TO, re.DOTALL)
    (config,) = [yaml.safe_load(text) for kind, text in blocks if kind == "yaml"]
    named = [hook["id"] for repo in config["repos"] for hook in repo["hooks"]]
    assert named
    assert set(named) <= set(HOOKS)
    assert set(re.findall(r"^\| `([a-z-]+)` \|", HOW_TO, re.MULTILINE)) == set(HOOKS)
    (script,) = [text for kind, text in blocks if kind == "sh"]
    repository.write("contracts/a b-v1.yaml", GOOD.replace("prediction: p", "predicton: p"))
    repository.git("add", "-A")
    script = script.replace("pv validate", f"{shlex.quote(sys.executable)} -m pv validate")
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "contracts/a b-v1.yaml:4:" in done.stdout
    assert "1 file, 1 contract" in done.stdout, "the other one is not about to be committed"
