"""Figures of benchmarks: judged by the bound that was asked for, kept as JSON, shown, and written into documents."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from figures import Sheet, as_data, bound, from_data, shown, told
from fit import fit
from into import filled, names
from results import Ran, Results, UnusableResults, as_text, from_text, merged, newest
from table import about, markdown, summary

ROOT = Path(__file__).resolve().parents[3]
MACHINE = {
    "cpu": "a",
    "cores": 2,
    "memory_gb": 8.0,
    "python": "CPython 3.11",
    "packages": {"numpy": "2.0", "torch": None},
}


def sheet_of(**more: Any) -> Sheet:
    sheet = Sheet()
    sheet.add("wall", "status", 9.5, "s", against=("half", 4.0), **more)
    return sheet


def results_of(*ran: Ran, machine: dict[str, Any] | None = None) -> Results:
    return Results(quick=False, machine=machine or MACHINE, benchmarks=ran)


def ran_of(name: str, sheet: Sheet, **more: Any) -> Ran:
    own = {"date": "2026-01-02", "commit": "a" * 40, **more}
    return Ran(name, "measured", 1.0, tuple(sheet.figures), tuple(sheet.not_measured), **own)


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({"at_most": 9.5}, True),
        ({"at_most": 9.4}, False),
        ({"at_least": 9.5}, True),
        ({"at_least": 9.6}, False),
        ({"at_most": 2.4, "of_ratio": True}, True),
        ({"at_most": 2.3, "of_ratio": True}, False),
        ({"at_least": 9, "at_most": 9.2}, False),
        ({}, None),
    ],
)
def test_a_bound_is_judged(more: dict[str, Any], holds: bool | None) -> None:
    sheet = sheet_of(**more)
    assert sheet.figures[0].holds is holds
    assert sheet.code == (holds is False)


def test_what_is_no_number_keeps_no_bound() -> None:
    sheet = Sheet()
    assert sheet.add("a", "a", math.nan, at_most=1).holds is False
    assert sheet.add("b", "b", math.nan, at_least=1).holds is False


def test_small_sizes_are_not_judged_but_where_size_is_nothing() -> None:
    sheet = Sheet(quick=True)
    assert sheet.add("a", "a", 9, "s", at_most=1).holds is None
    assert sheet.add("b", "b", 9, at_most=1, at_any_size=True).holds is False


def test_a_name_stands_once_and_a_ratio_has_two_sides() -> None:
    sheet = sheet_of()
    with pytest.raises(ValueError, match="two figures 'wall'"):
        sheet.add("wall", "again", 1)
    with pytest.raises(ValueError, match="ratio to nothing"):
        sheet.add("other", "x", 1, at_most=1, of_ratio=True)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.26, "s", "0.26 s"),
        (19.4, "s", "19.4 s"),
        (1234.5, "MB", "1,234 MB"),
        (0, "", "0"),
        (20000, "", "20,000"),
        (6.5e-7, "", "6.50e-07"),
        (1.0, "times", "1 times"),
    ],
)
def test_values_are_shown_with_three_digits(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_a_benchmark_tells_machines_figures_alone_and_people_the_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def main(sheet: Sheet) -> None:
        print("a table", sys.argv[1:])  # noqa: T201 - as benchmarks do
        sheet.add("x", "an x", 2, "s", at_most=1)
        sheet.leave_out("a peer: it is not installed")

    monkeypatch.setattr(sys, "argv", ["x.py", "--json", "7"])
    assert told(main) == 1
    said = capsys.readouterr()
    data = json.loads(said.out)
    assert [one["name"] for one in data["figures"]] == ["x"]
    assert data["not_measured"] == ["a peer: it is not installed"]
    assert "a table ['7']" in said.err
    monkeypatch.setattr(sys, "argv", ["x.py"])
    assert told(main) == 1
    assert "an x: at most 1 s: DOES NOT HOLD" in capsys.readouterr().out


def test_results_are_the_same_after_a_file() -> None:
    results = results_of(ran_of("status", sheet_of(at_most=8)), Ran("compare", "timed out after 3 s", 3.0))
    assert from_text(as_text(results), "x") == results
    assert from_data(as_data(results.benchmarks[0].figures[0])) == results.figure("status.wall")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema":"other"}', '{"schema":"pv-benchmarks-v2","benchmarks":[{}]}']
)
def test_what_is_no_results_is_refused(text: str) -> None:
    with pytest.raises(UnusableResults, match=r"x\.json: not results"):
        from_text(text, "x.json")


def test_no_results_at_all_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnusableResults, match="no results; `make bench` makes them"):
        newest(tmp_path)


def test_new_results_take_the_place_of_old_ones_of_the_same_machine() -> None:
    old = results_of(ran_of("status", sheet_of()), ran_of("compare", sheet_of()))
    new = results_of(ran_of("compare", sheet_of(at_most=1)))
    both = merged(old, new)
    assert [one.name for one in both.benchmarks] == ["status", "compare"]
    assert both.figure("compare.wall").holds is False
    with pytest.raises(UnusableResults, match="another machine"):
        merged(old, results_of(machine={**MACHINE, "cores": 4}))


def test_figures_keep_the_date_and_the_commit_of_their_own_run() -> None:
    old = results_of(ran_of("status", sheet_of(at_most=8)), ran_of("compare", sheet_of(at_most=8)))
    new = results_of(ran_of("compare", sheet_of(at_most=8), date="2026-03-04", commit="b" * 40, dirty=True))
    both = from_text(as_text(merged(old, new)), "x")
    assert [(one.date, one.commit[:1], one.dirty) for one in both.benchmarks] == [
        ("2026-01-02", "a", False),
        ("2026-03-04", "b", True),
    ]
    status, compare = markdown(both).splitlines()[2:]
    assert status.endswith("| 2026-01-02, aaaaaaa |")
    assert compare.endswith("| 2026-03-04, bbbbbbb with changes |")
    assert about(both).endswith(", 2026-01-02 to 2026-03-04")


def test_what_does_not_hold_or_failed_is_said() -> None:
    sheet = sheet_of(at_most=8)
    sheet.leave_out("torch")
    said = summary(results_of(ran_of("status", sheet), Ran("compare", "failed with exit code 3: x", 3.0)))
    assert said == [
        "does not hold: status.wall: status: 9.5 s, asked for: at most 8 s",
        "not measured: compare: failed with exit code 3: x",
        "left out: status: torch",
        "0 of 1 bounds hold, 2 benchmarks, 4 s",
    ]


def test_the_table_has_what_does_not_hold() -> None:
    table = markdown(results_of(ran_of("status", sheet_of(at_most=2, of_ratio=True))))
    assert table.splitlines()[2] == "| status (half) | 2.38 times | at most 2 times | **no** | 2026-01-02, aaaaaaa |"
    assert bound(sheet_of().figures[0]) == ""


def test_documents_are_filled_by_name() -> None:
    results = results_of(ran_of("status", sheet_of(at_most=8)))
    text = "It takes <!-- bench:status.wall -->1 s<!-- /bench -->, <!-- bench:status.wall:ratio --><!-- /bench --> times.\n"
    wanted = "It takes <!-- bench:status.wall -->9.5 s<!-- /bench -->, <!-- bench:status.wall:ratio -->2.4<!-- /bench --> times.\n"
    assert filled(text, results, "R") == wanted
    assert filled(wanted, results, "R") == wanted
    assert names(text) == ["status.wall", "status.wall:ratio"]
    theirs = filled("<!-- bench:status.wall:theirs --><!-- /bench -->", results, "R")
    assert theirs == "<!-- bench:status.wall:theirs -->4 s<!-- /bench -->"
    assert "| status |" in filled("<!-- bench:table --><!-- /bench -->", results, "R")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!-- bench:status.wall -->1", "R: a marker .* is not closed"),
        ("<!-- bench:status.cpu -->1<!-- /bench -->", "R: no benchmark gave a figure 'status.cpu'"),
        ("<!-- bench:other -->1<!-- /bench -->", "R: no benchmark gave a figure 'other'"),
        ("<!-- bench:status.wall:median -->1<!-- /bench -->", "R: the figure 'status.wall' has no 'median'"),
    ],
)
def test_a_figure_that_there_is_not_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnusableResults, match=why):
        filled(text, results_of(ran_of("status", sheet_of())), "R")


def test_an_exponent_is_found_with_its_interval() -> None:
    exact = fit([1, 2, 4, 8, 16], [3, 12, 48, 192, 768])
    assert exact.exponent == pytest.approx(2)
    assert exact.factor == pytest.approx(3)
    assert exact.high - exact.low == pytest.approx(0, abs=1e-9)
    bent = fit([1, 2, 4, 8, 16], [1, 2.2, 3.8, 8.4, 15.5])
    assert bent.low < 1 < bent.high
    with pytest.raises(ValueError, match="three points"):
        fit([1, 2], [1, 2])
    with pytest.raises(ValueError, match="above zero"):
        fit([1, 2, 3], [1, 0, 2])


@pytest.mark.parametrize("document", ["README.md", "docs/reference/figures.md"])
def test_documents_say_what_the_results_say(document: str) -> None:
    """After `make bench`, or `python benchmarks/run.py --fill --into DOCUMENT`."""
    text = (ROOT / document).read_text(encoding="utf-8")
    assert names(text)
    assert filled(text, newest()[1], document) == text


def test_a_busy_machine_is_said() -> None:
    quiet = results_of(ran_of("status", sheet_of(), load=1.0))
    assert about(quiet).endswith(", 2026-01-02")
    busy = merged(quiet, results_of(ran_of("compare", sheet_of(), load=5.0)))
    assert about(busy).endswith("2026-01-02, while the machine was busy with other things (load 5)")
