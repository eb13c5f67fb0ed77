"""The pairs of action traces are what their maker makes, valid, and say of both meters what was derived by hand."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

import make_traces
from actiontraces import PAIRS, name_of
from apr.actions.reading import examine
from apr.meter.compare import compare
from apr.meter.drift import MEANINGS, Category
from apr.meter.pairs import Pair, find_pairs
from apr.meter.rows import load_rows
from apr.meter.upstream.records import read_records
from apr.meter.upstream.score import compare as compare_upstream

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
CORPUS = FIXTURES / "action-traces"
FOUND = {pair.name: pair for pair in find_pairs(CORPUS)}
NEVER_UPSTREAM = {"MismatchedFileState"}  # defined there, and produced nowhere


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_pairs_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    make_traces.make(tmp_path)
    assert hashes(tmp_path / "action-traces") == hashes(CORPUS)


def test_who_makes_them_anew_leaves_nothing_of_the_old_ones(tmp_path: Path) -> None:
    old = tmp_path / "action-traces" / "0999-gone"
    old.mkdir(parents=True)
    (tmp_path / "action-traces" / "rows.yaml").write_text("mine\n")
    made = make_traces.make(tmp_path)
    assert not old.exists()
    assert (tmp_path / "action-traces" / "rows.yaml").read_text() == "mine\n", "it is written by hand, and stays"
    assert set(made) == {f"action-traces/{path}" for path in hashes(tmp_path / "action-traces")}


def test_every_trace_is_strictly_valid() -> None:
    traces = sorted(CORPUS.rglob("*.jsonl"))
    assert len(traces) == 2 * len(PAIRS)
    assert [str(finding) for path in traces for finding in examine(path)] == []


@pytest.mark.parametrize("name", FOUND)
def test_the_default_meter_says_what_was_derived(name: str) -> None:
    pair = FOUND[name]
    assert pair.meta.expect is not None
    report = compare(*pair.sides())
    score = report.verdict if report.score is None else report.score
    assert (score, tuple(drift.short for drift in report.drifts)) == (pair.meta.expect.score, pair.meta.expect.drifts)


@pytest.mark.parametrize("name", FOUND)
def test_the_upstreams_meter_says_what_was_derived(name: str) -> None:
    pair = FOUND[name]
    assert pair.meta.expect_upstream is not None
    sides = (read_records(pair.folder / f"{side}.ccpa-trace.jsonl") for side in ("teacher", "student"))
    parity = compare_upstream(*sides)
    drifts = tuple(f"{drift.category} {drift.position} {drift.label}" for drift in parity.drifts)
    assert (parity.score, drifts) == (pair.meta.expect_upstream.score, pair.meta.expect_upstream.drifts)


def expected(pair: Pair) -> tuple[str, ...]:
    assert pair.meta.expect is not None
    return pair.meta.expect.drifts or ()


def test_every_category_is_in_some_pair() -> None:
    ours = {drift.split()[0] for pair in FOUND.values() for drift in expected(pair)}
    assert ours == {category.value for category in Category}
    theirs = {drift.split()[0] for pair in PAIRS for drift in pair.theirs.drifts}
    assert theirs == {meaning.code for meaning in MEANINGS.values() if meaning.code} - NEVER_UPSTREAM


def test_the_corpus_is_not_one_sided() -> None:
    """At least half of the pairs differ in one thing; some agree, some get no score; and the two meters disagree about many."""
    drifts = Counter(min(len(expected(pair)), 2) for pair in FOUND.values())
    assert drifts[1] * 2 >= len(FOUND)
    assert drifts[0] >= 24
    assert drifts[2] >= 6
    assert Counter(pair.ours.verdict for pair in PAIRS if pair.ours.verdict) == {"vacuous": 1, "incomparable": 3}
    assert sum(pair.ours.score == 1 and pair.theirs.score < 1 for pair in PAIRS) >= 10, "false alarms of the upstream"
    assert sum(pair.ours.score != 1 and pair.theirs.score == 1 for pair in PAIRS) >= 30, (
        "what the upstream does not see"
    )


def test_numbers_and_names() -> None:
    assert list(FOUND) == [name_of(number, pair) for number, pair in enumerate(PAIRS, 1)]
    assert len({pair.slug for pair in PAIRS}) == len(PAIRS)
    assert not [pair.slug for pair in PAIRS if pair.slug.endswith("-trace")], "git ignores folders of that name"


def test_pairs_declare_rows_that_there_are() -> None:
    rows = {row.id for row in load_rows(CORPUS / "rows.yaml") if row.wanted}
    assert {row for pair in PAIRS for row in pair.covers} == rows
