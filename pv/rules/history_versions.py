"""Versions that fall, or disagree (PV312).

The versions that moves in `status_history` give, as `version` or behind the word (`ACTIVE v1.2.0`), never fall; the newest is not
above the version of the contract, and neither is one in `metadata.amendment_history` or `metadata.changelog`; and a contract that
states its version twice, as `version` and as `metadata.version`, states the same one.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r]}
    status: PROPOSED
    status_history:
      - {date: "2026-01-02", from: NEW, to: PROPOSED, version: "1.2.0"}

Good:

    metadata: {version: "1.2.0", description: d, references: [r]}
    status: PROPOSED
    status_history:
      - {date: "2026-01-02", from: NEW, to: PROPOSED, version: "1.2.0"}

Upstream: none; no rule there compares versions.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

from pv.history.transitions import BLOCK, chronological, compare_versions, transitions, version_of
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.history.transitions import Version
    from pv.parse import Contract

CODE = "PV312"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each move with a lower version than the one before, a newest one ahead of the contract, and two that disagree."""
    document = contract.document
    moves = [(move, version) for move in chronological(transitions(contract)) if (version := version_of(move.version))]
    for (before, old), (after, new) in itertools.pairwise(moves):
        if compare_versions(new, old) < 0:
            span = document.value_span(BLOCK, after.index)
            yield Problem(span, f"version {after.version} comes after version {before.version} ({before.date})")
    inner, outer = contract.metadata.get("version"), document.data.get("version")
    stated = version_of(str(inner if outer is None else outer))
    if moves and stated and compare_versions(moves[-1][1], stated) > 0:
        move = moves[-1][0]
        message = (
            f"the newest move is at version {move.version}, but the contract is at {inner if outer is None else outer}"
        )
        yield Problem(document.value_span(BLOCK, move.index), message, "raise the version of the contract")
    yield from _amendments(contract)
    if inner is not None and outer is not None and not _same(str(inner), str(outer)):
        message = f"version is {outer}, but metadata.version is {inner}"
        yield Problem(document.value_span("version"), message, "keep one of the two, or make them the same")


def _amendments(contract: Contract) -> Iterator[Problem]:
    """Each list of amendments that goes beyond the version beside it, at its newest entry."""
    stated = version_of(str(contract.metadata.get("version")))
    for key in ("amendment_history", "changelog") if stated else ():
        found = [
            (version, index)
            for index, entry in enumerate(_list(contract.metadata.get(key)))
            if isinstance(entry, dict) and (version := version_of(str(entry.get("version"))))
        ]
        newest = max(found, key=_by_version, default=None)
        if newest and stated and compare_versions(newest[0], stated) > 0:
            message = f"{key} goes to version {'.'.join(map(str, newest[0]))}, but metadata.version is {contract.metadata['version']}"
            span = contract.document.value_span("metadata", key, newest[1], "version")
            yield Problem(span, message, "raise the version of the contract")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@functools.cmp_to_key
def _by_version(one: tuple[Version, int], other: tuple[Version, int]) -> int:
    return compare_versions(one[0], other[0])


def _same(one: str, other: str) -> bool:
    left, right = version_of(one), version_of(other)
    return compare_versions(left, right) == 0 if left and right else one.strip() == other.strip()
