"""What the system refuses is one line and exit code 2, not a bug of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

APR = f"{sys.executable} -m apr"


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", command], cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["inspect M.gguf", "inspect M.gguf --json", "trace M.gguf --tokens 5 --payload"])
def test_a_full_disk_under_standard_output(tiny_llama: Callable[..., Path], tmp_path: Path, command: str) -> None:
    tiny_llama(name="M.gguf")
    done = shell(f"{APR} {command} > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "apr: error: input or output: cannot be used: No space left on device\n"


def test_closed_streams(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    tiny_llama(name="M.gguf")
    for command, said in (
        ("inspect M.gguf >&-", "standard output is closed"),
        ("run M.gguf --prompt - <&-", "standard input is closed"),
    ):
        done = shell(f"{APR} {command}", tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr


def test_a_closed_standard_error_is_no_bug(tmp_path: Path) -> None:
    done = shell(
        f"{APR} inspect nothing.gguf 2>&-; {APR} code -p x --answers-from nothing --cwd nowhere <&- 2>&-", tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "command", ["run {} --prompt a", "inspect {}", "validate {}", "import {}", "trace {} --payload"]
)
def test_names_that_are_too_long_and_that_are_none(tmp_path: Path, command: str) -> None:
    for name, said in (("a" * 300, "File name too long"), ("''", "no model is named")):
        done = shell(f"{APR} {command.format(name)}", tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("force", ["", "--force"])
def test_what_is_no_file_is_never_replaced(tiny_llama: Callable[..., Path], tmp_path: Path, force: str) -> None:
    tiny_llama(name="M.gguf")
    os.mkfifo(tmp_path / "pipe")
    done = shell(f"{APR} import M.gguf -o pipe {force}", tmp_path)
    assert done.returncode == 2
    assert "is no regular file" in done.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_shards_of_a_model_with_a_licence_open(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    tiny_llama(name="M.gguf", metadata=(("general.license", "mit"),))
    assert shell(f"{APR} import M.gguf -o M.apr --shard-size 100K", tmp_path).returncode == 0
    manifest = tmp_path / "M.index.json"
    assert manifest.exists()
    done = shell(f"{APR} run M.index.json --prompt abc --max-tokens 2 --ignore-eos --json", tmp_path)
    assert done.returncode == 0, done.stderr
