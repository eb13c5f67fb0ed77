"""Every case that fuzzing ever found is read again: refused or accepted as promised, in time and within memory."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from tests.fuzz import kept
from tests.fuzz.campaign import judge
from tests.fuzz.guard import FINE
from tests.fuzz.target import load_target, names

if TYPE_CHECKING:
    from pathlib import Path

CASES = kept.cases()
HERE = [case for case in CASES if case.kind in ("crash", "wrong")]
# what takes time or memory is read by a process of its own, under limits, which nobody watches line by line
APART = [case for case in CASES if case.kind in ("hang", "memory")]


@pytest.mark.parametrize("case", HERE, ids=lambda case: f"{case.target}-{case.name}")
def test_a_found_case_is_no_finding_any_more(case: kept.Case, tmp_path: Path) -> None:
    assert load_target(case.target).check(case.path.read_bytes(), tmp_path) in (True, False)


@pytest.mark.parametrize(
    "cases",
    [list(some) for _, some in groupby(APART, key=lambda case: case.target)],
    ids=lambda cases: str(cases[0].target),
)
def test_what_took_time_or_memory_keeps_within_the_limits(cases: list[kept.Case]) -> None:
    for case, outcome in zip(cases, judge(cases[0].target, [case.path for case in cases]), strict=True):
        assert outcome["kind"] in FINE, (case.name, outcome)


def test_cases_belong_to_parsers() -> None:
    assert {case.target for case in CASES} <= set(names())


@pytest.mark.parametrize("name", names())
def test_what_fuzzing_starts_from_is_accepted(name: str, tmp_path: Path) -> None:
    """Otherwise what is fuzzed would be refused at its door, whatever is behind it."""
    target = load_target(name)
    seeds = target.seeds()
    assert seeds
    for seed in seeds:
        assert target.check(seed, tmp_path), seed[:200]
