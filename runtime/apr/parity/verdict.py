"""What follows from a measurement: a pure function, so that saved measurements can be judged again with other bounds."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apr.parity.null import ALPHA, limit, power
from apr.parity.result import Culprit, Divergence, Measurement, Outcome, Power, Verdict
from apr.stages import INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apr.parity.null.base import Test
    from apr.parity.result import Cell, View
    from apr.stages import StageKey

_BLIND = 1e-3  # a gain that would go unseen: worth a word, because small faults hide below it


@dataclass(frozen=True)
class Bounds:
    """How strict a verdict is.

    Attributes:
        alpha: probability that the whole run calls a correct pair divergent.
        by_hand: relative RMS by stage name, or for `all` that are not named, that replaces the null model's bounds, over the whole
            stage and over each position; looser or tighter.
        because: why, where `by_hand` is not empty.
    """

    alpha: float = ALPHA
    by_hand: Mapping[str, float] = field(default_factory=dict)
    because: str = ""


@dataclass(frozen=True)
class _Beyond:
    """One test of one cell that went beyond its bound."""

    cell: Cell
    test: str
    distance: float
    bound: float
    excess: float
    position: int | None
    channel: int | None


def judge(measurement: Measurement, bounds: Bounds | None = None) -> Verdict:
    """The verdict on a measurement.

    Args:
        measurement: made by `apr.parity.measure`, or read again.
        bounds: how strict.
    """
    bounds = bounds or Bounds()
    notes = [
        f"bound of {stage} set by hand to {value:g}: {bounds.because}"
        for stage, value in sorted(bounds.by_hand.items())
    ]
    if measurement.incomparable:
        return Verdict(
            "incomparable",
            measurement.incomparable,
            comparable=False,
            complete=False,
            alpha=bounds.alpha,
            notes=tuple(notes),
            by_hand=dict(bounds.by_hand),
            because=bounds.because,
        )
    judged = [cell for cell in measurement.cells if cell.tests]
    count = sum(len(cell.tests) for cell in judged)
    each = bounds.alpha / count if count else bounds.alpha
    beyond = {id(cell): found for cell in judged if (found := _worst(cell, bounds, each)) is not None}
    born = _born(measurement, judged, beyond)
    first = born[0] if born else None
    # what else is born there tells no more than the first does; the clearest of the other places might be another fault
    others = [each_ for each_ in born if first is not None and each_.key != first.key]
    outcome, reason = _outcome(measurement, first, judged)
    # what a bound set by hand would have caught is not derived
    reach = _power([cell for cell in judged if _hand(bounds, cell) is None], each)
    blind = {stage: one.gain for stage, one in reach.items() if not one.gain <= _BLIND}
    if blind:
        stage = max(blind, key=lambda name: blind[name])
        because = next(cell.because for cell in judged if cell.key.stage == stage and cell.because)
        notes.append(
            f"nearly blind at {', '.join(blind)}: a gain below {blind[stage]:.2g} would go unseen at {stage}, so much do honest "
            f"engines differ there ({'; '.join(because)}); an oracle of the subject's own arithmetic sees more"
        )
    notes += _explained(judged, beyond)
    return Verdict(
        outcome,
        reason,
        comparable=True,
        complete=not measurement.missing and not _unseen(measurement),
        alpha=bounds.alpha,
        tests=count,
        first=first,
        runner_up=max(others, key=lambda one: one.excess, default=None),
        born=tuple(born),
        inherits=tuple(_inherits(measurement, {one.key for one in born}, first)),
        power=reach,
        notes=tuple(notes),
        by_hand=dict(bounds.by_hand),
        because=bounds.because,
    )


def _explained(judged: list[Cell], beyond: Mapping[int, _Beyond]) -> list[str]:
    """The greatest difference in isolation that its null model explains, where somebody would want to hear of it."""
    within = [cell for cell in judged if cell.view == "isolated" and id(cell) not in beyond]
    worst = max(within, key=lambda cell: cell.difference.worst_position_relative_rms or 0.0, default=None)
    distance = worst.difference.worst_position_relative_rms if worst is not None else None
    if worst is None or distance is None or not distance > _BLIND:
        return []
    place = f"{worst.key}{_at(worst.difference.worst_position)}"
    return [f"the greatest difference that is explained: {distance:.2g} at {place} ({'; '.join(worst.because)})"]


def _hand(bounds: Bounds, cell: Cell) -> float | None:
    """The bound that the user set for a cell's stage, or for all."""
    return bounds.by_hand.get(cell.key.stage, bounds.by_hand.get("all"))


def _worst(cell: Cell, bounds: Bounds, each: float) -> _Beyond | None:
    """The test of a cell that is furthest beyond its bound; None where all are within."""
    by_hand = _hand(bounds, cell)
    if by_hand is not None:
        return _by_hand(cell, by_hand)
    found: list[_Beyond] = []
    for test in cell.tests:
        allowed = limit(test, each)
        if not test.value <= allowed:  # so that NaN is beyond
            excess = math.inf if math.isnan(test.value) or not allowed else test.value / allowed
            distance, bound = _in_units(test, test.value), _in_units(test, allowed)
            if math.isinf(test.value):  # bits differ where every bit must agree
                distance, bound = _bits_apart(cell), 0.0
            found.append(_Beyond(cell, test.name, distance, bound, excess, test.position, test.channel))
    worst = max(found, key=lambda one: one.excess, default=None)
    return worst and _placed(worst, cell)


def _in_units(test: Test, value: float) -> float:
    return value * test.unit if math.isfinite(value) and test.unit else value


def _bits_apart(cell: Cell) -> float:
    """How far apart numbers are that must be the same: the greatest difference, of ids how many differ."""
    return float(cell.difference.n_different) if cell.key.stage in INTEGER else cell.difference.max_abs_diff


def _placed(one: _Beyond, cell: Cell) -> _Beyond:
    """With a position and a channel where the test itself has none, from the tests that do."""
    at = {test.name: test for test in cell.tests}
    rows = (one.position, *(at[name].position for name in ("position", "element") if name in at))
    columns = (one.channel, *(at[name].channel for name in ("channel", "element") if name in at))
    position = next((row for row in rows if row is not None), cell.difference.worst_position)
    channel = next((column for column in columns if column is not None), None)
    return _Beyond(one.cell, one.test, one.distance, one.bound, one.excess, position, channel)


def _by_hand(cell: Cell, bound: float) -> _Beyond | None:
    at = cell.difference
    distances = [at.relative_rms, at.worst_position_relative_rms or 0.0]
    distance = max(distances, key=lambda value: (math.isnan(value), value))
    if distance <= bound:
        return None
    excess = math.inf if math.isnan(distance) or not bound else distance / bound
    return _Beyond(cell, "by hand", distance, bound, excess, at.worst_position, None)


def _born(measurement: Measurement, judged: Iterable[Cell], beyond: Mapping[int, _Beyond]) -> list[Divergence]:
    """Every stage whose own operation diverges, in forward order, one entry a stage."""
    by_key: dict[StageKey, list[_Beyond]] = defaultdict(list)
    views: dict[StageKey, set[View]] = defaultdict(set)
    for cell in judged:
        # a free run that must be bit-identical shows that something differs; where, the isolated views say if they can
        views[cell.key].add(cell.view)
        if id(cell) in beyond:
            by_key[cell.key].append(beyond[id(cell)])
    found: list[Divergence] = []
    for key in sorted(by_key, key=lambda key: key.order):
        own = [one for one in by_key[key] if one.cell.view != "accumulated"]
        if not own and found:
            continue  # its own operation is sound: it may merely inherit
        found.append(_divergence(measurement, key, own or by_key[key], views[key]))
    return found


def _divergence(measurement: Measurement, key: StageKey, beyond: list[_Beyond], views: set[View]) -> Divergence:
    # the view that accuses one side alone is the clearest; among equals the one furthest off
    clearest = max(beyond, key=lambda one: (one.cell.view in _SIDES, one.excess))
    culprit, because = _culprit(measurement, key, clearest.cell.prompt, {one.cell.view for one in beyond}, views)
    kind = clearest.cell.kind or next((one.cell.kind for one in beyond if one.cell.kind is not None), None)
    return Divergence(
        clearest.cell.prompt,
        key,
        clearest.cell.view,
        clearest.position,
        clearest.channel,
        clearest.test,
        clearest.distance,
        clearest.bound,
        clearest.excess,
        kind,
        culprit,
        because,
    )


def _culprit(
    measurement: Measurement, key: StageKey, prompt: int, beyond: set[View], views: set[View]
) -> tuple[Culprit, str]:
    """Whose fault a stage is: the judge's word on each side's own inputs, else the vote that was taken."""
    accused = frozenset(beyond & {"subject", "oracle"})
    if {"subject", "oracle"} <= views and accused:
        return _ACCUSED[accused]
    vote = measurement.votes.get((prompt, key))
    if vote is not None:
        return vote.culprit, vote.because
    if "subject" in beyond or ("oracle" in beyond and "isolated" not in views):
        return "subject" if "subject" in beyond else "oracle", "on its own inputs the judge computes something else"
    return "undecided", "no third party was asked"


# what the judge says of each side on that side's own inputs
_ACCUSED: dict[frozenset[View], tuple[Culprit, str]] = {
    frozenset(["subject"]): (
        "subject",
        "on its own inputs the judge computes something else, and agrees with the oracle on the oracle's",
    ),
    frozenset(["oracle"]): (
        "oracle",
        "on its own inputs the judge computes something else, and agrees with the subject on the subject's",
    ),
    frozenset(["subject", "oracle"]): ("both", "the judge computes something else than either, on the inputs of each"),
}


def _outcome(measurement: Measurement, first: Divergence | None, judged: list[Cell]) -> tuple[Outcome, str]:
    if first is not None:
        place = f"{first.key}{_at(first.position)}"
        agree = any(
            cell.view == "accumulated"
            and (cell.prompt, cell.key) == (first.prompt, first.key)
            and cell.difference.bit_identical
            for cell in measurement.cells
        )
        part = f"the sides agree in every bit of {place}, and the judge contradicts both"
        return "diverges", part if agree else f"the sides part at {place}"
    doubt = _doubt(measurement, judged)
    if doubt:
        return "inconclusive", doubt
    if not judged:
        return "agrees", "every stage agrees in every bit"
    if any(cell.view == "accumulated" for cell in judged):  # judged only where every bit must agree
        return "agrees", "both sides, each running free from the tokens, agree in every bit of every stage"
    return "agrees", "every stage is within what rounding explains"


def _at(position: int | None) -> str:
    return "" if position is None else f" at position {position}"


def _doubt(measurement: Measurement, judged: list[Cell]) -> str:
    """Why sides that do not part cannot be said to agree; empty where they can."""
    broken = next((gate for gate in measurement.gates if gate.passed is False), None)
    if broken is not None:
        return f"the {broken.side} is not {broken.name}: {broken.detail}"
    if measurement.missing:
        side, key, reason = measurement.missing[0]
        more = f", and {len(measurement.missing) - 1} more" if len(measurement.missing) > 1 else ""
        return f"{key} of the {side} {reason}{more}"
    unseen = _unseen(measurement)
    if unseen:
        more = f", nor are {len(unseen) - 1} more" if len(unseen) > 1 else ""
        return f"{unseen[0]} was expected and is not among the measurements{more}"
    blank = next((cell for cell in measurement.cells if not cell.difference.all_finite), None)
    if blank is not None:
        both = "on both sides, which is no agreement"
        one = "on one side, and there is nothing to judge it by"
        return f"{blank.key} holds numbers that are not finite {one if blank.difference.nonfinite_mismatches else both}"
    settled = {(cell.prompt, cell.key) for cell in measurement.cells if cell.tests or cell.difference.bit_identical}
    open_ = next((cell.key for cell in measurement.cells if (cell.prompt, cell.key) not in settled), None)
    if open_ is not None:
        what = "nothing could" if not judged else f"{open_} could not"
        return f"{what} be judged: without a model no stage can be computed from given inputs"
    return ""


def _unseen(measurement: Measurement) -> list[StageKey]:
    """Stages that were expected and of which there is no comparison of some prompt, nor a word why not."""
    there = {(cell.prompt, cell.key) for cell in measurement.cells}
    told = {key for _, key, _ in measurement.missing}
    prompts = range(len(measurement.prompts))
    return [
        key for key in measurement.expected if key not in told and any((prompt, key) not in there for prompt in prompts)
    ]


def _inherits(measurement: Measurement, born: set[StageKey], first: Divergence | None) -> list[StageKey]:
    """Stages after the first divergence that differ in a free run and are sound in themselves."""
    if first is None:
        return []
    differ = {
        cell.key
        for cell in measurement.cells
        if cell.view == "accumulated" and not cell.difference.bit_identical and cell.key.order > first.key.order
    }
    return sorted(differ - born, key=lambda key: key.order)


def _power(judged: list[Cell], each: float) -> dict[str, Power]:
    """Of each stage, the smallest errors that would have been caught in every layer and prompt.

    An error of one side is caught by any view in which that side is judged. A side whose own view is missing is the judge itself.
    """
    views: dict[tuple[int, StageKey], dict[View, Power]] = defaultdict(dict)
    for cell in judged:
        if cell.key.stage not in INTEGER:  # ids are equal or not
            views[cell.prompt, cell.key][cell.view] = power(cell.tests, each)
    by_stage: dict[str, list[Power]] = defaultdict(list)
    for (_, key), seen in views.items():
        accused = [name for name in _SIDES if name in seen]
        common = [one for name, one in seen.items() if name not in _SIDES]
        by_stage[key.stage] += [_extreme(min, [seen[name], *common]) for name in accused] or [_extreme(min, common)]
    return {stage: _extreme(max, each_) for stage, each_ in by_stage.items()}


_SIDES: tuple[View, View] = ("subject", "oracle")


def _extreme(pick: Callable[[Iterable[float]], float], powers: list[Power]) -> Power:
    return Power(*(pick(getattr(one, name) for one in powers) for name in ("gain", "bias", "channel", "element")))
