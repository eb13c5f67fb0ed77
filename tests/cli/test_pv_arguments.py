"""The command line of `pv` as a user mistypes it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BAD = """\
metadata: {version: "1", description: d, references: [r]}
falsification_tests:
  - {id: F-1, prediction: p, if_failed: q}
"""


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "usage", "told"),
    [
        (["valdate"], "usage: pv [-h]", "invalid choice: 'valdate'; did you mean 'validate'?"),
        (
            ["validate", "--slect", "PV1"],
            "usage: pv validate ",
            "unrecognized arguments: --slect; did you mean '--select'?",
        ),
        (
            ["validate", "--formt=json"],
            "usage: pv validate ",
            "unrecognized arguments: --formt=json; did you mean '--format'?",
        ),
        (["validate", "--format", "jsn"], "usage: pv validate ", "invalid choice: 'jsn'; did you mean 'json'?"),
        (["status", "--form", "json"], "usage: pv status ", "unrecognized arguments: --form; did you mean '--format'?"),
        (["validate", "--bogus"], "usage: pv validate ", "unrecognized arguments: --bogus\n"),
        (["schema", "q"], "usage: pv schema ", "(choose from "),
        (["pin", "chek"], "usage: pv pin ", "invalid choice: 'chek'; did you mean 'check'?"),
        (["init", "a", "b"], "usage: pv init ", "unrecognized arguments: b\n"),
        (["validate", "--\x1b[31m"], "usage: pv validate ", "unrecognized arguments: --\\u{1b}[31m\n"),
    ],
)
def test_what_is_not_known_is_told_of_the_command_meant(
    arguments: list[str], usage: str, told: str, tmp_path: Path
) -> None:
    done = pv(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(usage)
    assert told in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.yaml", "--select", "PV101", "b.yaml"],
        ["--select", "PV101", "a.yaml", "-q", "b.yaml", "--ignore", "PV2"],
        ["--select=PV101", "--", "a.yaml", "b.yaml"],
    ],
)
def test_files_stand_before_and_behind_options(arguments: list[str], tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(BAD)
    done = pv(tmp_path, "validate", *arguments)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("error[PV101]") == 2
    assert "2 files, 2 contracts, 2 claims, 2 errors" in done.stdout


def test_a_dash_is_standard_output(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    done = pv(tmp_path, "validate", "a.yaml", "--format=json", "--output", "-")
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["files"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_an_interrupt_while_arguments_are_read_is_no_traceback(tmp_path: Path) -> None:
    code = (
        "import sys, pv.cli\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "pv.cli.parser = interrupted\n"
        "sys.exit(pv.cli.main(['validate']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
