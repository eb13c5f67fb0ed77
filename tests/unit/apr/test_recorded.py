"""Stage files as an engine: what they say of themselves, what the command line has to say, and what is missing stays missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.engines.recorded import UNKNOWN, Recorded
from apr.engines.reference import Reference
from apr.errors import NotComparable, UnusableInput, UsageError
from apr.formats import open_model
from apr.formats.aprt import SIDECAR_NAME, write_capture, write_stage
from apr.ops.arithmetic import F32
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.model_file import ModelFile

TOKENS = (3, 1, 4, 1, 5)
HEAD, EMBEDDING, SWIGL = StageKey("lm_head", None), StageKey("embedding", 0), StageKey("ffn_swigl", 1)


@pytest.fixture(scope="module")
def model(fixture_model: Callable[[str], Path]) -> ModelFile:
    return open_model(fixture_model("llama-spm-q8_0"))


@pytest.fixture(scope="module")
def made(model: ModelFile) -> Capture:
    return Reference(model, F32).capture(TOKENS)


@pytest.fixture
def folder(made: Capture, tmp_path: Path) -> Path:
    write_capture(tmp_path / "stages", made)
    return tmp_path / "stages"


def without_sidecar(folder: Path) -> Path:
    (folder / SIDECAR_NAME).unlink()
    return folder


def change_sidecar(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = folder / SIDECAR_NAME
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_recording_is_the_run_that_made_it(folder: Path, made: Capture) -> None:
    engine = Recorded(folder)
    assert (engine.name, engine.build, engine.arithmetic) == ("numpy", made.provenance.build, "f32")
    assert engine.tokens == TOKENS
    assert engine.notes == ()
    capture = engine.capture(TOKENS)
    assert capture.provenance == made.provenance
    assert list(capture.stages) == made.keys_in_order()
    assert all(np.array_equal(capture[key], made[key]) for key in made.stages)


def test_values_are_mapped_and_not_read(folder: Path) -> None:
    stages = Recorded(folder).capture(TOKENS).stages
    assert all(isinstance(array, np.memmap) for array in stages.values())
    with pytest.raises(ValueError, match="read-only"):
        stages[HEAD][0, 0] = 1


def test_other_tokens_do_not_become_the_recordings(folder: Path) -> None:
    capture = Recorded(folder).capture([9, 9])
    assert capture.provenance.tokens == TOKENS
    assert Recorded(folder).provenance([9, 9]).tokens == TOKENS


def test_a_stream_has_what_is_wanted_in_forward_order(folder: Path, made: Capture) -> None:
    engine = Recorded(folder)
    assert [key for key, _ in engine.stream(TOKENS)] == made.keys_in_order()
    assert [key for key, _ in engine.stream(TOKENS, [HEAD, EMBEDDING])] == [EMBEDDING, HEAD]


def test_a_recording_cannot_be_run_again(folder: Path) -> None:
    with pytest.raises(UsageError, match="5 tokens cannot be run: these are stage files"):
        Recorded(folder).logits(TOKENS)


@pytest.mark.parametrize(
    ("model_given", "tokens_given", "lacking"),
    [(False, False, "give --tokens and a MODEL,"), (True, False, "give --tokens,"), (False, True, "give a MODEL,")],
)
def test_files_that_say_nothing_are_not_comparable(
    folder: Path, model: ModelFile, model_given: bool, tokens_given: bool, lacking: str
) -> None:
    given = (model if model_given else None, TOKENS if tokens_given else None)
    with pytest.raises(NotComparable, match=r"there is no capture\.json, so nothing says which tokens") as caught:
        Recorded(without_sidecar(folder), *given)
    assert lacking in str(caught.value)


def test_the_command_line_may_say_what_files_do_not(folder: Path, model: ModelFile, made: Capture) -> None:
    engine = Recorded(without_sidecar(folder), model, TOKENS)
    assert (engine.name, engine.build, engine.arithmetic) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert "are what the command line says" in engine.notes[0]
    capture = engine.capture(TOKENS)
    assert (capture.provenance.tokens, capture.provenance.positions) == (TOKENS, (0, 1, 2, 3, 4))
    assert capture.provenance.model_sha256 == model.sha256
    assert capture.provenance.weights_sha256 == model.weights_sha256
    assert all(np.array_equal(capture[key], made[key]) for key in made.stages)


def test_what_capture_json_says_is_not_overruled(folder: Path, model: ModelFile) -> None:
    assert Recorded(folder, model, (7, 7)).tokens == TOKENS


def test_logits_of_the_last_position_alone_stay_one_row(folder: Path, model: ModelFile, made: Capture) -> None:
    # 415 logits are a multiple of 5 tokens, so cutting them by the number of tokens would go unnoticed
    assert made[HEAD].shape == (5, 415)
    write_stage(folder / "lm_head.bin", None, made[HEAD][-1])
    capture = Recorded(without_sidecar(folder), model, TOKENS).capture(TOKENS)
    assert capture[HEAD].shape == (1, 415)
    assert capture[EMBEDDING].shape == (5, 64)


@pytest.mark.parametrize("shape", [[415], [1, 415]])
def test_a_sidecar_may_list_a_stage_of_fewer_rows(folder: Path, made: Capture, shape: list[int]) -> None:
    write_stage(folder / "lm_head.bin", None, made[HEAD][-1])
    change_sidecar(folder, lambda content: content["files"][-1].update(shape=shape))
    capture = Recorded(folder).capture(TOKENS)
    assert capture[HEAD].shape == (1, 415)
    assert np.array_equal(capture[HEAD][0], made[HEAD][-1])


def test_heads_that_are_listed_apart_fold_into_the_width(folder: Path, made: Capture) -> None:
    key = StageKey("attention", 0)
    index = made.keys_in_order().index(key)
    change_sidecar(folder, lambda content: content["files"][index].update(shape=[5, 4, 16]))
    assert np.array_equal(Recorded(folder).capture(TOKENS)[key], made[key])


def test_a_file_that_is_no_whole_number_of_rows_has_a_shape_that_nobody_takes_for_right(
    folder: Path, model: ModelFile
) -> None:
    write_stage(folder / "layer-1" / "ffn_swigl.bin", 1, np.zeros(5 * 96 - 5, np.float32))
    capture = Recorded(without_sidecar(folder), model, TOKENS).capture(TOKENS)
    assert capture[SWIGL].shape == (1, 475)


def test_an_empty_stage_has_no_rows(folder: Path, model: ModelFile) -> None:
    write_stage(folder / "lm_head.bin", None, np.zeros((0, 415), np.float32))
    change_sidecar(folder, lambda content: content["files"][-1].update(shape=[0, 415]))
    assert Recorded(folder).capture(TOKENS)[HEAD].shape[0] == 0
    assert Recorded(without_sidecar(folder), model, TOKENS).capture(TOKENS)[HEAD].shape[0] == 0


def test_files_of_other_names_are_named(folder: Path, model: ModelFile) -> None:
    write_stage(folder / "layer-0" / "attn_scores.bin", 0, np.zeros(3, np.float32))
    engine = Recorded(without_sidecar(folder), model, TOKENS)
    assert any("no stage has such a name: layer-0/attn_scores.bin" in note for note in engine.notes)


@pytest.mark.parametrize("change", [{"tokens": [3, 1]}, {"positions": [0]}, {"tokens": [], "positions": []}])
def test_tokens_and_positions_that_are_not_as_many_are_refused(folder: Path, change: dict[str, Any]) -> None:
    change_sidecar(folder, lambda content: content["provenance"].update(change))
    with pytest.raises(UnusableInput, match=r"capture.json: provenance: has \d tokens and \d positions"):
        Recorded(folder)


@pytest.mark.parametrize(
    ("change", "place", "known", "unknown"),
    [
        ({"tokens": [3, 1, 415, 1, 5]}, "tokens[2]", "token id 415 is outside the vocabulary of 415", None),
        (
            {"tokens": [3, 1, 4, 1, 2**31]},
            "tokens[4]",
            "token id 2147483648 is outside",
            "token id 2147483648 is more than",
        ),
        (
            {"tokens": [10**30, 1, 4, 1, 5]},
            "tokens[0]",
            "token id 10000000000000000000… is outside",
            "is more than any",
        ),
        ({"positions": [0, 1, 2, 3, 256]}, "positions[4]", "position 256 is beyond the model's context of 256", None),
        (
            {"positions": [0, 1, 2**62, 3, 4]},
            "positions[2]",
            "beyond the model's context of 256",
            "is more than any model",
        ),
        (
            {"positions": [10**30, 1, 2, 3, 4]},
            "positions[0]",
            "beyond the model's context of 256",
            "is more than any model",
        ),
        ({"tokens": [1] * 257, "positions": list(range(257))}, "positions[256]", "beyond the model's context", None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_ids_and_positions_that_no_run_has_are_refused_by_place(
    folder: Path, model: ModelFile, change: dict[str, Any], place: str, known: str, unknown: str | None
) -> None:
    change_sidecar(folder, lambda content: content["provenance"].update(change))
    with pytest.raises(UnusableInput) as caught:
        Recorded(folder, model)
    assert caught.value.where == f"{folder / SIDECAR_NAME}: provenance.{place}"
    assert known in caught.value.problem
    if unknown is not None:
        with pytest.raises(UnusableInput, match=unknown) as caught:
            Recorded(folder)
        assert caught.value.where == f"{folder / SIDECAR_NAME}: provenance.{place}"


@pytest.mark.parametrize(
    ("positions", "place"), [([0, 0, 0, 0, 0], 1), ([4, 3, 2, 1, 0], 0), ([1, 2, 3, 4, 5], 0), ([0, 1, 2, 3, 5], 4)]
)
@pytest.mark.parametrize("with_model", [True, False])
def test_rows_that_are_not_a_run_from_an_empty_context_are_not_comparable(
    folder: Path, model: ModelFile, positions: list[int], place: int, with_model: bool
) -> None:
    change_sidecar(folder, lambda content: content["provenance"].update(positions=positions))
    message = f"not comparable: row {place} belongs to position {positions[place]}"
    with pytest.raises(NotComparable, match=message) as caught:
        Recorded(folder, model if with_model else None)
    assert caught.value.where == f"{folder / SIDECAR_NAME}: provenance.positions[{place}]"


@pytest.mark.parametrize("tokens", [[3, 415], [1] * 257])
def test_what_the_command_line_says_was_run_must_be_possible(folder: Path, model: ModelFile, tokens: list[int]) -> None:
    with pytest.raises(UsageError, match=r"outside the vocabulary of 415|more than the model's context of 256"):
        Recorded(without_sidecar(folder), model, tokens)


@pytest.mark.parametrize("value", [1.5, np.nan, np.inf])
def test_ids_that_are_not_whole_are_refused(tmp_path: Path, value: float) -> None:
    provenance = Provenance("x", "1", "f32", "qwen3moe", "0" * 64, (7, 8), (0, 1))
    choice = StageKey("moe_router_indices", 0)
    write_capture(tmp_path / "a", Capture(provenance, {choice: np.array([[3, 1], [0, 2]], np.float32)}))
    assert Recorded(tmp_path / "a").capture((7, 8))[choice].tolist() == [[3, 1], [0, 2]]
    write_capture(tmp_path / "b", Capture(provenance, {choice: np.array([[3, 1], [value, 2]], np.float32)}))
    with pytest.raises(UnusableInput, match="numbers that are not whole"):
        Recorded(tmp_path / "b").capture((7, 8))
