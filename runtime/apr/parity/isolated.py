"""The reference against an oracle, stage by stage, each fed the oracle's own inputs: what differs was born in that stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from apr.parity.comparable import check_provenance
from apr.parity.metrics import Difference, compare_arrays, compare_stage
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Capture
    from apr.engines.reference import Reference


@dataclass(frozen=True)
class StageDifference:
    """One stage of one layer, compared."""

    key: StageKey
    difference: Difference


@dataclass
class Measurement:
    """Everything a claim about parity may want to look at.

    Attributes:
        tokens: how many positions were run.
        rows: every stage that both sides have, in forward order.
        missing: stages that the model makes and a side lacks, or has in another shape, with the reason.
        argmax_differs: positions at which the isolated logits have another greatest element.
    """

    tokens: int
    rows: list[StageDifference] = field(default_factory=list)
    missing: list[tuple[StageKey, str]] = field(default_factory=list)
    argmax_differs: list[int] = field(default_factory=list)

    @property
    def elements(self) -> int:
        """How many pairs of numbers were compared."""
        return sum(row.difference.count for row in self.rows)


def measure_isolated(
    subject: Reference, oracle: Capture, advance: Callable[[StageKey], None] = lambda _key: None
) -> Measurement:
    """Every stage of the subject, computed from the oracle's inputs, against the oracle's stage.

    `advance` is called with the key of each stage once it has been compared, for progress.

    Raises:
        NotComparable: see `apr.parity.comparable.check_provenance`.
    """
    tokens = oracle.provenance.tokens
    check_provenance(subject.provenance(tokens), oracle.provenance)
    measurement = Measurement(len(tokens))
    expected = subject.model.stage_keys()
    for key in expected:
        width = subject.model.width(key.stage)
        seen = oracle.stages.get(key)
        if seen is None:
            measurement.missing.append((key, "was not captured"))
        elif seen.shape != (len(tokens), width):
            measurement.missing.append((key, f"has shape {list(seen.shape)} instead of {[len(tokens), width]}"))
    if measurement.missing:
        # a stage that is not there cannot feed the ones after it
        return measurement
    for key, ours in subject.isolated(oracle):
        theirs = oracle[key]
        measurement.rows.append(StageDifference(key, compare_stage(key.stage, ours, theirs)[0]))
        if key.stage == "lm_head":
            measurement.argmax_differs = np.flatnonzero(ours.argmax(axis=-1) != theirs.argmax(axis=-1)).tolist()
        advance(key)
    return measurement


@dataclass(frozen=True)
class FreeRun:
    """How far two free runs are apart at the logits: reported, never judged, because it is chaotic.

    Attributes:
        min_cosine: of the worst position, and which.
        relative_rms: over all logits.
        argmax_agrees: positions with the same greatest logit, of how many.
    """

    min_cosine: float
    worst_position: int
    relative_rms: float
    argmax_agrees: int
    positions: int


def compare_free_runs(subject: Capture, oracle: Capture) -> FreeRun:
    """The logits of two free runs.

    Raises:
        NotComparable: see `apr.parity.comparable.check_provenance`.
    """
    check_provenance(subject.provenance, oracle.provenance)
    head = StageKey("lm_head", None)
    ours, theirs = subject[head], oracle[head]
    each = [compare_arrays(a, b, limit=1).cosine for a, b in zip(ours, theirs, strict=True)]
    worst = int(np.argmin(each))
    agree = int((ours.argmax(axis=-1) == theirs.argmax(axis=-1)).sum())
    return FreeRun(each[worst], worst, compare_arrays(ours, theirs, limit=1).relative_rms, agree, len(each))
