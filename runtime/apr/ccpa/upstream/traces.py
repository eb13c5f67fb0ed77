"""`ccpa validate`, `diff` and `corpus` as the upstream's program does them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from apr.console import escape
from apr.errors import FINDINGS, OK, UnusableInput
from apr.meter.upstream.records import read_records
from apr.meter.upstream.score import AGGREGATE_MIN, INDIVIDUAL_MIN, Drift, Parity, compare, compare_all
from apr.meter.upstream.text import pretty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TEACHER, STUDENT = "teacher.ccpa-trace.jsonl", "student.ccpa-trace.jsonl"


def validate(paths: Sequence[Path], *, as_json: bool = False) -> int:
    """Says of each trace how many records it has.

    Args:
        paths: of traces.
        as_json: one object for all; the upstream has no such form.

    Raises:
        UnusableInput: the upstream would not read one of them.
    """
    counts = {str(path): len(read_records(path)) for path in paths}
    if as_json:
        print(json.dumps({"schema": "ccpa-validate-v1", "compat": "upstream", "records": counts}))
        return OK
    for count in counts.values():
        print(f"ccpa validate: {count} record(s) — schema-roundtrip OK")
    return OK


def drifts_as_json(drifts: Iterable[Drift]) -> list[dict[str, Any]]:
    """As `ccpa diff --json` lists them."""
    return [{"category": one.category, "position": one.position, "tool_name": one.label} for one in drifts]


def print_drifts(drifts: Iterable[Drift]) -> None:
    """As `ccpa diff` lists them."""
    for one in drifts:
        print(f"  drift @ pos {one.position}  {one.category}  {escape(one.label)}")


def parity_as_json(parity: Parity, individual_min: float) -> dict[str, Any]:
    """The object of `ccpa diff --json`."""
    return {
        "score": parity.score,
        "matched_count": parity.matched,
        "teacher_count": parity.teacher,
        "student_count": parity.student,
        "drifts": drifts_as_json(parity.drifts),
        "passes_individual_floor": parity.score >= individual_min,
    }


def diff(teacher: Path, student: Path, *, individual_min: float = INDIVIDUAL_MIN, as_json: bool = False) -> int:
    """Prints score and drifts.

    Returns:
        0 where the score is `individual_min` or more, else 1.

    Raises:
        UnusableInput: the upstream would not read one of them.
    """
    parity = compare(read_records(teacher), read_records(student))
    if as_json:
        print(pretty(parity_as_json(parity, individual_min)))
    else:
        print(
            f"ccpa diff: parity_score = {parity.score:.4f}  ({parity.matched}/{parity.teacher} matched,"
            f" {parity.student} student calls, {len(parity.drifts)} drift(s))"
        )
        print_drifts(parity.drifts)
    return OK if parity.score >= individual_min else FINDINGS


def _pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Teacher and student of every folder in a folder, by name.

    Raises:
        UnusableInput: one of them is not there.
    """
    found = {}
    for inner in sorted(folder.iterdir(), key=lambda path: path.name):
        if not inner.is_dir():
            continue
        pair = inner / TEACHER, inner / STUDENT
        for path in pair:
            if not path.exists():
                raise UnusableInput(f"has no {path.name}", where=str(inner))
        found[inner.name] = pair
    return found


def corpus(
    folder: Path,
    *,
    individual_min: float = INDIVIDUAL_MIN,
    aggregate_min: float = AGGREGATE_MIN,
    as_json: bool = False,
) -> int:
    """Prints the mean score of a folder's pairs, and each pair's.

    Returns:
        0 where the mean and each score are high enough; 1 where they are not, or where there are no pairs.

    Raises:
        UnusableInput: a pair lacks a trace, or the upstream would not read one.
    """
    paths = _pairs(folder)
    if not paths:
        sys.stderr.write(f"ccpa corpus: no fixtures found under {escape(str(folder))}\n")
        return FINDINGS
    pairs = {name: (read_records(first), read_records(second)) for name, (first, second) in paths.items()}
    report = compare_all(pairs, individual_min, aggregate_min)
    if as_json:
        print(
            pretty(
                {
                    "aggregate_score": report.mean,
                    "fixture_count": len(report.scores),
                    "per_fixture": [
                        {
                            "id": name,
                            "score": one.score,
                            "drift_count": len(one.drifts),
                            "passes_individual": one.score >= individual_min,
                        }
                        for name, one in report.scores.items()
                    ],
                    "passes_gate": report.passes,
                    "thresholds": {"aggregate_min": aggregate_min, "individual_min": individual_min},
                }
            )
        )
    else:
        verdict = "PASSES" if report.passes else "FAILS"
        print(
            f"ccpa corpus: aggregate_score = {report.mean:.4f}  ({len(report.scores)} fixture(s), {verdict} passes_gate)"
        )
        for name, one in report.scores.items():
            mark = "✓" if one.score >= individual_min else "✗"
            print(f"  {mark}  {one.score:.4f}  {escape(name)}  ({len(one.drifts)} drift(s))")
    return OK if report.passes else FINDINGS
