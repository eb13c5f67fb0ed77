"""Which stage files and folders may be compared, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.commands import diff as command
from apr.errors import NotComparable, UnusableInput, UsageError
from apr.formats.aprt import write_capture, write_stage
from apr.parity import comparable
from apr.parity.comparable import check_provenance
from apr.parity.diff import CaptureDiff, StageDiff, diff_directories, diff_files, diff_paths
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

PROVENANCE = Provenance("numpy", "1", "f32", "llama", "0" * 64, (7, 8, 9), (0, 1, 2))
KEYS = (StageKey("embedding", 0), StageKey("ffn_gate", 0), StageKey("ffn_gate", 1), StageKey("lm_head", None))


def capture(provenance: Provenance = PROVENANCE, keys: tuple[StageKey, ...] = KEYS) -> Capture:
    random = np.random.default_rng(5)
    return Capture(provenance, {key: random.standard_normal((3, 4)).astype(np.float32) for key in keys})


def save(folder: Path, made: Capture) -> Path:
    write_capture(folder, made)
    return folder


def test_identical_folders_are_identical_whatever_the_engine(tmp_path: Path) -> None:
    a = save(tmp_path / "a", capture())
    b = save(tmp_path / "b", capture(replace(PROVENANCE, engine="llama.cpp", build="b9")))
    outcome = diff_directories(a, b)
    assert outcome.identical
    assert outcome.first_difference is None
    assert [stage.key for stage in outcome.stages] == list(KEYS)
    assert outcome.notes == ()


def test_the_first_difference_is_the_first_in_forward_order_not_the_greatest(tmp_path: Path) -> None:
    a, made = save(tmp_path / "a", capture()), capture()
    made[KEYS[3]][0, 0] += 100
    made[KEYS[2]][1, 2] += 1e-6
    outcome = diff_directories(a, save(tmp_path / "b", made))
    assert not outcome.identical
    assert outcome.first_difference is not None
    assert outcome.first_difference.key == KEYS[2]
    assert outcome.first_difference.difference.worst_position == 1
    assert [stage.difference.n_different for stage in outcome.stages] == [0, 0, 1, 1]


def test_stages_on_one_side_are_listed_and_are_no_agreement(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", capture(keys=KEYS[:3])), save(tmp_path / "b", capture(keys=KEYS[:2] + KEYS[3:]))
    outcome = diff_directories(a, b)
    assert (outcome.only_a, outcome.only_b) == ((KEYS[2],), (KEYS[3],))
    assert all(stage.difference.bit_identical for stage in outcome.stages)
    assert not outcome.identical
    more = save(tmp_path / "more", capture(keys=KEYS[:3] + KEYS[3:]))
    assert not diff_directories(a, more).identical
    assert not diff_directories(more, a).identical


def test_a_stage_of_another_width_is_named_and_the_others_are_compared(tmp_path: Path) -> None:
    made = capture()
    made.stages[KEYS[1]] = np.zeros((3, 5), np.float32)
    outcome = diff_directories(save(tmp_path / "a", capture()), save(tmp_path / "b", made))
    assert outcome.incomparable == ((KEYS[1], "12 values against 15"),)
    assert len(outcome.stages) == 3
    assert not outcome.identical


def test_nothing_in_common_is_not_comparable(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", capture(keys=KEYS[:1])), save(tmp_path / "b", capture(keys=KEYS[1:]))
    with pytest.raises(NotComparable, match="no stage that both"):
        diff_directories(a, b)


PARTS: list[tuple[str, Any, str, str | None]] = [
    ("tokens", (7, 8, 1), "tokens differ, first at index 2: 9 against 1", None),
    ("positions", (0, 1, 3), "positions differ, first at index 2: 2 against 3", None),
    ("arithmetic", "f64", "arithmetic f32 against f64", "arithmetic"),
    ("model_sha256", "1" * 64, "model sha256 0000", "model"),
    ("architecture", "qwen2", "architecture llama against qwen2", "model"),
]


@pytest.mark.parametrize(("part", "value", "expected", "allow"), PARTS)
def test_captures_of_different_things_are_refused_unless_allowed(
    part: str, value: Any, expected: str, allow: str | None, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {part: value}
    other = replace(PROVENANCE, **changes)
    a, b = save(tmp_path / "a", capture()), save(tmp_path / "b", capture(other))
    files = (a / "lm_head.bin", b / "lm_head.bin")
    for compare in (lambda **how: diff_directories(a, b, **how), lambda **how: diff_files(*files, **how)):
        with pytest.raises(NotComparable, match=expected):
            compare()
        for name in command._ALLOWABLE:
            if name == allow:
                assert any(expected in note for note in compare(allow=(name,)).notes)
            else:
                with pytest.raises(NotComparable, match=expected):
                    compare(allow=(name,))


def test_another_number_of_tokens_is_told_as_such() -> None:
    with pytest.raises(NotComparable, match="3 tokens against 2"):
        check_provenance(PROVENANCE, replace(PROVENANCE, tokens=(7, 8)))


def test_the_command_allows_what_the_comparison_knows() -> None:
    assert tuple(comparable.ALLOWABLE) == command._ALLOWABLE


def test_files_of_different_layer_size_or_stage_are_refused(tmp_path: Path) -> None:
    a = save(tmp_path / "a", capture())
    write_stage(tmp_path / "long.bin", 0, np.zeros(13, np.float32))
    write_stage(tmp_path / "whole.bin", None, np.zeros(12, np.float32))
    for other, expected in (
        (tmp_path / "long.bin", "12 values against 13"),
        (tmp_path / "whole.bin", "layer 0 against the whole model"),
        (a / "layer-0" / "embedding.bin", "stage ffn_gate against embedding"),
        (a / "layer-1" / "ffn_gate.bin", "layer 0 against layer 1"),
    ):
        with pytest.raises(NotComparable, match=expected):
            diff_files(a / "layer-0" / "ffn_gate.bin", other)


def test_files_of_the_same_size_but_other_shape_are_refused(tmp_path: Path) -> None:
    tokens = replace(PROVENANCE, tokens=(7, 8), positions=(0, 1))
    wide = Capture(tokens, {KEYS[3]: np.zeros((2, 6), np.float32)})
    a, b = save(tmp_path / "a", capture()), save(tmp_path / "b", wide)
    with pytest.raises(NotComparable, match=r"shape \[3, 4\] against \[2, 6\]"):
        diff_files(a / "lm_head.bin", b / "lm_head.bin")


def test_what_no_sidecar_lists_is_compared_with_a_note(tmp_path: Path) -> None:
    a = save(tmp_path / "a", capture())
    stale = a / "layer-0" / "ffn_up.bin"
    write_stage(stale, 0, np.zeros(12, np.float32))
    outcome = diff_files(a / "layer-0" / "ffn_gate.bin", stale)
    assert len(outcome.notes) == 2
    assert str(stale) in outcome.notes[0]
    assert "ffn_gate.bin, ffn_up.bin" in outcome.notes[1]
    assert outcome.difference.n_different == 12
    bare = tmp_path / "bare"
    (bare / "layer-0").mkdir(parents=True)
    write_stage(bare / "layer-0" / "ffn_gate.bin", 0, capture()[KEYS[1]])
    folders = diff_directories(a, bare)
    assert len(folders.notes) == 1
    assert str(bare) in folders.notes[0]
    assert folders.stages[0].difference.bit_identical


def test_paths_decide_between_files_and_folders(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", capture()), save(tmp_path / "b", capture())
    assert isinstance(diff_paths(a, b), CaptureDiff)
    assert isinstance(diff_paths(a / "lm_head.bin", b / "lm_head.bin"), StageDiff)
    with pytest.raises(UsageError, match="is a folder"):
        diff_paths(a, b / "lm_head.bin")
    with pytest.raises(UnusableInput, match="No such file"):
        diff_paths(a / "nothing.bin", b)
    (a / "capture.json").write_text("{")
    with pytest.raises(UnusableInput, match=r"capture\.json"):
        diff_paths(a / "lm_head.bin", b / "lm_head.bin")
