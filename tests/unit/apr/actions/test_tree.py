"""Snapshots of folders: what counts, what is left out, what is refused, and their one number."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.actions import tree
from apr.actions.tree import Exclusions, Leaf, Tree, snapshot, tree_sha256
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable


def fill(root: Path, **files: bytes) -> Path:
    """Writes files; a `__` in a keyword is a `/`, a `_` a full stop."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_files_links_and_modes(tmp_path: Path) -> None:
    fill(tmp_path, a_txt=b"one", sub__b=b"", sub__deep__c=b"three")
    (tmp_path / "run").write_bytes(b"#!")
    (tmp_path / "run").chmod(0o744)
    (tmp_path / "sub" / "up").symlink_to("../a.txt")
    (tmp_path / "empty").mkdir()
    assert snapshot(tmp_path) == {
        "a.txt": Leaf(sha(b"one"), executable=False, link=None),
        "sub/b": Leaf(sha(b"")),
        "sub/deep/c": Leaf(sha(b"three")),
        "run": Leaf(sha(b"#!"), executable=True),
        "sub/up": Leaf(sha(b"../a.txt"), link="../a.txt"),
    }


def test_the_number_by_its_format() -> None:
    leaves = {"b": Leaf("1" * 64, executable=True), "a/z": Leaf("0" * 64), "a-": Leaf("2" * 64, link="x")}
    text = b"apr-tree-v1\0"
    text += b"120000 %s a-\0" % (b"2" * 64) + b"100644 %s a/z\0" % (b"0" * 64) + b"100755 %s b\0" % (b"1" * 64)
    assert tree_sha256(leaves) == sha(text)
    assert tree_sha256(dict(reversed(leaves.items()))) == sha(text)
    assert tree_sha256({}) == sha(b"apr-tree-v1\0")


def changes() -> dict[str, Callable[[Path], object]]:
    def renamed(root: Path) -> None:
        (root / "a.txt").rename(root / "b.txt")

    def linked(root: Path) -> None:
        (root / "a.txt").unlink()
        (root / "a.txt").symlink_to("one")  # as many bytes, another kind

    def swapped(root: Path) -> None:
        (root / "a.txt").write_bytes(b"two")
        (root / "sub" / "c").write_bytes(b"one")

    def linked_elsewhere(root: Path) -> None:
        (root / "l").unlink()
        (root / "l").symlink_to("elsewhere")

    return {
        "content": lambda root: (root / "a.txt").write_bytes(b"onE"),
        "mode": lambda root: (root / "a.txt").chmod(0o755),
        "new": lambda root: (root / "new").touch(),
        "gone": lambda root: (root / "a.txt").unlink(),
        "renamed": renamed,
        "moved": lambda root: (root / "a.txt").rename(root / "sub" / "a.txt"),
        "linked": linked,
        "swapped": swapped,
        "linked_elsewhere": linked_elsewhere,
    }


@pytest.mark.parametrize("change", changes())
def test_every_change_changes_the_number(tmp_path: Path, change: str) -> None:
    fill(tmp_path, a_txt=b"one", sub__c=b"two")
    (tmp_path / "l").symlink_to("a.txt")
    before = tree_sha256(snapshot(tmp_path))
    changes()[change](tmp_path)
    assert tree_sha256(snapshot(tmp_path)) != before


def test_what_does_not_count(tmp_path: Path) -> None:
    fill(tmp_path, a_txt=b"one", sub__c=b"two")
    before = tree_sha256(snapshot(tmp_path))
    os.utime(tmp_path / "a.txt", (1, 1))
    (tmp_path / "a.txt").chmod(0o606)
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    fill(tmp_path, Cargo_lock=b"x", sub__target__o=b"x", sub__deep___git__HEAD=b"x", _git__config=b"x")
    assert tree_sha256(snapshot(tmp_path)) == before


def test_exclusions(tmp_path: Path) -> None:
    fill(tmp_path, target=b"a file", locks__a_lock_txt=b"", x__target__y=b"", x__z=b"", z=b"", w__git=b"")
    assert set(snapshot(tmp_path)) == {"target", "locks/a.lock.txt", "x/z", "z", "w/git"}
    assert set(snapshot(tmp_path, ("/z", "x/z", "locks/"))) == {"target", "x/target/y", "w/git"}
    assert set(snapshot(tmp_path, ("z", "w/git"))) == {"target", "locks/a.lock.txt", "x/target/y"}
    assert len(snapshot(tmp_path, ())) == 6


@given(st.lists(st.sampled_from(["a", "b.lock", "target", ".git", "z"]), min_size=1, max_size=4))
def test_a_path_is_left_out_if_the_walk_leaves_it_out(parts: list[str]) -> None:
    def walked(patterns: Exclusions) -> bool:
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if any(patterns.folder(path, path.split("/")[-1]) for path in above):
            return True
        return patterns.file("/".join(parts), parts[-1])

    for chosen in (tree.EXCLUDED, ("z", "/a/z", "a/target")):
        assert Exclusions(chosen).match("/".join(parts)) is walked(Exclusions(chosen))
    assert Exclusions(tree.EXCLUDED).match("/".join(parts)) is (
        ".git" in parts or "target" in parts[:-1] or parts[-1] == "b.lock"
    )


def test_links_are_never_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    fill(outside, secret=b"s")
    fill(inside, a=b"")
    (inside / "out").symlink_to(outside)
    (inside / "loop").symlink_to(".")
    (inside / "dangling").symlink_to("nowhere")
    assert {path: leaf.link for path, leaf in snapshot(inside).items()} == {
        "a": None,
        "out": str(outside),
        "loop": ".",
        "dangling": "nowhere",
    }
    (tmp_path / "door").symlink_to(inside)  # the folder itself may be reached by one
    assert snapshot(tmp_path / "door") == snapshot(inside)


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    if kind == "fifo":
        os.mkfifo("odd")
    else:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind("odd")
    with pytest.raises(UnusableInput, match=r"odd: is no file, folder or link.*move it"):
        snapshot(tmp_path)
    assert snapshot(tmp_path, ("odd",)) == {}


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableInput, match=r"nowhere: cannot be read: No such file"):
        snapshot(tmp_path / "nowhere")
    fill(tmp_path, sub__a=b"")
    with pytest.raises(UnusableInput, match=r"sub/a: cannot be read: Not a directory"):
        snapshot(tmp_path / "sub" / "a")
    real = os.open

    def refuse(path: Any, flags: int, *, dir_fd: int | None = None) -> int:
        if path == refused:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    for name, place in (("a", "sub/a"), ("sub", "sub")):
        refused = name
        with pytest.raises(UnusableInput, match=rf"{place}: cannot be read: Permission denied"):
            snapshot(tmp_path)


@pytest.mark.parametrize("what", ["grows", "vanishes", "becomes_a_link", "rewritten"])
def test_a_tree_that_changes_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    fill(tmp_path, a=b"one")
    path = tmp_path / "a"
    os.utime(path, ns=(1, 1))
    real_open, real_read = os.open, os.read

    def opened(name: Any, flags: int, *, dir_fd: int | None = None) -> int:
        if name == "a":
            if what == "vanishes":
                path.unlink()
            if what == "becomes_a_link":
                path.unlink()
                path.symlink_to(tmp_path)
        return real_open(name, flags, dir_fd=dir_fd)

    def read(file: int, size: int) -> bytes:
        content = real_read(file, size)
        if content and what in {"grows", "rewritten"}:
            path.write_bytes(b"one more" if what == "grows" else b"two")
        return content

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "read", read)
    problem = "changed while" if what in {"grows", "rewritten"} else "cannot be read"
    with pytest.raises(UnusableInput, match=rf"/a: {problem}"):
        snapshot(tmp_path)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    fill(tmp_path, a__b__c=b"", a__b__d=b"")
    os.mkfifo(tmp_path / "a" / "b" / "pipe")
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("the system does not list open files")
    before = len(list(descriptors.iterdir()))
    with pytest.raises(UnusableInput):
        snapshot(tmp_path)
    (tmp_path / "a" / "b" / "pipe").unlink()
    snapshot(tmp_path).content("a/b/c")
    assert len(list(descriptors.iterdir())) == before


def test_names_keep_their_bytes(tmp_path: Path) -> None:
    names = [b"\xff\xfe", "ü".encode(), b"new\nline", b" blank ", b"\xc3"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    found = snapshot(tmp_path)
    assert {path.encode("utf-8", "surrogateescape") for path in found} == set(names)
    assert all(found.content(path) == path.encode("utf-8", "surrogateescape") for path in found)
    assert len(tree_sha256(found)) == 64


def test_many_files_and_deep_folders(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / f"d{number}"
        folder.mkdir()
        for inner in range(100):
            (folder / f"f{inner}").write_bytes(b"%d" % (number * inner))
    deep = tmp_path / "/".join("x" * 1 for _ in range(200))
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"!")
    found = snapshot(tmp_path)
    assert len(found) == 2001
    assert found["d7/f9"].sha256 == sha(b"63")
    assert found["x/" * 200 + "bottom"].sha256 == sha(b"!")


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    content = os.urandom(1 << 16) * 40
    (tmp_path / "large").write_bytes(content)
    assert snapshot(tmp_path)["large"].sha256 == sha(content)


def test_a_file_larger_than_memory_is_not_held(tmp_path: Path) -> None:
    size = 64 << 20
    with (tmp_path / "model.gguf").open("wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        snapshot(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < size // 8
    finally:
        tracemalloc.stop()


def test_contents(tmp_path: Path) -> None:
    fill(tmp_path, a__b=b"one", Cargo_lock=b"lock", target__o=b"built")
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "door").symlink_to("a")
    (tmp_path / "bad.lock").symlink_to("/etc/passwd")
    found = snapshot(tmp_path)
    assert found.content("a/b") == b"one"
    assert found.content("Cargo.lock") == b"lock"
    assert found.content("target/o") == b"built"
    for missing in ("a/c", "link", "door/b", "a", "no.lock", "bad.lock", "../x", "a/../a/b"):
        assert found.content(missing) is None
    (tmp_path / "a" / "b").write_bytes(b"two")
    with pytest.raises(UnusableInput, match=r"a/b: changed while"):
        found.content("a/b")
    (tmp_path / "a" / "b").unlink()
    with pytest.raises(UnusableInput, match=r"a/b: cannot be read"):
        found.content("a/b")


def test_a_pipe_in_a_files_place_does_not_hang(tmp_path: Path) -> None:
    fill(tmp_path, a=b"one")
    found = snapshot(tmp_path)
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    seen: list[BaseException] = []

    def look() -> None:
        try:
            found.content("a")
        except UnusableInput as error:
            seen.append(error)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(20)
    assert [str(error) for error in seen] == [
        f"{tmp_path}/a: is no file, folder or link, so a snapshot cannot say what is in it; move it elsewhere"
    ]


def test_a_tree_is_a_dict_with_its_root(tmp_path: Path) -> None:
    found = snapshot(tmp_path, ("x",))
    assert isinstance(found, Tree)
    assert (found.root, found.excluded) == (tmp_path, ("x",))
