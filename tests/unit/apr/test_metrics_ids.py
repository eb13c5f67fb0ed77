"""Ids are equal or not, wherever they are compared."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.commands import diff as command
from apr.formats.aprt import write_capture, write_stage
from apr.parity.diff import CaptureDiff, StageDiff, diff_paths
from apr.parity.metrics import IdAccumulator, compare_stage
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = StageKey("moe_router_indices", 2)
F32 = np.ndarray[Any, np.dtype[np.float32]]


def ids(*rows: list[float]) -> F32:
    return np.array(rows, np.float32)


def test_unequal_ids_are_counted_and_named_and_have_no_distance() -> None:
    a, b = ids([3, 1], [7, 2], [5, 6]), ids([3, 1], [8, 2], [6, 5])
    outcome, profiles = compare_stage("moe_router_indices", a, b, limit=2)
    assert outcome.integers
    assert (outcome.n_different, outcome.bit_identical, outcome.max_abs_diff_index) == (3, False, 2)
    assert [(one.index, one.a, one.b) for one in outcome.first] == [(2, 7, 8), (4, 5, 6)]
    # 7 and 8 are as unequal as 0 and 100
    assert (outcome.max_abs_diff, outcome.relative_rms, outcome.rms_diff) == (math.inf,) * 3
    assert math.isnan(outcome.cosine)
    assert outcome.max_ulp is None
    assert outcome.worst_position == 2, "two are unequal there"
    assert profiles.position_relative_rms.tolist() == [0, math.inf, math.inf]
    assert profiles.channel_relative_rms.tolist() == [math.inf, math.inf]
    assert (profiles.worst_position, profiles.worst_channel) == (2, 0)


def test_equal_ids_are_equal_and_zero_has_no_sign() -> None:
    outcome, profiles = compare_stage("moe_router_indices", ids([0, 4]), ids([-0.0, 4]))
    assert (outcome.n_different, outcome.bit_identical, outcome.relative_rms, outcome.first) == (0, True, 0.0, ())
    assert math.isnan(outcome.cosine), "never a cosine, not even a good one"
    assert profiles.position_relative_rms.tolist() == [0]


@pytest.mark.parametrize("broken", [math.nan, math.inf, 1.5])
def test_what_is_no_id_is_unequal_even_to_itself(broken: float) -> None:
    same = ids([1, broken])
    outcome = compare_stage("moe_router_indices", same, same.copy())[0]
    assert (outcome.n_different, outcome.bit_identical) == (1, False)
    assert (outcome.nan_a, outcome.inf_b) == (int(math.isnan(broken)), int(math.isinf(broken)))
    assert outcome.nonfinite_mismatches == 0
    assert compare_stage("moe_router_indices", same, ids([1, 1]))[0].nonfinite_mismatches == int(broken != 1.5)


def test_blocks_may_end_anywhere() -> None:
    random = np.random.default_rng(2)
    a = random.integers(0, 4, 60).astype(np.float32)
    b = random.integers(0, 4, 60).astype(np.float32)
    whole = compare_stage("moe_router_indices", a.reshape(15, 4), b.reshape(15, 4), limit=7)
    split = IdAccumulator(15, 60, 7)
    for start, end in itertools.pairwise([0, 1, 2, 9, 10, 33, 60]):
        split.add(a[start:end], b[start:end])
    found = split.finish()
    assert (found.n_different, found.first, found.worst_position) == (
        whole[0].n_different,
        whole[0].first,
        whole[0].worst_position,
    )
    assert found.n_different == (a != b).sum()
    assert split.profiles().channel_relative_rms.tolist() == whole[1].channel_relative_rms.tolist()
    assert found.worst_position == (a != b).reshape(15, 4).sum(1).argmax()


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ValueError, match="do not divide"):
        IdAccumulator(2, 3)
    accumulator = IdAccumulator(None, 2)
    with pytest.raises(ValueError, match="do not belong"):
        accumulator.add(np.zeros(1), np.zeros(2))
    with pytest.raises(ValueError, match="more came"):
        accumulator.add(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="2 elements were announced, 0 came"):
        accumulator.finish()
    with pytest.raises(ValueError, match="without rows"):
        IdAccumulator().profiles()
    with pytest.raises(ValueError, match="are not the same"):
        compare_stage("moe_router_indices", np.zeros((1, 2)), np.zeros((2, 1)))


def save(folder: Path, routes: F32) -> Path:
    provenance = Provenance("numpy", "1", "f32", "qwen3moe", "0" * 64, (5, 6), (0, 1))
    write_capture(folder, Capture(provenance, {StageKey("ffn_norm", 2): np.ones((2, 3), np.float32), ROUTES: routes}))
    return folder


def test_apr_diff_compares_ids_as_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = save(tmp_path / "a", ids([3, 1], [7, 2])), save(tmp_path / "b", ids([3, 1], [8, 2]))
    outcome = diff_paths(a, b)
    assert isinstance(outcome, CaptureDiff)
    assert [stage.difference.integers for stage in outcome.stages] == [False, True]
    command._print_capture(outcome)
    text = capsys.readouterr().out
    (row,) = [line for line in text.splitlines() if line.startswith("moe_router_indices")]
    assert row.split() == ["moe_router_indices", "0/1", "2", "-", "-", "-", "-", "1", "-", "0"]
    assert "unequal ids: 1 of 4" in text
    assert "cosine:" not in text
    stage = command._capture_json(outcome)["stages"][1]
    assert (stage["integers"], stage["cosine_sim"], stage["n_different"]) == (True, None, 1)
    assert "cosine_sim" not in stage["not_finite"]
    files = diff_paths(a / "layer-2/moe_router_indices.bin", b / "layer-2/moe_router_indices.bin")
    assert isinstance(files, StageDiff)
    assert files.difference.integers
    for name, array in (("x", ids([3])), ("y", ids([4]))):
        (tmp_path / name).mkdir()
        write_stage(tmp_path / name / "moe_router_indices.bin", 2, array)
    bare = diff_paths(tmp_path / "x/moe_router_indices.bin", tmp_path / "y/moe_router_indices.bin")
    assert isinstance(bare, StageDiff)
    assert bare.difference.integers, "the names say so"
