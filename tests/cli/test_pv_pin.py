"""`pv pin` as a user runs it, against a bare repository on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FILE = "contracts/x-v1.yaml"
CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
equations: {f: {formula: x}}
falsification_tests: [{id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}]
"""
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def run(cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=ENVIRONMENT)


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(cwd, sys.executable, "-m", "pv", "pin", *arguments)


def git(cwd: Path, *arguments: str) -> str:
    done = run(cwd, "git", "-c", "user.name=n", "-c", "user.email=e@localhost", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, beside a bare repository of which `work` is a clone."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "up.git")
    git(tmp_path, "clone", "-q", "up.git", "work")
    git(tmp_path / "work", "checkout", "-q", "-b", "main")
    commit(tmp_path, "a: 1\n")
    made = tmp_path / "project"
    (made / "contracts").mkdir(parents=True)
    (made / "pyproject.toml").write_text("[tool.pv]\n")
    return made


def commit(folder: Path, text: str, branch: str = "main") -> str:
    work = folder / "work"
    (work / "contracts").mkdir(exist_ok=True)
    (work / FILE).write_text(text)
    git(work, "add", "--all")
    git(work, "commit", "-q", "-m", "m")
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    return git(work, "rev-parse", "HEAD")


def test_a_pin_from_the_first_copy_to_a_newer_version(project: Path, tmp_path: Path) -> None:
    assert pv(project, "check").returncode == 2
    done = pv(project / "contracts", "add", "x-v1.yaml", "--source", "../../up.git", "--write")
    assert done.returncode == 0, done.stderr
    entry = tomllib.loads((project / "pv.lock").read_text())["contract"][0]
    assert entry["source"] == "../up.git"
    assert (entry["path"], entry["upstream_path"], entry["branch"]) == (FILE, FILE, "main")
    assert entry["sha256"] == hashlib.sha256(b"a: 1\n").hexdigest()
    for arguments in (["check"], ["check", FILE], ["roundtrip"], ["roundtrip", "--strict"]):
        done = pv(project, *arguments)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 pin: 1 ok"), done.stdout + done.stderr
    newer = commit(tmp_path, "a: 2\n")
    assert pv(project, "roundtrip").returncode == 0
    done = pv(project, "roundtrip", "--strict")
    assert done.returncode == 1
    assert "behind: branch main has another version" in done.stdout
    done = pv(project, "add", FILE)
    assert done.returncode == 1
    assert "nothing was pinned" in done.stderr
    assert pv(project, "add", FILE, "--write").returncode == 0
    assert newer in (project / "pv.lock").read_text()
    assert pv(project, "roundtrip", "--strict").returncode == 0


def test_the_worst_of_several_pins_counts_and_each_has_a_line(project: Path, tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml"):
        source = str(tmp_path / "up.git")
        assert pv(project, "add", f"contracts/{name}", "--source", source, "--path", FILE, "--write").returncode == 0
    lock = project / "pv.lock"
    lock.write_text(lock.read_text().replace(f'source = "{tmp_path}/up.git"', 'source = "./gone"', 1))
    done = pv(project, "roundtrip", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 2
    assert [(one["path"], one["result"]) for one in report["pins"]] == [
        ("contracts/a.yaml", "not run"),
        ("contracts/b.yaml", "ok"),
    ]
    assert report["pins"][0]["sha256"]["upstream"] is None
    assert pv(project, "check").returncode == 0
    (project / "contracts" / "b.yaml").write_text("edited")
    done = pv(project, "roundtrip")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 pins: 0 ok, 1 with findings, 1 not run"
    assert pv(project, "check", "contracts/a.yaml").returncode == 0
    assert pv(project, "check").returncode == 1


def test_status_calls_a_copy_that_is_none_an_error(project: Path, tmp_path: Path) -> None:
    commit(tmp_path, CONTRACT)
    assert pv(project, "add", FILE, "--source", "../up.git", "--write").returncode == 0
    status = (sys.executable, "-m", "pv", "status", "contracts")
    done = run(project, *status)
    assert done.returncode == 0, done.stdout + done.stderr
    (project / FILE).write_text(CONTRACT + "# edited\n")
    done = run(project, *status)
    assert done.returncode == 1
    assert "error[pin]" in done.stdout
    (project / "pv.lock").write_text("[")
    done = run(project, *status)
    assert done.returncode == 2
    assert "pv.lock: not TOML" in done.stderr


def test_a_source_without_its_history_is_not_run(project: Path, tmp_path: Path) -> None:
    first = git(tmp_path / "work", "rev-parse", "HEAD")
    assert pv(project, "add", FILE, "--source", "../up.git", "--write").returncode == 0
    commit(tmp_path, "a: 2\n")
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{tmp_path}/up.git", "shallow.git")
    lock = project / "pv.lock"
    lock.write_text(lock.read_text().replace("../up.git", "../shallow.git"))
    done = pv(project, "roundtrip")
    assert first in lock.read_text()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, "1 pin: 0 ok, 1 not run"), done.stdout + done.stderr
    assert "shallow" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "zz.yaml"], "no pv.lock"),
        (["check", "--lock", "nowhere.lock"], "cannot be read"),
        (["add", "contracts/zz.yaml"], "not pinned yet"),
        (["add", "../out.yaml", "--source", "../up.git", "--write"], "lies outside of"),
        (["add", FILE, "--source", "ext::touch ran", "--write"], "transport helper"),
        (["add", FILE, "--source=--upload-pack=touch ran", "--write"], "read as an option"),
        (["add", FILE, "--source", "../gone.git", "--write"], "upstream could not be read"),
        (["add", FILE, "--source", "../up.git", "--write", "--lock", "pin.lock"], "never written"),
    ],
)
def test_what_cannot_be_used_gets_one_message(project: Path, arguments: list[str], words: str) -> None:
    done = pv(project, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(one.name for one in project.iterdir()) == ["contracts", "pyproject.toml"]
    assert not (project / FILE).exists()


def test_a_file_that_is_not_pinned_is_no_success(project: Path) -> None:
    assert pv(project, "add", FILE, "--source", "../up.git", "--write").returncode == 0
    done = pv(project, "check", "contracts/x-v2.yaml")
    assert done.returncode == 2
    assert "did you mean 'contracts/x-v1.yaml'?" in done.stderr
    (project / "pv.lock").write_text("# nothing\n")
    assert pv(project, "check").returncode == 2


def test_the_flat_lock_of_upstream_is_checked_and_its_short_commit_refused(project: Path, tmp_path: Path) -> None:
    full = git(tmp_path / "work", "rev-parse", "HEAD")
    (project / FILE).write_text("a: 1\n")
    values = {
        "aprender_repo": f"{tmp_path}/up.git",
        "aprender_commit": full[:9],
        "aprender_branch": "main",
        "aprender_path": FILE,
        "contract_path": FILE,
        "contract_sha256": hashlib.sha256(b"a: 1\n").hexdigest(),
        "last_synced_utc": "2026-04-27T08:30:00Z",
    }
    flat = project / "contracts" / "pin.lock"
    flat.write_text("".join(f"{key}: {value}\n" for key, value in values.items()))
    done = pv(project, "check")
    assert done.returncode == 0
    assert "roundtrip will refuse it" in done.stdout
    done = pv(project, "roundtrip")
    assert done.returncode == 2
    assert "a pin needs all 40" in done.stderr
    flat.write_text(flat.read_text().replace(full[:9], full))
    assert pv(project, "roundtrip", "--lock", "contracts/pin.lock").returncode == 0
