"""Whether the gates tell an engine that repeats itself and does not mind being looked at from one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.engines.recorded import Recorded
from apr.engines.reference import Reference
from apr.formats import open_model
from apr.formats.aprt import write_capture
from apr.mutants.captures import MUTANTS, CaptureMutant, Tampered
from apr.ops.arithmetic import F32
from apr.parity.gates import probe, same_bits
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from apr.capture import Array

TOKENS = [5, 6, 7]
HEAD, NORM = StageKey("lm_head", None), StageKey("final_norm", None)


class Scripted:
    """An engine whose captures and plain logits are what a script says, run by run; the last one of each is repeated."""

    name, build, arithmetic = "scripted", "1", "f32"

    def __init__(self, captured: Sequence[float], plain: Sequence[float], *, norms: Sequence[float] = (0,)) -> None:
        self.captured, self.plain, self.norms = list(captured), list(plain), list(norms)
        self.passes: list[str] = []

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        return Provenance("scripted", "1", "f32", "llama", "0" * 64, tuple(tokens), tuple(range(len(tokens))))

    def capture(self, tokens: Sequence[int]) -> Capture:
        self.passes.append("capture")
        stages = {NORM: self._next(self.norms), HEAD: self._next(self.captured)}
        return Capture(self.provenance(tokens), stages)

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        return ((key, array) for key, array in self.capture(tokens).stages.items() if wanted is None or key in wanted)

    def logits(self, tokens: Sequence[int]) -> Array:
        assert tokens == TOKENS
        self.passes.append("plain")
        return self._next(self.plain)

    @staticmethod
    def _next(values: list[float]) -> Array:
        value = values.pop(0) if len(values) > 1 else values[0]
        return np.array([[0, 0], [1, 2], [value, 3]], np.float32)


def outcome(engine: Any, **options: Any) -> dict[str, bool | None]:
    gates = probe(engine, TOKENS, engine.capture(TOKENS), side="oracle", **options)
    assert [gate.side for gate in gates] == ["oracle", "oracle"]
    assert all(gate.detail for gate in gates)
    return {gate.name: gate.passed for gate in gates}


@pytest.mark.parametrize(
    ("engine", "deterministic", "harmless", "passes"),
    [
        (Scripted([1], [1]), True, True, ["capture", "plain"]),
        # looking changes the result: each way of running repeats itself
        (Scripted([1], [2]), True, False, ["capture", "plain", "capture", "plain"]),
        # two captures differ, so that plain and captured logits do says nothing about looking
        (Scripted([1, 2], [1.5]), False, None, ["capture", "plain", "capture"]),
        # two plain runs differ, captures happen not to
        (Scripted([1], [2, 3]), False, None, ["capture", "plain", "capture", "plain"]),
        # two captures differ before the logits
        (Scripted([1], [2], norms=[0, 5]), False, None, ["capture", "plain", "capture"]),
    ],
)
def test_what_differs_is_told_from_what_is_disturbed(
    engine: Scripted, deterministic: bool, harmless: bool | None, passes: list[str]
) -> None:
    assert outcome(engine) == {"deterministic": deterministic, "harmless": harmless}
    assert engine.passes == passes


def test_a_sign_of_zero_is_a_difference_and_nan_is_none() -> None:
    assert outcome(Scripted([0.0], [-0.0]))["harmless"] is False
    assert outcome(Scripted([np.nan], [np.nan])) == {"deterministic": True, "harmless": True}


def test_places_are_named() -> None:
    engine = Scripted([1], [2])
    _, harmless = probe(engine, TOKENS, engine.capture(TOKENS))
    assert harmless.detail.endswith("logits differ at 1 of 3 positions, first at position 2")
    engine = Scripted([1], [2], norms=[0, 5])
    deterministic, _ = probe(engine, TOKENS, engine.capture(TOKENS))
    assert deterministic.detail.endswith("first in final_norm")


def test_a_difference_that_never_reaches_the_logits_is_found_when_asked_for() -> None:
    assert outcome(Scripted([1], [1], norms=[0, 5])) == {"deterministic": True, "harmless": True}
    assert outcome(Scripted([1], [1], norms=[0, 5]), twice=True) == {"deterministic": False, "harmless": True}
    sound = Scripted([1], [1])
    gates = probe(sound, TOKENS, sound.capture(TOKENS), twice=True)
    assert [gate.passed for gate in gates] == [True, True]
    assert gates[0].detail.startswith("2 stages of two captures are the same bits")
    assert sound.passes == ["capture", "capture", "plain"]


@pytest.mark.parametrize("rows", [None, 1])
def test_a_capture_without_all_logits_can_still_be_repeated(rows: int | None) -> None:
    for norms, repeats in (([0.0], True), ([0.0, 5.0], False)):
        engine = Scripted([1], [1], norms=norms)

        def without(tokens: Sequence[int], whole: Any = engine.capture) -> Capture:
            capture: Capture = whole(tokens)
            head = capture.stages.pop(HEAD)
            if rows:
                capture.stages[HEAD] = head[-rows:]
            return capture

        engine.capture = without  # type: ignore[method-assign]
        deterministic, harmless = probe(engine, TOKENS, engine.capture(TOKENS))
        assert (deterministic.passed, harmless.passed) == (repeats, None)
        assert "no logits of every position" in harmless.detail
        assert engine.passes == ["capture", "capture"]


def test_logits_of_another_shape_or_type_are_not_the_same() -> None:
    engine = Scripted([1], [1])
    capture = engine.capture(TOKENS)
    capture.stages[HEAD] = capture.stages[HEAD].astype(np.float64)
    assert probe(engine, TOKENS, capture)[1].passed is not True
    assert not same_bits(np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32))
    assert not same_bits(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.int32))  # the same bits of another type


def test_a_recording_cannot_be_probed(tmp_path: Path) -> None:
    write_capture(tmp_path, Scripted([1], [1]).capture(TOKENS))
    engine = Recorded(tmp_path)
    gates = probe(engine, TOKENS, engine.capture(TOKENS))
    assert [gate.passed for gate in gates] == [None, None]
    assert all("is a recording" in gate.detail for gate in gates)


@pytest.mark.parametrize(
    ("mutant", "expected"),
    [
        ("looking-changes-logits", {"deterministic": True, "harmless": False}),
        ("second-run-differs", {"deterministic": False, "harmless": True}),
    ],
)
def test_planted_faults_of_captures_are_caught(
    fixture_model: Callable[[str], Path], mutant: str, expected: dict[str, bool]
) -> None:
    engine = Reference(open_model(fixture_model("llama-spm-q8_0")), F32)
    assert outcome(engine, twice=True) == {"deterministic": True, "harmless": True}
    planted = MUTANTS[mutant]
    key = planted.key if planted.layer is None else planted.key._replace(layer=1)  # this model has two layers
    fault = CaptureMutant(planted.name, planted.fault, key, planted.change, planted.calls_spared)
    assert outcome(Tampered(engine, fault), twice=True) == expected
