"""Two engines over the same tokens: every stage isolated, accumulated, and held against a judge on its own inputs.

Each side makes one forward pass, and each is judged in one more; what is found does not depend on how many faults there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apr.capture import Capture, expected_keys
from apr.engines.recorded import Recorded
from apr.errors import NotComparable, UsageError
from apr.ops.arithmetic import ARITHMETICS, F32, F64, GGML
from apr.parity.comparable import check_provenance
from apr.parity.conventions import check_conventions
from apr.parity.executors.local import Local
from apr.parity.fit import fit_arithmetic, telling
from apr.parity.result import Measurement, Party
from apr.parity.sides import can_be_fed
from apr.parity.work.compare import HEAD, judges_in
from apr.parity.work.joining import in_order
from apr.parity.work.setting import Setting
from apr.parity.work.unit import SIDES, Plan, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.capture import Provenance
    from apr.parity.executors.base import Executor
    from apr.parity.result import Gate, Kind
    from apr.parity.sides import Side
    from apr.parity.work.setting import Closer, Known
    from apr.parity.work.unit import Findings
    from apr.stages import StageKey

EXACT = "exact"
_CHAOS = (
    "differences of free runs judge nothing here: where activations are rounded, one flipped rounding makes 1e-2 of 1e-7 within a few "
    "layers, in honest engines too"
)


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
    executor: Executor | None = None,
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
        advance: called with the key of each stage that was compared, for progress.
        known: keeps what the judge makes of captures, for whoever measures many subjects against the same captures of one oracle.
        executor: measures the stages; by default this process does, one after the other.

    Raises:
        UsageError: no prompt, or filters that leave nothing.
        OracleError, UnusableInput: an engine failed.
    """
    if not prompts:
        raise UsageError("there is nothing to run", hint="give --tokens, --prompt or --prompts")
    take, executor = captures or capture, executor or Local()
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
        run = _Prompt(index, subject, oracle, ours, theirs, filters, measurement)
        setting = run.setting(look_closer, known)
        units = [Unit(place, key) for place, key in enumerate(measurement.expected)]
        for findings in in_order(executor.run(units, setting), units, advance):
            run.take(findings)
        measurement.execution = executor.execution()
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


@dataclass
class _Prompt:
    """One prompt: what is decided before its stages are compared, and what becomes of what was found."""

    index: int
    subject: Side
    oracle: Side
    ours: Capture
    theirs: Capture
    filters: Filters
    measurement: Measurement

    def plan(self) -> Plan:
        """Decides in which arithmetics and views the stages are compared; the parties say so."""
        m = self.measurement
        ours_in = m.subject.fits or self._arithmetic_of("subject", self.subject, self.ours)
        theirs_in = m.oracle.fits or self._arithmetic_of("oracle", self.oracle, self.theirs)
        if EXACT in (ours_in, theirs_in) and ours_in != theirs_in:
            # every bit is asked for only where both have this order of additions
            ours_in = GGML.name if ours_in == EXACT and not self.subject.stock else ours_in
            theirs_in = GGML.name if theirs_in == EXACT and not self.oracle.stock else theirs_in
        if GGML.name in (ours_in, theirs_in) and _CHAOS not in m.notes:
            m.notes.append(_CHAOS)
        fed = can_be_fed(self.subject.engine) and self.subject.judge is not None
        judged = {
            "subject": self.subject.judge is not None and not self.subject.stock,
            # what the judge says of the oracle is what it says as the subject, if it is the subject
            "oracle": self.oracle.judge is not None
            and not self.oracle.stock
            and not (fed and self.subject.stock and judges_in(ours_in) == judges_in(theirs_in)),
        }
        m.subject = replace(m.subject, fits=ours_in, passes=_ran(self.subject) + (fed or judged["subject"]))
        m.oracle = replace(m.oracle, fits=theirs_in, passes=_ran(self.oracle) + (fed or judged["oracle"]))
        ran = self.ours.provenance
        rows = self.filters.rows(len(ran.tokens))
        return Plan(
            prompt=self.index,
            tokens=ran.tokens,
            positions=ran.positions,
            first=rows.start,
            stop=rows.stop,
            ours_in=ours_in,
            theirs_in=theirs_in,
            every_bit=ours_in == theirs_in == EXACT,
            fed=fed,
            judged=tuple(name for name in SIDES if judged[name]),
            stock=self.subject.stock,
        )

    def setting(self, look_closer: Callable[[Closer], Kind | None] | None, known: Known | None) -> Setting:
        """What the prompt's units are measured with; the plan is made for it."""
        plan, engine = self.plan(), self.subject.engine
        return Setting(
            plan,
            self.ours,
            self.theirs,
            engine.model if plan.fed and can_be_fed(engine) else None,
            (self.subject.judge, self.oracle.judge),
            look_closer,
            {} if known is None else known,
            keep=known is not None,
        )

    def take(self, findings: Findings) -> None:
        """Adds what was found of one stage."""
        self.measurement.cells += findings.cells
        for one in findings.missing:
            self._missing(one.side, one.key, one.reason)

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

    def _missing(self, side: str, key: StageKey, reason: str) -> None:
        if (side, key, reason) not in self.measurement.missing:
            self.measurement.missing.append((side, key, reason))


def _ran(side: Side) -> int:
    """Passes that a capture took: what was recorded before takes none."""
    return 0 if isinstance(side.engine, Recorded) else 1
