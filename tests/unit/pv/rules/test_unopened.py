"""Files that cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.corpus import read

if TYPE_CHECKING:
    from pathlib import Path

CODE = "PV001"


def test_a_file_that_is_there_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    assert CODE not in {one.code for one in read(tmp_path / "a.yaml").findings}


def test_nothing_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "directory")):
        (found,) = read(path, "a.yaml").findings
        assert (found.code, found.path, found.span.line) == (CODE, "a.yaml", 1)
        assert words in found.message
