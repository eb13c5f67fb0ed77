"""A ledger outlives whatever happens to those who write it: kills, full disks, disks that take no writes, company."""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import append, read, verify
from pv.ledger.line import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITER = Path(__file__).parents[2] / "ledger_writer.py"
rows = runpy.run_path(str(WRITER))["rows"]

KILLS = 200
PER_LEDGER = 10  # kills of writers of one ledger: each is checked as a whole


@pytest.fixture
def writers() -> Iterator[subprocess.Popen[str]]:
    """The program that forks writers, warm."""
    with subprocess.Popen(
        [sys.executable, str(WRITER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def ask(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin
    assert process.stdout
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def without_schema(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "schema"}


def test_killed_at_any_moment_nothing_is_lost_or_invented(tmp_path: Path, writers: subprocess.Popen[str]) -> None:
    chance = random.Random(20260102)  # noqa: S311  moments to try, no secrets
    for number in range(KILLS):
        path = tmp_path / f"{number // PER_LEDGER}.jsonl"
        before = path.read_bytes() if path.exists() else b""
        name = f"{number:x}"
        writer = int(ask(writers, f"{path} {name}"))
        time.sleep(chance.random() * 0.008)
        os.kill(writer, signal.SIGKILL)
        assert ask(writers, "") == "dead"
        after = path.read_bytes() if path.exists() else b""
        assert after.startswith(before)
        *whole, rest = after[len(before) :].split(b"\n")
        if before and not before.endswith(b"\n") and whole:
            assert whole.pop(0) == b""  # the newline that sets a torn line apart
        found = [parse(line) for line in [*whole, *([rest] if parse(rest) else [])]]
        assert all(row is not None for row in found)  # whatever is torn is the last
        written = islice(chain.from_iterable(rows(name)), len(found))
        assert [without_schema(row) for row in found if row] == list(written)
        if number % PER_LEDGER == PER_LEDGER - 1:
            check_and_go_on(path)
    assert len(list(tmp_path.iterdir())) == KILLS // PER_LEDGER


def check_and_go_on(path: Path) -> None:
    """The chain holds, and the next line can be appended."""
    assert verify(path).faults == ()
    assert not any("chain" in problem for problem in read(path).problems)
    lines = verify(path).lines
    assert lines
    append(path, next(islice(rows("f" * 8), 1)))
    found = verify(path)
    assert (found.faults, found.lines) == ((), lines + 1)
    assert [entry.row["run"] for entry in read(path).entries()][-1] == ("f" * 8).rjust(32, "0")


LIMITED = """
import errno, resource, signal, sys
from pathlib import Path
from pv.ledger import append
path, rows = Path(sys.argv[1]), __import__("runpy").run_path(sys.argv[2])["rows"]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
count = 0
try:
    for some in rows("a"):
        append(path, some)
        count += len(some)
except OSError as problem:
    assert problem.errno == errno.EFBIG, problem
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
before = path.read_bytes()
append(path, next(iter(rows("b"))))
print(count, len(before), before.count(b"\\n"), before.endswith(b"\\n"))
"""


def test_a_file_that_may_grow_no_further_keeps_its_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(WRITER)], capture_output=True, text=True, check=True
    )
    count, size, lines, ended = json.loads("[" + done.stdout.strip().replace(" ", ",").lower() + "]")
    assert (lines, ended) == (count, True)
    assert 0 < size <= 100_000
    found = verify(path)
    assert (found.faults, found.lines) == ((), count + 1)
    assert [one.text[:7] for one in found.notes] == ["the run"] * 2  # neither ended; nothing is torn


def mounted(folder: Path, *options: str) -> None:
    """Mount a small file system at `folder`, or skip where that is not allowed."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run([mount, *options, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(folder, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  it stands beside mount


def append_all(path: Path, name: str) -> None:
    for some in rows(name):
        append(path, some)


def test_a_full_disk_keeps_its_whole_lines_only(disk: Path) -> None:
    filler, path = disk / "filler", disk / "ledger.jsonl"
    filler.write_bytes(b"x" * 30_000)
    with pytest.raises(OSError, match="No space left on device"):
        append_all(path, "a")
    before = path.read_bytes()
    count = before.count(b"\n")
    assert before.endswith(b"\n")
    held = [parse(line) for line in before.splitlines()]
    assert [without_schema(row) for row in held if row] == list(islice(chain.from_iterable(rows("a")), count))
    filler.unlink()
    append(path, next(iter(rows("b"))))
    assert path.read_bytes().startswith(before)
    found = verify(path)
    assert (found.faults, found.lines) == ((), count + 1)


def test_a_disk_that_takes_no_writes_keeps_what_it_has(disk: Path) -> None:
    path = disk / "ledger.jsonl"
    append(path, next(iter(rows("a"))))
    before = path.read_bytes()
    mounted(disk, "-o", "remount,ro")
    with pytest.raises(OSError, match="Read-only file system"):
        append(path, next(iter(rows("b"))))
    assert path.read_bytes() == before
    assert verify(path).lines == len(list(read(path).entries())) == 1


def test_a_writer_that_another_overtook_chains_to_what_the_other_wrote(tmp_path: Path) -> None:
    path, moved = tmp_path / "ledger.jsonl", tmp_path / "moved.jsonl"
    for some in islice(rows("a"), 3):
        append(path, some)
    other = (
        f"import sys; sys.path.insert(0, {str(WRITER.parent)!r}); import ledger_writer as w; from pathlib import Path\n"
    )
    other += f"for some in w.islice(w.rows('b'), 3): w.append(Path({str(path)!r}), some)\n"
    subprocess.run([sys.executable, "-c", other.replace("w.islice", "w.itertools.islice")], check=True)
    append(path, next(iter(rows("c"))))
    assert (verify(path).faults, verify(path).lines) == ((), 7)
    path.rename(moved)  # and one that finds another file in its place begins anew
    append(path, next(iter(rows("d"))))
    assert (verify(path).faults, verify(path).lines) == ((), 1)


@pytest.mark.parametrize("junk", [b"x" * 300_000, b"x\n" * 150_000, b'{"prev":"' + b"y" * 300_000 + b"\n"])
def test_a_line_is_chained_to_all_that_stands_behind_the_last_of_ours(tmp_path: Path, junk: bytes) -> None:
    """However much it is: the last line of ours is looked for from the end, block by block."""
    path = tmp_path / "ledger.jsonl"
    for first in ((), next(iter(rows("a")))):
        append(path, first)
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(before + junk)
        append(path, next(iter(rows("b"))))
        held = parse(path.read_bytes().splitlines()[-1])
        assert held
        assert not read(path).broken
        assert verify(path).lines == len(first) + 1
        path.unlink()
