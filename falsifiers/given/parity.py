"""Parity runs: two sides over the same tokens, measured and judged as `apr parity` does, with a claim's mutant in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.oracle import Oracle, require_avx2
from given.passes import Meter
from given.progress import by_stage
from pv import Evidence, Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.mutants.harness import HarnessMutant
    from apr.mutants.planting import Mutant as Planted
    from apr.parity.measure import Filters
    from apr.parity.result import Gate, Measurement, Verdict
    from apr.parity.sides import Judge, Side
    from apr.parity.work.setting import Known
    from given.arithmetic import OfType
    from given.captures import SoundCaptures
    from pv import Mutant

ROOT = Path(__file__).resolve().parents[2]
RUNTIME, MAKER = ROOT / "runtime" / "apr", ROOT / "fixtures" / "tinymodels"
POSITIONS, BEYOND = 24, 96  # the latter reaches beyond the context that stretched rotations were stretched from
VIEWS = 3  # of a stage: the subject fed with the oracle's inputs, and the judge with either side's
DEEP = 48  # positions of the model with 30 layers, so that small errors of the rotation show


class Expected(NamedTuple):
    """What a verdict has to say of a planted fault beside the place.

    Attributes:
        kinds: any of these; empty where the error has no simple shape.
        position: None where it touches several.
        culprit: which side it was planted in.
        cause: the step of the ladder from float64 that has to explain most of the culprit's drift; None where none is asked for.
    """

    kinds: tuple[str, ...] = ()
    position: int | None = None
    culprit: str = "subject"
    cause: str | None = None


class Pair(NamedTuple):
    """Two sides and what they run.

    Attributes:
        subject, oracle: one of them may have a fault in it.
        tokens: ids.
        captured: what is at hand already, by the side's `spec`.
        expected: of the fault; None where both sides are sound.
        layers: how many are run and compared, from the first, without what comes after the last; None for everything. What stands
            behind a fault cannot come before it.
    """

    subject: Side
    oracle: Side
    tokens: list[int]
    captured: dict[str, Capture]
    expected: Expected | None = None
    layers: int | None = None


class Run(NamedTuple):
    """What came of it.

    Attributes:
        measurement, verdict: of the run.
        subject_passes, oracle_passes: counted while it ran, see `given.passes.Meter`; not what the run says of itself.
    """

    measurement: Measurement
    verdict: Verdict
    subject_passes: int
    oracle_passes: int


def _of_layers(pair: Pair) -> Filters:
    """The first layers of a pair, and nothing that comes after all of them."""
    from apr.parity.measure import Filters
    from apr.stages import FIRST_LAYER_ONLY, PER_LAYER

    return Filters(stages=(*FIRST_LAYER_ONLY, *PER_LAYER), layers=range(pair.layers or 0))


def _model(pair: Pair) -> tuple[str, int | None]:
    """How the model of a pair is called, and how many stages of it are compared; None where nobody knows."""
    judge = pair.subject.judge or pair.oracle.judge
    if judge is None:
        return "a model", None
    keys = judge.model("f64").stage_keys()
    wanted = keys if pair.layers is None else [key for key in keys if _of_layers(pair).wants(key)]
    return judge.file.path.stem, len(wanted)


def _first_layers(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
    """What the filters ask for, of a pass that ends there: as `apr.parity.measure.capture`, which always goes on to the logits."""
    from apr.capture import Capture

    if side.judge is None:
        return side.engine.capture(list(tokens))
    model = side.judge.model("f64")
    wanted = {one for key in model.stage_keys() if filters.wants(key) for one in (key, *model.sources(key))}
    return Capture(side.engine.provenance(tokens), dict(side.engine.stream(tokens, wanted)))


def _share(pair: Pair, measurement: Measurement) -> float:
    """Of the probability that a run of all layers errs, what belongs to the tests that were made of some of them.

    As many cells are taken for a run of everything as it can have at most: every stage in the view of the subject's own inputs, in
    that of the oracle's, and in that of both. So a test here errs no more than its like does there, and is no easier to fail.
    """
    from apr.parity.null import ALPHA, split

    judge = pair.subject.judge or pair.oracle.judge
    if judge is None:
        raise ValueError("without a model nobody knows of how many layers these are the first")
    whole = VIEWS * len(judge.model("f64").stage_keys())
    return split(ALPHA, whole) * sum(len(cell.tests) for cell in measurement.cells)


class Parity:
    """Measures and judges; with a fault of the harness if the claim's mutant is one."""

    def __init__(
        self, fault: HarnessMutant | None, known: Known | None = None, evidence: Evidence | None = None
    ) -> None:
        self._fault, self._known, self._evidence = fault, known, evidence or Evidence()

    def run(
        self,
        pair: Pair,
        *,
        probe: Callable[[Side, Sequence[int], Capture], list[Gate]] | None = None,
        afresh: bool = False,
    ) -> Run:
        """Two passes a side, the verdict, and who is wrong where they part; `afresh` without what other runs left.

        What comes after `pair.layers` is neither run nor compared, and a test that is left then errs no more than it does in a run of
        everything.
        """
        from apr.parity import measure as measuring
        from apr.parity import verdict as judging
        from apr.parity.explain import explain, look_closer

        measure: Any = measuring.measure
        judge: Any = judging.judge
        if self._fault is not None:
            measure, judge = self._fault.measure(measure), self._fault.judge(judge)
        meter = Meter(pair.subject, pair.oracle)
        kept: dict[str, Capture] = {}
        model, total = _model(pair)

        def take(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
            self._evidence.progress(0, total, f"{model}, {len(tokens)} tokens in {side.spec}")
            # a capture that is at hand holds everything, so whatever is asked for
            if side.spec in pair.captured:
                meter.ran(side)
                made = pair.captured[side.spec]
            elif pair.layers is None:
                made = measuring.capture(side, tokens, filters)
            else:
                made = _first_layers(side, tokens, filters)
            kept[meter.who(side)] = made
            return meter.holds(side, made)

        def closer(at: Any) -> Any:
            with meter.pausing():
                return look_closer(at)

        def gates(side: Side, tokens: Sequence[int], made: Capture) -> list[Gate]:
            with meter.pausing():
                return [] if probe is None else probe(side, tokens, made)

        filters = measuring.Filters() if pair.layers is None else _of_layers(pair)
        with meter.watching():
            measurement = measure(
                pair.subject,
                pair.oracle,
                [pair.tokens],
                filters,
                captures=take,
                probe=gates,
                look_closer=closer,
                advance=by_stage(self._evidence, model, total),
                # what a fault of the harness makes of a capture must not be taken for what the sound one makes of it
                known=self._known if self._fault is None and not afresh else None,
            )
        bounds = judging.Bounds(alpha=_share(pair, measurement)) if pair.layers is not None else None
        verdict = judge(measurement, bounds)
        if verdict.first is not None:

            def again(side: Side) -> Capture:
                made = kept.get(meter.who(side))
                return take(side, pair.tokens, filters) if made is None else made

            explain(measurement, verdict, pair.subject, pair.oracle, again)
            verdict = judge(measurement, bounds)
        return Run(measurement, verdict, meter.passes("subject"), meter.passes("oracle"))

    def greatest(self, run: Run) -> tuple[float, Any]:
        """How far the test that comes nearest to its bound is from it, as value over bound, and the cell it is of."""
        from apr.parity.null import limit

        each = run.verdict.alpha / max(run.verdict.tests, 1)
        found = [
            (test.value / allowed if allowed else test.value, cell)
            for cell in run.measurement.cells
            for test in cell.tests
            for allowed in [limit(test, each)]
        ]
        return max(found, key=lambda one: one[0], default=(0.0, None))


@pytest.fixture(scope="session")
def known() -> Known:
    """What the judge makes of the oracles' captures, which many subjects are held against."""
    return {}


@pytest.fixture
def parity(mutant: Mutant | None, evidence: Evidence, monkeypatch: pytest.MonkeyPatch, known: Known) -> Parity:
    """The harness under judgement, with the claim's mutant in it if there is one."""
    from apr.mutants.harness import MUTANTS

    evidence.input("source", RUNTIME)
    fault = None if mutant is None else MUTANTS.get(mutant.id)
    if fault is not None:
        fault.plant(monkeypatch.setattr)
    return Parity(fault, known, evidence)


@pytest.fixture(scope="session")
def judge_of() -> Callable[[ModelFile], Judge]:
    """The judge over a model file, loaded once."""
    from apr.parity.sides import Judge

    made: dict[int, Judge] = {}

    def find(file: ModelFile) -> Judge:
        if id(file) not in made:
            made[id(file)] = Judge(file)
        return made[id(file)]

    return find


@pytest.fixture
def reference_side(judge_of: Callable[[ModelFile], Judge], evidence: Evidence) -> Callable[..., Side]:
    """The reference over a file in an arithmetic, as one side, with a fault in it if one is given."""
    from apr.engines.reference import Reference
    from apr.parity.sides import Side

    def build(file: ModelFile, arithmetic: str, fault: Planted | None = None, role: str = "subject") -> Side:
        judge = judge_of(file)
        model = judge.model(arithmetic)
        engine = Reference(file, model.arithmetic, model if fault is None else fault.plant(model))
        evidence.engine(role, f"{engine.name}:{arithmetic}", engine.build)
        return Side(f"numpy:{arithmetic}", engine, judge, stock=fault is None)

    return build


@pytest.fixture
def llama_side(judge_of: Callable[[ModelFile], Judge], evidence: Evidence) -> Callable[..., Side]:
    """llama.cpp over a file as one side."""
    from apr.parity.sides import Side

    def build(oracle: Oracle, file: ModelFile, role: str = "oracle") -> Side:
        engine = oracle.engine()
        require_avx2(engine)
        evidence.engine(role, engine.name, f"{engine.build}, {' '.join(sorted(engine.instructions))}")
        evidence.input("library", engine.provider.library)
        return Side("llama.cpp", engine, judge_of(file))

    return build


def expectation(fault: Any, count: int, culprit: str = "subject") -> Expected:
    """What has to be said of a fault over so many positions."""
    position = getattr(fault, "position", None)
    return Expected(getattr(fault, "kinds", ()), None if position is None else position(count), culprit)


def up_to(fault: Planted | None) -> int | None:
    """How many of 30 layers a run compares that has to find a fault: one more than up to it."""
    return None if fault is None or fault.layer is None else min(30, fault.layer + 2)


@pytest.fixture
def small_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    reference_side: Callable[..., Side],
    llama_side: Callable[..., Side],
    small_file: Callable[[str], ModelFile],
    small_oracles: Callable[[str], Oracle],
    small_captures: Callable[[str, int], Capture],
    some_tokens: Callable[[str, int], list[int]],
) -> Callable[[str], Pair]:
    """The reference against llama.cpp over a tiny model; a fault of an architecture is planted in the model it fits."""
    from apr.mutants.architectures import MUTANTS

    def build(name: str) -> Pair:
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        if fault is not None:
            name = fault.model
            evidence.report(model=name)  # the fault's own choice, whatever the claim's parameter
        file = small_file(name)
        evidence.input("fixture", file.path if file.path.is_relative_to(ROOT) else MAKER)
        count = BEYOND if file.metadata.get(f"{file.architecture}.rope.scaling.type") or "llama3" in name else POSITIONS
        oracle = llama_side(small_oracles(name), file)
        captured = {oracle.spec: small_captures(name, count)}
        expected = None if fault is None else expectation(fault, count)
        return Pair(reference_side(file, "ggml", fault), oracle, some_tokens(name, count), captured, expected)

    return build


@pytest.fixture
def typed_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    reference_side: Callable[..., Side],
    llama_side: Callable[..., Side],
    models_of_type: Callable[..., OfType],
    taken_once: SoundCaptures,
) -> Callable[[str], Pair]:
    """The same over a model whose matrices all have one type; a fault of arithmetic is planted in the type it fits."""
    from apr.mutants.arithmetic import MUTANTS

    def build(weights: str) -> Pair:
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        if fault is not None:
            weights = fault.weights
            evidence.report(weights=weights)  # the fault's own choice, whatever the claim's parameter
        found = models_of_type(weights, massive=False, layers=2)
        evidence.input("fixture", MAKER)
        vocabulary = found.file.tensors["token_embd.weight"].shape[0]
        tokens = [(37 * index + 11) % vocabulary for index in range(POSITIONS)]
        oracle = llama_side(found.oracle, found.file)
        if POSITIONS not in found.captures:
            found.captures[POSITIONS] = taken_once.take(found.oracle, tokens)
        captured = {oracle.spec: found.captures[POSITIONS]}
        expected = None if fault is None else expectation(fault, POSITIONS)
        return Pair(reference_side(found.file, "ggml", fault), oracle, tokens, captured, expected)

    return build


class Deep(NamedTuple):
    """A small model of 30 layers, and llama.cpp's capture of it."""

    file: ModelFile
    oracle: Oracle
    tokens: list[int]
    capture: Callable[[], Capture]


@pytest.fixture(scope="session")
def deep_model(tmp_path_factory: pytest.TempPathFactory, taken_once: SoundCaptures) -> Iterator[Deep]:
    """As many layers as faults of a model are planted in, and Q4_1 as they expect; made once a session."""
    from apr.errors import OracleAbsent
    from apr.formats import open_model
    from tinymodels import Spec, write_model

    path = tmp_path_factory.mktemp("deep") / "deep.gguf"
    try:
        file = open_model(write_model(path, Spec(weights="Q4_1", layers=30, hidden=128, theta=100000.0)))
    except OracleAbsent as error:
        raise Inconclusive("no oracle", f"only its quantiser can make Q4_1: {error}") from error
    oracle = Oracle(file, None)
    vocabulary = file.tensors["token_embd.weight"].shape[0]
    tokens = [(7 * index + 3) % vocabulary for index in range(DEEP)]
    taken: list[Capture] = []

    def capture() -> Capture:
        if not taken:
            taken.append(taken_once.take(oracle, tokens))
        return taken[0]

    yield Deep(file, oracle, tokens, capture)
    oracle.close()


@pytest.fixture
def deep_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    reference_side: Callable[..., Side],
    llama_side: Callable[..., Side],
    deep_model: Deep,
) -> Callable[..., Pair]:
    """Reference and llama.cpp over 30 layers; the fault that is named, or the claim's mutant, is in the reference.

    The function that is handed out takes `planted`, a fault by name, and `as_oracle=True` for a reference that is the oracle, with
    llama.cpp as the subject.
    """
    from apr.mutants.model import MUTANTS

    def build(planted: str | None = None, *, as_oracle: bool = False) -> Pair:
        name = planted or (mutant.id if mutant is not None else None)
        fault = MUTANTS.get(name) if name is not None else None
        evidence.input("fixture", MAKER)
        roles = ("oracle", "subject") if as_oracle else ("subject", "oracle")
        ours = reference_side(deep_model.file, "ggml", fault, roles[0])
        theirs = llama_side(deep_model.oracle, deep_model.file, roles[1])
        captured = {theirs.spec: deep_model.capture()}
        expected = None if fault is None else expectation(fault, len(deep_model.tokens), roles[0])
        sides = (theirs, ours) if as_oracle else (ours, theirs)
        return Pair(*sides, deep_model.tokens, captured, expected, up_to(fault))

    return build


@pytest.fixture
def real_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    reference_side: Callable[..., Side],
    llama_side: Callable[..., Side],
    model_file: ModelFile,
    sound_oracle: Oracle,
    sound_captures: Callable[[int], Capture],
    prose_tokens: Callable[[int], list[int]],
) -> Callable[[int], Pair]:
    """The reference against llama.cpp over the first n tokens of prose with the trained model."""
    from apr.mutants import model, ties

    def build(count: int) -> Pair:
        faults = model.MUTANTS | ties.MUTANTS
        fault = faults.get(mutant.id) if mutant is not None else None
        evidence.input("model", model_file.path)
        evidence.input("fixture", ROOT / "fixtures" / "prose.txt")
        oracle = llama_side(sound_oracle, model_file)
        captured = {oracle.spec: sound_captures(count)}
        expected = None if fault is None else expectation(fault, count)
        subject = reference_side(model_file, "ggml", fault)
        return Pair(subject, oracle, prose_tokens(count), captured, expected, up_to(fault))

    return build


@pytest.fixture
def apr_pair(
    mutant: Mutant | None,
    small_pair: Callable[[str], Pair],
    small_path: Callable[[str], Path],
    imported: Callable[[Path, str], Any],
    reference_side: Callable[..., Side],
) -> Callable[[str], Pair]:
    """The reference over a model as .apr, `name/layout`, against llama.cpp over its .gguf file; a loader's fault is in the former."""
    from apr.formats import open_model
    from apr.models import load
    from apr.mutants.loading import MUTANTS

    def build(model: str) -> Pair:
        name, _, layout = model.partition("/")
        pair = small_pair(name)
        file = open_model(imported(small_path(name), layout).path)
        subject = reference_side(file, "ggml")
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        if fault is None:
            return pair._replace(subject=subject)
        engine = subject.engine
        engine.model = load(fault.change(file), engine.model.arithmetic)  # type: ignore[attr-defined] # it is a Reference
        subject.stock = False
        return pair._replace(subject=subject, expected=expectation(fault, len(pair.tokens)))

    return build
