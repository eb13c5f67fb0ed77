"""Stages that mean something else are refused; stages that are wrong are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.capture import Capture
from apr.engines.reference import Reference
from apr.errors import NotComparable
from apr.formats.gguf import read_gguf
from apr.mutants.planting import at
from apr.ops.arithmetic import F32, F64, GGML
from apr.parity.conventions import check_conventions
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.models import Model

TOKENS = [5, 9, 200, 17, 42, 9]


@pytest.fixture(params=["llama-q4_k_m", "qwen3moe-q4_k_m"])
def made(request: pytest.FixtureRequest, fixture_model: Callable[[str], Path]) -> tuple[Capture, Model]:
    file = read_gguf(fixture_model(request.param))
    return Reference(file, GGML).capture(TOKENS), Reference(file, F64).model


def without_residual(capture: Capture, model: Model, *stages: str) -> Capture:
    branch = {"post_attn_residual": "attn_out", "post_ffn_residual": "ffn"}
    changed = {
        key: capture[model.source(branch[key.stage], key.layer)] for key in capture.stages if key.stage in stages
    }
    return Capture(capture.provenance, {**capture.stages, **changed})


def test_a_sound_capture_means_what_it_says(made: tuple[Capture, Model]) -> None:
    check_conventions(*made, "subject")


@pytest.mark.parametrize(
    "stages", [("post_attn_residual",), ("post_ffn_residual",), ("post_attn_residual", "post_ffn_residual")], ids=str
)
def test_residual_stages_without_the_residual_are_refused(made: tuple[Capture, Model], stages: tuple[str, ...]) -> None:
    capture, model = made
    with pytest.raises(
        NotComparable, match=f"the subject's {stages[-1] if len(stages) == 1 else 'post_'}.* leaves the residual out"
    ):
        check_conventions(without_residual(capture, model, *stages), model, "subject")


def test_a_residual_that_is_forgotten_in_one_layer_is_a_fault_to_be_found(made: tuple[Capture, Model]) -> None:
    capture, model = made
    one = without_residual(capture, model, "post_attn_residual")
    first = StageKey("post_attn_residual", 0)
    check_conventions(Capture(one.provenance, {**one.stages, first: capture[first]}), model, "subject")


def test_a_run_that_goes_on_without_the_residual_is_a_fault_to_be_found(fixture_model: Callable[[str], Path]) -> None:
    """Here the numbers after it follow from the stage as it is: that is wrong, not named otherwise."""
    file = read_gguf(fixture_model("llama-q4_k_m"))
    model = Reference(file, F32).model
    faulty = at("post_attn_residual", None, lambda call: call.input("attn_out"))(model)
    engine = Reference(file, F32, faulty)
    check_conventions(engine.capture(TOKENS), Reference(file, F64).model, "subject")


def test_channels_before_positions_are_refused(made: tuple[Capture, Model]) -> None:
    capture, model = made
    key = StageKey("embedding", 0)
    turned = np.ascontiguousarray(capture[key].T).reshape(capture[key].shape)
    with pytest.raises(NotComparable, match="the oracle's stages have channels on the first axis"):
        check_conventions(Capture(capture.provenance, {**capture.stages, key: turned}), model, "oracle")


def test_another_token_is_no_layout(made: tuple[Capture, Model]) -> None:
    capture, model = made
    key = StageKey("embedding", 0)
    other = np.array(capture[key])
    other[2] = other[0]
    check_conventions(Capture(capture.provenance, {**capture.stages, key: other}), model, "subject")


@pytest.mark.parametrize("stage", ["embedding", "attn_out", "ffn_norm", "post_ffn_residual"])
def test_what_is_not_there_refuses_nothing(made: tuple[Capture, Model], stage: str) -> None:
    capture, model = made
    left = {key: array for key, array in capture.stages.items() if key.stage != stage}
    check_conventions(Capture(capture.provenance, left), model, "subject")
