"""Pins against a repository on this machine; git runs without anybody's configuration."""

from __future__ import annotations

import io
import os
import subprocess
import time
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.config import Config
from pv.digest import sha256
from pv.pins import adding, compare, finding, lock, names, pin_remarks, upstream
from pv.pins.lock import Lock, Pin
from pv.pins.upstream import NotRun, Refused, opened
from pv.remark import Topic
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "contracts/x-v1.yaml"
PIN = Pin(FILE, "./up.git", "main", "a" * 40, FILE, "b" * 64, "2026-11-22T04:00:00Z")


class Upstream:
    """A repository with a working tree, and what is committed to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e@localhost", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, text: str, path: str = FILE) -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "m")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _nobodys_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "up.git")
    made.commit("a: 1\n")
    return made


@pytest.fixture
def pinned(tmp_path: Path, up: Upstream) -> Callable[..., Lock]:
    """A project with a copy of upstream's newest version, pinned; `change` alters the pin."""

    def make(**change: str) -> Lock:
        (tmp_path / "contracts").mkdir(exist_ok=True)
        (tmp_path / FILE).write_bytes((up.folder / FILE).read_bytes())
        pin = replace(PIN, commit=up.git("rev-parse", "main"), sha256=sha256(tmp_path / FILE))
        made = Lock(tmp_path / finding.LOCK, tmp_path, (replace(pin, **change),))
        lock.write(made)
        return made

    return make


def silent(_source: str, _what: str, _seconds: float) -> None:
    """Nobody watches."""


def trip(made: Lock) -> compare.Result:
    (result,) = compare.roundtrip(made, made.pins, silent)
    return result


@pytest.mark.parametrize(
    "source",
    [
        "-oProxyCommand=x",
        "--upload-pack=touch x",
        "ext::sh -c id",
        "EXT::sh",
        "fd::7",
        "ftp://h/r",
        "javascript://h/r",
        "https://me:secret@h/r",
        "https://",
        "a\0b",
        "a\nb",
        "a\x1b[2J",
        "",
        " ",
        "x" * 3000,
        "caf\udce9",
    ],
)
def test_sources_that_are_no_repositories_or_more_than_that_are_refused(source: str) -> None:
    assert names.source_fault(source)


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("https://github.com/o/r.git", False),
        ("ssh://git@h:22/r", False),
        ("git@github.com:o/r.git", False),
        ("host:r", False),
        ("file:///srv/r", False),
        ("../r", True),
        ("/srv/r", True),
        ("./a:b", True),
        ("r", True),
    ],
)
def test_sources_that_can_be_fetched_from(source: str, local: bool) -> None:
    assert not names.source_fault(source)
    assert names.is_local(source) is local


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../x", "a//x", "./x", "x/", "", "a\\x", "C:/x", ".git/config", "a\0"]
)
def test_paths_that_leave_their_tree_are_refused(path: str) -> None:
    assert names.path_fault(path)
    assert not names.path_fault("contracts/ü x.yaml")


@pytest.mark.parametrize(
    "branch", ["-x", "a..b", "a b", "a~1", "a^", "a:b", "a.lock", "/a", "a/", "@{u}", "a//b", "@", ""]
)
def test_what_is_no_branch_is_refused(branch: str) -> None:
    assert names.branch_fault(branch)
    assert not names.branch_fault("feat/x-1.2")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40))
def test_any_text_that_a_pin_may_hold_is_read_back_from_the_lock(text: str) -> None:
    made = Lock(Path("pv.lock"), Path(), (replace(PIN, source=text),))
    assert tomllib.loads(lock.as_toml(made)) == {"contract": [asdict(made.pins[0])]}


def test_entries_are_sorted_and_the_place_of_a_contract_is_taken_by_its_new_pin(tmp_path: Path) -> None:
    made = Lock(tmp_path / "pv.lock", tmp_path, (replace(PIN, path="b"), PIN))
    lock.write(lock.with_pin(made, replace(PIN, path="b", branch="dev")))
    read = lock.read(tmp_path / "pv.lock")
    assert [(one.path, one.branch) for one in read.pins] == [("b", "dev"), (FILE, "main")]


def test_whole_lines_of_comment_are_kept_and_the_others_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "pv.lock"
    lock.write(Lock(file, tmp_path, (replace(PIN, path="a"), replace(PIN, path="c"))))
    plain = file.read_text().split("\n", 2)[2]
    first, second = plain.split("\n\n")
    text = f"# ours\n# and theirs\n\n# of a\n{first}\n# in a\n\n# of c\n" + second.replace("path", "# in c\npath", 1)
    file.write_text(text.replace('branch = "main"', 'branch = "main" # not "kept"', 1))
    read = lock.read(file)
    assert read.dropped == 1
    lock.write(lock.with_pin(read, replace(PIN, path="b", source="./#no comment")))
    comments = [line for line in file.read_text().splitlines() if line.startswith(("#", "path"))]
    assert comments == [
        "# ours",
        "# and theirs",
        "# of a",
        "# in a",
        'path = "a"',
        'path = "b"',
        "# of c",
        "# in c",
        'path = "c"',
    ]
    assert lock.read(file).dropped == 0


ENTRY = lock.as_toml(Lock(Path("pv.lock"), Path(), (PIN,))).partition("\n\n")[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[contract]", "not TOML"),
        ("a = " + "[" * 5000, "nested too deep"),
        (ENTRY + "\0", "NUL at line 9"),
        ("contract = 1", "must be a list of tables"),
        ("contract = [1]", "must be a list of tables"),
        ("[[contracts]]\n", "did you mean 'contract'?"),
        (ENTRY.replace("branch", "brunch"), "contract 1: unknown key 'brunch'; did you mean 'branch'?"),
        (ENTRY.replace('branch = "main"\n', ""), "contract 1: lacks branch"),
        (ENTRY.replace('"main"', "3"), "contract 1: branch must be text in quotes, not int"),
        (ENTRY + ENTRY, "pinned twice"),
        (ENTRY + ENTRY.replace(FILE, "../x", 1), "contract 2: path '../x' leaves its tree"),
        (ENTRY.replace("./up.git", "ext::sh -c id"), "transport helper"),
        (ENTRY.replace("./up.git", "::sh"), "transport helper"),
        (ENTRY.replace("./up.git", "-u"), "read as an option"),
        (ENTRY.replace("a" * 40, "abcdef0"), "needs all 40"),
        (ENTRY.replace("b" * 64, "B" * 64), "is no sha256"),
        (ENTRY.replace("04:00:00Z", "04:00:00"), "time zone"),
        (ENTRY.replace("04:00:00Z", "04:00Z\\u0000"), "holds the control character U+0000"),
        (ENTRY.replace("2026-11-22T", "soon"), "is no moment"),
    ],
)
def test_a_lock_that_cannot_be_used_is_refused_by_name_and_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "pv.lock"
    file.write_text(text)
    with pytest.raises(UsageProblem) as caught:
        lock.read(file)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")


def test_a_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "pv.lock").write_text(ENTRY.replace("./up.git", "https://me:hunter2@h/r"))
    with pytest.raises(UsageProblem, match="password") as caught:
        lock.read(tmp_path / "pv.lock")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"\xff", b"#" * (lock.MAX_BYTES + 1)])
def test_what_is_no_text_or_endless_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "pv.lock").write_bytes(raw)
    with pytest.raises(UsageProblem, match=r"not UTF-8 at byte offset 0|more than 4 MiB"):
        lock.read(tmp_path / "pv.lock")


def test_a_pipe_is_no_lock_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pv.lock")
    with pytest.raises(UsageProblem, match="no plain file"):
        lock.read(tmp_path / "pv.lock")


def test_a_lock_that_cannot_be_put_in_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Lock(tmp_path / "pv.lock", tmp_path, (PIN,))
    lock.write(made)
    before = made.file.read_bytes()

    def full(_from: str, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageProblem, match="No space left"):
        lock.write(lock.with_pin(made, replace(PIN, path="other")))
    assert made.file.read_bytes() == before
    assert os.listdir(tmp_path) == ["pv.lock"]  # noqa: PTH208  names are what matters


FLAT = """\
# Pin lock
aprender_repo:        paiml/aprender
aprender_commit:      f5cfbb370   # short
aprender_branch:      main
aprender_pr:          1078
aprender_pr_state:    OPEN
aprender_path:        contracts/x-v1.yaml
contract_path:        contracts/x-v1.yaml
contract_sha256:      "%s"
last_synced_utc:      2026-04-27T08:30:00Z
note: |
  contract_path: this is prose

  # and so is this
""" % ("b" * 64)


def test_the_flat_lock_of_upstream_is_read(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    file = tmp_path / "contracts" / "pin.lock"
    file.write_text(FLAT)
    config = Config(tmp_path, (tmp_path / "contracts",), (), tmp_path / "l")
    assert finding.find(config) == file
    read = finding.read(file, config)
    assert read.root == tmp_path
    assert read.pins == (
        Pin(FILE, "https://github.com/paiml/aprender", "main", "f5cfbb370", FILE, "b" * 64, "2026-04-27T08:30:00Z"),
    )
    (result,) = compare.check(read, read.pins)
    assert "9 digits" in result.notes[0]
    assert result.findings == ("local file: no such file",)
    with pytest.raises(UsageProblem, match="read and never written"):
        finding.read_or_new(file)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("aprender_pr:", "aprender_br:", ":5: unknown key 'aprender_br'; did you mean"),
        ("aprender_pr:  ", "contract_path: y #", ":8: contract_path stands twice"),
        ("aprender_branch:      main\n", "", "lacks aprender_branch"),
        ("# Pin lock", "Pin lock", ":1: 'Pin lock' is no line of the form"),
        ("f5cfbb370", "HEAD", "is no commit"),
        ("paiml/aprender", "ext::sh", "transport helper"),
        ("contract_path:        contracts/", "contract_path: ../", "leaves its tree"),
    ],
)
def test_a_flat_lock_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "pin.lock"
    assert old in FLAT
    file.write_text(FLAT.replace(old, new, 1))
    with pytest.raises(UsageProblem) as caught:
        finding.read(file, Config(tmp_path, (), (), tmp_path / "l"))
    assert words in str(caught.value)


@pytest.mark.parametrize("filters", ["true", "false"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_copy_of_what_the_branch_has_is_ok(
    pinned: Callable[..., Lock], up: Upstream, tmp_path: Path, filters: str, scheme: str
) -> None:
    up.git("config", "uploadpack.allowFilter", filters)
    up.commit("unrelated", "other.txt")
    result = trip(pinned(source=f"{scheme}{up.folder}"))
    assert (result.word(strict=True), result.findings, result.behind) == ("ok", (), "")
    assert result.local == result.upstream == sha256(tmp_path / FILE)


def test_a_newer_version_upstream_is_told_and_is_a_finding_where_strict(
    pinned: Callable[..., Lock], up: Upstream
) -> None:
    made = pinned()
    up.commit("a: 2\n")
    result = trip(made)
    assert "another version" in result.behind
    assert (result.word(), result.word(strict=True)) == ("ok", "FINDING")
    up.git("rm", "-q", FILE)
    up.git("commit", "-q", "-m", "m")
    assert "no longer has this file" in trip(made).behind


def test_an_edit_that_was_hashed_again_is_found_upstream_alone(pinned: Callable[..., Lock], tmp_path: Path) -> None:
    made = pinned()
    (tmp_path / FILE).write_text("edited")
    made = replace(made, pins=(replace(made.pins[0], sha256=sha256(tmp_path / FILE)),))
    assert compare.check(made, made.pins)[0].findings == ()
    result = trip(made)
    assert len(result.findings) == 1
    assert "hashed again" in result.findings[0]


def test_an_edit_is_found_with_both_hashes(pinned: Callable[..., Lock], tmp_path: Path) -> None:
    made = pinned()
    (tmp_path / FILE).write_text("edited")
    (found,) = compare.check(made, made.pins)
    assert found.findings == (f"local file: expected sha256 {made.pins[0].sha256}, found {sha256(tmp_path / FILE)}",)
    assert trip(made).findings == found.findings


def test_a_lock_that_alone_was_changed_is_found(pinned: Callable[..., Lock]) -> None:
    result = trip(pinned(sha256="c" * 64))
    assert len(result.findings) == 2
    assert "the local file is upstream's" in result.findings[1]


def test_a_commit_of_a_branch_that_was_never_merged_is_found(pinned: Callable[..., Lock], up: Upstream) -> None:
    up.git("checkout", "-q", "-b", "feature")
    feature = up.commit("a: 3\n")
    made = pinned(commit=feature)
    up.git("checkout", "-q", "main")
    (found,) = trip(made).findings
    assert (
        found
        == f"commit {feature} is not on branch main: upstream holds it elsewhere, as a branch that was never merged would be"
    )
    on_it = replace(made, pins=(replace(made.pins[0], branch="feature"),))
    assert trip(on_it).word() == "ok"
    up.git("branch", "-q", "-D", "feature")
    assert trip(on_it).findings == ("there is no branch feature upstream",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commit": "0" * 40}, "is not on branch main upstream"),
        ({"upstream_path": "other.yaml"}, "upstream has no file other.yaml"),
        ({"upstream_path": "contracts"}, "is a folder upstream"),
        ({"upstream_path": "link"}, "is a symbolic link upstream"),
        ({"branch": "nobranch"}, "there is no branch nobranch"),
    ],
)
def test_what_upstream_lacks_is_a_finding(
    pinned: Callable[..., Lock], up: Upstream, change: dict[str, str], words: str
) -> None:
    (up.folder / "link").symlink_to("/etc/passwd")
    up.commit("a: 1\n")
    result = trip(pinned(**change))
    assert result.word() == "FINDING"
    assert words in result.findings[0]


def test_what_cannot_be_reached_is_not_run_and_findings_weigh_more(
    pinned: Callable[..., Lock], up: Upstream, tmp_path: Path
) -> None:
    made = pinned()
    gone = replace(made.pins[0], source="./nowhere")
    made = replace(made, pins=(gone, replace(made.pins[0], path="other")))
    (tmp_path / "other").write_bytes((up.folder / FILE).read_bytes())
    first, second = compare.roundtrip(made, made.pins, silent)
    assert (first.word(), second.word()) == ("NOT RUN", "ok")
    assert "./nowhere" in first.not_run
    (tmp_path / FILE).write_text("edited")
    assert compare.roundtrip(made, made.pins, silent)[0].word() == "FINDING"


def test_without_git_nothing_is_known(pinned: Callable[..., Lock], monkeypatch: pytest.MonkeyPatch) -> None:
    made = pinned()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert trip(made).not_run.endswith("git is not installed")


def test_git_that_hangs_is_ended_with_all_that_it_started(
    pinned: Callable[..., Lock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pinned()
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nsleep 100 &\necho $! > {tmp_path}/child\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setattr(upstream, "SECONDS", 0.2)
    monkeypatch.setattr(upstream, "_TICK", 0.1)
    heard: list[str] = []
    (result,) = compare.roundtrip(made, made.pins, lambda source, what, _: heard.append(f"{what} {source}"))
    assert "took more than" in result.not_run
    assert "ls-remote ./up.git" in heard
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    waited = 0
    while _lives(child) and waited < 100:  # what was killed still has to be scheduled once, to die
        time.sleep(0.1)
        waited += 1
    assert not _lives(child)


def _lives(process: Path) -> bool:
    try:
        return "Z" not in (process / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_wait_is_told_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    from pv.commands.pin import _Waiting

    for stream, expected in ((Terminal(), "\r\x1b[Kpv: git fetch ./a\\u{1b} … 3 s\r\x1b[K"), (io.StringIO(), "")):
        monkeypatch.setattr("sys.stderr", stream)
        with _Waiting() as waiting:
            waiting("./a\x1b", "fetch", 1.5)
            waiting("./a\x1b", "fetch", 3.0)
        assert stream.getvalue() == expected


def test_large_files_are_not_taken(pinned: Callable[..., Lock], up: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    up.commit("a" * 100)
    made = pinned()
    monkeypatch.setattr(upstream, "MAX_BLOB", 99)
    assert "has 100 bytes upstream" in trip(made).findings[0]


def test_a_program_is_not_run_however_a_source_is_rewritten(
    pinned: Callable[..., Lock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    mark = tmp_path / "it-ran"
    config.write_text(f'[url "ext::touch {mark} %S"]\n\tinsteadOf = https://h/\n[protocol "ext"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    result = trip(pinned(source="https://h/r"))
    assert "transport 'ext' not allowed" in result.not_run
    assert not mark.exists()


def test_a_hook_that_calls_us_does_not_lead_to_its_own_repository(
    pinned: Callable[..., Lock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pinned()
    other = Upstream(tmp_path / "other.git")
    other.commit("not ours")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / ".git" / "index"))
    assert trip(made).word(strict=True) == "ok"
    assert "refs/pv" not in other.git("for-each-ref")


def test_repositories_with_sha256_names_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    up = Upstream(tmp_path / "up.git")
    commit = up.commit("a: 1\n")
    assert len(commit) == 64
    monkeypatch.delenv("GIT_DEFAULT_HASH")
    with opened(str(up.folder), "main", lambda _what, _seconds: None) as read:
        assert read.has(commit)
        assert read.resolve(commit[:12]) == commit


def test_a_pin_is_made_of_what_upstream_holds(tmp_path: Path, up: Upstream) -> None:
    first = up.git("rev-parse", "main")
    up.git("tag", "-a", "-m", "m", "v1")
    up.commit("a: 2\n")
    empty = Lock(tmp_path / "pv.lock", tmp_path, ())
    with pytest.raises(UsageProblem, match="--write puts upstream's bytes there"):
        adding.add(empty, adding.Wish(FILE, "./up.git"), silent)
    added = adding.add(empty, adding.Wish(FILE, "./up.git", commit="v1", take_bytes=True), silent)
    assert (tmp_path / FILE).read_text() == "a: 1\n"
    assert (added.pin.commit, added.wrote_file, added.before) == (first, True, None)
    read = lock.read(tmp_path / "pv.lock")
    assert read.pins == (added.pin,)
    again = adding.add(read, adding.Wish(FILE, commit=first[:9]), silent)
    assert (again.pin.commit, again.wrote_file) == (first, False)
    assert trip(read).word() == "ok"


def test_a_pin_that_another_made_meanwhile_is_kept(tmp_path: Path, up: Upstream) -> None:
    del up
    lock.write(Lock(tmp_path / "pv.lock", tmp_path, (replace(PIN, path="other"),)))
    before = Lock(tmp_path / "pv.lock", tmp_path, ())
    adding.add(before, adding.Wish(FILE, "./up.git", take_bytes=True), silent)
    assert [one.path for one in lock.read(tmp_path / "pv.lock").pins] == [FILE, "other"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"source": "./up.git", "commit": "deadbeef"}, "is no commit of branch main"),
        ({"source": "./up.git", "commit": "0" * 40}, "is not on branch main"),
        ({"source": "./up.git", "commit": "no-tag"}, "has no tag no-tag"),
        ({"source": "./up.git", "commit": "--all"}, "is no commit and no tag"),
        ({"source": "./up.git", "commit": "feature-commit"}, "is not on branch main"),
        ({"source": "./up.git", "upstream_path": "zz"}, "upstream has no file zz"),
        ({"source": "./up.git"}, "nothing was pinned"),
    ],
)
def test_no_pin_is_made_of_what_upstream_does_not_hold(
    tmp_path: Path, up: Upstream, wish: dict[str, Any], words: str
) -> None:
    if wish.get("commit") == "feature-commit":
        up.git("checkout", "-q", "-b", "feature")
        wish = {**wish, "commit": up.commit("a: 9\n")}
        up.git("checkout", "-q", "main")
    (tmp_path / "contracts").mkdir()
    (tmp_path / FILE).write_text("ours")
    with pytest.raises(Refused) as caught:
        adding.add(Lock(tmp_path / "pv.lock", tmp_path, ()), adding.Wish(FILE, **wish), silent)
    assert words in str(caught.value)
    assert not (tmp_path / "pv.lock").exists()
    assert (tmp_path / FILE).read_text() == "ours"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "not pinned yet"),
        ({"source": "ext::sh"}, "transport helper"),
        ({"source": "./up.git", "upstream_path": "../x"}, "leaves its tree"),
        ({"source": "./up.git", "branch": "-x"}, "no name of a branch"),
    ],
)
def test_what_may_not_be_asked_for_is_refused(tmp_path: Path, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        adding.add(Lock(tmp_path / "pv.lock", tmp_path, ()), adding.Wish(FILE, **wish), silent)


def test_nothing_is_written_through_a_link_that_leaves_the_project(tmp_path: Path, up: Upstream) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside").mkdir()
    (root / "contracts").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageProblem, match="leads out of the project"):
        adding.add(Lock(root / "pv.lock", root, ()), adding.Wish(FILE, str(up.folder), take_bytes=True), silent)
    assert not any((tmp_path / "outside").iterdir())


def test_a_source_that_cannot_be_read_makes_no_pin(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / FILE).write_text("ours")
    with pytest.raises(NotRun):
        adding.add(Lock(tmp_path / "pv.lock", tmp_path, ()), adding.Wish(FILE, "./nowhere"), silent)
    assert not (tmp_path / "pv.lock").exists()


def test_a_copy_that_is_none_is_a_grave_remark(pinned: Callable[..., Lock], tmp_path: Path) -> None:
    config = Config(tmp_path, (tmp_path / "contracts",), (), tmp_path / "l")
    assert pin_remarks(config) == {}
    pinned()
    assert pin_remarks(config) == {}
    (tmp_path / FILE).write_text("edited")
    ((path, (remark,)),) = pin_remarks(config).items()
    assert (path, remark.topic, remark.grave) == (FILE, Topic.PIN, True)
    (tmp_path / FILE).unlink()
    assert "no such file" in pin_remarks(config)[FILE][0].text
    (tmp_path / "pv.lock").write_text("[")
    with pytest.raises(UsageProblem):
        pin_remarks(config)
