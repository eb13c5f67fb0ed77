"""What the machine does to the programs: places that cannot be written, disks that are full, names and customs of other countries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTRACT = """
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-İI, rule: r, prediction: größer, if_fails: f, mutants: [{id: m, stage: s}]}
"""
FALSIFIER = """
from pv import Refuted, falsifies

@falsifies("çontract-v1", "F-İI")
def one(evidence, mutant):
    evidence.compared(1, "värde")
    if mutant:
        raise Refuted("off", stage="s")
"""


def run(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project all of whose names are beyond ASCII."""
    root = tmp_path / "prójekt 規則 ğ"
    (root / "contracts").mkdir(parents=True)
    (root / "falsifiers").mkdir()
    (root / "pyproject.toml").write_text(
        '[tool.pv]\nledger = "kärnan/bok.jsonl"\n[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n',
        encoding="utf-8",
    )
    (root / "contracts" / "çontract-v1.yaml").write_text(CONTRACT, encoding="utf-8")
    (root / "falsifiers" / "ö.py").write_text(FALSIFIER, encoding="utf-8")
    return root


# one locale that every machine has, and one that none has: containers are often told of one that they lack
ELSEWHERE = [
    {"LC_ALL": "C", "TZ": "Pacific/Kiritimati"},
    {"LC_ALL": "xx_XX.UTF-8", "TZ": "America/St_Johns"},
]


@pytest.mark.parametrize("where", ELSEWHERE, ids=["C", "missing"])
def test_another_locale_and_time_zone_change_no_verdict(project: Path, where: dict[str, str]) -> None:
    """Kiritimati is a day ahead of most of the world; where a locale is missing, a program starts in that of C."""
    options = ["-m", "falsify", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = run(["-m", "pytest", *options], project, **where)
    assert done.returncode == 0, done.stdout + done.stderr
    told = []
    for environment in (where, {"LC_ALL": "C.UTF-8", "TZ": "UTC"}):
        done = run(["-m", "pv", "status", "--format=json"], project, **environment)
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout))
        assert run(["-m", "pv", "verify"], project, **environment).returncode == 0
    assert told[0] == told[1]
    (claim,) = told[0]["contracts"][0]["claims"]
    assert claim["outcome"] == "discharged"
    assert "F-İI" in claim.values()
    (row, _) = (
        json.loads(line)
        for line in (project / "kärnan" / "bok.jsonl").read_text("utf-8").splitlines()
        if '"kind":"case"' in line
    )
    assert row["started"].endswith("+00:00")
    text = run(["-m", "pv", "status"], project, **where)
    assert text.returncode == 0
    assert re.search(r"F-(İI|\\u0130I|\\xc4\\xb0I)|1 discharged", text.stdout)


def test_a_locale_that_cannot_name_the_files_is_one_message(project: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for command, code in ((["-m", "pv", "status"], 2), (["-m", "pytest", "-m", "falsify"], 4)):
        done = run(command, project, **ascii_only)
        assert done.returncode == code, done.stderr
        assert "[tool.pv] ledger: file names are ascii here, which lacks '\\xe4'; set PYTHONUTF8=1" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("where", ELSEWHERE, ids=["C", "missing"])
def test_a_model_with_a_name_of_another_country(
    tiny_llama: Callable[..., Path], tmp_path: Path, where: dict[str, str]
) -> None:
    place = tmp_path / "modèles ğ 規則"
    place.mkdir()
    shutil.move(tiny_llama(), place / "größe.gguf")
    told = []
    for environment in (where, {"LC_ALL": "C.UTF-8", "TZ": "UTC"}):
        done = run(["-m", "apr", "inspect", "größe.gguf", "--json"], place, **environment)
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout))
    assert told[0] == told[1]
    assert run(["-m", "apr", "import", "größe.gguf", "-o", "ö.apr"], place, **where).returncode == 0
    assert run(["-m", "apr", "validate", "ö.apr"], place, **where).returncode in (0, 1)


@pytest.fixture
def readonly(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes no writes, not even root's: the modes of a folder are nothing to root."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  it stands beside mount


def test_places_that_take_no_writes_are_one_message(
    readonly: Path, tiny_llama: Callable[..., Path], project: Path
) -> None:
    model = tiny_llama()
    commands = [
        (["-m", "apr", "import", str(model), "-o", str(readonly / "m.apr")], model.parent),
        (["-m", "apr", "export", str(model), "-o", str(readonly / "m.gguf")], model.parent),
        (
            [
                "-m",
                "apr",
                "trace",
                str(model),
                "--tokens",
                "5",
                "--save-tensor",
                "all",
                "--output",
                str(readonly / "t"),
            ],
            model.parent,
        ),
        (["-m", "pv", "status", "--output", str(readonly / "s.json")], project),
        (["-m", "pv", "docs", "--into", str(readonly / "pages")], project),
        (["-m", "pv", "validate", "--format", "sarif", "--output", str(readonly / "v.sarif")], project),
    ]
    for command, cwd in commands:
        done = run(command, cwd)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert re.search("Read-only file system|Permission denied", done.stderr), (command, done.stderr)
    assert list(readonly.iterdir()) == []


FULL = (
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    "sys.argv[0] = 'apr'; runpy.run_module('apr', run_name='__main__')"
)


def test_a_full_disk_leaves_no_half_of_a_model(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    model, out = tiny_llama(), tmp_path / "out"
    out.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    for arguments in (["import", str(model), "-o", "m.apr"], ["export", str(model), "-o", "m.gguf"]):
        done = subprocess.run(
            [sys.executable, "-c", FULL, *arguments], cwd=out, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert "File too large" in done.stderr
        assert list(out.iterdir()) == []
