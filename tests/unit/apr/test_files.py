"""Putting a file in its place, whatever is there already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apr.errors import UsageError
from apr.formats.files import replacing


def put(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["pipe", "link"])
def test_what_is_no_file_stays(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(UsageError, match="is no regular file"):
        put(tmp_path / name, "x")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("old")
    (tmp_path / "link").symlink_to("there/file")
    (tmp_path / "new").symlink_to("there/made")
    put(tmp_path / "link", "one")
    put(tmp_path / "new", "two")
    assert [path.readlink() for path in (tmp_path / "link", tmp_path / "new")] == [
        Path("there/file"),
        Path("there/made"),
    ]
    assert {path.name: path.read_text() for path in (tmp_path / "there").iterdir()} == {"file": "one", "made": "two"}


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "file") as temporary:
            temporary.write_text("new")
            raise KeyError

    (tmp_path / "file").write_text("old")
    with pytest.raises(KeyError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]
