"""Two sides measured, on tiny models: what is compared with what, in how many passes, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture
from apr.engines.reference import Reference
from apr.errors import UsageError
from apr.formats.gguf import read_gguf
from apr.mutants.planting import at
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.explain import explain
from apr.parity.measure import Filters, capture, measure, narrowed
from apr.parity.shrink import shrink
from apr.parity.sides import Judge, Side
from apr.parity.verdict import Bounds, judge
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from apr.capture import Array
    from apr.models import Model
    from apr.mutants.planting import Call

TOKENS = [5, 9, 200, 17, 42, 9, 33, 100, 7, 61]
FAULT = StageKey("ffn_up", 1)


class Counted:
    """An engine that counts its passes; it cannot be fed, like a program from outside."""

    def __init__(self, engine: Reference) -> None:
        self._engine, self.passes = engine, 0
        self.name, self.build, self.arithmetic = "counted", engine.build, engine.arithmetic

    def provenance(self, tokens: Sequence[int]) -> Any:
        return replace(self._engine.provenance(tokens), engine=self.name)

    def capture(self, tokens: Sequence[int]) -> Capture:
        return Capture(self.provenance(tokens), dict(self.stream(tokens)))

    def stream(self, tokens: Sequence[int], wanted: Any = None) -> Any:
        self.passes += 1
        return self._engine.stream(tokens, wanted)

    def logits(self, tokens: Sequence[int]) -> Array:
        return self.capture(tokens)[StageKey("lm_head", None)]


@dataclass
class Sides:
    """Makes sides over one file."""

    path: Path

    def __post_init__(self) -> None:
        self.file = read_gguf(self.path)
        self.judge = Judge(self.file)

    def numpy(self, arithmetic: str = "ggml", plant: Callable[[Model], Model] | None = None) -> Side:
        """The reference, stock or with a fault in it."""
        model = self.judge.model(arithmetic)
        engine = Reference(self.file, ARITHMETICS[arithmetic], plant(model) if plant else model)
        return Side(f"numpy:{arithmetic}", engine, self.judge, stock=plant is None)

    def outside(self, arithmetic: str = "ggml", plant: Callable[[Model], Model] | None = None) -> Side:
        """The same behind an engine that cannot be fed."""
        return Side("cmd:…", Counted(self.numpy(arithmetic, plant).engine), self.judge)  # type: ignore[arg-type]


@pytest.fixture
def sides(tiny_llama: Callable[..., Path]) -> Sides:
    return Sides(tiny_llama("Q8_0"))


def gain(factor: float = 1.001, stage: str = FAULT.stage, layer: int | None = FAULT.layer) -> Any:
    return at(stage, layer, lambda call: call.sound() * np.float32(factor))


def _for_token(call: Call, token: int) -> Array:
    out = np.array(call.sound())
    out[np.asarray(call.tokens) == token, 3] *= np.float32(1.5)
    return out


def test_every_stage_is_compared_in_every_view_that_there_is(sides: Sides) -> None:
    told: list[StageKey] = []
    made = measure(sides.outside(plant=gain()), sides.outside(), [TOKENS], advance=told.append)
    model = sides.judge.model("f64")
    assert list(made.expected) == model.stage_keys() == told
    assert {cell.view for cell in made.cells} == {"subject", "oracle", "accumulated"}
    for view in ("subject", "oracle", "accumulated"):
        assert [cell.key for cell in made.cells if cell.view == view] == model.stage_keys()
    assert all(bool(cell.tests) == (cell.view != "accumulated") for cell in made.cells), "a free run is not judged"
    assert all(len(cell.positions) == len(TOKENS) for cell in made.cells)
    fed = measure(sides.numpy(plant=gain()), sides.outside(), [TOKENS])
    assert {cell.view for cell in fed.cells} == {"isolated", "subject", "oracle", "accumulated"}
    stock = measure(sides.numpy(), sides.outside(), [TOKENS])
    assert {cell.view for cell in stock.cells} == {"isolated", "accumulated"}, "the judge does not judge itself"


def test_one_pass_a_side_makes_everything_however_many_prompts_and_faults(sides: Sides) -> None:
    def two_faults(model: Model) -> Model:
        faulty: Model = gain(1.01, "attn_out", 0)(gain()(model))
        return faulty

    subject, oracle = sides.outside(plant=two_faults), sides.outside()
    made = measure(subject, oracle, [TOKENS, TOKENS[:4]])
    assert subject.engine.passes == 2  # type: ignore[attr-defined] # one a prompt
    assert oracle.engine.passes == 2  # type: ignore[attr-defined]
    assert (made.subject.passes, made.oracle.passes) == (2, 2)  # and one of the judge's
    assert {one.key for one in judge(made).born} == {FAULT, StageKey("attn_out", 0)}


@pytest.mark.parametrize("fed", [True, False])
@pytest.mark.parametrize("accused", ["subject", "oracle"])
def test_the_fault_is_named_on_whichever_side_it_is(sides: Sides, accused: str, fed: bool) -> None:
    make = sides.numpy if fed else sides.outside
    pair = [make(plant=gain()), sides.outside()] if accused == "subject" else [make(), sides.outside(plant=gain())]
    first = judge(measure(pair[0], pair[1], [TOKENS])).first
    assert first is not None
    assert first.key == FAULT
    if not (fed and accused == "oracle"):  # the stock reference is the judge, so that needs a vote
        assert first.culprit == accused


@pytest.mark.parametrize("subject", ["f64", "f32", "ggml"])
@pytest.mark.parametrize("oracle", ["f32", "ggml"])
def test_honest_sides_of_any_arithmetics_agree_and_what_they_compute_in_is_found(
    sides: Sides, subject: str, oracle: str
) -> None:
    made = measure(sides.outside(subject), sides.outside(oracle), [TOKENS])
    assert judge(made).outcome == "agrees"
    assert (made.subject.fits, made.oracle.fits) == (subject, oracle)


def test_an_engine_that_says_another_arithmetic_is_judged_by_the_one_it_has(sides: Sides) -> None:
    liar = sides.outside("ggml")
    sound = liar.engine.provenance

    def provenance(tokens: Sequence[int]) -> Any:
        return replace(sound(tokens), arithmetic="f32")

    liar.engine.provenance = provenance  # type: ignore[method-assign]
    made = measure(liar, sides.outside("ggml"), [TOKENS])
    assert made.subject.fits == "ggml"
    assert any("says it computes in f32, and fits ggml" in note for note in made.notes)
    assert judge(made).outcome == "agrees"


def test_other_tokens_other_weights_and_other_positions_are_refused(
    sides: Sides, fixture_model: Callable[[str], Path]
) -> None:
    def rewritten(**changes: Any) -> Any:
        def take(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
            taken = capture(side, tokens, filters)
            if side.spec.startswith("numpy"):
                return taken
            return Capture(replace(taken.provenance, **changes), taken.stages)

        return take

    for changes, reason in (
        ({"tokens": (*TOKENS[:-1], 1)}, "ran other tokens"),
        ({"positions": tuple(range(1, len(TOKENS) + 1))}, "positions differ"),
        ({"model_sha256": "0" * 64, "weights_sha256": None}, "model sha256"),
    ):
        made = measure(sides.numpy(), sides.outside(), [TOKENS], captures=rewritten(**changes))
        verdict = judge(made)
        assert verdict.outcome == "incomparable"
        assert reason in verdict.reason
        assert not made.cells, "not one difference is computed"
    both = rewritten(model_sha256="0" * 64, weights_sha256=None)
    made = measure(sides.outside(), sides.outside(), [TOKENS], captures=both)
    assert "ran another model than" in judge(made).reason, "whoever judges has to have the same weights"
    other = Sides(fixture_model("llama-q4_k_m"))
    assert judge(measure(sides.numpy(), other.outside(), [TOKENS])).outcome == "incomparable"


def test_a_stage_that_is_missing_or_has_other_rows_is_said_and_never_compared(sides: Sides) -> None:
    lost, short = StageKey("attention", 1), StageKey("lm_head", None)

    def take(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
        taken = capture(side, tokens, filters)
        stages = dict(taken.stages)
        if side.spec.startswith("cmd"):
            del stages[lost]
            stages[short] = stages[short][-1:]
        return Capture(taken.provenance, stages)

    made = measure(sides.outside(), sides.numpy(), [TOKENS], captures=take)
    verdict = judge(made)
    assert verdict.outcome == "inconclusive"
    assert not verdict.complete
    missing = {(side, key) for side, key, _ in made.missing}
    assert {("subject", lost), ("subject", short)} <= missing
    assert ("subject", StageKey("attn_out", 1)) in missing, "its input is not there"
    judged = {cell.key for cell in made.cells if cell.view == "subject"}
    assert not judged & {lost, short, StageKey("attn_out", 1)}


def test_filters_leave_what_they_say_and_cost_no_more_than_that(sides: Sides) -> None:
    filters = Filters(stages=("ffn_up", "ffn_silu"), layers=range(1, 2), positions=range(2, 5))
    made = measure(sides.outside(plant=gain()), sides.outside(), [TOKENS], filters)
    assert list(made.expected) == [FAULT, StageKey("ffn_silu", 1)]
    assert {cell.key for cell in made.cells} == set(made.expected)
    assert all(len(cell.positions) == 3 for cell in made.cells)
    verdict = judge(made)
    assert verdict.first is not None
    assert verdict.first.key == FAULT
    assert verdict.first.position in range(2, 5), "counted from the prompt's first"
    for cell in made.cells:
        assert cell.first_position == 2
        assert cell.difference.worst_position in range(2, 5)
    with pytest.raises(UsageError, match="leave no stage"):
        measure(sides.numpy(), sides.outside(), [TOKENS], Filters(stages=("moe_router",)))
    with pytest.raises(UsageError, match="nothing to run"):
        measure(sides.numpy(), sides.outside(), [])


def test_a_saved_measurement_can_be_narrowed(sides: Sides) -> None:
    made = measure(sides.outside(plant=gain()), sides.outside(), [TOKENS])
    elsewhere = narrowed(made, Filters(layers=range(1), stages=("ffn_up", "attn_norm")))
    assert judge(elsewhere).outcome == "agrees"
    assert list(elsewhere.expected) == [StageKey("attn_norm", 0), StageKey("ffn_up", 0)]
    with pytest.raises(UsageError, match="nothing is left"):
        narrowed(made, Filters(stages=("moe_router",)))
    with pytest.raises(UsageError, match="--positions"):
        narrowed(made, Filters(positions=range(2)))


def test_a_number_that_is_not_finite_diverges(sides: Sides) -> None:
    def nan(call: Call) -> Array:
        out = np.array(call.sound())
        out[4, 2] = np.nan
        return out

    first = judge(measure(sides.outside(plant=at("ffn_out", 0, nan)), sides.outside(), [TOKENS])).first
    assert first is not None
    assert (first.key, first.position) == (StageKey("ffn_out", 0), 4)


def test_positions_of_a_fault(sides: Sides) -> None:
    plant = at(FAULT.stage, FAULT.layer, lambda call: _for_token(call, 42))
    first = judge(measure(sides.outside(plant=plant), sides.outside(), [TOKENS])).first
    assert first is not None
    assert (first.key, first.position, first.channel) == (FAULT, TOKENS.index(42), 3)


@pytest.mark.parametrize("fed", [True, False])
def test_shrinking_leaves_the_tokens_that_it_takes(sides: Sides, fed: bool) -> None:
    plant = at(FAULT.stage, FAULT.layer, lambda call: _for_token(call, 42))
    subject = sides.numpy(plant=plant) if fed else sides.outside(plant=plant)
    oracle = sides.outside()
    tokens = TOKENS * 3
    verdict = judge(measure(subject, oracle, [tokens]))
    assert verdict.first is not None
    taken = {id(side): capture(side, tokens, Filters()) for side in (subject, oracle)}
    before = oracle.engine.passes  # type: ignore[attr-defined]
    found = shrink(subject, oracle, tokens, verdict.first, Bounds(), captured=lambda side: taken[id(side)])
    assert found is not None
    assert len(found.tokens) == 2
    assert 42 in found.tokens
    assert found.divergence.key == FAULT
    assert found.tokens[found.divergence.position or 0] == 42
    assert found.divergence.channel == 3
    at_42 = found.tokens.index(42)
    assert found.filters == Filters(stages=("ffn_up",), layers=range(1, 2), positions=range(at_42, at_42 + 1))
    assert found.runs == oracle.engine.passes - before <= 24  # type: ignore[attr-defined]


def test_a_prefix_is_found_without_a_pass_and_then_run(sides: Sides) -> None:
    plant = at(FAULT.stage, FAULT.layer, lambda call: _for_token(call, 5))  # the first token already shows it
    subject, oracle = sides.outside(plant=plant), sides.outside()
    verdict = judge(measure(subject, oracle, [TOKENS]))
    assert verdict.first is not None
    taken = {id(side): capture(side, TOKENS, Filters()) for side in (subject, oracle)}
    before = oracle.engine.passes  # type: ignore[attr-defined]
    found = shrink(subject, oracle, TOKENS, verdict.first, Bounds(), captured=lambda side: taken[id(side)])
    assert found is not None
    assert found.tokens == tuple(TOKENS[:2])
    assert oracle.engine.passes == before + 2  # type: ignore[attr-defined] # as it is, and with one position


def test_an_engine_that_is_wrong_for_long_prompts_only_is_shown_with_a_long_prompt(sides: Sides) -> None:
    """The first rows of its capture are no capture of a short prompt; only running tells."""

    def long(call: Call) -> Array:
        out = np.array(call.sound())
        if len(call.tokens) >= 6:
            out[0, 3] *= np.float32(1.5)
        return out

    subject, oracle = sides.outside(plant=at(FAULT.stage, FAULT.layer, long)), sides.outside()
    verdict = judge(measure(subject, oracle, [TOKENS]))
    assert verdict.first is not None
    taken = {id(side): capture(side, TOKENS, Filters()) for side in (subject, oracle)}
    found = shrink(subject, oracle, TOKENS, verdict.first, Bounds(), captured=lambda side: taken[id(side)])
    assert found is not None
    assert len(found.tokens) == 6
    again = judge(measure(subject, oracle, [found.tokens], found.filters))
    assert again.first is not None
    assert again.first.key == FAULT


def test_filters_do_not_change_the_arithmetic_that_an_engine_is_judged_by(sides: Sides) -> None:
    def undeclared(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
        taken = capture(side, tokens, filters)
        return Capture(replace(taken.provenance, arithmetic="unknown"), taken.stages)

    for arithmetic in ("ggml", "f32"):
        for stages in (("lm_head",), ("attn_norm",), ("qkv_matmul", "attention"), None):
            made = measure(
                sides.outside(arithmetic), sides.outside(arithmetic), [TOKENS], Filters(stages), captures=undeclared
            )
            assert (made.subject.fits, made.oracle.fits) == (arithmetic, arithmetic)
            assert judge(made).outcome == "agrees"


def test_what_cannot_be_told_apart_is_held_to_the_widest_bounds(tiny_llama: Callable[..., Path]) -> None:
    sides = Sides(tiny_llama("F32"))

    def undeclared(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
        taken = capture(side, tokens, filters)
        return Capture(replace(taken.provenance, arithmetic="unknown"), taken.stages)

    for tokens in ([7], [7, 8], TOKENS):
        made = measure(sides.outside("f32"), sides.numpy("f64"), [tokens], captures=undeclared)
        assert made.subject.fits == "f32", made.notes
        assert judge(made).outcome == "agrees"


@pytest.mark.parametrize("other", ["f64", "f32", "ggml"])
def test_exact_against_others_is_not_asked_for_every_bit(sides: Sides, other: str) -> None:
    for oracle in (sides.numpy(other), sides.outside(other)):
        assert judge(measure(sides.numpy("exact"), oracle, [TOKENS])).outcome == "agrees"


def test_exact_against_an_engine_with_its_order_of_additions_is_asked_for_every_bit(sides: Sides) -> None:
    made = measure(sides.numpy("exact"), sides.outside("exact"), [TOKENS])
    assert "every bit" in judge(made).reason
    wrong = measure(sides.numpy("exact"), sides.outside("exact", at("ffn_up", 1, _one_ulp)), [TOKENS])
    first = judge(wrong).first
    assert first is not None
    assert first.key == FAULT


def _one_ulp(call: Call) -> Array:
    out = np.array(call.sound())
    out[3, 5] = np.nextafter(out[3, 5], np.float32(np.inf))
    return out


@pytest.mark.parametrize("view", ["subject", "oracle"])
def test_inputs_of_another_width_and_ids_that_are_none_are_said_not_computed(
    view: str, fixture_model: Callable[[str], Path]
) -> None:
    sides = Sides(fixture_model("qwen3moe-q4_k_m"))
    norm, ids = StageKey("attn_norm", 0), StageKey("moe_router_indices", 1)

    def take(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
        taken = capture(side, tokens, filters)
        if side.stock or (side is oracle) != (view == "oracle"):
            return taken
        wrong = np.array(taken[ids])
        wrong[2, 0] = 999
        return Capture(taken.provenance, {**taken.stages, norm: taken[norm][:, :32], ids: wrong})

    subject, oracle = sides.outside(), sides.outside()
    made = measure(subject, oracle, [TOKENS], captures=take)
    told = {(side, key): reason for side, key, reason in made.missing}
    assert "has shape" in told[view, norm]
    assert "attn_norm has shape [10, 32]" in told[view, StageKey("qkv_matmul", 0)]
    assert "names expert 999" in told[view, StageKey("ffn_gate", 1)]
    first = judge(made).first
    assert first is not None
    assert (first.key, first.culprit, first.position) == (ids, view, 2)


def test_what_one_side_cannot_be_computed_from_is_not_explained_by_it(fixture_model: Callable[[str], Path]) -> None:
    """The oracle's gate is wrong; the subject's own ids name no expert, so nothing is computed from them."""
    sides = Sides(fixture_model("qwen3moe-q4_k_m"))
    ids, gate = StageKey("moe_router_indices", 1), StageKey("ffn_gate", 1)
    subject, oracle = sides.outside(), sides.outside(plant=gain(1.01, gate.stage, 1))

    def take(side: Side, tokens: Sequence[int], filters: Filters) -> Capture:
        taken = capture(side, tokens, filters)
        if side is oracle:
            return taken
        wrong = np.array(taken[ids])
        wrong[2, 0] = 999
        return Capture(taken.provenance, {**taken.stages, ids: wrong})

    made = measure(subject, oracle, [TOKENS], Filters(stages=("ffn_gate",), layers=range(1, 2)), captures=take)
    verdict = judge(made)
    assert verdict.first is not None
    assert verdict.first.key == gate
    explain(made, verdict, subject, oracle, lambda side: take(side, TOKENS, Filters()))
    assert {side for side, _, _ in made.ladders} == {"oracle"}
