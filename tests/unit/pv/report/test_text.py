from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pv.report.console import Paint, width
from pv.report.status_rows import HEADING, row
from pv.report.status_text import as_text
from pv.report.table_fit import fit

if TYPE_CHECKING:
    from pv.status import Report


def shown(report: Report, columns: int | None = None, **more: Any) -> str:
    return as_text(report, Paint(on=False), columns, **more)


def test_a_pipe_gets_every_column(sample: Report) -> None:
    head = shown(sample).splitlines()[0].split()
    assert tuple(head) == HEADING


@pytest.mark.parametrize("columns", [80, 100, 120, 140, 200])
def test_the_table_fits_the_terminal(sample: Report, columns: int) -> None:
    table = shown(sample, columns).splitlines()[: len(sample.contracts) + 1]
    assert max(map(width, table)) <= columns
    for one, line in zip(sample.contracts, table[1:], strict=True):
        # what nobody may lose: which contract, what it is, how much of it is discharged
        assert line.startswith(one.contract.name)
        assert str(one.effective) in line
        assert re.search(rf"\b\d+/{len(one.claims)}\b", line)
        assert one.overstated is (" !" in line or "(overstated)" in line)


def test_columns_go_in_the_order_of_what_they_say_least(sample: Report) -> None:
    rows = [HEADING, *map(row, sample.contracts)]
    whole = sum(max(len(line[at]) for line in rows) for at in range(len(HEADING))) + 2 * (len(HEADING) - 1)
    assert fit(rows, whole).rows == rows
    slightly = fit(rows, whole - 3)
    assert slightly.names == HEADING
    assert max(len(line[-1]) for line in slightly.rows) == max(len(line[-1]) for line in rows) - 3
    assert "worst" not in fit(rows, whole - 20).names
    assert fit(rows, whole - 20).names[:3] == ("contract", "declared", "effective")
    narrow = fit(rows, 80).names
    assert "declared" not in narrow
    assert {"contract", "effective", "discharged", "mutants"} <= set(narrow)


def test_a_long_name_is_cut_last(sample: Report) -> None:
    from dataclasses import replace

    one = sample.contracts[1]
    long = replace(one, contract=replace(one.contract, name="n" * 100))
    lines = [HEADING, row(long)]
    assert sum(max(map(width, column)) for column in zip(*fit(lines, 80).rows, strict=True)) <= 80
    assert fit(lines, 80).rows[1][0].endswith("…")


def test_the_text_says_each_thing(sample: Report) -> None:
    text = shown(sample)
    for needed in (
        "contracts/bad-v1.yaml:5:9: error: declared ACTIVE_RUNTIME above effective REFUTED: claims PARITY-001, PARITY-002",
        "  PARITY-001 lacks: 1 mutant survived: norm-gain",
        "  PARITY-002 lacks: refuted: off by 3.1 % at lm_head",
        "  PARITY-002 lacks: level authored reached, independent asked",
        "  format-v1: declared PARTIAL_ALGORITHM_LEVEL, effective ACTIVE_ALGORITHM_LEVEL: pv promote contracts/format-v1.yaml",
        "since main (0123456789ab)",
        "contracts/bad-v1.yaml:15: bad-v1: PARITY-002: newly refuted: off",
        "gone-v1: GONE-001: no longer there",
        "contracts/bad-v1.yaml:18:3: error[history]: an entry was rewritten",
        "    = help: put it back as it was",
        "contracts/capped-v1.yaml:12:5: cap[loosened]: PARITY-001: a bound was loosened",
        "discharged ↓1, refuted ↑1",
        "ledger.jsonl:7: the last line is torn; left aside",
    ):
        assert needed in text
    assert text.splitlines()[-1].startswith(
        "23 claims: 10 discharged, 7 refuted (5 as expected), 6 inconclusive (2 model absent"
    )
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


def test_arrows_are_only_written_where_they_can_be(sample: Report) -> None:
    assert "discharged -1, refuted +1" in shown(sample, encoding="ascii")
    shown(sample, encoding="ascii").split("not discharged")[0].encode("ascii")


def test_where_nothing_changed_or_was_measured_it_says_so(maker: Any) -> None:
    from pv.changes import Since

    good = maker.status(maker.format, "x-v1")
    assert "since main (abc): nothing changed" in shown(maker.report(good, since=Since("main", "abc")))
    unmeasured = Since("main", "abc", measured=False, why_not="no evidence of that commit")
    assert "since main (abc): no evidence of that commit" in shown(maker.report(good, since=unmeasured))


def test_the_level_is_the_least_of_what_is_settled(maker: Any) -> None:
    from pv.report.status_rows import level

    change = {"*": {"level": "independent"}, "PARITY-003": {"level": "authored"}}
    assert level(maker.status(maker.parity, "x-v1", change)) == "authored"
    # what is not known has no level, and takes none from the others
    absent = {"verdict": "inconclusive", "reason": "no model", "level": "algorithm"}
    assert level(maker.status(maker.parity, "x-v1", {**change, "PARITY-002": absent})) == "authored"
    assert level(maker.status(maker.parity, "x-v1", {"*": None})) == "-"


def test_the_kill_matrix_has_a_mark_a_mutant(sample: Report) -> None:
    lines = shown(sample, encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("kill matrix"))
    assert lines[at] == "kill matrix (a mark a mutant, claim by claim: ✓ killed  ✗ survived  ? inconclusive  - not run)"
    strips = dict(line.split(maxsplit=1) for line in lines[at + 1 : at + 1 + len(sample.contracts)])
    assert strips["good-v1"] == "✓✓ ✓ ✓"
    assert strips["bad-v1"] == "✓✗ ✓ ✓"
    assert strips["stale-v1"] == "✓ ✓"
    assert strips["unrun-v1"] == "- -"
    assert strips["absent-v1"] == "? ?"
    assert "++ + +" in shown(sample, encoding="ascii")


def test_the_kill_matrix_goes_on_below_where_it_is_too_long(maker: Any) -> None:
    many = ", ".join(f"{{id: m{at}, stage: s}}" for at in range(30))
    text = maker.format.replace("{id: bit, stage: header}", many).replace("{id: tail, stage: footer}", many)
    lines = shown(maker.report(maker.status(text, "a-v1")), 50, encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("kill matrix"))
    assert lines[at + 1 : at + 4] == [f"  a-v1  {'✓' * 30}", f"        {'✓' * 30}", ""]
    narrow = shown(maker.report(maker.status(text, "a-v1")), 30, encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(narrow) if line.startswith("kill matrix"))
    assert "".join(narrow[at + 1 : at + 6]).count("✓") == 60
    assert max(map(width, narrow[at + 1 : at + 6])) <= 30


def test_without_mutants_there_is_no_kill_matrix(maker: Any) -> None:
    text = maker.format.replace(", mutants: [{id: bit, stage: header}]", "").replace(
        ", mutants: [{id: tail, stage: footer}]", ""
    )
    assert "kill matrix" not in shown(maker.report(maker.status(text, "a-v1")))
