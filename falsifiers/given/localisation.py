"""How falsifiers judge a parity run, so that they judge alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pv import Inconclusive, Refuted

if TYPE_CHECKING:
    from given.parity import Expected, Pair, Parity, Run
    from pv import Evidence

PASSES = 2  # forward passes that a side may take for measuring and localising, however many faults there are


def hold_agreement(evidence: Evidence, parity: Parity, pair: Pair) -> None:
    """The two sides are found to agree.

    Raises:
        Inconclusive: the run came to no verdict.
        Refuted: where the sides part, if what is said of it is what was planted; otherwise at what was said wrongly.
    """
    run = parity.run(pair)
    enter(evidence, run)
    greatest, cell = parity.greatest(run)
    if run.verdict.outcome in ("inconclusive", "incomparable"):
        raise Inconclusive(run.verdict.outcome, run.verdict.reason)
    if run.verdict.first is None:
        key = cell.key if cell else None
        evidence.worst(greatest, bound=1.0, stage=key and key.stage, layer=key and key.layer)
        return
    if pair.expected is not None:
        _hold_told(run, pair.expected)
    raise at_first(run)


def at_first(run: Run) -> Refuted:
    """The refutation at the first divergence of a verdict."""
    first = run.verdict.first
    if first is None:
        raise ValueError("there is none")
    kind = "" if first.kind is None else f", {first.kind.name}: {first.kind.detail}"
    return Refuted(
        f"{first.key} is {first.excess:.3g} times beyond what rounding explains{kind}; {first.culprit}: {first.culprit_because}",
        stage=first.key.stage,
        layer=first.key.layer,
        position=first.position,
        distance=first.distance,
        bound=first.bound,
    )


def enter(evidence: Evidence, run: Run) -> None:
    """Records what was compared, and in how many passes, as they were counted.

    Raises:
        Refuted: a side took more than two passes.
    """
    _record(evidence, run)
    _hold_passes(run)


def _record(evidence: Evidence, run: Run) -> None:
    verdict = run.verdict
    evidence.compared(sum(cell.difference.count for cell in run.measurement.cells if cell.tests), "numbers")
    # plain numbers, which the kill matrix shows
    passes = {"subject_passes": run.subject_passes, "oracle_passes": run.oracle_passes}
    evidence.report(**passes, alpha=verdict.alpha, tests=verdict.tests)


def _hold_passes(run: Run) -> None:
    if max(run.subject_passes, run.oracle_passes) > PASSES:
        raise Refuted(f"{run.subject_passes} passes of the subject, {run.oracle_passes} of the oracle", stage="passes")


def _hold_told(run: Run, expected: Expected) -> None:
    """What is said of a planted fault beside its place.

    Raises:
        Refuted: at `kind`, `culprit`, `position` or `cause`, which is nowhere a fault is planted.
    """
    first: Any = run.verdict.first
    kind = first.kind.name if first.kind else "none"
    if first.culprit != expected.culprit:
        said = f"blamed on the {first.culprit} ({first.culprit_because}), planted in the {expected.culprit}"
        raise Refuted(f"{first.key} is {said}", stage="culprit")
    if expected.kinds and kind not in expected.kinds:
        detail = first.kind.detail if first.kind else ""
        raise Refuted(
            f"{first.key} is told as {kind} ({detail}) instead of {' or '.join(expected.kinds)}", stage="kind"
        )
    if expected.position is not None and first.position != expected.position:
        raise Refuted(f"{first.key} is told at position {first.position}, not {expected.position}", stage="position")
    if expected.cause is not None:
        rungs = run.measurement.ladders.get((expected.culprit, first.prompt, first.key), ())
        cause = max(rungs, key=lambda rung: rung.share).name if rungs else "nothing"
        if cause != expected.cause:
            raise Refuted(f"{first.key} is explained by {cause}, not by {expected.cause}", stage="cause")


def known_answer(evidence: Evidence, run: Run, part: str) -> Any:
    """The verdict of a run in which a fault is planted that has to be found.

    Raises:
        Refuted: nothing was found; `part` of the harness is where that went wrong. Or at `passes`, if a side took more than two.
    """
    _record(evidence, run)
    if run.verdict.first is None or math.isnan(run.verdict.alpha):
        raise Refuted(f"a planted fault is not found: {run.verdict.outcome}, {run.verdict.reason}", stage=part)
    _hold_passes(run)
    return run.verdict
