"""Holds reports to what `meta.toml` says that they have to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.meter.pairs import Pair
    from apr.meter.report import Report


def unexpected(pair: Pair, report: Report) -> list[str]:
    """In what a report is not as `[expect]` of the pair's `meta.toml` says: one sentence each; nothing where it is."""
    expect = pair.meta.expect
    if expect is None:
        return ["meta.toml says nothing to expect"]
    found = []
    score = report.verdict if report.score is None else report.score
    if score != expect.score:
        found.append(f"score {score}, expected {expect.score}")
    if expect.drifts is not None:
        found += differing_drifts([drift.short for drift in report.drifts], expect.drifts)
    return found


def differing_drifts(found: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Where two ordered lists of drifts part, in one sentence; nothing where they are the same."""
    if list(found) == list(expected):
        return []
    at = next(
        (at for at, (one, other) in enumerate(zip(found, expected, strict=False)) if one != other),
        min(len(found), len(expected)),
    )
    one, other = (drifts[at] if at < len(drifts) else "none" for drifts in (found, expected))
    return [f"drift {at + 1} is {one}, expected {other} ({len(found)} drifts, expected {len(expected)})"]
