"""The counterexamples that a session and its workers send to each other."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from pv.pytest_plugin.carried import pack_folder, unpack_folder
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = {"0/ab/cd": ""}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_comes_to_hold_what_was_sent_and_nothing_else(tmp_path: Path) -> None:
    for name, text in (("there/0/ab", b"new"), ("there/1/cd", b"\0"), ("here/0/ab", b"old"), ("here/2/ef", b"gone")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text)
    sent = pack_folder(tmp_path / "there")
    assert sent == {"0/ab": base64.b64encode(b"new").decode(), "1/cd": base64.b64encode(b"\0").decode()}
    unpack_folder(tmp_path / "here", sent)
    assert files(tmp_path / "here") == {"0/ab": b"new", "1/cd": b"\0"}


def test_a_stray_file_is_neither_sent_nor_removed(tmp_path: Path) -> None:
    for name in (".DS_Store", "0/.nfs01", "0/a b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"stray")
    assert pack_folder(tmp_path) == {}
    unpack_folder(tmp_path, EMPTY)
    assert files(tmp_path) == {**dict.fromkeys((".DS_Store", "0/.nfs01", "0/a b"), b"stray"), "0/ab/cd": b""}


@pytest.mark.parametrize("name", ["../x", "0/../../x", "/x", "0//x", "0/./x", ".x", "0\\..\\x", "x\n", ""])
def test_a_name_that_may_lead_out_of_the_folder_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "kept").touch()
    with pytest.raises(UsageProblem, match="is no name of a kept example"):
        unpack_folder(folder, {**EMPTY, name: ""})
    assert files(tmp_path) == {"a/b/kept": b""}
