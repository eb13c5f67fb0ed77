"""One unit measured: a stage in each view that it has, from captured inputs and the weights that it reads. A pure function."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from apr.ops.arithmetic import F32, F64
from apr.parity.gates import same_bits
from apr.parity.histogram import histogram
from apr.parity.inputs import why_not
from apr.parity.metrics import compare_stage
from apr.parity.null import limit, null_of, tests
from apr.parity.null.base import Null
from apr.parity.predictions import predictions
from apr.parity.result import Cell
from apr.parity.work.setting import Closer, Expected
from apr.parity.work.unit import SIDES, Findings, Missing
from apr.stages import StageKey

if TYPE_CHECKING:
    from apr.capture import Array, Capture
    from apr.models import Model
    from apr.parity.metrics import Element
    from apr.parity.null.base import Test
    from apr.parity.result import View
    from apr.parity.work.setting import Setting
    from apr.parity.work.unit import Unit

HEAD = StageKey("lm_head", None)
# a cell whose tests go beyond what one honest cell in a hundred does is looked at more closely
_CURIOUS = 0.01


def compare(unit: Unit, setting: Setting) -> Findings:
    """Measures a unit: the same findings to the last bit wherever and whenever the same code runs it.

    Raises:
        UnsupportedModel: weights that the arithmetic does not cover.
    """
    if not setting.keep:
        setting.known.clear()  # it serves the views of one stage
    return _Stage(unit, setting).measured()


class _Stage:
    """One stage's comparisons."""

    def __init__(self, unit: Unit, setting: Setting) -> None:
        self.unit, self.key = unit, unit.key
        self.setting, self.plan = setting, setting.plan
        self.ours, self.theirs = setting.ours, setting.theirs
        self.tokens = np.asarray(self.plan.tokens, np.intp)
        self.positions = np.asarray(self.plan.positions, np.intp)
        self.cells: list[Cell] = []
        self.missing: list[Missing] = []

    def measured(self) -> Findings:
        if self._there():
            self._accumulated()
            if self.plan.fed:
                self._isolated()
            for name in self.plan.judged:
                self._judged(name)
        return Findings(self.unit.index, self.key, tuple(self.cells), tuple(self.missing))

    def _there(self) -> bool:
        """Whether both sides have the stage in the shape it should have; what is missing is noted."""
        key, judge = self.key, self.setting.judges[0] or self.setting.judges[1]
        complete = True
        for name, capture in zip(SIDES, (self.ours, self.theirs), strict=True):
            array = capture.stages.get(key)
            if array is None:
                self._miss(name, "was not captured")
                complete = False
                continue
            width = judge.model(F64.name).width(key.stage) if judge is not None else array.shape[-1]
            if array.shape != (len(self.tokens), width):
                self._miss(name, f"has shape {list(array.shape)} instead of {[len(self.tokens), width]}")
                complete = False
        if complete and self.ours[key].shape != self.theirs[key].shape:
            self._miss(
                "subject", f"has shape {list(self.ours[key].shape)}, the oracle's {list(self.theirs[key].shape)}"
            )
            complete = False
        return complete

    def _miss(self, side: str, reason: str) -> None:
        one = Missing(side, self.key, reason)
        if one not in self.missing:
            self.missing.append(one)

    def _accumulated(self) -> None:
        ours, theirs = self.ours[self.key][self.plan.rows], self.theirs[self.key][self.plan.rows]
        # in arithmetic `exact` a free run must agree in every bit, so it is judged; otherwise rounding makes it chaotic
        null = Null(np.zeros(ours.shape), None, ("every bit",)) if self.plan.every_bit else None
        self._cell("accumulated", ours, theirs, null)

    def _isolated(self) -> None:
        key, fed, judge, plan = self.key, self.setting.fed, self.setting.judges[0], self.plan
        if fed is None or judge is None or not self._fed_by(fed, self.theirs, "oracle"):
            return
        # what read the same bits in the free run need not be computed again
        free = all(same_bits(self.ours[source], self.theirs[source]) for source in fed.sources(key))
        seen = self.ours[key] if free else fed.compute(key, self.tokens, self.positions, self.theirs.stages)
        model = judge.model(judges_in(plan.ours_in))
        if plan.stock and fed.arithmetic.name == model.arithmetic.name:
            own = seen
            null = null_of(model, key, self.tokens, self.positions, self.theirs.stages, own, plan.theirs_in)
        else:
            own, null, _ = self._expected(model, self.theirs, plan.theirs_in)
        if judges_in(plan.ours_in) != plan.ours_in:  # the subject itself rounds too
            null = combined(null, self._expected(model, self.theirs, plan.ours_in).null)
        theirs, rows = self.theirs[key], plan.rows
        closer = self._closer(model, seen[rows], theirs[rows], _some(null, rows), own[rows], self.theirs)
        self._cell("isolated", closer.seen, closer.expected, closer.null, closer)

    def _judged(self, name: str) -> None:
        view: View = "subject" if name == "subject" else "oracle"
        at = SIDES.index(name)
        judge, capture = self.setting.judges[at], (self.ours, self.theirs)[at]
        arithmetic = (self.plan.ours_in, self.plan.theirs_in)[at]
        if judge is None:
            return
        model = judge.model(judges_in(arithmetic))
        if not self._fed_by(model, capture, name):
            return
        made, rows = self._expected(model, capture, arithmetic), self.plan.rows
        seen, expected, null = capture[self.key][rows], made.stage[rows], _some(made.null, rows)
        self._cell(view, seen, expected, null, self._closer(model, seen, expected, null, expected, capture))

    def _closer(self, model: Model, seen: Array, expected: Array, null: Null, own: Array, capture: Capture) -> Closer:
        return Closer(
            model, self.key, self.tokens, self.positions, seen, expected, null, own, capture.stages, self.plan.rows
        )

    def _expected(self, model: Model, capture: Capture, other: str) -> Expected:
        """What a judge makes of a capture's inputs, and by how much an engine in another arithmetic may be off that."""
        key = self.key
        # of the subject's captures nothing is kept: there is another one for each subject
        memory = self.setting.known if capture is self.theirs else {}
        in_this = (id(capture), id(model.weights), model.arithmetic.name)
        place, anywhere = (*in_this, other, key), (*in_this, "", key)
        if place not in memory:
            # the stage is the same whatever it is held against, and is computed once
            made = memory.get(anywhere)
            stage = model.compute(key, self.tokens, self.positions, capture.stages) if made is None else made.stage
            null = null_of(model, key, self.tokens, self.positions, capture.stages, stage, other)
            memory[place] = Expected(stage, null, (capture, model.weights))
            memory.setdefault(anywhere, memory[place])
        return memory[place]

    def _fed_by(self, model: Model, capture: Capture, name: str) -> bool:
        """Whether a capture holds everything that a stage reads; what is wrong with it is noted."""
        reason = why_not(model, self.key, capture)
        if reason:
            self._miss(name, f"cannot be computed, {reason}")
        return not reason

    def _cell(self, view: View, seen: Array, expected: Array, null: Null | None, closer: Closer | None = None) -> None:
        a, b = np.asarray(seen), np.asarray(expected)
        if a.dtype != b.dtype:  # a float64 judge against float32: bits are compared as the narrower one holds them
            with np.errstate(over="ignore"):
                a, b = a.astype(np.float32), b.astype(np.float32)
        difference, profiles = compare_stage(self.key.stage, a, b)
        made: tuple[Test, ...] = ()
        because: tuple[str, ...] = ()
        kind, spread = None, None
        if null is not None:
            made, because = tests(a, b, null), null.because
            with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and counted as that
                spread = histogram(a.astype(np.float64) - b, null.proxy)
            name_it = self.setting.look_closer
            if closer is not None and name_it is not None and any(not t.value <= limit(t, _CURIOUS) for t in made):
                kind = name_it(closer)
        positions = tuple(profiles.position_relative_rms.tolist())
        said = predictions(a, b) if self.key == HEAD and view == "accumulated" else None
        cell = Cell(self.plan.prompt, self.key, view, difference, positions, made, because, kind, spread, said)
        self.cells.append(_counted_from(cell, self.plan.first, a.shape[-1]))


def judges_in(arithmetic: str) -> str:
    """The arithmetic in which the judge computes what a side computed in another: sums in float64, the same roundings."""
    return F64.name if arithmetic == F32.name else arithmetic


def combined(a: Null, b: Null) -> Null:
    """Two independent sources of rounding: squares of proxies add up; each side's ids stand as its own errors let them."""
    rank = a.rank if b.rank is None else b.rank if a.rank is None else np.minimum(a.rank, b.rank)
    ranking = a.ranking if a.ranking is None or b.ranking is None else np.maximum(a.ranking, b.ranking)
    because = tuple(dict.fromkeys((*a.because, *b.because)))
    return Null(np.sqrt(a.proxy**2 + b.proxy**2), rank, because, ranking=ranking)


def _counted_from(cell: Cell, first: int, width: int) -> Cell:
    """A cell whose first row is this position of the prompt; places in it are counted from the prompt's first."""
    if not first:
        return cell

    def element(one: Element) -> Element:
        return replace(one, index=one.index + first * width)

    at = cell.difference
    difference = replace(
        at,
        worst_position=None if at.worst_position is None else at.worst_position + first,
        max_abs_diff_index=None if at.max_abs_diff_index is None else at.max_abs_diff_index + first * width,
        first=tuple(map(element, at.first)),
        top=tuple(map(element, at.top)),
    )
    tests_ = tuple(t if t.position is None else replace(t, position=t.position + first) for t in cell.tests)
    return replace(cell, difference=difference, tests=tests_, first_position=first)


def _some(null: Null, rows: slice) -> Null:
    rank = None if null.rank is None else null.rank[rows]
    along, ranking = (None if each is None else each[:, rows] for each in (null.along, null.ranking))
    return Null(null.proxy[rows], rank, null.because, along, ranking)
