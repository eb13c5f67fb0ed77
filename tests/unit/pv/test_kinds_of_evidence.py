"""Whole contracts of the kinds that hold measurements, and what any value in any of their places does to the rules."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import read_text
from pv.index import Index
from pv.shapes import Shape, shape_of
from pv.source import Source
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.corpus import Reading

META = {"version": "1.0.0", "created": "2026-10-01", "author": "a", "description": "d", "references": ["r"]}
CLAIM = {"id": "FALSIFY-K-001", "rule": "r", "prediction": "p", "test": "bash check.sh", "if_fails": "f"}
LEDGER: dict[str, Any] = {
    "metadata": {**META, "kind": "competitive-parity"},
    "proof_obligations": [{"id": "K-1", "type": "invariant", "property": "each row has a verdict"}],
    "falsification_tests": [{**CLAIM, "obligation": "K-1"}],
    "parity": {
        "scope": "every command of the program",
        "rows": [
            {
                "entry_point": f"apr {name}",
                "competitor": "ollama",
                "competitor_version": "0.12.4",
                "invocation_apr": f"apr {name} m.gguf",
                "invocation_competitor": "ollama run m",
                "dimension": "decode_tok_s",
                "verdict": verdict,
                "measured_on": "2026-10-01",
                "valid_until": "2027-01-31",
                "owner": "serving",
                "evidence": "bench/2026-10-01.json",
                "note": "one host",
            }
            for name, verdict in (("run", "BETTER"), ("serve", "WORSE"), ("code", "UNMEASURED"))
        ],
        "downgrades": [
            {
                "entry_point": "apr code",
                "reason": "RECEIPT_MISSING",
                "owner": "agents",
                "recorded_on": "2026-10-05",
                "recheck_by": "2027-01-15",
            }
        ],
        "removals": [
            {
                "entry_point": "apr chat",
                "reason": "RENAMED",
                "owner": "agents",
                "recorded_on": "2026-10-05",
                "replacement": "apr code",
            }
        ],
    },
}
BEAT: dict[str, Any] = {
    "metadata": {**META, "kind": "beat-benchmark"},
    "falsification_tests": [CLAIM],
    "beat": {
        "pillar": 4,
        "incumbent": "ollama",
        "incumbent_pinned": "0.12.4, warm daemon",
        "canonical_task": "decode",
        "metric": "decode_tok_s_ratio",
        "direction": "higher_is_better",
        "baseline_value": 1.015,
        "baseline_floor": 0.9,
        "beat_threshold": 0.9,
        "baseline_sourced_date": "2026-10-01",
        "approved_compute": "GPU",
        "ci_gate_name": "beat_decode",
    },
}
RECORD: dict[str, Any] = {
    "contract": "C-STAGING-001",
    "title": "a buffer that stays",
    "kaizen": "KAIZEN-061",
    "parent": "C-INIT-002",
    "status": "implemented",
    "date": "2026-10-01",
    "baseline": {"alloc_per_step": 1, "alloc_size_bytes": 1310720, "step_time": "12.5 ms", "affected": 2},
    "target": {"alloc_per_step": 0, "alloc_size_bytes": 0, "step_time": "11.9 ms", "one_time_cost_bytes": 1310720},
}
KAIZEN = {"metadata": {**META, "kind": "kaizen"}, **RECORD, "falsification_tests": [CLAIM]}
STORIES: dict[str, Any] = {
    "metadata": {**META, "registry": True, "competitor": "none", "demand_score": 3, "intake_status": "partial"},
    "falsification_tests": [CLAIM],
    "stories": [{"id": "CRUX-A-01", "title": "pull", "competitor": "ollama", "demand_score": 5, "status": "missing"}],
}
WHOLE = {"ledger": LEDGER, "beat": BEAT, "kaizen": KAIZEN, "stories": STORIES}
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, float("inf"), "", " ", "x", "2099-12-31", "2026-02-30", "a\nb", "\x7f", "²"),
    *([], [None], ["x"], [[1]], {}, {"x": None}, {"entry_point": []}, {"before": {"a": 1}, "after": {"a": [1]}}),
)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 22))


def read(data: Any) -> Reading:
    return read_text(Path("k-v1.yaml"), Source("k-v1.yaml", json.dumps(data, indent=1)), index=Index(list, str))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value below."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield (*path, step)
        yield from places(below, (*path, step))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_contract_of_the_kind_is_clean(name: str) -> None:
    said = [one.headline for one in read(WHOLE[name]).findings if one.severity is not Severity.NOTE]
    assert said == []


@pytest.mark.parametrize("name", WHOLE)
def test_any_value_may_stand_anywhere(name: str) -> None:
    own = {"ledger": "PV53", "beat": "PV50", "kaizen": "PV51", "stories": "PV52"}[name]
    codes = set()
    for path in places(WHOLE[name]):
        for odd in ODD:
            data = copy.deepcopy(WHOLE[name])
            owner = data
            for step in path[:-1]:
                owner = owner[step]
            owner[path[-1]] = odd
            for found in read(data).findings:
                codes.add(found.code)
                assert found.span.line >= 1
                assert len(found.message) < 400, found
    assert len([code for code in codes if code.startswith(own)]) >= 2, codes


def test_a_kaizen_record_without_metadata_is_no_invalid_contract() -> None:
    reading = read(RECORD)
    assert (reading.shape, reading.contract) == (Shape.KAIZEN, None)
    assert [(one.code, one.severity) for one in reading.findings] == [("PV010", Severity.NOTE)]
    assert reading.findings[0].message == "not a contract: a kaizen record"


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        ({"contract": ""}, "PV511", 2),
        ({"status": "done"}, "PV512", 6),
        ({"baseline": None, "target": None}, "PV513", 2),
        ({"target": {"rate": 1}}, "PV514", 14),
        ({"baseline": {"a": 1}, "target": {"a": 1}}, "PV515", 11),
        ({"baseline": {"alloc": 1}, "target": {"alloc": 2}}, "PV516", 12),
    ],
)
def test_the_rules_of_kaizen_read_such_a_record(change: dict[str, Any], code: str, line: int) -> None:
    found = [one for one in read({**RECORD, **change}).findings if one.code != "PV010"]
    assert [(one.code, one.span.line, one.path) for one in found] == [(code, line, "k-v1.yaml")]


def test_what_may_stand_in_such_a_record_is_as_free_as_in_a_contract() -> None:
    for path in places(RECORD):
        for odd in ODD:
            data = copy.deepcopy(RECORD)
            owner = data if len(path) == 1 else data[path[0]]
            owner[path[-1]] = odd
            assert all(one.span.line >= 1 for one in read(data).findings)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ({"kaizen": 49}, Shape.KAIZEN),
        ({"kaizen": 49, "metadata": {}}, Shape.CONTRACT),
        # as a record it would lose its claims
        ({"kaizen": 49, "falsification_tests": [CLAIM]}, Shape.OTHER),
        ({"contract": "C-1", "status": "draft"}, Shape.OTHER),
    ],
)
def test_what_makes_a_kaizen_record(data: dict[str, Any], shape: Shape) -> None:
    assert shape_of(data) is shape
