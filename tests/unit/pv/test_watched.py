from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pv
from pv.evidence import Evidence
from pv.watched import changed, first

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_digest_stays(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("1")
    pv.watch(code, str(code / "a.py"))
    before = first(code)
    assert not changed(code)
    (code / "a.py").write_text("2")
    assert (first(code), changed(code), changed(code / "a.py")) == (before, True, True)
    evidence = Evidence(tmp_path)
    evidence.input("source", code)
    assert evidence.as_dict()["inputs"][0]["sha256"] == before
    assert evidence.changed == ["source code"]
    (code / "a.py").unlink()
    assert changed(code / "a.py")


def test_what_is_missing_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pv.watch(tmp_path / "none")


def test_a_folder_that_is_not_below_the_root_is_no_input(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for folder in (root, tmp_path):
        with pytest.raises(ValueError, match="is no folder below"):
            Evidence(root).input("source", folder)
