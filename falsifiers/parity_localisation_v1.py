"""Falsifiers of `parity-localisation-v1`: a parity run finds honest pairs to agree, and names what was planted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from given.localisation import PASSES, enter, hold_agreement, known_answer
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pv import Evidence

CONTRACT = "parity-localisation-v1"


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-001")
def tiny_models_agree(evidence: Evidence, parity: Any, small_pair: Any, model: str) -> None:
    """Every architecture, weight type and way of stretching the rotation."""
    evidence.level("independent")
    hold_agreement(evidence, parity, small_pair(model))


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-002")
def formats_agree(evidence: Evidence, parity: Any, apr_pair: Any, model: str) -> None:
    """The .apr file here, the .gguf file in llama.cpp."""
    evidence.level("independent")
    hold_agreement(evidence, parity, apr_pair(model))


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-003")
def thirty_layers_agree(evidence: Evidence, parity: Any, deep_pair: Any) -> None:
    """As deep as a trained model, and small."""
    evidence.level("independent")
    hold_agreement(evidence, parity, deep_pair())


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-004")
def a_trained_model_agrees(evidence: Evidence, parity: Any, real_pair: Any, tokens: int) -> None:
    """With the outliers and the ties that only training makes."""
    evidence.level("independent")
    hold_agreement(evidence, parity, real_pair(tokens))


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-005")
def every_type_agrees(evidence: Evidence, parity: Any, typed_pair: Any, weights: str) -> None:
    """One model a weight type."""
    evidence.level("independent")
    hold_agreement(evidence, parity, typed_pair(weights))


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-006")
def faults_of_the_oracle_are_the_oracles(evidence: Evidence, parity: Any, deep_pair: Any) -> None:
    """Roles exchanged: llama.cpp is the subject, and what is planted is planted in the oracle."""
    evidence.level("independent")
    hold_agreement(evidence, parity, deep_pair(as_oracle=True))


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-007")
def whoever_is_wrong_is_blamed(evidence: Evidence, parity: Any, deep_pair: Any) -> None:
    """One weight code is off in the oracle."""
    evidence.level("measured")
    first = known_answer(evidence, parity.run(deep_pair("nibble", as_oracle=True)), "culprit").first
    if first.culprit != "oracle":
        raise Refuted(f"{first.key} is blamed on the {first.culprit}: {first.culprit_because}", stage="culprit")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-008")
def the_first_of_two_is_named(evidence: Evidence, parity: Any, deep_pair: Any, both: Any) -> None:
    """Two faults in layers 9 and 20: both are born, everything between and after them inherits."""
    evidence.level("measured")
    verdict = known_answer(evidence, parity.run(both(deep_pair, "k-heads-swapped", "gelu-in-layer-20")), "order")
    born = [(one.key.stage, one.key.layer) for one in verdict.born]
    if (verdict.first.key.stage, verdict.first.key.layer) != ("attention", 9):
        raise Refuted(f"{verdict.first.key} is named first", stage="order")
    if born != [("attention", 9), ("ffn_silu", 20)]:
        raise Refuted(f"born are said to be {born}", stage="order")
    if not verdict.inherits or any(key.order <= verdict.first.key.order for key in verdict.inherits):
        raise Refuted(f"{verdict.inherits[:1]} is said to inherit", stage="order")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-009")
def no_position_hides_another(evidence: Evidence, parity: Any, deep_pair: Any) -> None:
    """One position that is off, and one element of one position, each without a trace in any mean."""
    evidence.level("measured")
    for fault, place in (("token-mixed", ("attn_out", 10)), ("one-element", ("ffn_up", 7))):
        pair = deep_pair(fault)
        first = known_answer(evidence, parity.run(pair), "positions").first
        if (first.key.stage, first.key.layer) != place or first.position != pair.expected.position:
            raise Refuted(f"{fault} is found at {first.key}, position {first.position}", stage="positions")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-010")
def nan_is_not_lost(evidence: Evidence, parity: Any, deep_pair: Any) -> None:
    """One NaN."""
    evidence.level("measured")
    first = known_answer(evidence, parity.run(deep_pair("one-nan")), "nan").first
    if (first.key.stage, first.key.layer) != ("attn_out", 11) or first.kind is None or first.kind.name != "not finite":
        raise Refuted(f"a NaN in layer-11/attn_out is told as {first.key}, {first.kind}", stage="nan")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-011")
def missing_is_not_equal(evidence: Evidence, parity: Any, deep_pair: Any, without: Any) -> None:
    """A stage that one side did not capture, for either side."""
    evidence.level("measured")
    for side in ("subject", "oracle"):
        run = parity.run(without(deep_pair(), side, "k_post_rope", 7))
        evidence.compared(run.verdict.tests, "tests")
        if run.verdict.complete or run.verdict.outcome != "inconclusive":
            raise Refuted(f"without a stage of the {side} the run {run.verdict.outcome}", stage="missing")
        if "layer-7/k_post_rope" not in run.verdict.reason or side not in run.verdict.reason:
            raise Refuted(f"the reason is {run.verdict.reason!r}", stage="missing")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-012")
def engines_that_do_not_repeat_are_not_believed(
    evidence: Evidence, parity: Any, unsteady_pair: Any, probe: Any
) -> None:
    """The second capture of the subject differs in one bit of one stage."""
    evidence.level("measured")
    run = parity.run(unsteady_pair(), probe=probe)
    evidence.compared(len(run.measurement.gates), "gates")
    if run.verdict.outcome != "inconclusive" or "deterministic" not in run.verdict.reason:
        raise Refuted(f"the run {run.verdict.outcome}: {run.verdict.reason}", stage="gates")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-013")
def what_cannot_be_compared_is_not(evidence: Evidence, parity: Any, strangers: Any) -> None:
    """Other tokens, other positions, another model: the reason is told, and no difference is computed."""
    evidence.level("measured")
    for what, pair in strangers().items():
        run = parity.run(pair)
        evidence.compared(1, "pairs")
        if run.verdict.outcome != "incomparable" or run.measurement.cells:
            raise Refuted(f"captures with other {what} are compared: {run.verdict.reason}", stage="comparable")
        if what not in run.verdict.reason:
            raise Refuted(f"other {what}, and the reason is {run.verdict.reason!r}", stage="comparable")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-014")
def files_of_an_earlier_run_are_not_read(evidence: Evidence, parity: Any, written_over: Any) -> None:
    """A stage that the second run did not write lies there from the first."""
    evidence.level("measured")
    run = parity.run(written_over("ffn_up", 5))
    evidence.compared(run.verdict.tests, "tests")
    if run.verdict.complete or run.verdict.outcome != "inconclusive" or "layer-5/ffn_up" not in run.verdict.reason:
        raise Refuted(f"a file of an earlier run: {run.verdict.outcome}, {run.verdict.reason}", stage="stale")


@falsifies(CONTRACT, "FALSIFY-PARITY-LOCALISATION-015")
def two_passes_however_many_faults(evidence: Evidence, parity: Any, deep_pair: Any, both: Any) -> None:
    """No fault, and two: what the engines were asked for is counted, and held against what the run says of itself."""
    evidence.level("measured")
    for faults, pair in ((0, deep_pair()), (2, both(deep_pair, "mask-missing", "gate-up-swapped"))):
        run = parity.run(pair._replace(layers=6), afresh=True)
        enter(evidence, run)
        if len(run.verdict.born) != faults:
            raise Refuted(f"of {faults} faults {len(run.verdict.born)} are found", stage="order")
        counted = (run.subject_passes, run.oracle_passes)
        told = (run.measurement.subject.passes, run.measurement.oracle.passes)
        if counted != (PASSES, PASSES) or told != counted:
            raise Refuted(f"with {faults} faults {counted} passes are counted, and {told} told", stage="passes")
