"""Whether captures may be compared and engines believed: every refusal and every gate, to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.engines.recorded import Recorded
from apr.errors import NotComparable
from apr.formats.aprt import write_capture
from apr.parity.comparable import check_provenance
from apr.parity.gates import _first_that_differs, _how_far, probe, same_bits
from apr.parity.result import Gate
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apr.capture import Array

HERE = Provenance("numpy", "1", "f32", "llama", "0" * 64, (7, 8, 9), (0, 1, 2))
HEAD, NORM = StageKey("lm_head", None), StageKey("final_norm", None)
TOKENS = [5, 6, 7]


@pytest.mark.parametrize(
    ("part", "value", "how", "allow"),
    [
        ("tokens", (7, 8), "3 tokens against 2", None),
        ("tokens", (7, 4, 3), "tokens differ, first at index 1: 8 against 4", None),
        ("tokens", "789", "tokens (7, 8, 9) against 789", None),
        ("positions", (0, 1, 3), "positions differ, first at index 2: 2 against 3", None),
        ("architecture", "qwen2", "architecture llama against qwen2", "model"),
        ("model_sha256", "1" * 64, f"model sha256 {'0' * 64} against {'1' * 64}", "model"),
        ("arithmetic", "ggml", "arithmetic f32 against ggml", "arithmetic"),
    ],
)
def test_what_must_agree_is_refused_with_how_it_differs_and_what_allows_it(
    part: str, value: Any, how: str, allow: str | None
) -> None:
    changes: dict[str, Any] = {part: value}
    other = replace(HERE, **changes)
    with pytest.raises(NotComparable) as caught:
        check_provenance(HERE, other)
    assert (str(caught.value), caught.value.hint) == (f"not comparable: {how}", None)
    with pytest.raises(NotComparable) as caught:
        check_provenance(HERE, other, allow=())
    assert caught.value.hint == (f"--allow {allow} compares all the same" if allow else None)
    names = {"arithmetic", "model"}
    if allow:
        assert check_provenance(HERE, other, allow=[allow]) == (f"allowed on purpose: {how}",)
        assert check_provenance(HERE, other, allow=sorted(names)) == (f"allowed on purpose: {how}",)
    for name in names - {allow}:
        with pytest.raises(NotComparable, match="not comparable"):
            check_provenance(HERE, other, allow=[name])


def test_everything_that_was_allowed_is_noted() -> None:
    other = replace(HERE, architecture="qwen2", model_sha256="1" * 64, arithmetic="ggml", engine="x", build="2")
    notes = check_provenance(HERE, other, allow=("model", "arithmetic"))
    assert [note.split()[3] for note in notes] == ["architecture", "model", "arithmetic"]
    assert check_provenance(HERE, replace(HERE, engine="x", build="2")) == ()


def test_the_same_weights_in_two_files_are_the_same_model() -> None:
    a, b = replace(HERE, weights_sha256="2" * 64), replace(HERE, model_sha256="1" * 64)
    assert check_provenance(a, replace(b, weights_sha256="2" * 64)) == ()
    for weights in ("3" * 64, None):
        with pytest.raises(NotComparable, match="model sha256"):
            check_provenance(a, replace(b, weights_sha256=weights))
    with pytest.raises(NotComparable, match="model sha256"):
        check_provenance(HERE, b)
    with pytest.raises(NotComparable, match="tokens"):
        check_provenance(a, replace(a, tokens=(1, 2, 3)))


def test_arithmetics_that_round_alike_are_alike() -> None:
    exact, ggml = replace(HERE, arithmetic="exact"), replace(HERE, arithmetic="ggml")
    assert check_provenance(exact, ggml) == check_provenance(ggml, exact) == ()
    with pytest.raises(NotComparable, match="arithmetic exact against f32"):
        check_provenance(exact, HERE)


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
        return Capture(self.provenance(tokens), {NORM: self._next(self.norms), HEAD: self._next(self.captured)})

    def logits(self, tokens: Sequence[int]) -> Array:
        assert tokens == TOKENS
        self.passes.append("plain")
        return self._next(self.plain)

    @staticmethod
    def _next(values: list[float]) -> Array:
        value = values.pop(0) if len(values) > 1 else values[0]
        return np.array([[0, 0], [value, 2], [value, 3]], np.float32)


SAME = "logits with and without capture are the same bits at 3 positions"
APART = "logits differ at 2 of 3 positions, first at position 1"


@pytest.mark.parametrize(
    ("captured", "plain", "norms", "twice", "deterministic", "harmless"),
    [
        ([1], [1], [0], False, (True, SAME), (True, SAME)),
        ([1], [1], [0], True, (True, "2 stages of two captures are the same bits at 3 positions"), (True, SAME)),
        (
            [1],
            [1],
            [0, 5],
            True,
            (False, "two captures of the same tokens differ, first in final_norm"),
            (True, SAME),
        ),
        (
            [1],
            [2],
            [0],
            False,
            (True, "logits of two plain runs are the same bits at 3 positions"),
            (False, f"looking changes the result: with and without capture {APART}"),
        ),
        (
            [1],
            [2],
            [0],
            True,
            (True, "logits of two plain runs are the same bits at 3 positions"),
            (False, f"looking changes the result: with and without capture {APART}"),
        ),
        (
            [1],
            [2, 3],
            [0],
            False,
            (False, "logits of two plain runs differ at 3 positions"),
            (None, f"cannot be told from chance, since two runs differ anyway: {APART}"),
        ),
        (
            [1, 2],
            [1.5],
            [0],
            False,
            (False, "two captures of the same tokens differ, first in lm_head"),
            (None, f"cannot be told from chance, since two runs differ anyway: {APART}"),
        ),
    ],
)
def test_a_gate_says_what_was_held_against_what(
    captured: list[float],
    plain: list[float],
    norms: list[float],
    twice: bool,
    deterministic: tuple[bool, str],
    harmless: tuple[bool | None, str],
) -> None:
    engine: Any = Scripted(captured, plain, norms=norms)
    gates = probe(engine, TOKENS, engine.capture(TOKENS), side="oracle", twice=twice)
    assert gates == [Gate("oracle", "deterministic", *deterministic), Gate("oracle", "harmless", *harmless)]


def test_the_subject_is_probed_where_no_side_is_named() -> None:
    engine: Any = Scripted([1], [1])
    assert [gate.side for gate in probe(engine, TOKENS, engine.capture(TOKENS))] == ["subject", "subject"]
    assert engine.passes == ["capture", "plain"], "no second capture where the logits agree"


def test_a_recording_cannot_be_asked_again(tmp_path: Path) -> None:
    write_capture(tmp_path, Scripted([1], [1]).capture(TOKENS))
    engine = Recorded(tmp_path)
    why = f"{engine.folder} is a recording, and the engine that made it is not here"
    assert probe(engine, TOKENS, engine.capture(TOKENS), side="oracle") == [
        Gate("oracle", "deterministic", None, why),
        Gate("oracle", "harmless", None, why),
    ]


@pytest.mark.parametrize(("rows", "stages"), [(None, 1), (1, 2)])
def test_without_every_logit_captures_are_held_against_each_other(rows: int | None, stages: int) -> None:
    engine: Any = Scripted([1], [1])

    def partly(tokens: Sequence[int], whole: Any = engine.capture) -> Capture:
        capture: Capture = whole(tokens)
        head = capture.stages.pop(HEAD)
        if rows:
            capture.stages[HEAD] = head[-rows:]
        return capture

    engine.capture = partly
    unseen = "the capture has no logits of every position to hold against a plain run"
    assert probe(engine, TOKENS, engine.capture(TOKENS)) == [
        Gate("subject", "deterministic", True, f"{stages} stages of two captures are the same bits at 3 positions"),
        Gate("subject", "harmless", None, unseen),
    ]
    engine.norms = [0, 5]
    differ = "two captures of the same tokens differ, first in final_norm"
    assert probe(engine, TOKENS, engine.capture(TOKENS)) == [
        Gate("subject", "deterministic", False, differ),
        Gate("subject", "harmless", None, unseen),
    ]


def test_the_first_stage_that_differs_is_the_first_in_forward_order() -> None:
    late, early = StageKey("attn_out", 0), StageKey("qkv_matmul", 0)
    zero, one = np.zeros(2, np.float32), np.ones(2, np.float32)

    def capture(**stages: Array) -> Capture:
        keys = {"late": late, "early": early}
        return Capture(HERE, {keys[name]: array for name, array in stages.items()})

    both = capture(late=zero, early=zero)
    assert _first_that_differs(both, both) is None
    assert _first_that_differs(both, capture(late=one, early=zero)) == str(late)
    assert _first_that_differs(both, capture(late=one, early=one)) == str(early)
    assert _first_that_differs(both, capture(late=zero)) == str(early)
    assert _first_that_differs(capture(early=zero), both) == str(late)


def test_how_far_logits_are_apart_is_told_by_shape_type_and_rows() -> None:
    zero = np.zeros((2, 3), np.float32)
    assert _how_far(np.zeros((3, 3), np.float32), zero) == "the logits have shapes [2, 3] and [3, 3]"
    assert _how_far(zero.astype(np.float64), zero) == "the logits are float32 and float64"
    assert _how_far(zero, zero) == "logits differ at 0 of 2 positions"
    other = zero.copy()
    other[1] = 1
    assert _how_far(zero, other) == "logits differ at 1 of 2 positions, first at position 1"


def test_bits_are_the_same_in_dtype_shape_and_value() -> None:
    zero = np.zeros((2, 3), np.float32)
    assert same_bits(zero, zero.copy())
    assert same_bits(np.full(2, np.nan), np.full(2, np.nan))
    assert not same_bits(zero, -zero)
    assert not same_bits(zero, zero.reshape(3, 2))
    assert not same_bits(zero, zero.astype(np.int32))
    assert same_bits(np.asfortranarray(zero), zero)
    assert not same_bits(np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)[:, ::-1])
    assert same_bits(np.arange(4, dtype=np.float64), np.arange(4, dtype=np.float64))
