"""The digest of a folder says what is in it, whatever lies there, and says the same for the same."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from pv.digest import sha256

if TYPE_CHECKING:
    from pathlib import Path


def digest_of(*entries: tuple[str, str]) -> str:
    """What the definition makes of names and contents: a folder's own entries before those below it, by name."""
    lines = "".join(f"{name}\0{content}\n" for name, content in entries)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def content(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders of which one's name is the beginning of a file's, and what Python derives."""
    top = tmp_path / "top"
    for name, text in {
        "b/x.py": "1",
        "b/__pycache__/x.pyc": "?",
        "b/deep/y.py": "2",
        "b-/z.py": "3",
        "b.py": "4",
        "a.pyc": "?",
        "__pycache__/seen": "?",
        "folder.pyc/in": "5",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / "empty").mkdir()
    return top


FILES = [("b.py", content("4")), ("b/x.py", content("1")), ("b/deep/y.py", content("2"))]
BELOW = [("b-/z.py", content("3")), ("folder.pyc/in", content("5"))]


def test_files_by_name_and_folders_after_them(folder: Path) -> None:
    assert sha256(folder) == digest_of(*FILES, BELOW[0], BELOW[1])


def test_links_and_what_is_no_file(folder: Path) -> None:
    (folder / "around").symlink_to("around")
    (folder / "nowhere").symlink_to("not/there")
    (folder / "to-b").symlink_to("b")  # its files count once, where they are
    (folder / "to-file").symlink_to("b.py")
    (folder / "to-b.pyc").symlink_to("b")
    os.mkfifo(folder / "pipe")
    (folder / "to-pipe").symlink_to("pipe")
    own = [
        ("around", "-> around"),
        FILES[0],
        ("nowhere", "-> not/there"),
        ("pipe", "no file"),
        ("to-b", "-> b"),
        ("to-file", content("4")),
        ("to-pipe", "-> pipe"),
    ]
    assert sha256(folder) == digest_of(*own, *FILES[1:], *BELOW)


def test_a_name_that_is_no_text(folder: Path) -> None:
    name = os.fsdecode(b"odd-\xff")
    (folder / name).write_text("6")
    assert sha256(folder) == digest_of(FILES[0], (name, content("6")), *FILES[1:], *BELOW)


@pytest.mark.parametrize("name", ["b/deep/y.py", "b-/z.py", "folder.pyc/in"])
def test_every_change_below_is_seen(folder: Path, name: str) -> None:
    before = sha256(folder)
    (folder / name).write_text("other")
    assert sha256(folder) != before
    (folder / name).unlink()
    assert sha256(folder) != before


def test_what_is_neither_a_file_nor_a_folder_has_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a regular file nor a folder"):
        sha256(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such file"):
        sha256(tmp_path / "nothing")
