"""Faults of rounding, of suspicion and of the harness do what they say, and nothing else."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture
from apr.engines.recorded import Recorded
from apr.engines.reference import Reference
from apr.formats.aprt import write_capture
from apr.formats.gguf import read_gguf
from apr.mutants import harness, products, ship_007, ties
from apr.mutants.arithmetic import in_blocks_of_32
from apr.mutants.loading import LoadingMutant
from apr.mutants.planting import Call, at, output, times
from apr.ops.arithmetic import F32, F64
from apr.ops.linear import round_activations
from apr.parity.measure import measure
from apr.parity.sides import Judge, Side
from apr.parity.verdict import judge
from apr.quant.blocks import FORMATS
from apr.stages import StageKey
from given.localisation import at_first, enter, hold_agreement, known_answer
from given.parity import Expected, Pair, Parity, Run
from given.passes import Meter
from pv import Evidence, Inconclusive, Refuted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


TOKENS = [(7 * index + 3) % 250 for index in range(12)]
KEY = StageKey("ffn_up", 1)


# --- roundings ----------------------------------------------------------------------------------------------------------


def _in_steps(steps: np.ndarray) -> np.ndarray:
    """[1, 32] activations that are these many steps of a scale of 1."""
    return np.concatenate([[127.0], steps]).astype(np.float32)[None]


def test_the_frame_of_faulty_roundings_is_the_sound_rounding() -> None:
    x = np.random.Generator(np.random.PCG64(5)).standard_normal((8, 256)).astype(np.float32)
    sound = in_blocks_of_32(lambda parts, _: np.rint(parts * (np.float32(127) / np.abs(parts).max(-1, keepdims=True))))
    for name in ("Q8_0", "Q4_1"):
        seen, expected = sound(x, FORMATS[name]), round_activations(x, FORMATS[name])
        assert np.array_equal(seen.values, expected.values)
        assert (seen.sums is None) == (expected.sums is None)
        if seen.sums is not None and expected.sums is not None:
            assert np.array_equal(seen.sums, expected.sums)


def test_ties_go_away_from_zero_and_nothing_else_moves() -> None:
    faulty = in_blocks_of_32(ties._away_from_zero)
    halves = _in_steps(np.arange(-7.5, 8.0, 0.5))
    seen, sound = (f(halves, FORMATS["Q4_1"]).values for f in (faulty, round_activations))
    moved = seen != sound
    assert moved.any()
    assert np.array_equal(moved, (halves % 1 == 0.5) & (np.rint(halves) != np.trunc(halves + np.copysign(0.5, halves))))
    whole = _in_steps(np.arange(-15.0, 16.0) + 0.25)
    assert np.array_equal(faulty(whole, FORMATS["Q4_1"]).values, round_activations(whole, FORMATS["Q4_1"]).values)


def test_the_reciprocal_moves_few_codes_and_by_one() -> None:
    x = np.random.Generator(np.random.PCG64(6)).standard_normal((4000, 256)).astype(np.float32)
    faulty = in_blocks_of_32(ties._by_reciprocal)
    seen, sound = (f(x, FORMATS["Q8_0"]).values for f in (faulty, round_activations))
    moved = seen != sound
    assert 0 < moved.mean() < 1e-3
    steps = np.abs(x.reshape(-1, 32)).max(-1, keepdims=True).repeat(32, -1).reshape(x.shape) / 127
    assert np.abs((seen - sound)[moved] / steps[moved]).max() < 1.01


def test_a_head_read_as_its_transpose(tiny_llama: Callable[..., Path]) -> None:
    file = read_gguf(tiny_llama(weights="F32"))
    model = Judge(file).model("f64")
    head = "output.weight" if "output.weight" in model.weights else "token_embd.weight"
    vocabulary, hidden = model.weights.shape(head)
    norm = np.random.Generator(np.random.PCG64(7)).standard_normal((3, hidden))
    stages = {StageKey("final_norm", None): norm}
    call = Call(model, StageKey("lm_head", None), np.arange(3), np.arange(3), stages, lambda **_: norm)
    seen = products._transposed_head(call)
    expected = norm @ model.weights.dequantised(head).astype(np.float64).reshape(hidden, vocabulary)
    assert np.allclose(seen, expected, rtol=1e-12, atol=1e-12)


# --- what was suspected -------------------------------------------------------------------------------------------------


def test_a_suspect_loader_changes_its_tensor_alone(maker: Any, tmp_path: Path) -> None:
    spec = maker.Spec("qwen2", weights="F32", layers=4)
    sound = read_gguf(maker.write_model(tmp_path / "m.gguf", spec))
    suspects = [fault for fault in ship_007.MUTANTS.values() if isinstance(fault, LoadingMutant)]
    assert len(suspects) == 3
    for fault in suspects:
        faulty = fault.change(sound)
        changed = [name for name in sound.tensors if not np.array_equal(faulty.raw(name), sound.raw(name))]
        assert changed == [fault.stage]


# --- the harness --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sides(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    """Two references over a tiny model in float32, one with a fault."""
    path = maker.write_model(tmp_path_factory.mktemp("harness") / "m.gguf", maker.Spec(weights="F32", layers=2))
    file = read_gguf(path)
    judge_of = Judge(file)

    def build(*plants: Any, expected: Expected | None = None) -> Pair:
        model = judge_of.model("f32")
        for plant in plants:
            model = plant(model)
        subject = Side("numpy:f32", Reference(file, F32, model), judge_of)
        oracle = Side("numpy:f64", Reference(file, F64, judge_of.model("f64")), judge_of, stock=True)
        return Pair(subject, oracle, TOKENS, {}, expected)

    return build


def _one_of(position: int, factor: float) -> Callable[[Call], Any]:
    def change(out: Any) -> None:
        out[position] *= np.float32(factor)

    return output(change)


def _told(pair: Pair, name: str | None = None) -> Run:
    return Parity(None if name is None else harness.MUTANTS[name]).run(pair)


def test_a_sound_pair_agrees(sides: Callable[..., Pair]) -> None:
    run = _told(sides())
    assert (run.verdict.outcome, run.measurement.subject.passes) == ("agrees", 2)
    assert 0 < Parity(None).greatest(run)[0] < 1


@pytest.mark.parametrize(("name", "position"), [("last-position-only", 3), ("first-position-only", 3)])
def test_one_position_stands_for_all(sides: Callable[..., Pair], name: str, position: int) -> None:
    pair = sides(at("ffn_up", 1, _one_of(position, 1.01)))
    assert _told(pair).verdict.first.position == position  # type: ignore[union-attr] # it is found
    assert _told(pair, name).verdict.first is None


def test_a_mean_hides_one_element(sides: Callable[..., Pair]) -> None:
    def shifted_by(share: float) -> Callable[[Call], Any]:
        def change(out: Any) -> None:
            out[4, 5] += np.float32(share * np.sqrt(np.mean(out**2)))

        return output(change)

    # from nothing that anybody finds to what a mean finds as well
    pairs = [sides(at("ffn_up", 1, shifted_by(share))) for share in (1e-6, 1e-5, 1e-4)]
    assert [_told(pair).verdict.first is not None for pair in pairs] == [False, True, True]
    assert [_told(pair, "mean-over-positions").verdict.first is not None for pair in pairs] == [False, False, True]


def test_nan_is_lost(sides: Callable[..., Pair]) -> None:
    def change(out: Any) -> None:
        out[4, 5] = np.nan

    pair = sides(at("ffn_up", 1, output(change)))
    assert _told(pair).verdict.first.key == KEY  # type: ignore[union-attr] # it is found
    lost = _told(pair, "nan-lost").verdict
    assert lost.first is None or lost.first.key != KEY


def test_order_and_blame(sides: Callable[..., Pair]) -> None:
    pair = sides(at("ffn_up", 0, times(1.01)), at("ffn_up", 1, times(1.01)))
    first = _told(pair).verdict.first
    assert first is not None
    assert (first.key, first.culprit) == (StageKey("ffn_up", 0), "subject")
    assert _told(pair, "last-first").verdict.first.key == KEY  # type: ignore[union-attr] # it is found
    assert _told(pair, "accumulated-blamed").verdict.first.key != first.key  # type: ignore[union-attr] # it is found
    exchanged = pair._replace(subject=pair.oracle, oracle=pair.subject)
    assert _told(exchanged).verdict.first.culprit == "oracle"  # type: ignore[union-attr] # it is found
    assert _told(exchanged, "oracle-always-right").verdict.first.culprit == "subject"  # type: ignore[union-attr] # it is found
    assert _told(exchanged, "self-comparison").verdict.first is None


def test_missing_and_gates(sides: Callable[..., Pair]) -> None:
    pair = sides()
    whole = pair.subject.engine.capture(TOKENS)
    kept = {key: array for key, array in whole.stages.items() if key != KEY}
    lacking = pair._replace(captured={"numpy:f32": Capture(whole.provenance, kept)})
    assert _told(lacking).verdict.outcome == "inconclusive"
    assert _told(lacking, "missing-is-equal").verdict.outcome == "agrees"
    gate = SimpleNamespace(side="subject", name="deterministic", passed=False, detail="")
    measurement = measure(pair.subject, pair.oracle, [TOKENS])
    measurement.gates.append(gate)  # type: ignore[arg-type] # stands for one
    assert judge(measurement).outcome == "inconclusive"
    assert harness.MUTANTS["gates-unread"].judge(judge)(measurement, None).outcome == "agrees"


def test_strangers_are_compared(sides: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    pair = sides()
    theirs = pair.oracle.engine.capture(TOKENS)
    late = dataclasses.replace(theirs.provenance, positions=tuple(n + 1 for n in theirs.provenance.positions))
    moved = pair._replace(captured={"numpy:f64": Capture(late, theirs.stages)})
    assert _told(moved).verdict.outcome == "incomparable"
    harness.MUTANTS["anything-compared"].plant(monkeypatch.setattr)
    assert _told(moved).verdict.outcome != "incomparable"


def test_files_of_an_earlier_run_are_read(
    sides: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = sides().subject.engine.capture(TOKENS)
    (lonely,) = write_capture(tmp_path / "a", Capture(whole.provenance, {KEY: whole[KEY]}))
    kept = {key: array for key, array in whole.stages.items() if key != KEY}
    write_capture(tmp_path / "b", Capture(whole.provenance, kept))
    (tmp_path / "b" / "layer-1" / "ffn_up.bin").write_bytes(lonely.path.read_bytes())
    assert KEY not in Recorded(tmp_path / "b").capture(TOKENS).stages
    harness.MUTANTS["stale-files-read"].plant(monkeypatch.setattr)
    assert np.array_equal(Recorded(tmp_path / "b").capture(TOKENS)[KEY], whole[KEY])


# --- how falsifiers judge a run -----------------------------------------------------------------------------------------


def _refuted_at(pair: Pair, evidence: Evidence) -> str:
    with pytest.raises(Refuted) as raised:
        hold_agreement(evidence, Parity(None), pair)
    return str(raised.value.where["stage"])


def test_what_is_said_wrongly_is_another_place(sides: Callable[..., Pair]) -> None:
    plant = at("ffn_up", 1, _one_of(3, 1.01))
    right = Expected(("position gain", "position", "gain by position"), 3)
    assert _refuted_at(sides(plant, expected=right), Evidence()) == "ffn_up"
    assert _refuted_at(sides(plant, expected=right._replace(kinds=("transposition",))), Evidence()) == "kind"
    assert _refuted_at(sides(plant, expected=right._replace(position=4)), Evidence()) == "position"
    assert _refuted_at(sides(plant, expected=right._replace(culprit="oracle")), Evidence()) == "culprit"
    assert _refuted_at(sides(plant, expected=right._replace(cause="activation rounding")), Evidence()) == "cause"


def test_agreement_enters_what_was_compared(sides: Callable[..., Pair]) -> None:
    evidence = Evidence()
    hold_agreement(evidence, Parity(None), sides())
    seen = evidence.as_dict()
    # plain numbers, so that the kill matrix shows them
    assert (seen["reported"]["subject_passes"], seen["reported"]["oracle_passes"]) == (2, 2)
    assert evidence.total > 1000
    assert 0 < seen["worst"]["distance"] < 1


def test_no_verdict_is_no_refutation(sides: Callable[..., Pair]) -> None:
    pair = sides()
    whole = pair.subject.engine.capture(TOKENS)
    kept = {key: array for key, array in whole.stages.items() if key != KEY}
    lacking = pair._replace(captured={"numpy:f32": Capture(whole.provenance, kept)})
    with pytest.raises(Inconclusive):
        hold_agreement(Evidence(), Parity(None), lacking)
    with pytest.raises(Refuted) as raised:
        known_answer(Evidence(), Parity(None).run(pair), "order")
    assert raised.value.where["stage"] == "order"
    with pytest.raises(ValueError, match="none"):
        at_first(Parity(None).run(pair))


def test_a_third_pass_is_refuted(sides: Callable[..., Pair]) -> None:
    run = Parity(None).run(sides())
    for more in (run._replace(subject_passes=3), run._replace(oracle_passes=3)):
        with pytest.raises(Refuted) as raised:
            enter(Evidence(), more)
        assert raised.value.where["stage"] == "passes"
    found = _told(sides(at("ffn_up", 1, times(1.01))))
    with pytest.raises(Refuted) as raised:
        known_answer(Evidence(), found._replace(oracle_passes=3), "order")
    assert raised.value.where["stage"] == "passes"


# --- passes, as they are counted ----------------------------------------------------------------------------------------


def _counted(run: Run) -> tuple[int, int]:
    return run.subject_passes, run.oracle_passes


def test_two_passes_are_counted_whatever_is_wrong_and_told_as_that(sides: Callable[..., Pair]) -> None:
    for plants in ((), (at("ffn_up", 0, times(1.01)), at("ffn_up", 1, times(1.01)))):
        run = _told(sides(*plants))
        assert _counted(run) == (2, 2)
        assert (run.measurement.subject.passes, run.measurement.oracle.passes) == (2, 2)


def test_a_capture_at_hand_is_a_pass(sides: Callable[..., Pair]) -> None:
    pair = sides()
    taken = pair._replace(captured={"numpy:f64": pair.oracle.engine.capture(TOKENS)})
    assert _counted(_told(taken)) == (2, 2)


def test_more_passes_are_counted_though_two_are_told(
    sides: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = _told(sides(), "a-pass-a-layer")
    assert _counted(layers) == (4, 4)  # two layers, and the stages of the whole model are fed with each
    assert (layers.measurement.subject.passes, layers.measurement.oracle.passes) == (2, 2)
    whole = _told(sides()).measurement
    assert {cell.key for cell in layers.measurement.cells} == {cell.key for cell in whole.cells}
    assert len(layers.measurement.cells) == len(whole.cells)
    harness.MUTANTS["fed-twice"].plant(monkeypatch.setattr)
    assert _counted(_told(sides())) == (3, 3)


def test_passes_that_are_not_told(sides: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    harness.MUTANTS["passes-untold"].plant(monkeypatch.setattr)
    run = _told(sides())
    assert _counted(run) == (2, 2)
    assert (run.measurement.subject.passes, run.measurement.oracle.passes) == (1, 1)


def test_judges_over_two_files_are_two(maker: Any, tmp_path: Path, sides: Callable[..., Pair]) -> None:
    pair = sides()
    again = maker.write_model(tmp_path / "again.gguf", maker.Spec(weights="F32", layers=2))
    other = dataclasses.replace(pair.oracle, judge=Judge(read_gguf(again)))
    assert _counted(_told(pair._replace(oracle=other))) == (2, 2)


def test_an_engine_run_behind_the_harness_is_counted(sides: Callable[..., Pair]) -> None:
    pair = sides()

    def looks(side: Side) -> Any:
        return side.engine.logits(TOKENS)

    meter = Meter(pair.subject, pair.oracle)
    with meter.watching():
        looks(pair.oracle)
        pair.subject.engine.capture(TOKENS)  # which is made of a stream: one pass
        with meter.pausing():
            looks(pair.subject)
    looks(pair.subject)  # nobody watches any more
    assert meter.captures == {"oracle": 1, "subject": 1}


def test_who_was_watched_is_what_it_was(sides: Callable[..., Pair]) -> None:
    pair = sides(at("ffn_up", 1, times(1.01)))
    before = [(side.judge, dict(vars(side.engine))) for side in (pair.subject, pair.oracle)]
    _told(pair)
    assert [(side.judge, dict(vars(side.engine))) for side in (pair.subject, pair.oracle)] == before


# --- runs of some layers ------------------------------------------------------------------------------------------------


def test_a_run_of_the_first_layers_runs_no_more_and_finds_nothing_more_easily(
    sides: Callable[..., Pair],
) -> None:
    whole, narrow = _told(sides()), _told(sides()._replace(layers=1))
    keys = {cell.key for cell in narrow.measurement.cells}
    assert keys == {cell.key for cell in whole.measurement.cells if cell.key.layer == 0}
    assert narrow.verdict.outcome == "agrees"
    each = [run.verdict.alpha / run.verdict.tests for run in (narrow, whole)]
    assert each[0] <= each[1]  # the share of a test: a fault is no easier to find than in the whole run
    assert each[0] > each[1] / 4


def test_a_pass_over_the_first_layers_ends_there(sides: Callable[..., Pair]) -> None:
    ran: list[StageKey] = []

    def seen(call: Call) -> Any:
        ran.append(call.key)
        return call.sound()

    plants = at("ffn_up", None, seen), at("lm_head", None, seen)
    _told(sides(*plants)._replace(layers=1))
    assert {key.layer for key in ran} == {0}
