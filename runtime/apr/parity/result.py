"""What a parity run measured and what was concluded from it, as plain data that can be written, read again and shown.

Measuring and judging are apart: a `Measurement` holds every number that a verdict needs, and `apr.parity.verdict.judge` makes a
`Verdict` from it without running anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from apr.parity.metrics import Difference
    from apr.parity.null.base import Test
    from apr.stages import StageKey

# isolated: the subject's operation on the oracle's inputs, against the oracle. subject, oracle: the judge's operation on that side's
# own inputs, against that side. accumulated: both ran free from the tokens; never judged, except in arithmetic `exact`.
View = Literal["isolated", "subject", "oracle", "accumulated"]
VIEWS: tuple[View, ...] = ("isolated", "subject", "oracle", "accumulated")
Outcome = Literal["agrees", "diverges", "inconclusive", "incomparable"]
Culprit = Literal["subject", "oracle", "both", "undecided"]


@dataclass(frozen=True)
class Kind:
    """What kind of error a difference is.

    Attributes:
        name: one of `apr.parity.kinds.KINDS`, such as `gain`, `channel`, `permutation`, `weight block`.
        detail: in words, with figures: `1.0002 times the expected values`.
        explains: share of sum(d^2) that goes away when exactly this error is undone, 0 to 1.
    """

    name: str
    detail: str
    explains: float


@dataclass(frozen=True)
class Histogram:
    """How the differences of one cell spread, in units of the null model; `apr.parity.histogram.histogram` makes it.

    Attributes:
        counts: elements by |d| / tau: below 2**-5 (exact zeros among them), then thirty half octaves from 2**-5 up to 2**10, then
            everything beyond, together with NaN and with whatever differs where tau is 0.
        zeros: how many of the first bin are exactly 0.
    """

    counts: tuple[int, ...]
    zeros: int


@dataclass(frozen=True)
class Predictions:
    """What the logits of both sides say about the next token, position by position.

    Attributes:
        kl: KL(reference || subject) of each position, in nats.
        argmax_differs: positions at which another token is the likeliest, or a side is not a number.
        argmax_gap: the greatest, over positions, of how far below its best the reference sees the subject's likeliest token, in logits.
        shared: by k (`1`, `5`, `10`), the smallest share over positions of the reference's k likeliest tokens that are among the
            subject's.
    """

    kl: tuple[float, ...]
    argmax_differs: tuple[int, ...]
    argmax_gap: float
    shared: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One stage of one layer in one view.

    Attributes:
        prompt: index of the prompt, from 0.
        key: stage and layer.
        view: which two things were compared.
        difference: the metrics; `a` is what was expected to agree with the reference side `b`.
        positions: relative RMS of each position.
        tests: against the null model; empty in views that are not judged.
        because: what the null model is made of.
        kind: what kind of error it looks like; None where it is nothing but rounding.
        histogram: of the differences in units of the null model; None in views that are not judged.
        predictions: of free runs, from the logits; None elsewhere.
        first_position: the position that `positions` begins with; every other position is counted from the prompt's first.
    """

    prompt: int
    key: StageKey
    view: View
    difference: Difference
    positions: tuple[float, ...]
    tests: tuple[Test, ...] = ()
    because: tuple[str, ...] = ()
    kind: Kind | None = None
    histogram: Histogram | None = None
    predictions: Predictions | None = None
    first_position: int = 0


@dataclass(frozen=True)
class Gate:
    """A probe of the probe.

    Attributes:
        side: `subject` or `oracle`.
        name: `deterministic` (the same run twice) or `harmless` (with and without capture).
        passed: None where it could not be made, `detail` says why.
        detail: what was compared, or why not.
    """

    side: str
    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Party:
    """One of the two sides, as the report names it.

    Attributes:
        spec: as the user asked for it (`llama.cpp`, `cmd:…`).
        engine, build: as it names itself.
        arithmetic: as it declares.
        fits: the arithmetic that its stages fit best, found by `apr.parity.fit`; None where nothing was judged.
        model: path of its model file as given, or "" without one.
        model_sha256, weights_sha256: of the file and of the weights alone; None where it does not say.
        passes: forward passes over the prompts that measuring and localising took, the gates' apart.
    """

    spec: str
    engine: str
    build: str
    arithmetic: str
    fits: str | None = None
    model: str = ""
    model_sha256: str | None = None
    weights_sha256: str | None = None
    passes: int = 0


@dataclass(frozen=True)
class Vote:
    """Who is wrong at one stage, and how that was decided.

    Attributes:
        culprit: `undecided` where two camps face each other without a majority.
        because: one sentence.
        distances: relative RMS by pair of voters (`subject to numpy:f64`).
    """

    culprit: Culprit
    because: str
    distances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rung:
    """One step of the ladder from float64 to what an engine computed.

    Attributes:
        name: `activation rounding`, `accumulation order`, `cache precision`, `weights`, `operation`.
        share: of the whole drift, signed; all rungs of a ladder add up to 1.
        relative_rms: of this step alone.
    """

    name: str
    share: float
    relative_rms: float


@dataclass(frozen=True)
class Origin:
    """What it takes to measure again.

    Attributes:
        command: the command line, one word an item, the program first; empty where it was no command.
        versions: of everything that had a say, by name: `apr`, `python`, `numpy`, `llama.cpp`.
        machine: the processor, as it names itself.
        instruction_sets: those of the processor that kernels choose by: `avx2`, `fma`, `f16c`.
        filters: what the user left out, option by option: `--layers`, `--stages`, `--positions`.
        prompts: the text of each prompt; empty where token ids were given.
        alpha: the false-alarm rate that was asked for.
        replay: the command line that shows the first divergence again in the smallest run found; "" where none was looked for or found.
    """

    command: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    instruction_sets: tuple[str, ...] = ()
    filters: dict[str, str] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()
    alpha: float = 1e-6
    replay: str = ""


@dataclass(frozen=True)
class Worker:
    """A process that measured, or would have.

    Attributes:
        name: as the scheduler calls it: its address.
        machine: the processor, as it names itself.
        units: how many stages it measured.
    """

    name: str
    machine: str
    units: int = 0


@dataclass(frozen=True)
class Execution:
    """Where stages were measured, and what that took; nothing of it has a say in the verdict.

    Attributes:
        executor: `local`, one after the other in this process, or `dask`.
        scheduler: address of the scheduler; "" without one.
        storage: where captured stages lay for workers; "" where nothing had to be laid anywhere.
        workers: those that measured something; empty for `local`.
        units: stages that were measured.
        retries: how many times a stage was begun again, because a worker was lost or could not read something.
        in_flight: the most stages that were with the scheduler at once.
        captures_written: bytes of captured stages that were laid into the storage.
        captures_read: bytes of them that workers read.
        weights_read: bytes of the tensors that workers opened, each time a stage asked for one.
    """

    executor: str = "local"
    scheduler: str = ""
    storage: str = ""
    workers: tuple[Worker, ...] = ()
    units: int = 0
    retries: int = 0
    in_flight: int = 0
    captures_written: int = 0
    captures_read: int = 0
    weights_read: int = 0


@dataclass
class Measurement:
    """Everything that was measured.

    Attributes:
        subject, oracle: the two sides.
        prompts: token ids of each prompt.
        expected: every stage that was to be compared, in forward order, filters applied.
        cells: every comparison that was made.
        missing: what was expected and could not be compared, and why: (side, stage, reason).
        incomparable: why the two sides must not be compared at all; empty where they may be.
        gates: probes of the probe.
        votes: who is wrong, for each stage whose difference is noticeable, by (prompt, key).
        ladders: where an engine's drift from float64 comes from, by (side, prompt, key).
        notes: what was allowed or is worth knowing.
        origin: what it takes to measure again.
        execution: where stages were measured.
    """

    subject: Party
    oracle: Party
    prompts: tuple[tuple[int, ...], ...] = ()
    expected: tuple[StageKey, ...] = ()
    cells: list[Cell] = field(default_factory=list)
    missing: list[tuple[str, StageKey, str]] = field(default_factory=list)
    incomparable: str = ""
    gates: list[Gate] = field(default_factory=list)
    votes: dict[tuple[int, StageKey], Vote] = field(default_factory=dict)
    ladders: dict[tuple[str, int, StageKey], tuple[Rung, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    origin: Origin = field(default_factory=Origin)
    execution: Execution = field(default_factory=Execution)


@dataclass(frozen=True)
class Power:
    """The smallest errors of one stage that would have been caught, each relative to the stage's own RMS.

    Attributes:
        gain: every element multiplied by 1 + this.
        bias: this times the stage's RMS added to every element.
        channel: one channel of median size multiplied by 1 + this.
        element: this times the stage's RMS added to one element.
    """

    gain: float
    bias: float
    channel: float
    element: float


@dataclass(frozen=True)
class Divergence:
    """One place where the sides part.

    Attributes:
        prompt, key, view: which comparison.
        position, channel: where it is worst; None where the test has no such place.
        test: name of the test that says so most clearly.
        distance, bound: in relative RMS, or absolute for `element` and `bias`. Where every bit must agree: the greatest absolute
            difference, of ids how many differ, and 0.
        excess: distance over bound: how many times too far.
        kind: what kind of error.
        culprit: whose fault.
        culprit_because: how that was decided.
    """

    prompt: int
    key: StageKey
    view: View
    position: int | None
    channel: int | None
    test: str
    distance: float
    bound: float
    excess: float
    kind: Kind | None
    culprit: Culprit
    culprit_because: str


@dataclass(frozen=True)
class Verdict:
    """What follows from a measurement.

    Attributes:
        outcome: `incomparable` before anything else, `inconclusive` where something is missing and nothing diverges.
        reason: one sentence.
        comparable, complete: whether the sides may be compared, and whether everything expected was.
        alpha: probability that this run calls a correct pair divergent, over all its tests.
        tests: how many single tests share that alpha.
        first: the first divergence in forward order; None where there is none.
        runner_up: the clearest divergence at another stage that does not merely follow from the first; None without one.
        born: every stage whose own operation diverges, in forward order, the first included.
        inherits: stages that differ in a free run only because their inputs do, in forward order.
        power: of each stage's weakest cell, by stage name.
        notes: warnings, such as bounds that were changed by hand.
        by_hand: relative RMS by stage name that the user put in the place of the null model's bounds.
        because: why; "" where `by_hand` is empty.
    """

    outcome: Outcome
    reason: str
    comparable: bool
    complete: bool
    alpha: float
    tests: int = 0
    first: Divergence | None = None
    runner_up: Divergence | None = None
    born: tuple[Divergence, ...] = ()
    inherits: tuple[StageKey, ...] = ()
    power: dict[str, Power] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    by_hand: dict[str, float] = field(default_factory=dict)
    because: str = ""
