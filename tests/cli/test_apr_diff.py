"""`apr diff --values` as a user meets it: a real process on real files."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.formats.aprt import write_capture, write_stage
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

GATE, HEAD = StageKey("ffn_gate", 1), StageKey("lm_head", None)


def diff(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "diff", *map(str, args), "--values"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def save(folder: Path, gate: float = 1.0, arithmetic: str = "f32", *, head: bool = True) -> Path:
    provenance = Provenance("numpy", "1", arithmetic, "llama", "0" * 64, (5, 6), (0, 1))
    stages = {GATE: np.array([[1, 2, 3], [4, 5, gate]], np.float32)}
    if head:
        stages[HEAD] = np.ones((2, 2), np.float32)
    write_capture(folder, Capture(provenance, {**stages}))
    return folder


def test_identical_files_and_folders_exit_0(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a"), save(tmp_path / "b")
    for pair in ((a, b), (a / "lm_head.bin", b / "lm_head.bin")):
        done = diff(*pair)
        assert (done.returncode, done.stderr) == (0, "")
        assert "bit-identical" in done.stdout


def test_a_difference_is_named_and_exits_1(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", 7.5), save(tmp_path / "b", 6.0)
    done = diff(a / "layer-1/ffn_gate.bin", b / "layer-1/ffn_gate.bin")
    assert (done.returncode, done.stderr) == (1, "")
    assert "different: 1 of 6 values" in done.stdout
    assert "1.500000e+00 at index 5" in done.stdout
    assert "position:      worst is 1" in done.stdout
    assert "max ULP:       3145728" in done.stdout, "6 and 7.5 are three eighths of a power of two apart"
    assert "channel:       worst is 2, relative RMS 2.236068e-01" in done.stdout, "sqrt(1.5^2 / (3^2 + 6^2)) = 0.2236"
    assert "\x1b" not in done.stdout
    done = diff(a, b)
    assert done.returncode == 1
    assert "first difference: layer-1/ffn_gate" in done.stdout
    assert "1 of 2 compared stages are bit-identical" in done.stdout
    assert "1.500e+00 @1" in done.stdout
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("ffn_gate")]
    assert (row.split()[6], *row.split()[8:]) == ("3145728", "1", "2", "0"), "ULP; worst row, worst channel, NaN"
    assert "greatest differences:" in done.stdout, "the first differing stage is shown like a file"


def test_the_greatest_difference_is_that_of_any_layer(tmp_path: Path) -> None:
    provenance = Provenance("numpy", "1", "f32", "llama", "0" * 64, (5,), (0,))
    keys = [StageKey("ffn_up", layer) for layer in (0, 1)]
    # layer 1 is far off relative to its size, layer 0 by a greater number
    sides = {"a": ([[1000.0, 1001.0]], [[0.2, 0.1]]), "b": ([[1000.0, 1000.0]], [[0.1, 0.1]])}
    for side, arrays in sides.items():
        stages = {key: np.array(values, np.float32) for key, values in zip(keys, arrays, strict=True)}
        write_capture(tmp_path / side, Capture(provenance, {**stages}))
    (row,) = [line for line in diff(tmp_path / "a", tmp_path / "b").stdout.splitlines() if line.startswith("ffn_up")]
    assert row.split()[2] == "1", "the worst layer is the relatively worst"
    assert "1.000e+00 @0" in row


def test_json_of_two_files_has_the_contract_s_keys(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", 7.5), save(tmp_path / "b", 6.0)
    done = diff(a / "layer-1/ffn_gate.bin", b / "layer-1/ffn_gate.bin", "--json", "--limit", 3)
    content = json.loads(done.stdout)
    assert done.returncode == 1
    assert content["schema"] == "apr-stage-diff-v1"
    assert (content["layer"], content["dim_product"], content["stage"]) == (1, 6, "ffn_gate")
    assert (content["max_abs_diff"], content["max_abs_diff_index"]) == (1.5, 5)
    assert content["rms_diff"] == pytest.approx((1.5**2 / 6) ** 0.5)
    assert 0.9 < content["cosine_sim"] < 1
    assert (content["max_ulp"], content["worst_channel"], content["integers"]) == (3 << 20, 2, False)
    assert content["worst_channel_relative_rms"] == pytest.approx((1.5**2 / (3**2 + 6**2)) ** 0.5)
    assert content["top_diffs"] == [{"index": 5, "a": 7.5, "b": 6.0, "abs_diff": 1.5}]
    assert content["path_a"] == str(a / "layer-1/ffn_gate.bin")
    whole = json.loads(diff(a / "lm_head.bin", b / "lm_head.bin", "--json").stdout)
    assert (whole["layer"], whole["bit_identical"], whole["top_diffs"]) == ("whole-model", True, [])


def test_json_stays_json_where_values_are_not_finite(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", float("nan")), save(tmp_path / "b", float("-inf"))
    done = diff(a, b, "--json")

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    content = json.loads(done.stdout, parse_constant=no_constant)
    assert done.returncode == 1
    assert (content["schema"], content["first_difference"]) == ("apr-capture-diff-v1", "layer-1/ffn_gate")
    stage = content["stages"][0]
    assert stage["max_abs_diff"] is None
    assert stage["not_finite"]["max_abs_diff"] == "nan"
    assert (stage["nan_a"], stage["inf_b"], stage["nonfinite_mismatches"]) == (1, 1, 1)
    assert stage["top_diffs"][0]["not_finite"] == {"a": "nan", "b": "-inf", "abs_diff": "nan"}
    text = diff(a / "layer-1/ffn_gate.bin", b / "layer-1/ffn_gate.bin").stdout
    assert "A 1 NaN, 0 Inf; B 0 NaN, 1 Inf" in text


def test_incomparable_sides_are_refused_with_exit_1_and_allowed_on_purpose(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a"), save(tmp_path / "b", arithmetic="f64")
    done = diff(a, b)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "apr: error: not comparable: arithmetic f32 against f64; --allow arithmetic compares all the same\n"
    )
    told = diff(a, b, "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout) == {
        "schema": "apr-capture-diff-v1", "path_a": str(a), "path_b": str(b), "comparable": False, "reason": "not comparable: arithmetic f32 against f64",
    }  # fmt: skip
    assert json.loads(diff(a, a, "--json").stdout)["comparable"] is True
    done = diff(a, b, "--allow", "model, arithmetic")
    assert done.returncode == 0
    assert "note: allowed on purpose: arithmetic f32 against f64" in done.stdout


def test_a_missing_stage_is_listed_and_exits_1(tmp_path: Path) -> None:
    done = diff(save(tmp_path / "a"), save(tmp_path / "b", head=False))
    assert done.returncode == 1
    assert "only in A: lm_head" in done.stdout
    assert "1 of 1 compared stages are bit-identical; 1 were not compared" in done.stdout


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"APRX" + bytes(16), "is no APRT stage file"),
        (b"APRT\0\0", "is cut off"),
        (b"APRT" + struct.pack("<II", 0, 9) + bytes(8), "is cut off: the header announces 9 values"),
        (None, "No such file"),
    ],
)
def test_an_unusable_file_is_one_line_and_exit_2(content: bytes | None, expected: str, tmp_path: Path) -> None:
    path, sound = tmp_path / "x.bin", tmp_path / "sound.bin"
    if content is not None:
        path.write_bytes(content)
    write_stage(sound, 0, np.ones(2, np.float32))
    for pair in ((path, sound), (sound, path)):
        done = diff(*pair)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"apr: error: {path}: ")
        assert expected in done.stderr
        assert done.stderr.count("\n") == 1


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    count = 75_000_000  # 300 MB each; sparse, so that they cost no disk
    for name, value in (("a.bin", 1.0), ("b.bin", 3.0)):
        with (tmp_path / name).open("wb") as file:
            file.write(b"APRT" + struct.pack("<II", 0, count))
            file.truncate(12 + 4 * count)
            file.seek(12 + 4 * (count - 2))
            file.write(struct.pack("<f", value))
    code = (
        "import sys; from apr.cli import main; code = main(sys.argv[1:])\n"
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "sys.exit(code)"
    )
    paths = [str(tmp_path / name) for name in ("a.bin", "b.bin")]
    done = subprocess.run(
        [sys.executable, "-c", code, "diff", *paths, "--values", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    outcome = json.loads(done.stdout)
    assert (outcome["n_different"], outcome["max_abs_diff_index"], outcome["max_abs_diff"]) == (1, count - 2, 2.0)
    _, kilobytes, unit = done.stderr.split()
    assert unit == "kB"
    assert int(kilobytes) < 200_000
