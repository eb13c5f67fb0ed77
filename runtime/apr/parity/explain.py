"""A closer look at what diverges: what kind of error it is, who is wrong, and where an engine's drift comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from apr.ops.arithmetic import F64
from apr.parity.context import context_of
from apr.parity.inputs import why_not
from apr.parity.kinds import kind_of
from apr.parity.ladder import ladder, variants
from apr.parity.null import null_of
from apr.parity.projections import in_one_projection
from apr.parity.sides import can_be_fed
from apr.parity.suspects import suspects
from apr.parity.vote import JUDGE, pair, vote

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array, Capture
    from apr.models import Model
    from apr.parity.null import Null
    from apr.parity.result import Divergence, Kind, Measurement, Verdict
    from apr.parity.sides import Side
    from apr.parity.work.setting import Closer


def look_closer(at: Closer) -> Kind | None:
    """The kind of error of one stage; None where it is no more than noise.

    It is looked at from what the judge makes of the same inputs, whatever the oracle has: a faulty oracle would make a fault of
    whatever the subject does right. Where it is the oracle that the judge does not agree with, the kind is its kind, and says so.
    """
    ours, theirs = pair(at.seen, at.own, at.null), pair(at.expected, at.own, at.null)
    if ours.disagree or ours.excess >= theirs.excess:
        return _kind(at, at.seen)
    kind = _kind(at, at.expected)
    return None if kind is None else replace(kind, detail=f"of the oracle: {kind.detail}")


def _kind(at: Closer, seen: Array) -> Kind | None:
    """How a side's stage differs from what the judge makes of the same inputs."""
    context = context_of(at.model, at.key, at.given, at.rows)
    first = int(at.positions[at.rows][0])
    whole = kind_of(
        seen,
        at.own,
        at.null.proxy,
        inputs=context.inputs,
        weight=context.weight,
        heads=context.heads,
        terms=context.terms,
        hypotheses=suspects(at.model, at.key, at.tokens, at.positions, at.given, at.rows, seen, at.own),
        first=first,
    )
    return in_one_projection(at.model, at.key, whole, seen, at.own, at.null.proxy, context, first)


def explain(
    measurement: Measurement, verdict: Verdict, subject: Side, oracle: Side, captured: Callable[[Side], Capture]
) -> None:
    """Adds votes and ladders for the first divergence and the runner-up; passes over the tokens are not repeated.

    Args:
        measurement: gets them.
        verdict: drawn from it without them.
        subject: under judgement.
        oracle: what it is held against.
        captured: the captures of the prompt of the first divergence, by side.
    """
    for one in (verdict.first, verdict.runner_up):
        if one is None or (verdict.first is not None and one.prompt != verdict.first.prompt):
            continue
        if one.culprit == "undecided":
            _vote(measurement, one, subject, oracle, captured)
        said = measurement.votes.get((one.prompt, one.key))
        culprit = said.culprit if said is not None and one.culprit == "undecided" else one.culprit
        for name, side in (("subject", subject), ("oracle", oracle)):
            blamed = one.kind if culprit in (name, "both") else None
            _ladder(measurement, one, name, side, captured(side), blamed)


def _vote(
    measurement: Measurement, one: Divergence, subject: Side, oracle: Side, captured: Callable[[Side], Capture]
) -> None:
    """Asks float64 over dequantised weights, on the oracle's inputs."""
    engine, judge = subject.engine, subject.judge
    if judge is None or not can_be_fed(engine) or one.view == "accumulated":
        return
    given, model = captured(oracle), judge.model(F64.name)
    if why_not(model, one.key, given):
        return
    tokens, positions = _ran(given)
    third = model.compute(one.key, tokens, positions, given.stages)
    ours = engine.model.compute(one.key, tokens, positions, given.stages)

    def null(judge: Model, stage: Array, other: str) -> Null:
        return null_of(judge, one.key, tokens, positions, given.stages, stage, other)

    st = null(model, third, measurement.subject.fits or measurement.subject.arithmetic)
    ot = null(model, third, measurement.oracle.fits or measurement.oracle.arithmetic)
    so = null(judge.model(engine.model.arithmetic.name), ours, measurement.oracle.fits or "ggml")
    measurement.votes[one.prompt, one.key] = vote(ours, given[one.key], third, so, st, ot, third_name=JUDGE)


def _ran(capture: Capture) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tokens and positions of a capture: [T] each."""
    return np.asarray(capture.provenance.tokens, np.intp), np.asarray(capture.provenance.positions, np.intp)


def _ladder(
    measurement: Measurement, one: Divergence, name: str, side: Side, capture: Capture, blamed: Kind | None
) -> None:
    """Where a side's drift from float64 comes from at this stage, on its own inputs; `blamed` is what it did wrong there."""
    if side.judge is None:
        return
    model = side.judge.model(F64.name)
    if one.key not in capture.stages or why_not(model, one.key, capture):
        return
    tokens, positions = _ran(capture)
    steps = variants(side.judge.model, one.key, tokens, positions, capture.stages)
    rungs = ladder(capture[one.key], steps, kind=blamed)
    if rungs:
        measurement.ladders[name, one.prompt, one.key] = rungs
