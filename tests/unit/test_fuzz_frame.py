"""The fuzzers find what they are for: planted bugs, slow and hungry parsers; what they keep is small and named by its bytes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.fuzz import campaign, guard, kept
from tests.fuzz.box import Box
from tests.fuzz.guard import Guard, Outcome, name_of
from tests.fuzz.jsonlike import Pairs, read_loosely, twice, write_loosely
from tests.fuzz.judge import smaller
from tests.fuzz.mutation import LARGEST, mutate
from tests.fuzz.planted import PLANTED, place
from tests.fuzz.target import ROOT, Target, expect, load_target, names

if TYPE_CHECKING:
    from pathlib import Path


def target_of(check: object) -> Target:
    return Target(check, lambda: [b"x"], "text")  # type: ignore[arg-type]  # checks of tests may do anything


def test_a_planted_bug_is_found_by_a_child_of_its_own(tmp_path: Path) -> None:
    """The whole way of a finding: mutants, the oracle, the limits, the table, the exit status."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.run",
        "--plant",
        "--only",
        "yaml-duplicate-keys",
        "--engine",
        "hypothesis",
    ]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*command, "--seconds", "60", "--json"], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["findings"]
    assert told["findings"][0]["kind"] == "wrong"
    assert told["inputs"] >= 1


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_has_its_parser(name: str) -> None:
    assert PLANTED[name].target in names()
    place(PLANTED[name])
    with pytest.raises(LookupError, match="there is nothing of this name"):
        place(PLANTED[name]._replace(where=f"{PLANTED[name].where}_gone"))


def test_an_unknown_parser_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "tests.fuzz.run", "--only", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no 'nothing'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_becomes_of_an_input(tmp_path: Path) -> None:
    def check(data: bytes, _folder: Path) -> bool:
        expect(data != b"wrong", "words: more")
        if data == b"crash":
            raise KeyError("key\nof two lines")
        while data == b"slow":
            continue
        return data == b"good"

    guard = Guard(target_of(check), tmp_path, seconds=0.2)
    kinds = {data: guard.run(data).kind for data in (b"good", b"bad", b"wrong", b"crash", b"slow")}
    assert kinds == {b"good": "accepted", b"bad": "refused", b"wrong": "wrong", b"crash": "crash", b"slow": "hang"}
    assert guard.run(b"wrong").signature == "wrong: words"
    assert "KeyError" in guard.run(b"crash").signature
    assert "\n" not in guard.run(b"crash").message


def test_what_is_a_finding_and_where_the_limits_are() -> None:
    kinds = ("accepted", "refused", "crash", "wrong", "hang", "memory")
    assert [kind for kind in kinds if Outcome(kind).fine] == ["accepted", "refused"] == list(guard.FINE)
    assert (guard.SECONDS, guard.BYTES) == (2.0, 2**30)  # as docs/how-to/fuzzing.md promises


HUNGRY = """
import json, sys
from pathlib import Path
from tests.fuzz.box import Box
from tests.fuzz.guard import Guard, limit_memory
from tests.fuzz.target import Target
guard = Guard(Target(lambda data, folder: bool(bytearray(int(data))), lambda: [], "text"), Path(sys.argv[1]))
limit_memory()
print(json.dumps([guard.run(str(megabytes << 20).encode()).kind for megabytes in (10, 2000)]))
"""


def test_an_input_that_takes_a_gigabyte_is_a_finding(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    done = subprocess.run([sys.executable, "-c", HUNGRY, tmp_path], cwd=ROOT, capture_output=True, check=False)
    assert json.loads(done.stdout) == ["accepted", "memory"], done.stderr
    assert resource.getrlimit(resource.RLIMIT_AS) == before


HELD = """
import json, sys, time
from pathlib import Path
from tests.fuzz import guard
from tests.fuzz.target import Target
guard.BYTES = 64 << 20
def check(data, folder):
    begun, held = time.process_time(), b"x" * (int(data) << 20)
    while time.process_time() < begun + 2 * guard._LONG:
        pass
    return bool(held)
watched = guard.Guard(Target(check, lambda: [], "text"), Path(sys.argv[1]))
print(json.dumps([watched.run(megabytes).kind for megabytes in (b"1", b"200")]))
"""


def test_memory_that_an_input_was_given_is_measured_too(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HELD, tmp_path], cwd=ROOT, capture_output=True, check=False)
    assert json.loads(done.stdout) == ["accepted", "memory"], done.stderr


MORTAL = """
import json, os, signal, sys
for name in sys.argv[2:-1]:
    if open(name).read() == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"file": name, "kind": "refused"}), flush=True)
"""


def test_a_file_at_which_the_process_dies_is_a_crash_and_the_rest_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests" / "fuzz").mkdir(parents=True)
    for name, text in (("__init__", ""), ("fuzz/__init__", ""), ("fuzz/judge", MORTAL)):
        (tmp_path / "tests" / f"{name}.py").write_text(text)
    monkeypatch.setattr(campaign, "ROOT", tmp_path)
    files = [tmp_path / name for name in ("one", "two", "three")]
    for file, text in zip(files, ("fine", "dies", "fine"), strict=True):
        file.write_text(text)
    told = campaign.judge("gguf", files)
    assert [one["file"] for one in told] == [str(file) for file in files]
    assert [one["kind"] for one in told] == ["refused", "crash", "refused"]
    assert told[1]["message"].startswith("the process ends with -9")


@pytest.mark.parametrize("name", names())
def test_changes_follow_from_the_number_and_change_something(name: str) -> None:
    target = load_target(name)
    seeds = target.seeds()
    first, again = (
        [mutate(target, seeds[0], Random(number), seeds) for number in range(30)]  # noqa: S311  no secret
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) > 15
    assert max(map(len, first)) <= LARGEST


def test_a_case_is_made_smaller_as_long_as_it_shows_the_same() -> None:
    assert smaller(b"a lot of text with X in it", lambda data: b"X" in data, until=float("inf")) == b"X"
    assert smaller(b"XX", lambda data: b"X" in data, until=0) == b"XX"


def test_json_with_a_key_twice_keeps_both() -> None:
    data = b'{"a":1,"b":[{"a":2,"a":null}],"a":"\\ud800"}'
    value = read_loosely(data)
    assert isinstance(value, Pairs)
    assert write_loosely(value) == data
    assert twice(value) == "a"
    assert twice(read_loosely(b'{"a":{"b":1},"b":{"b":1}}')) is None
    assert read_loosely(b"{") is None


def test_json_of_any_depth_is_written_and_changed() -> None:
    value: list[Any] = []
    for _ in range(20_000):
        value = [value]
    assert write_loosely(value) == b"[" * 20_001 + b"]" * 20_001
    deep = b'{"a":' + b"[" * 900 + b"]" * 900 + b',"b":1}'
    for seed in range(300):  # the same mutants each time
        assert mutate(load_target("hooks"), deep, Random(seed), [deep])  # noqa: S311  as above


def test_a_child_that_waits_for_ever_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_SILENT", 0.5)
    one = campaign.Campaign("pins", "hypothesis", 1, 1)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert one._watch(child, Box(tmp_path / "box", fresh=True), time.monotonic() + 60, lambda: None)
    finally:
        child.kill()
        child.wait()


def test_a_case_is_kept_once_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOUND", tmp_path)
    for _ in range(2):
        kept.keep("gguf", b"data", "crash", "KeyError: 'a'\n\x1b[2J")
    (case,) = kept.cases()
    assert (case.target, case.name, case.kind, case.showed) == ("gguf", name_of(b"data"), "crash", "KeyError: 'a' ?[2J")
    case.path.write_bytes(b"other")
    with pytest.raises(ValueError, match="its name is not the hash"):
        kept.cases()
    case.path.write_bytes(b"data")
    (tmp_path / "gguf" / "00000000.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="has no line"):
        kept.cases()
