"""A folder that nothing leaves: attacks on it, and what must still work."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.agent import confinement as confinement_module
from apr.agent.confinement import Confinement, Refused
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = b"nobody in there may read this"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a secret beside the working folder, whose name begins like the working folder's."""
    folder = tmp_path / "work-not"
    folder.mkdir()
    (folder / "secret").write_bytes(SECRET)
    return folder


@pytest.fixture
def room(tmp_path: Path, outside: Path) -> Iterator[Confinement]:
    work = tmp_path / "work"
    (work / "deep" / "er").mkdir(parents=True)
    (work / "a.txt").write_bytes(b"a")
    (work / "deep" / "b.txt").write_bytes(b"b")
    (work / "out").symlink_to(outside)
    (work / "out-relative").symlink_to("../work-not")
    (work / "secret-link").symlink_to(outside / "secret")
    (work / "deep" / "up").symlink_to("../..")
    (work / "chain").symlink_to("chain2")
    (work / "chain2").symlink_to("out/secret")
    (work / "round").symlink_to("round2")
    (work / "round2").symlink_to("round")
    (work / "proc").symlink_to("/proc/self/root")
    (work / "almost").symlink_to(f"{work}-not/secret")
    (work / "back").symlink_to(f"{work}/../work-not/secret")
    (work / "dangling").symlink_to("../work-not/new")
    os.mkfifo(work / "pipe")
    (work / "device").symlink_to("/dev/zero")
    confinement = Confinement(work)
    yield confinement
    confinement.close()


ATTACKS = [
    "../work-not/secret",
    "{outside}/secret",
    "deep/../../work-not/secret",
    "deep/er/../../../work-not/secret",
    "./.././work-not//secret",
    "out/secret",
    "out-relative/secret",
    "secret-link",
    "deep/up/work-not/secret",
    "chain",
    "proc{outside}/secret",
    "almost",
    "back",
    "/proc/self/root{outside}/secret",
    "/proc/self/cwd/a.txt",
    "//etc/passwd",
    "/etc/passwd",
    "{work}-not/secret",
    "{work}/../work-not/secret",
    "{work}/deep/../../work-not/secret",
    "deep/up/work/../work-not/secret",
    "out/../work-not/secret",
    "..",
    "../",
    "/",
    "/..",
    "dangling",
    "out/new",
    "out/new/er/secret",
    "device",
]
NO_PATHS = [
    "",
    "a\0b",
    "a.txt\0",
    "\ud800",
    "\udc80",
    "round",
    "x" * 300,
    "./" * 3000 + "a.txt",
    "a.txt/b",
    "missing/../a.txt",
    "pipe",
]


def _filled(attack: str, room: Confinement, outside: Path) -> str:
    return attack.format(work=room.root, outside=outside)


def _state(folder: Path) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        found[str(path)] = path.read_bytes() if stat.S_ISREG(mode) else str(mode)
    return found


@pytest.mark.parametrize("attack", [*ATTACKS, *NO_PATHS])
def test_nothing_is_read_through(attack: str, room: Confinement, outside: Path) -> None:
    with pytest.raises(Refused) as refusal:
        room.read(_filled(attack, room, outside) if attack in ATTACKS else attack, 1000)
    assert SECRET.decode() not in str(refusal.value)


@pytest.mark.parametrize("attack", [*ATTACKS, *(one for one in NO_PATHS if one != "missing/../a.txt")])
def test_nothing_is_written_through_and_nothing_is_left(attack: str, room: Confinement, outside: Path) -> None:
    before = _state(room.root.parent)
    with pytest.raises(Refused):
        room.replace(_filled(attack, room, outside) if attack in ATTACKS else attack, b"bad", make_folders=True)
    assert _state(room.root.parent) == before


def test_folders_are_not_made_on_a_way_that_is_refused(room: Confinement) -> None:
    before = _state(room.root)
    for path in ("new/../../work-not/x", "new/er/../../../x", "missing/../a.txt"):
        with pytest.raises(Refused):
            room.replace(path, b"bad", make_folders=True)
    assert _state(room.root) == before
    assert room.replace("new/er/x", b"good", make_folders=True) == ("new/er/x", False)
    with pytest.raises(Refused, match="no folder 'other'"):
        room.replace("other/x", b"bad")


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("a.txt", "a.txt"),
        ("./deep//b.txt", "deep/b.txt"),
        ("deep/../a.txt", "a.txt"),
        ("deep/er/../b.txt", "deep/b.txt"),
        ("{work}/deep/b.txt", "deep/b.txt"),
        ("{work}/deep/../a.txt", "a.txt"),
        ("inner", "deep/b.txt"),
        ("folder/b.txt", "deep/b.txt"),
        ("folder/er/../b.txt", "deep/b.txt"),
        ("whole", "a.txt"),
        ("deep/er/whole", "a.txt"),
        ("deep/er/top/deep/b.txt", "deep/b.txt"),
        ("~", "~"),
        ("zwölf\n$(x)", "zwölf\n$(x)"),
    ],
)
def test_what_is_inside_is_reached(path: str, inside: str, room: Confinement) -> None:
    (room.root / "inner").symlink_to("deep/b.txt")
    (room.root / "folder").symlink_to("deep/er/..")
    (room.root / "whole").symlink_to(room.root / "a.txt")
    (room.root / "deep" / "er" / "whole").symlink_to(room.root / "a.txt")
    (room.root / "deep" / "er" / "top").symlink_to(room.root)
    for name in ("~", "zwölf\n$(x)"):
        (room.root / name).write_text(name)
    assert room.read(path.format(work=room.root), 1000) == (inside, (room.root / inside).read_bytes())


def test_the_folder_may_be_given_through_a_link_and_both_names_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"a")
    (tmp_path / "name").symlink_to("real")
    room = Confinement(tmp_path / "name")
    assert room.root == tmp_path / "real"
    for path in (tmp_path / "name" / "a", tmp_path / "real" / "a"):
        assert room.read(str(path), 9) == ("a", b"a")
    room.close()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "round").symlink_to("round")
    for name in ("file", "missing", "round"):
        with pytest.raises(UsageError, match=f"{name}: cannot be the working folder"):
            Confinement(tmp_path / name)


def test_pipes_sockets_folders_and_devices_are_no_files_and_keep_nobody_waiting(
    room: Confinement, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "work" / "socket"))
        for path, kind in (("pipe", "a named pipe"), ("deep", "a folder"), (".", "a folder"), ("socket", "a socket")):
            with pytest.raises(Refused, match=kind):
                room.read(path, 1000)
            with pytest.raises(Refused, match=kind):
                room.replace(path, b"x")


def test_a_hard_link_to_outside_is_read_and_writing_leaves_the_other_name_as_it_was(
    room: Confinement, outside: Path
) -> None:
    (room.root / "hard").hardlink_to(outside / "secret")
    assert room.read("hard", 1000)[1] == SECRET
    room.replace("hard", b"mine")
    assert (room.root / "hard").read_bytes() == b"mine"
    assert (outside / "secret").read_bytes() == SECRET


def test_a_file_too_large_is_refused_and_one_that_just_fits_is_not(room: Confinement) -> None:
    (room.root / "big").write_bytes(b"x" * 11)
    assert len(room.read("big", 11)[1]) == 11
    with pytest.raises(Refused, match="larger than 10 bytes"):
        room.read("big", 10)


def test_permissions_are_kept_but_for_what_would_lend_them_to_others(room: Confinement) -> None:
    file = room.root / "a.txt"
    file.chmod(0o4751)
    assert room.replace("a.txt", b"new") == ("a.txt", True)
    assert (stat.S_IMODE(file.stat().st_mode), file.read_bytes()) == (0o751, b"new")
    file.chmod(0o555)
    with pytest.raises(Refused, match="write-protected"):
        room.replace("a.txt", b"newer")
    assert file.read_bytes() == b"new"


def test_a_link_to_a_file_inside_stays_a_link_when_it_is_written(room: Confinement) -> None:
    (room.root / "inner").symlink_to("deep/b.txt")
    assert room.replace("inner", b"new") == ("deep/b.txt", True)
    assert (room.root / "inner").is_symlink()
    assert (room.root / "deep" / "b.txt").read_bytes() == b"new"


def test_a_write_that_fails_leaves_nothing(room: Confinement, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = _state(room.root)
    monkeypatch.setattr("apr.agent.confinement.os.rename", full)
    with pytest.raises(Refused, match="No space left on device"):
        room.replace("a.txt", b"new")
    assert _state(room.root) == before


def test_no_descriptor_is_left_open(room: Confinement, outside: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for attack in ATTACKS:
        with pytest.raises(Refused):
            room.read(_filled(attack, room, outside), 10)
    room.read("deep/er/../b.txt", 10)
    room.replace("n/e/w", b"", make_folders=True)
    assert count() == before


@pytest.mark.parametrize("what", ["folder", "file"])
def test_who_exchanges_it_for_a_link_meanwhile_gets_nothing_either(what: str, tmp_path: Path, outside: Path) -> None:
    """One thread exchanges the folder (or the file) for a link to outside and back, as fast as it can."""
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "sub" / "secret").write_bytes(b"harmless")
    (work / "trap").symlink_to(outside if what == "folder" else outside / "secret")
    honest, kept = (work / "sub", work / "kept") if what == "folder" else (work / "sub" / "secret", work / "kept")
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            honest.rename(kept)
            (work / "trap").rename(honest)
            honest.rename(work / "trap")
            kept.rename(honest)

    room = Confinement(work)
    read = refused = 0
    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for turn in range(3000):
            try:
                assert room.read("sub/secret", 1000)[1] == b"harmless"
                read += 1
                if turn % 10 == 0 and what == "folder":
                    room.replace("sub/secret", b"harmless")
            except Refused:
                refused += 1
    finally:
        stop.set()
        thread.join()
        room.close()
    assert read
    assert refused  # else nothing was exchanged at the right moment, and this shows nothing
    assert _state(outside) == {str(outside / "secret"): SECRET}


@pytest.mark.parametrize("path", ["sub/secret", "sub/er/secret", "sub"])
def test_a_folder_that_becomes_a_link_after_it_was_looked_at_is_refused(
    path: str, tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange at the worst moment: the name is known to be no link, and not opened yet."""
    work = tmp_path / "work"
    (work / "sub" / "er").mkdir(parents=True)
    (work / "sub" / "secret").write_bytes(b"harmless")
    (outside / "er").mkdir()
    (outside / "er" / "secret").write_bytes(SECRET)
    look = confinement_module._link_target

    def exchanged(name: str, folder: int) -> str | None:
        target = look(name, folder)
        if name == "sub" and not (work / "sub").is_symlink():
            (work / "sub").rename(work / "kept")
            (work / "sub").symlink_to(outside)
        return target

    monkeypatch.setattr(confinement_module, "_link_target", exchanged)
    room = Confinement(work)
    before = _state(outside)
    for attempt in (lambda: room.read(path, 1000), lambda: room.replace(path, b"bad", make_folders=True)):
        with pytest.raises(Refused):
            attempt()
        (work / "sub").unlink()
        (work / "kept").rename(work / "sub")
    room.close()
    assert _state(outside) == before


@pytest.mark.parametrize("becomes", ["link", "pipe", "folder"])
def test_a_file_that_becomes_something_else_after_it_was_looked_at_is_refused(
    becomes: str, room: Confinement, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, file = confinement_module._check_regular, room.root / "a.txt"

    def exchanged(found: os.stat_result, shown: str) -> None:
        look(found, shown)
        file.unlink()
        if becomes == "link":
            file.symlink_to(outside / "secret")
        elif becomes == "pipe":
            os.mkfifo(file)  # whoever opens it as usual waits for ever
        else:
            file.mkdir()

    monkeypatch.setattr(confinement_module, "_check_regular", exchanged)
    with pytest.raises(Refused):
        room.read("a.txt", 1000)


_NAMES = st.sampled_from(["a", "b", "c", "..", ".", "", "l0", "l1", "l2"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=6).map("/".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    links=st.lists(
        st.tuples(st.sampled_from(["", "a", "a/b", "c"]), _PATHS, st.sampled_from(["", "/", "in"])), max_size=3
    ),
    path=_PATHS,
)
def test_what_is_read_is_what_the_system_finds_there_and_it_is_inside(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str, str]], path: str
) -> None:
    top = tmp_path_factory.mktemp("top")
    work = top / "work"
    (work / "a" / "b").mkdir(parents=True)
    (work / "c").mkdir()
    for file in ("b", "a/a", "a/c", "a/b/a", "c/a", "c/b"):
        if not (work / file).exists():
            (work / file).write_text(f"inside {file}")
    for name in ("a", "b", "c"):
        (top / name).write_text("outside")
    for number, (folder, target, kind) in enumerate(links):
        link = work / folder / f"l{number}"
        if target:
            link.symlink_to(f"{work}/{target}" if kind == "in" else kind + target)
    room = Confinement(work)
    real = Path(os.path.realpath(work / path))
    within = real.is_relative_to(work)
    try:
        inside, content = room.read(path, 1000)
    except Refused:
        # a way that never goes back is refused only where it leads nowhere, or outside
        if ".." not in path and not any(".." in target for _, target, _ in links):
            assert not (within and real.is_file())
    else:
        assert (within, str(work / inside), content) == (True, str(real), real.read_bytes())
        assert content.startswith(b"inside")
    finally:
        room.close()
