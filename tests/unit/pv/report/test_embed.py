from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from pv.report.embed import BEGIN, END, difference, embed
from pv.report.files import write
from pv.report.status_markdown import as_compact, as_markdown
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.status import Report

DOCUMENT = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe end, without a newline"


def test_only_what_stands_between_the_markers_changes(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(DOCUMENT)
    before, after = embed(path, "| a |\n|---|")
    assert before == DOCUMENT
    assert after == DOCUMENT.replace("old\n", "\n| a |\n|---|\n\n")
    path.write_text(after)
    assert embed(path, "| a |\n|---|") == (after, after)
    shown = difference(path, before, after)
    assert "-old" in shown
    assert "+| a |" in shown
    assert difference(path, after, after) == ""


def test_line_ends_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(DOCUMENT.replace("\n", "\r\n").encode())
    after = embed(path, "a\nb")[1]
    assert after.count("\r\n") == after.count("\n") == 9


@pytest.mark.parametrize(
    "text",
    [
        "no marker",
        f"{BEGIN}\n",
        f"{END}\n{BEGIN}\n",
        f"{BEGIN}\n{BEGIN}\n{END}\n",
        f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n",
        f"write `{BEGIN}` and `{END}` into it\n",
    ],
)
def test_without_both_markers_in_order_nothing_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=r"README\.md: needs a line"):
        embed(path, "a")


def test_a_document_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"none\.md: cannot be read"):
        embed(tmp_path / "none.md", "a")
    (tmp_path / "latin.md").write_bytes(b"\xff" + DOCUMENT.encode())
    with pytest.raises(UsageProblem, match="no UTF-8"):
        embed(tmp_path / "latin.md", "a")


def test_the_table_holds_no_figure_of_one_machine(sample: Report, of_rows: Callable[..., Report]) -> None:
    lines = as_compact(sample).splitlines()
    assert lines[0] == "| contract | declared | effective | discharged | refuted | inconclusive | mutants |"
    assert "| bad-v1 | ACTIVE_RUNTIME | REFUTED | 0/3 | 2 | 1 | 3/4 |" in lines
    assert lines[-1].startswith("23 claims: 10 discharged")
    here = of_rows({"*": {"duration_s": 1.0, "commit": "a" * 40, "environment": "0" * 16}})
    there = of_rows(
        {
            "*": {
                "duration_s": 9.0,
                "commit": "b" * 40,
                "environment": "f" * 16,
                "started": "2027-01-01T00:00:00+00:00",
            },
            "PARITY-001/16": {"worst": {"distance": 3e-7, "bound": 1e-6, "where": {}}, "reported": {"seconds": 3}},
        }
    )
    assert as_compact(here) == as_compact(there)
    assert as_markdown(here) != as_markdown(there)


def test_errors_have_a_column_where_there_are_any(of_rows: Callable[..., Report]) -> None:
    lines = as_compact(of_rows({"PARITY-002": {"verdict": "error", "message": "broke"}})).splitlines()
    assert "| error | mutants |" in lines[0]
    assert {line.count("|") for line in lines[:3]} == {9}
    # each claim is counted once
    assert "| 1/3 | 1 | 0 | 1 | 4/4 |" in lines[2]


def test_hostile_text_stays_in_its_cell(maker: Any, sample: Report) -> None:
    text = as_markdown(sample)
    assert "<img" not in text
    assert "<script" not in text
    assert "\u202e" not in text
    report = maker.report(maker.status(maker.format, "a|b<c"))
    for line in as_compact(report).splitlines()[:3]:
        assert line.replace("\\|", "").count("|") == 8


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.txt"
    write(path, "first\n")
    path.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    write(link, "second\n")
    assert link.is_symlink()
    assert path.read_text() == "second\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    from pathlib import Path as AnyPath

    monkeypatch.setattr(AnyPath, "replace", full)
    with pytest.raises(UsageProblem, match=r"report\.txt: cannot be written: No space"):
        write(path, "third\n")
    assert path.read_text() == "second\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.txt", "report.txt"]
    with pytest.raises(UsageProblem, match="cannot be written"):
        write(tmp_path / "none" / "report.txt", "x")
