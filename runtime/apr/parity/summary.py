"""What the terminal and the HTML report say alike: the rows of the table, and the facts of the verdict card as sentences."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from apr.console import human_size
from apr.stages import CANONICAL, INTEGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apr.parity.null.base import Test
    from apr.parity.result import Cell, Divergence, Execution, Gate, Measurement, Party, Predictions, Verdict, View
    from apr.stages import StageKey

# first: where the sides part first; born: its own operation diverges too; within: the difference is inside its bound
State = Literal["first", "born", "inherits", "equal", "within", "missing", "not judged"]
# which view tells most about a stage's own operation
_OWN: tuple[View, ...] = ("isolated", "subject", "oracle")


# numbers of likeliest tokens whose agreement is told, in words
_LIKELIEST = {"10": "ten", "5": "five"}
# what a divergence's distance is, by the test that found it
_MEASURES = {
    "element": "absolute, of one element",
    "bias": "absolute, of all elements alike",
    "gain": "relative, of all elements alike",
    "position": "relative RMS of the position",
    "channel": "relative RMS of the channel",
    "stage": "relative RMS of the stage",
    "by hand": "relative RMS, the bound set by hand",
}


class Bounded(NamedTuple):
    """A test and the value that it may have.

    Attributes:
        test: as measured.
        bound: in units of the null model, like the test's value.
        excess: value over bound; infinite where a value that must be 0 is not, and for NaN.
    """

    test: Test
    bound: float
    excess: float


def bound(test: Test, verdict: Verdict) -> float:
    """The greatest value, in units of the null model, that a test may have under a verdict's alpha; 0 where bits differ that must not."""
    if math.isinf(test.value):
        return 0.0
    from apr.parity.null import limit  # noqa: PLC0415 - reports without a judged cell do not wait for it

    return limit(test, verdict.alpha / verdict.tests if verdict.tests else verdict.alpha)


def ratio(value: float, allowed: float) -> float:
    """Value over bound; infinite where a value that must be 0 is not, and for NaN, so that neither vanishes in a maximum."""
    if math.isnan(value):
        return math.inf
    if allowed > 0:
        return value / allowed
    return math.inf if value else 0.0


def bounded(cell: Cell, verdict: Verdict) -> tuple[Bounded, ...]:
    """The tests of a cell with their bounds."""
    found = []
    for test in cell.tests:
        allowed = bound(test, verdict)
        found.append(Bounded(test, allowed, ratio(test.value, allowed)))
    return tuple(found)


@dataclass(frozen=True)
class Row:
    """One stage of one layer of one prompt.

    Attributes:
        prompt: its index.
        key: stage and layer.
        cells: by view.
        state: what became of it.
        isolated: relative RMS of the stage's own operation; None where that was not compared.
        bound: what `isolated` may be; None where it was not judged.
        excess: how far the worst of the stage's own tests is towards its bound, 1 at it; None where none was made. Where the bound
            was set by hand, the distance over it.
        accumulated: relative RMS of the free runs; None where they were not compared.
        gain: accumulated over isolated; None where either is missing, or their ratio is no number.
        position: the worst one of the stage's own operation, else of the free run.
    """

    prompt: int
    key: StageKey
    cells: dict[View, Cell]
    state: State
    isolated: float | None
    bound: float | None
    excess: float | None
    accumulated: float | None
    gain: float | None
    position: int | None


def rows(measurement: Measurement, verdict: Verdict) -> list[Row]:
    """Every stage that was expected or seen, prompt by prompt, in forward order."""
    cells: dict[tuple[int, StageKey], dict[View, Cell]] = defaultdict(dict)
    for cell in measurement.cells:
        cells[cell.prompt, cell.key][cell.view] = cell
    lacking = {key for _, key, _ in measurement.missing}
    keys = {*measurement.expected, *(cell.key for cell in measurement.cells), *lacking}
    order = sorted(keys, key=lambda key: key.order)
    return [
        _row(prompt, key, cells.get((prompt, key), {}), verdict, lacking=key in lacking)
        for prompt in range(len(measurement.prompts))
        for key in order
    ]


def _row(prompt: int, key: StageKey, cells: dict[View, Cell], verdict: Verdict, *, lacking: bool) -> Row:
    own = next((cells[view] for view in _OWN if view in cells), None)
    free = cells.get("accumulated")
    # in arithmetic `exact` free runs are judged too, and may be all that there is
    judged = [cells[view] for view in _OWN if view in cells] or list(cells.values())
    isolated = own.difference.relative_rms if own else None
    accumulated = free.difference.relative_rms if free else None
    allowed, excess = None, None
    for cell in judged:
        for one in bounded(cell, verdict):
            excess = one.excess if excess is None else max(excess, one.excess)
            if cell is own and one.test.name == "stage":
                allowed = one.bound * one.test.unit
    by_hand = verdict.by_hand.get(key.stage, verdict.by_hand.get("all"))
    if own is not None and by_hand is not None:
        allowed = by_hand
        excess = ratio(max(own.difference.relative_rms, own.difference.worst_position_relative_rms or 0.0), allowed)
    shown = own or free
    state = _state(prompt, key, cells, excess, verdict, lacking=lacking)
    position = shown.difference.worst_position if shown else None
    if state == "first" and verdict.first is not None and verdict.first.position is not None:
        position = verdict.first.position  # the one that the card names
    return Row(
        prompt,
        key,
        cells,
        state,
        isolated,
        allowed,
        excess,
        accumulated,
        _gain(accumulated, isolated),
        position,
    )


def _state(
    prompt: int, key: StageKey, cells: dict[View, Cell], excess: float | None, verdict: Verdict, *, lacking: bool
) -> State:
    """What became of a stage of one prompt; a stage that diverges in one prompt may be sound in another."""
    diverges = any(one.key == key and (one.prompt == prompt or (excess or 0) > 1) for one in verdict.born)
    first = verdict.first
    state: State = "within"
    if first is not None and (prompt, key) == (first.prompt, first.key):
        state = "first"
    elif diverges:
        state = "born"
    elif lacking or not cells:
        state = "missing"
    elif key in verdict.inherits:
        state = "inherits"
    elif all(cell.difference.bit_identical for cell in cells.values()):
        state = "equal"
    elif not any(cell.tests for cell in cells.values()):
        state = "not judged"
    return state


def _gain(accumulated: float | None, isolated: float | None) -> float | None:
    if accumulated is None or isolated is None:
        return None
    if isolated == 0 and not math.isnan(accumulated):
        return math.inf if accumulated else 1.0
    gain = accumulated / isolated if isolated else math.nan
    return None if math.isnan(gain) else gain


def worst_of_each(found: Iterable[Row]) -> list[Row]:
    """Of the rows of several prompts, for each stage and layer the one that is furthest off, in the order of the first."""
    by_key: dict[StageKey, Row] = {}
    for row in found:
        before = by_key.get(row.key)
        if before is None or _severity(row) > _severity(before):
            by_key[row.key] = row
    return list(by_key.values())


def _severity(row: Row) -> tuple[float, float]:
    def known(value: float | None) -> float:
        return -1.0 if value is None else math.inf if math.isnan(value) else value

    return known(row.excess), known(row.accumulated if row.isolated is None else row.isolated)


class Fact(NamedTuple):
    """One line of the verdict card.

    Attributes:
        label: one or two words.
        text: a sentence or a list, foreign text in it as it came.
    """

    label: str
    text: str


def place(key: StageKey, position: int | None = None, channel: int | None = None) -> str:
    """`attn_out, layer 12, position 5, channel 88`."""
    parts = [key.stage, "whole model" if key.layer is None else f"layer {key.layer}"]
    parts += [f"{name} {value}" for name, value in (("position", position), ("channel", channel)) if value is not None]
    return ", ".join(parts)


def times(excess: float) -> str:
    """How many times too far, in words."""
    if not math.isfinite(excess):
        return "beyond any number of times the bound"
    if excess < 100:
        return f"{excess:.3g} times the bound"
    return f"{excess:,.0f} times the bound" if excess < 1e6 else f"{excess:.1e} times the bound"


def headline(verdict: Verdict) -> str:
    """The outcome in one sentence."""
    first = verdict.first
    if verdict.outcome != "diverges" or first is None:
        word, _, _ = verdict.reason.partition(" ")
        named = word in CANONICAL or not word.isalpha()  # names keep their spelling
        return f"{verdict.reason if named else verdict.reason[:1].upper() + verdict.reason[1:]}."
    guilty = {
        "subject": "the subject is wrong",
        "oracle": "the oracle is wrong",
        "both": "both are wrong",
        "undecided": "who is wrong is undecided",
    }[first.culprit]
    kind = f"{first.kind.name}; " if first.kind else ""
    where = f"at {place(first.key, first.position, first.channel)}"
    if verdict.reason.startswith("the sides agree"):
        return f"The sides agree in every bit, and the judge contradicts both {where}: {kind}{guilty}."
    return f"The sides part {where}: {kind}{guilty}."


def how_far(one: Divergence) -> str:
    """How far beyond its bound a divergence is, in words."""
    return "a difference where none is allowed" if _exact(one) else times(one.excess)


def _exact(one: Divergence) -> bool:
    """Whether every bit had to agree."""
    return one.bound == 0 and one.test != "by hand"


def facts(measurement: Measurement, verdict: Verdict, replay: str = "") -> list[Fact]:
    """The lines of the verdict card below its headline.

    Args:
        measurement: what was measured.
        verdict: what follows from it.
        replay: the command that shows the first divergence again; "" leaves that line out.
    """
    found = [*_divergence(verdict.first, measurement)] if verdict.first else []
    found += _first_position(measurement, verdict)
    found += _certainty(verdict)
    if verdict.runner_up is not None:
        one = verdict.runner_up
        kind = f", {one.kind.name}" if one.kind else ""
        found.append(Fact("runner-up", f"{place(one.key, one.position, one.channel)}: {how_far(one)}{kind}"))
    more = len(verdict.born) - 1
    if more > 1:
        found.append(
            Fact(
                "also born",
                f"{more} stages besides the first diverge by their own operation: {_keys(one.key for one in verdict.born[1:])}",
            )
        )
    if verdict.inherits:
        count = len(verdict.inherits)
        found.append(
            Fact(
                "inherited",
                f"{count} later {'stages inherit' if count != 1 else 'stage inherits'} the difference and {'are' if count != 1 else 'is'} sound in {'themselves' if count != 1 else 'itself'}",
            )
        )
    found += _ladder(measurement, verdict.first)
    found += _predictions(measurement)
    if measurement.missing:
        side, key, reason = measurement.missing[0]
        rest = f"; {len(measurement.missing) - 1} more" if len(measurement.missing) > 1 else ""
        found.append(
            Fact(
                "missing",
                f"{len(measurement.missing)} of {len(measurement.expected)} expected stages were not compared: {key} of the {side}: {reason}{rest}",
            )
        )
    if measurement.gates:
        found.append(Fact("gates", "; ".join(map(_gate, measurement.gates))))
    found += [Fact("subject", _party(measurement.subject)), Fact("oracle", _party(measurement.oracle))]
    found += _execution(measurement.execution)
    found += [Fact("note", note) for note in (*measurement.notes, *verdict.notes)]
    if replay:
        found.append(Fact("see it again", replay))
    return found


def _execution(ran: Execution) -> list[Fact]:
    """Where stages were measured, if that was elsewhere."""
    if not ran.scheduler:
        return []
    again = f", {ran.retries} begun again" if ran.retries else ""
    read = (
        f"{human_size(ran.captures_read)} of captured stages and {human_size(ran.weights_read)} of weights read there"
    )
    count = len(ran.workers)
    who = f"{count} worker{'' if count == 1 else 's'} of {ran.scheduler}"
    return [Fact("measured by", f"{who}: {ran.units} stages{again}; {read}")]


def _divergence(first: Divergence, measurement: Measurement) -> list[Fact]:
    which = f" (prompt {first.prompt})" if len(measurement.prompts) > 1 else ""
    given = {
        "isolated": "on the oracle's inputs",
        "subject": "on the subject's own inputs",
        "oracle": "on the oracle's own inputs",
        "accumulated": "in free runs that must be bit-identical",
    }[first.view]
    label = "born here" if first.view != "accumulated" else "seen here"
    off = f"{given} {_off(first, measurement)}"
    found = [Fact("where", place(first.key, first.position, first.channel) + which), Fact(label, off)]
    if first.kind is not None:
        found.append(
            Fact(
                "kind", f"{first.kind.name}: {first.kind.detail}; explains {first.kind.explains:.1%} of the difference"
            )
        )
    found.append(Fact("who", f"{first.culprit}: {first.culprit_because}"))
    return found


def _off(first: Divergence, measurement: Measurement) -> str:
    """How far off a divergence is and what is allowed, in words."""
    if not _exact(first):
        return f"it is {first.distance:.3g} off, allowed is {first.bound:.3g} ({_MEASURES.get(first.test, first.test)})"
    place_ = (first.prompt, first.key, first.view)
    cell = next((one for one in measurement.cells if (one.prompt, one.key, one.view) == place_), None)
    if first.key.stage in INTEGER:
        of = f" of {cell.difference.count:,}" if cell else ""
        return f"{first.distance:,.0f}{of} ids are not the same; every one must agree"
    count = cell.difference.n_different if cell else 0
    where = "" if not count else " at one element" if count == 1 else f" at most, {count:,} elements do"
    return f"it differs by {first.distance:.3g}{where}; every bit must agree"


def _first_position(measurement: Measurement, verdict: Verdict) -> Iterator[Fact]:
    """Position 0 apart from the others: massive activations and near ties live there."""
    first = verdict.first
    cells = [
        cell
        for cell in measurement.cells
        if cell.first_position == 0
        and len(cell.positions) > 1
        and not cell.difference.integers  # between ids there is no distance
        and (
            cell.tests if first is None else (cell.prompt, cell.key, cell.view) == (first.prompt, first.key, first.view)
        )
    ]
    if not cells:
        return

    def worst(values: Iterable[float]) -> str:
        return f"{max(values, key=lambda value: math.inf if math.isnan(value) else value):.2g}"

    rest = worst(value for cell in cells for value in cell.positions[1:])
    where = "" if first is not None else " at most"
    yield Fact(
        "position 0",
        f"{worst(cell.positions[0] for cell in cells)} off{where} in relative RMS, the worst of the others {rest}",
    )


def _certainty(verdict: Verdict) -> list[Fact]:
    if not verdict.comparable or not verdict.tests:
        return []
    sure = f"a correct pair is called divergent in at most {verdict.alpha:.0e} of runs (alpha, over {verdict.tests:,} tests)"
    if verdict.by_hand:
        sure += "; bounds set by hand apart"
    if verdict.first is not None:
        sure = f"{how_far(verdict.first)}; {sure}"
    found = [Fact("how sure", sure)]
    stage, power = None, None
    if verdict.first is not None:
        stage, power = verdict.first.key.stage, verdict.power.get(verdict.first.key.stage)
    elif verdict.power:
        # what the weakest of all stages would have caught
        stage, power = max(verdict.power.items(), key=lambda item: item[1].gain)
    if power is not None and stage not in INTEGER:
        weakest = "" if verdict.first is not None else " (the weakest stage)"
        found.append(
            Fact(
                "power",
                f"would have caught at {stage}{weakest}: gain {power.gain:.1e}, bias {power.bias:.1e}, one channel "
                f"{power.channel:.1e}, one element {power.element:.1e}, each relative to the stage's RMS",
            )
        )
    return found


def _ladder(measurement: Measurement, first: Divergence | None) -> list[Fact]:
    found = []
    for (side, prompt, key), rungs in measurement.ladders.items():
        if first is not None and (prompt, key) != (first.prompt, first.key):
            continue
        steps = ", ".join(f"{rung.name} {rung.share:.0%}" for rung in rungs)
        found.append(Fact("why", f"{side} at {place(key)}, from float64: {steps}"))
    return found


def _predictions(measurement: Measurement) -> list[Fact]:
    """What the differences of free runs do to the next token, over all prompts."""
    seen = [cell.predictions for cell in measurement.cells if cell.predictions is not None]
    every = [kl for one in seen for kl in one.kl]
    if not every:
        return []
    if any(math.isnan(kl) for kl in every):
        return [
            Fact("predictions", "the logits of free runs are not all numbers, so nothing is said of the next token")
        ]
    worst = max(every)
    other = sum(len(one.argmax_differs) for one in seen)
    token = (
        f"another token is the likeliest at {other} of {len(every)} positions"
        if other
        else "the likeliest token is the same everywhere"
    )
    said = [f"after free runs KL is {worst:.2g} nats at the worst position", token, *_likeliest(seen)]
    return [Fact("predictions", ", ".join(said))]


def _likeliest(seen: Iterable[Predictions]) -> list[str]:
    """How many of the likeliest tokens are shared at least; a vocabulary below ten has no ten of them."""
    of_each = [one.shared for one in seen]
    for k, word in _LIKELIEST.items():
        if all(k in shared for shared in of_each):
            least = min((shared[k] for shared in of_each), key=lambda share: -1.0 if math.isnan(share) else share)
            return [f"{least:.0%} of the {word} likeliest are shared at least"]
    return []


def _gate(gate: Gate) -> str:
    word = {True: "yes", False: "NO", None: "not probed"}[gate.passed]
    return f"{gate.side} {gate.name}: {word}" + ("" if gate.passed else f" ({gate.detail})")


def _party(party: Party) -> str:
    fits = f", fits {party.fits}" if party.fits else ""
    engine = party.engine if party.build in {"", "unknown"} else f"{party.engine} {party.build}"
    model = f", model {party.model}" if party.model else ""
    passes = f", {party.passes} forward pass{'es' if party.passes > 1 else ''}" if party.passes else ""
    return f"{party.spec}: {engine}, arithmetic {party.arithmetic}{fits}{passes}{model}"


def _keys(keys: Iterable[StageKey], most: int = 4) -> str:
    named = [str(key) for key in keys]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")
