"""Two engines over the same tokens: every stage isolated, accumulated, and held against a judge on its own inputs.

Each side makes one forward pass, and each is judged in one more; what is found does not depend on how many faults there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.capture import Capture, expected_keys
from apr.engines.recorded import Recorded
from apr.errors import NotComparable, UsageError
from apr.ops.arithmetic import ARITHMETICS, F32, F64, GGML
from apr.parity.comparable import check_provenance
from apr.parity.conventions import check_conventions
from apr.parity.fit import fit_arithmetic, telling
from apr.parity.gates import same_bits
from apr.parity.histogram import histogram
from apr.parity.inputs import why_not
from apr.parity.metrics import compare_stage
from apr.parity.null import limit, null_of, tests
from apr.parity.null.base import Null
from apr.parity.predictions import predictions
from apr.parity.result import Cell, Measurement, Party, View
from apr.parity.sides import can_be_fed
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from apr.capture import Array, Provenance
    from apr.models import Model
    from apr.parity.metrics import Element
    from apr.parity.null.base import Test
    from apr.parity.result import Gate, Kind
    from apr.parity.sides import Side

EXACT = "exact"
HEAD = StageKey("lm_head", None)
_CHAOS = (
    "differences of free runs judge nothing here: where activations are rounded, one flipped rounding makes 1e-2 of 1e-7 within a few "
    "layers, in honest engines too"
)
# a cell whose tests go beyond what one honest cell in a hundred does is looked at more closely
_CURIOUS = 0.01


@dataclass(frozen=True)
class Filters:
    """What of the stages is compared; None for everything.

    Attributes:
        stages: canonical names.
        layers: of per-layer stages; stages of the whole model are compared whatever the layers.
        positions: rows, from 0.
    """

    stages: tuple[str, ...] | None = None
    layers: range | None = None
    positions: range | None = None

    def wants(self, key: StageKey) -> bool:
        """Whether a stage is to be compared."""
        in_layers = self.layers is None or key.layer is None or key.layer in self.layers
        return in_layers and (self.stages is None or key.stage in self.stages)

    def rows(self, count: int) -> slice:
        """The rows of a stage of so many positions."""
        return slice(0, count) if self.positions is None else slice(self.positions.start, self.positions.stop)


def party(side: Side, provenance: Provenance, fits: str | None = None, passes: int = 0) -> Party:
    """A side as reports name it."""
    return Party(
        spec=side.spec,
        engine=provenance.engine,
        build=provenance.build,
        arithmetic=provenance.arithmetic,
        fits=fits,
        model=side.model_path,
        model_sha256=provenance.model_sha256 or None,
        weights_sha256=provenance.weights_sha256,
        passes=passes,
    )


def measure(
    subject: Side,
    oracle: Side,
    prompts: Sequence[Sequence[int]],
    filters: Filters | None = None,
    *,
    captures: Callable[[Side, Sequence[int], Filters], Capture] | None = None,
    probe: Callable[[Side, Sequence[int], Capture], list[Gate]] | None = None,
    look_closer: Callable[[Closer], Kind | None] | None = None,
    advance: Callable[[StageKey], None] = lambda _key: None,
    known: Known | None = None,
) -> Measurement:
    """Everything a verdict needs, in two passes a side.

    Args:
        subject: under judgement.
        oracle: what it is held against.
        prompts: token ids of each.
        filters: what is compared.
        captures: makes a side's capture; by default its engine does.
        probe: makes the gates of a side on the first prompt; None leaves them out.
        look_closer: names the kind of error of a noticeable difference; None leaves it out.
        advance: called with the key of each stage before it is compared, for progress.
        known: keeps what the judge makes of captures, for whoever measures many subjects against the same captures of one oracle.

    Raises:
        UsageError: no prompt, or filters that leave nothing.
        OracleError, UnusableInput: an engine failed.
    """
    if not prompts:
        raise UsageError("there is nothing to run", hint="give --tokens, --prompt or --prompts")
    take = captures or capture
    filters = filters or Filters()
    shortest = min(map(len, prompts))
    if filters.positions is not None and filters.positions.start >= shortest:
        raise UsageError(
            f"position {filters.positions.start} does not exist",
            where="--positions",
            hint=f"the shortest prompt has positions 0 to {shortest - 1}",
        )
    measurement: Measurement | None = None
    for index, tokens in enumerate(prompts):
        theirs = take(oracle, tokens, filters)
        ours = take(subject, tokens, filters)
        if measurement is None:
            measurement = Measurement(party(subject, ours.provenance), party(oracle, theirs.provenance))
            measurement.prompts = tuple(tuple(each) for each in prompts)
            measurement.expected = tuple(_expected(subject, oracle, ours, theirs, filters))
            if not measurement.expected:
                raise UsageError(
                    "nothing is left to compare", hint="--stages and --layers leave no stage of this model"
                )
        try:
            notes = _comparable(ours.provenance, theirs.provenance, tokens)
            _conventional(subject, ours, "subject")
            _conventional(oracle, theirs, "oracle")
        except NotComparable as refusal:
            measurement.incomparable = refusal.problem
            measurement.cells.clear()  # of earlier prompts: nothing follows from a part
            return measurement
        measurement.notes += [note for note in notes if note not in measurement.notes]
        if probe is not None and index == 0:
            measurement.gates += [*probe(subject, tokens, ours), *probe(oracle, tokens, theirs)]
        memory: Known = {} if known is None else known
        run = _Prompt(
            index, subject, oracle, ours, theirs, filters, measurement, look_closer, advance, memory, known is not None
        )
        run.compare()
    if measurement is None:
        raise ValueError("no prompt was run")
    return measurement


def capture(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
    """One pass of a side: the stages that are compared, what they read, and the logits."""
    if filters == Filters() or side.judge is None:
        return side.engine.capture(tokens)
    model = side.judge.model(F64.name)
    # what tells arithmetics apart is looked at whatever is compared, so that the same engine is always judged alike
    wanted = {HEAD} if side.stock else {HEAD, *telling(model)}
    for key in model.stage_keys():
        if filters.wants(key) or key in wanted:
            wanted |= {key, *model.sources(key)}
    return Capture(side.engine.provenance(tokens), dict(side.engine.stream(tokens, wanted)))


def _comparable(ours: Provenance, theirs: Provenance, tokens: Sequence[int]) -> tuple[str, ...]:
    """What differs between two captures although they may be compared; the null models know of arithmetics that differ.

    Raises:
        NotComparable: the reason is the message.
    """
    for name, side in (("subject", ours), ("oracle", theirs)):
        if side.tokens != tuple(tokens):
            raise NotComparable(f"not comparable: the {name} ran other tokens than were asked for")
    notes = check_provenance(ours, theirs, allow=("arithmetic",))
    return tuple(f"{note.removeprefix('allowed on purpose: ')}: the null models know of it" for note in notes)


def _conventional(side: Side, taken: Capture, name: str) -> None:
    if side.judge is None:
        return
    said, file = taken.provenance, side.judge.file
    weights = said.weights_sha256 is not None and said.weights_sha256 == file.weights_sha256
    if said.model_sha256 != file.sha256 and not weights:
        raise NotComparable(
            f"not comparable: the {name} ran another model than {file.path}, which it is to be judged by"
        )
    if not side.stock:
        check_conventions(taken, side.judge.model(F64.name), name)


def _expected(subject: Side, oracle: Side, ours: Capture, theirs: Capture, filters: Filters) -> list[StageKey]:
    judge = subject.judge or oracle.judge
    if judge is not None:
        model = judge.model(F64.name)
        made = expected_keys(model.stages, model.config.n_layers)
    else:
        made = sorted({*ours.stages, *theirs.stages}, key=lambda key: key.order)
    layers = 1 + max((key.layer for key in made if key.layer is not None), default=0)
    if filters.layers is not None and filters.layers.stop > layers:
        raise UsageError(
            f"layer {filters.layers.stop - 1} does not exist",
            where="--layers",
            hint=f"there are layers 0 to {layers - 1}",
        )
    return [key for key in made if filters.wants(key)]


def narrowed(measurement: Measurement, filters: Filters) -> Measurement:
    """A measurement that was made before, with only what the filters leave of it.

    Raises:
        UsageError: they leave nothing, or ask for positions, which cannot be told apart any more.
    """
    if filters.positions is not None:
        raise UsageError(
            "saved measurements hold whole stages", where="--positions", hint="measure again with --positions"
        )
    expected = tuple(key for key in measurement.expected if filters.wants(key))
    if measurement.expected and not expected:
        raise UsageError("nothing is left to judge", hint="--stages and --layers leave no stage that was measured")
    cells = [cell for cell in measurement.cells if filters.wants(cell.key)]
    missing = [one for one in measurement.missing if filters.wants(one[1])]
    return replace(measurement, expected=expected, cells=cells, missing=missing)


@dataclass(frozen=True)
class Closer:
    """What somebody who wants to name a kind of error gets to see; all arrays [positions, width] or [positions, inputs].

    Attributes:
        model: the judge's, in the arithmetic of the side that is judged.
        key: which stage.
        tokens: [T] that were run.
        positions: [T].
        seen: what the accused side has.
        expected: what it is held against: the judge's own, or in the view `isolated` the oracle's, which may be wrong itself.
        null: by how much the two may differ.
        own: what the judge makes of the same inputs.
        given: the stages that its inputs come from.
        rows: which of their rows are compared.
    """

    model: Model
    key: StageKey
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    seen: Array
    expected: Array
    null: Null
    own: Array
    given: Mapping[StageKey, Array]
    rows: slice


class Expected(NamedTuple):
    """What a judge makes of somebody's inputs.

    Attributes:
        stage: [positions, width].
        null: by how much an honest engine may be off that.
        of: what it was made of; held, so that nothing else gets its identity.
    """

    stage: Array
    null: Null
    of: tuple[object, object]


# by capture, weights, the judge's arithmetic, the other one (or "" for the first that was asked about) and stage
Known = dict[tuple[int, int, str, str, StageKey], Expected]


@dataclass
class _Prompt:
    """One prompt's comparisons."""

    index: int
    subject: Side
    oracle: Side
    ours: Capture
    theirs: Capture
    filters: Filters
    measurement: Measurement
    look_closer: Callable[[Closer], Kind | None] | None
    advance: Callable[[StageKey], None]
    known: Known
    keep: bool

    def compare(self) -> None:
        """Fills the measurement."""
        self.tokens = np.asarray(self.ours.provenance.tokens, np.intp)
        self.positions = np.asarray(self.ours.provenance.positions, np.intp)
        self.rows = self.filters.rows(len(self.tokens))
        m = self.measurement
        ours_in = m.subject.fits or self._arithmetic_of("subject", self.subject, self.ours)
        theirs_in = m.oracle.fits or self._arithmetic_of("oracle", self.oracle, self.theirs)
        if EXACT in (ours_in, theirs_in) and ours_in != theirs_in:
            # every bit is asked for only where both have this order of additions
            ours_in = GGML.name if ours_in == EXACT and not self.subject.stock else ours_in
            theirs_in = GGML.name if theirs_in == EXACT and not self.oracle.stock else theirs_in
        every_bit = ours_in == theirs_in == EXACT
        if GGML.name in (ours_in, theirs_in) and _CHAOS not in m.notes:
            m.notes.append(_CHAOS)
        fed = can_be_fed(self.subject.engine) and self.subject.judge is not None
        judged = {
            "subject": self.subject.judge is not None and not self.subject.stock,
            # what the judge says of the oracle is what it says as the subject, if it is the subject
            "oracle": self.oracle.judge is not None
            and not self.oracle.stock
            and not (fed and self.subject.stock and _judges(ours_in) == _judges(theirs_in)),
        }
        m.subject = replace(m.subject, fits=ours_in, passes=_ran(self.subject) + (fed or judged["subject"]))
        m.oracle = replace(m.oracle, fits=theirs_in, passes=_ran(self.oracle) + (fed or judged["oracle"]))
        for key in m.expected:
            self.advance(key)
            if not self._there(key):
                continue
            if not self.keep:
                self.known.clear()  # it serves the views of one stage
            self._accumulated(key, exact=every_bit)
            if fed:
                self._isolated(key, ours_in, theirs_in)
            for name, side, capture, arithmetic in (
                ("subject", self.subject, self.ours, ours_in),
                ("oracle", self.oracle, self.theirs, theirs_in),
            ):
                if judged[name]:
                    self._judged(key, name, side, capture, arithmetic)

    def _arithmetic_of(self, name: str, side: Side, capture: Capture) -> str:
        """What a side computes in: what its stages fit, else what it says, else float32."""
        declared = capture.provenance.arithmetic
        if side.stock or side.judge is None:
            return declared if declared in ARITHMETICS else F32.name
        fit = fit_arithmetic(side.judge.model, capture, declared=declared)
        self.measurement.notes.append(f"the {name} {fit}")
        if fit.arithmetic is None and not fit.stages and declared not in ARITHMETICS:
            self._missing(
                name, self.measurement.expected[0], f"cannot be judged, nobody knows its arithmetic: {fit.reason}"
            )
        found = fit.arithmetic or (declared if declared in ARITHMETICS else F32.name)
        if found != declared and {found, declared} != {EXACT, GGML.name} and fit.arithmetic:
            self.measurement.notes.append(f"the {name} says it computes in {declared}, and fits {found}")
        return found

    def _there(self, key: StageKey) -> bool:
        """Whether both sides have a stage in the shape it should have; what is missing is noted."""
        judge = self.subject.judge or self.oracle.judge
        complete = True
        for name, capture in (("subject", self.ours), ("oracle", self.theirs)):
            array = capture.stages.get(key)
            if array is None:
                self._missing(name, key, "was not captured")
                complete = False
                continue
            width = judge.model(F64.name).width(key.stage) if judge is not None else array.shape[-1]
            if array.shape != (len(self.tokens), width):
                self._missing(name, key, f"has shape {list(array.shape)} instead of {[len(self.tokens), width]}")
                complete = False
        if complete and self.ours[key].shape != self.theirs[key].shape:
            self._missing(
                "subject", key, f"has shape {list(self.ours[key].shape)}, the oracle's {list(self.theirs[key].shape)}"
            )
            complete = False
        return complete

    def _missing(self, side: str, key: StageKey, reason: str) -> None:
        if (side, key, reason) not in self.measurement.missing:
            self.measurement.missing.append((side, key, reason))

    def _accumulated(self, key: StageKey, *, exact: bool) -> None:
        ours, theirs = self.ours[key][self.rows], self.theirs[key][self.rows]
        # in arithmetic `exact` a free run must agree in every bit, so it is judged; otherwise rounding makes it chaotic
        null = Null(np.zeros(ours.shape), None, ("every bit",)) if exact else None
        self._cell(key, "accumulated", ours, theirs, null)

    def _isolated(self, key: StageKey, ours_in: str, theirs_in: str) -> None:
        engine, judge = self.subject.engine, self.subject.judge
        if not can_be_fed(engine) or judge is None or not self._fed_by(engine.model, key, self.theirs, "oracle"):
            return
        # what read the same bits in the free run need not be computed again
        free = all(same_bits(self.ours[source], self.theirs[source]) for source in engine.model.sources(key))
        seen = self.ours[key] if free else engine.model.compute(key, self.tokens, self.positions, self.theirs.stages)
        model = judge.model(_judges(ours_in))
        if self.subject.stock and engine.model.arithmetic.name == model.arithmetic.name:
            own = seen
            null = null_of(model, key, self.tokens, self.positions, self.theirs.stages, own, theirs_in)
        else:
            own, null, _ = self._expected(model, key, self.theirs, theirs_in)
        if _judges(ours_in) != ours_in:  # the subject itself rounds too
            null = _both(null, self._expected(model, key, self.theirs, ours_in).null)
        theirs = self.theirs[key]
        closer = Closer(
            model,
            key,
            self.tokens,
            self.positions,
            seen[self.rows],
            theirs[self.rows],
            _some(null, self.rows),
            own[self.rows],
            self.theirs.stages,
            self.rows,
        )
        self._cell(key, "isolated", closer.seen, closer.expected, closer.null, closer)

    def _judged(self, key: StageKey, name: str, side: Side, capture: Capture, arithmetic: str) -> None:
        if side.judge is None:
            return
        model = side.judge.model(_judges(arithmetic))
        if not self._fed_by(model, key, capture, name):
            return
        made = self._expected(model, key, capture, arithmetic)
        seen, expected, null = capture[key][self.rows], made.stage[self.rows], _some(made.null, self.rows)
        closer = Closer(
            model, key, self.tokens, self.positions, seen, expected, null, expected, capture.stages, self.rows
        )
        view: View = "subject" if name == "subject" else "oracle"
        self._cell(key, view, seen, expected, closer.null, closer)

    def _expected(self, model: Model, key: StageKey, capture: Capture, other: str) -> Expected:
        """What a judge makes of a capture's inputs, and by how much an engine in another arithmetic may be off that."""
        # of the subject's captures nothing is kept: there is another one for each subject
        memory = self.known if capture is self.theirs else {}
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

    def _fed_by(self, model: Model, key: StageKey, capture: Capture, name: str) -> bool:
        """Whether a capture holds everything that a stage reads; what is wrong with it is noted."""
        reason = why_not(model, key, capture)
        if reason:
            self._missing(name, key, f"cannot be computed, {reason}")
        return not reason

    def _cell(
        self,
        key: StageKey,
        view: View,
        seen: Array,
        expected: Array,
        null: Null | None,
        closer: Closer | None = None,
    ) -> None:
        a, b = np.asarray(seen), np.asarray(expected)
        if a.dtype != b.dtype:  # a float64 judge against float32: bits are compared as the narrower one holds them
            with np.errstate(over="ignore"):
                a, b = a.astype(np.float32), b.astype(np.float32)
        difference, profiles = compare_stage(key.stage, a, b)
        made: tuple[Test, ...] = ()
        because: tuple[str, ...] = ()
        kind, spread = None, None
        if null is not None:
            made, because = tests(a, b, null), null.because
            with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and counted as that
                spread = histogram(a.astype(np.float64) - b, null.proxy)
            if (
                closer is not None
                and self.look_closer is not None
                and any(not t.value <= limit(t, _CURIOUS) for t in made)
            ):
                kind = self.look_closer(closer)
        positions = tuple(profiles.position_relative_rms.tolist())
        said = predictions(a, b) if key == HEAD and view == "accumulated" else None
        cell = Cell(self.index, key, view, difference, positions, made, because, kind, spread, said)
        self.measurement.cells.append(_counted_from(cell, self.rows.start, a.shape[-1]))


def _ran(side: Side) -> int:
    """Passes that a capture took: what was recorded before takes none."""
    return 0 if isinstance(side.engine, Recorded) else 1


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


def _judges(arithmetic: str) -> str:
    """The arithmetic in which the judge computes what a side computed in another: sums in float64, the same roundings."""
    return F64.name if arithmetic == F32.name else arithmetic


def _some(null: Null, rows: slice) -> Null:
    rank = None if null.rank is None else null.rank[rows]
    along, ranking = (None if each is None else each[:, rows] for each in (null.along, null.ranking))
    return Null(null.proxy[rows], rank, null.because, along, ranking)


def _both(a: Null, b: Null) -> Null:
    """Two independent sources of rounding: squares of proxies add up; each side's ids stand as its own errors let them."""
    rank = a.rank if b.rank is None else b.rank if a.rank is None else np.minimum(a.rank, b.rank)
    ranking = a.ranking if a.ranking is None or b.ranking is None else np.maximum(a.ranking, b.ranking)
    because = tuple(dict.fromkeys((*a.because, *b.because)))
    return Null(np.sqrt(a.proxy**2 + b.proxy**2), rank, because, ranking=ranking)
