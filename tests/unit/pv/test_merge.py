"""Merging where the disk, the file system or another process does not play along."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from pv import merge as module
from pv.ledger import append, verify
from pv.merge import merge
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from pv.ledger import Verified


def write(path: Path, name: str) -> Path:
    run = name * 32
    about = {"started": "2026-11-22T04:00:00+00:00", "pv": "1", "python": "3", "arguments": []}
    append(
        path,
        [
            {"kind": "run", "run": run, "commit": "a" * 40, "dirty": False, **about},
            {"kind": "end", "run": run, "cases": 0, "exit": 0},
        ],
    )
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / "one.jsonl", "1"), write(tmp_path / "two.jsonl", "2")]


def fails(problem: OSError) -> Any:
    def fail(*_arguments: object) -> None:
        raise problem

    return fail


def test_a_file_system_without_links_will_do(tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", fails(PermissionError(errno.EPERM, "no links")))
    out = tmp_path / "out.jsonl"
    assert merge(two, out).lines == verify(out).lines == 4
    assert sorted(tmp_path.iterdir()) == sorted([*two, out])


@pytest.mark.parametrize("links", [True, False])
def test_what_appears_while_ledgers_are_merged_is_not_overwritten(
    tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    out = tmp_path / "out.jsonl"

    def appear(path: Path) -> Verified:
        out.write_text("of another process")
        return verify(path)

    monkeypatch.setattr(module, "verify", appear)
    if not links:
        monkeypatch.setattr(os, "link", fails(PermissionError(errno.EPERM, "no links")))
    with pytest.raises(UsageProblem, match="is there already; --force replaces it"):
        merge(two, out)
    assert out.read_text() == "of another process"
    assert sorted(tmp_path.iterdir()) == sorted([*two, out])


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fails(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(UsageProblem, match=r"out\.jsonl: cannot be written: No space left on device"):
        merge(two, tmp_path / "out.jsonl")
    assert sorted(tmp_path.iterdir()) == sorted(two)


def test_a_ledger_that_grows_is_not_merged(tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def grow(path: Path) -> Verified:
        found = verify(path)
        write(path, "3")
        return found

    monkeypatch.setattr(module, "verify", grow)
    with pytest.raises(UsageProblem, match=r"one\.jsonl: something is being written into it"):
        merge(two, tmp_path / "out.jsonl")


def test_parts_of_one_run_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Two ledgers that each hold another end of the same run."""
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    run = {"run": "1" * 32, "commit": "a" * 40, "dirty": False}
    about = {"started": "2026-11-22T04:00:00+00:00", "pv": "1", "python": "3", "arguments": []}
    for number, path in enumerate(paths):
        append(path, [{"kind": "run", **run, **about}, {"kind": "end", "run": run["run"], "cases": 0, "exit": number}])
    with pytest.raises(UsageProblem, match=r"the ledgers do not make one together: the run 1+ had ended before"):
        merge(paths, tmp_path / "out.jsonl")
    assert sorted(tmp_path.iterdir()) == paths
