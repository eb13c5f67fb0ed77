"""`apr pull` as a user meets it: a real process, a real server, cut off, killed, out of space, offline, and two at a time."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 16_000  # four megabytes
HASH = hashlib.sha256(CONTENT).hexdigest()
OWN = {"PIP_CONFIG_FILE": os.devnull, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {**OWN, "APR_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path / "home")}
    return {**os.environ, **own}


def pull(environment: dict[str, str], *args: str, before: str = "pass") -> subprocess.Popen[str]:
    code = f"import sys; {before}; from apr.cli import main; sys.exit(main(['pull', *sys.argv[1:]]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def files(tmp_path: Path, room: str) -> list[Path]:
    folder = tmp_path / "cache" / room
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock") if folder.is_dir() else []


def await_bytes(tmp_path: Path, least: int) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in files(tmp_path, "partial"):
            if path.suffix == ".part" and path.stat().st_size >= least:
                return path
        time.sleep(0.01)
    raise AssertionError("nothing came")


def test_what_is_said_depends_on_who_vouches(web: Any, environment: dict[str, str], tmp_path: Path) -> None:
    url, path = web.add("/x.gguf", CONTENT), tmp_path / "cache" / "models" / "x.gguf"
    code, out, err = finish(pull(environment, url))
    assert (code, out) == (0, f"{url}: downloaded: {path}\n")
    assert err == (
        f"apr: note: nothing vouches for x.gguf: its sha256 is {HASH}; #sha256=… behind the source checks it\n"
    )
    vouched = f"{url}#sha256={HASH}"
    assert finish(pull(environment, vouched)) == (0, f"{vouched}: already there: {path}\n", "")
    web.add_repository("org/repo", {"y.gguf": CONTENT})
    environment["HF_ENDPOINT"] = web.url
    code, out, err = finish(pull(environment, "hf://org/repo/y.gguf", "--as", "z.gguf"))
    assert (code, out) == (0, f"hf://org/repo/y.gguf: downloaded: {path.with_name('z.gguf')}\n")
    assert err == (
        f"apr: note: z.gguf is what the Hub announced, sha256 {HASH}; no alias and no hash of yours vouches for it\n"
    )
    listed = subprocess.run(
        [sys.executable, "-m", "apr", "list"], capture_output=True, text=True, env=environment, check=True
    ).stdout
    assert [line.split()[:6] for line in listed.splitlines()[-2:]] == [
        ["-", "present", "3.9", "MiB", HASH[:12], voucher] for voucher in ("url", "hub")
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_pull_that_was_ended_goes_on_with_the_next(
    number: signal.Signals, web: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    release = threading.Event()
    url = web.add("/x.gguf", CONTENT, plan=[("wait", release)]) + f"#sha256={HASH}"
    # a shell that started us in the background has SIGINT ignored, and Python leaves it so
    sound = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    process = pull(environment, url, before=sound)
    part = await_bytes(tmp_path, len(CONTENT) // 2)
    process.send_signal(number)
    code, out, err = finish(process)
    release.set()
    assert (code, out, err) == (-number if number == signal.SIGKILL else 128 + number, "", "")
    assert files(tmp_path, "models") == []
    assert part.stat().st_size == len(CONTENT) // 2
    assert finish(pull(environment, url))[0] == 0
    assert web.asked("/x.gguf")[1]["range"] == f"bytes={len(CONTENT) // 2}-"
    assert (tmp_path / "cache" / "models" / "x.gguf").read_bytes() == CONTENT
    assert files(tmp_path, "partial") == []


def test_no_more_space_is_one_line_and_what_came_is_used_later(
    web: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    url = web.add("/x.gguf", CONTENT) + f"#sha256={HASH}"
    limit = 1_000_000
    # a file may grow no further, as on a full disk; the signal that comes with it is ignored by Python
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    code, out, err = finish(pull(environment, url, before=full))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "there is no space for it in" in err
    assert "set APR_CACHE_DIR to a folder on another disk" in err
    assert files(tmp_path, "models") == []
    (part,) = [path for path in files(tmp_path, "partial") if path.suffix == ".part"]
    assert 0 < part.stat().st_size <= limit
    came = part.stat().st_size
    assert finish(pull(environment, url))[0] == 0
    assert web.asked("/x.gguf")[-1]["range"] == f"bytes={came}-"
    assert (tmp_path / "cache" / "models" / "x.gguf").read_bytes() == CONTENT


def test_two_pulls_at_a_time_and_one_that_dies_while_the_other_waits(
    web: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    release = threading.Event()
    url = web.add("/x.gguf", CONTENT, plan=[("wait", release)]) + f"#sha256={HASH}"
    first = pull(environment, url)
    await_bytes(tmp_path, len(CONTENT) // 2)
    second = pull(environment, url)
    assert second.stderr is not None
    assert second.stderr.readline() == "apr: another pull of x.gguf is at work; waiting for it\n"
    first.kill()
    finish(first)
    code, out, err = finish(second)
    release.set()
    assert (code, err) == (0, "")
    assert out.startswith(f"{url}: downloaded: ")
    assert web.asked("/x.gguf")[1]["range"] == f"bytes={len(CONTENT) // 2}-"
    assert (tmp_path / "cache" / "models" / "x.gguf").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("http://127.0.0.1:1/x.gguf", "cannot be reached: "),
        ("hf://org/repo:Q4_K_M", "the Hub cannot be reached: "),
        ("hf://org/repo/x.gguf", "the Hub cannot be reached: "),
        ("qwen3", "the Hub cannot be reached: "),
    ],
)
def test_offline_is_one_line_at_once(source: str, said: str, environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:1"}
    started = time.monotonic()
    code, out, err = finish(pull(environment, source))
    assert time.monotonic() - started < 20
    assert (code, out) == (2, "")
    assert err.startswith("apr: error: ")
    assert err.count("\n") == 1
    assert said in err
    assert "check the network; a model that is on this machine already needs no pull: give its path" in err
    assert files(tmp_path, "models") == files(tmp_path, "partial") == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["http://example.org/x.gguf"], "is plain http, which anybody on the way can change; use https://"),
        (["ftp://example.org/x.gguf"], "ftp:// sources are not known; sources are: pypi://NAME"),
        (["smolm2"], "did you mean 'smollm2'?"),
        (["smollm2", "--as", "x.gguf"], "leave out --as"),
        (["https://example.org/x.gguf", "--as", "../x"], "cannot be a file's name in the cache"),
        (["https://u:secret@example.org/x.gguf"], "holds a user name or password"),
    ],
)
def test_what_cannot_be_a_source_is_one_line(
    args: list[str], said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    code, out, err = finish(pull(environment, *args))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert "secret" not in err
    assert not (tmp_path / "cache").exists()
