"""Stage files and the folders they stand in."""

from __future__ import annotations

import io
import json
import os
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.capture import Capture, Provenance
from apr.errors import AprError, UnusableInput, UsageError
from apr.formats import aprt
from apr.formats.aprt import CaptureWriter, open_stage, read_capture, stage_path, write_capture, write_stage
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

PROVENANCE = Provenance("numpy", "1", "f32", "llama", "0" * 64, (7, 8), (0, 1))
NORM = StageKey("attn_norm", 1)
HEAD = StageKey("lm_head", None)
EMBEDDING = StageKey("embedding", 0)


def rows(value: float, width: int = 3) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.full((2, width), value, np.float32)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- one file -------------------------------------------------------------------------------------------------------


def test_the_bytes_are_the_contract_s(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    written = write_stage(path, 3, np.array([[1.0, -2.5]], np.float32))
    assert path.read_bytes() == b"APRT" + struct.pack("<IIff", 3, 2, 1.0, -2.5)
    assert written == (path, 20)
    write_stage(path, None, np.array([], np.float32))
    assert path.read_bytes() == b"APRT\xff\xff\xff\xff\0\0\0\0"
    assert open_stage(path).layer is None
    assert open_stage(path).values.shape == (0,)
    assert files_in(tmp_path) == ["x.bin"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bits=st.lists(
        st.integers(0, 2**32 - 1) | st.sampled_from([0x7FC00000, 0x7F800001, 0xFFC12345, 0x80000000, 0x00000001]),
        max_size=9,
    ),
    layer=st.none() | st.integers(0, 2**32 - 2),
    block=st.integers(1, 10),
)
def test_every_bit_pattern_comes_back(tmp_path: Path, bits: list[int], layer: int | None, block: int) -> None:
    words = np.array(bits, np.uint32)
    write_stage(tmp_path / "x.bin", layer, words.view(np.float32))
    stage = open_stage(tmp_path / "x.bin")
    assert (stage.layer, stage.count) == (layer, len(bits))
    assert stage.values.view(np.uint32).tolist() == bits
    assert [word for part in stage.blocks(block) for word in part.view(np.uint32).tolist()] == bits


def test_wide_values_are_rounded_and_what_is_too_large_becomes_infinite(tmp_path: Path) -> None:
    write_stage(tmp_path / "x.bin", 0, np.array([0.1, 1e300, -1e300, 5.0]))
    assert open_stage(tmp_path / "x.bin").values.tolist() == [float(np.float32(0.1)), np.inf, -np.inf, 5.0]


def test_an_array_without_c_order_is_written_in_c_order(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_stage(tmp_path / "x.bin", 0, array.T)
    assert open_stage(tmp_path / "x.bin").values.tolist() == [0, 3, 1, 4, 2, 5]


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.float32(0), (2**32,))
    with pytest.raises(UsageError, match="4294967296 values are more"):
        write_stage(tmp_path / "x.bin", 0, huge)
    with pytest.raises(TypeError, match="int64"):
        write_stage(tmp_path / "x.bin", 0, np.arange(3))  # type: ignore[arg-type]
    for layer in (-1, 2**32 - 1):
        with pytest.raises(ValueError, match="does not fit"):
            write_stage(tmp_path / "x.bin", layer, rows(0))
    assert files_in(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stage(tmp_path / "x.bin", 0, rows(1))
    before = (tmp_path / "x.bin").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "ascontiguousarray", full)
    with pytest.raises(UsageError, match=r"x\.bin: cannot be written: No space left"):
        write_stage(tmp_path / "x.bin", 0, rows(2))
    monkeypatch.undo()
    assert (tmp_path / "x.bin").read_bytes() == before
    assert files_in(tmp_path) == ["x.bin"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "cut off: a stage file's header has 12 bytes, this file 0"),
        (b"APRT\0\0\0\0\0\0\0", "this file 11"),
        (b"APRX" + bytes(8), "is no APRT stage file: it starts with b'APRX'"),
        (b"GGUF", "is no APRT stage file"),
        (b"\x1b[31m" + bytes(20), r"b'\x1b[31'"),
        (
            b"APRT" + struct.pack("<II", 0, 2) + bytes(7),
            "is cut off: the header announces 2 values, so 20 bytes, but the file has 19",
        ),
        (b"APRT" + struct.pack("<II", 0, 2) + bytes(9), "goes on after its last value"),
        (b"APRT" + struct.pack("<II", 0, 2**32 - 1), "4294967295 values"),
    ],
)
def test_a_broken_file_is_refused_with_place_and_numbers(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.bin"
    path.write_bytes(content)
    with pytest.raises(UnusableInput) as refusal:
        open_stage(path)
    assert expected in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "offset 0x" in str(refusal.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, expected in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "no regular file"),
        (tmp_path / "x", "No such file"),
    ):
        with pytest.raises(UnusableInput, match=expected):
            open_stage(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    write_stage(tmp_path / "x.bin", 0, rows(1))
    stage = open_stage(tmp_path / "x.bin")
    os.truncate(tmp_path / "x.bin", 20)
    with pytest.raises(UnusableInput, match="became shorter"):
        list(stage.blocks(4))


def test_a_file_system_that_reads_in_small_pieces_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reluctant(io.FileIO):
        def readinto(self, buffer: Any, /) -> int | None:
            return super().readinto(memoryview(buffer)[:5])

    write_stage(tmp_path / "x.bin", 0, np.arange(9, dtype=np.float32))
    stage = open_stage(tmp_path / "x.bin")
    monkeypatch.setattr(type(tmp_path), "open", lambda path, mode, **_: Reluctant(str(path), mode))
    assert [value for block in stage.blocks(4) for value in block.tolist()] == list(range(9))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"APRT" + tail))
def test_noise_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.bin"
    path.write_bytes(content)
    try:
        stage = open_stage(path)
    except AprError as refusal:
        assert str(path) in str(refusal)  # noqa: PT017 - reading is allowed too
    else:
        assert len(content) == 12 + 4 * stage.values.size


# --- folders --------------------------------------------------------------------------------------------------------


def test_a_capture_comes_back_in_forward_order_with_its_provenance(tmp_path: Path) -> None:
    capture = Capture(PROVENANCE, {HEAD: rows(3, 5), NORM: rows(2), EMBEDDING: rows(1)})
    written = write_capture(tmp_path / "new" / "folder", capture)
    folder = tmp_path / "new" / "folder"
    assert [item.path.relative_to(folder).as_posix() for item in written] == [
        "layer-0/embedding.bin",
        "layer-1/attn_norm.bin",
        "lm_head.bin",
    ]
    assert [item.nbytes for item in written] == [item.path.stat().st_size for item in written] == [36, 36, 52]
    assert files_in(folder) == ["capture.json", "layer-0/embedding.bin", "layer-1/attn_norm.bin", "lm_head.bin"]
    read = read_capture(folder)
    assert read.provenance == PROVENANCE
    assert list(read.files) == [EMBEDDING, NORM, HEAD]
    assert read.array(HEAD).shape == (2, 5)
    assert read.array(HEAD).tolist() == rows(3, 5).tolist()


def test_files_of_an_earlier_capture_go_and_foreign_files_stay(tmp_path: Path) -> None:
    write_capture(tmp_path, Capture(PROVENANCE, {NORM: rows(1), HEAD: rows(1), StageKey("ffn_up", 4): rows(1)}))
    (tmp_path / "layer-1" / "mine.bin").write_bytes(b"mine")
    write_stage(tmp_path / "final_norm.bin", None, rows(9))
    write_capture(tmp_path, Capture(PROVENANCE, {HEAD: rows(2)}))
    assert files_in(tmp_path) == ["capture.json", "final_norm.bin", "layer-1/mine.bin", "lm_head.bin"]
    assert not (tmp_path / "layer-4").exists()
    read = read_capture(tmp_path)
    assert list(read.files) == [HEAD]
    assert read.array(HEAD)[0, 0] == 2


def break_off(folder: Path) -> None:
    with CaptureWriter(folder, PROVENANCE) as writer:
        writer.add(HEAD, rows(2))
        raise KeyboardInterrupt


def test_a_capture_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write_capture(tmp_path / "old", Capture(PROVENANCE, {NORM: rows(1)}))
    before = {name: (tmp_path / "old" / name).read_bytes() for name in files_in(tmp_path / "old")}
    for folder in (tmp_path / "old", tmp_path / "new" / "deep"):
        with pytest.raises(KeyboardInterrupt):
            break_off(folder)
    assert {name: (tmp_path / "old" / name).read_bytes() for name in files_in(tmp_path / "old")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == ["capture.json", "layer-1"]


def test_a_capture_broken_off_while_it_is_published_never_has_a_sidecar_beside_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_capture(tmp_path, Capture(PROVENANCE, {NORM: rows(1)}))

    def fail(_: aprt.Sidecar) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(aprt.Sidecar, "to_json", fail)
        with pytest.raises(UsageError, match="No space left"):
            write_capture(tmp_path, Capture(PROVENANCE, {HEAD: rows(2)}))
    assert "capture.json" not in files_in(tmp_path)
    assert "layer-1/attn_norm.bin" not in files_in(tmp_path)


def test_the_writer_refuses_what_it_could_not_describe(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path, PROVENANCE) as writer:
        writer.add(NORM, rows(1))
        with pytest.raises(ValueError, match="twice"):
            writer.add(NORM, rows(1))
        for key in (StageKey("layer_output", 1), StageKey("lm_head", 1), StageKey("attn_norm", None), StageKey("x", 0)):
            with pytest.raises(ValueError, match="is no stage"):
                writer.add(key, rows(1))
        for bad in (np.zeros((3, 4), np.float32), np.zeros(2, np.float32)):
            with pytest.raises(ValueError, match="expected"):
                writer.add(HEAD, bad)
    assert [item.path for item in writer.written] == [tmp_path / stage_path(NORM)]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "layer-1").write_text("mine")
    with (
        pytest.raises(UsageError, match=r"layer-1: cannot be written: File exists"),
        CaptureWriter(tmp_path, PROVENANCE) as writer,
    ):
        writer.add(NORM, np.zeros((len(PROVENANCE.positions), 2), np.float32))
    assert (tmp_path / "layer-1").read_text() == "mine"


def test_an_output_that_is_a_file_or_has_a_foreign_sidecar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be written"), CaptureWriter(tmp_path / "file", PROVENANCE):
        pytest.fail("a file was taken for a folder")
    (tmp_path / "capture.json").write_text('{"photos": []}')
    with pytest.raises(UnusableInput, match="capture-v1"), CaptureWriter(tmp_path, PROVENANCE):
        pytest.fail("a foreign file was taken for a sidecar")
    assert (tmp_path / "capture.json").read_text() == '{"photos": []}'
    assert files_in(tmp_path) == ["capture.json", "file"]


def test_without_a_sidecar_files_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "layer-2").mkdir()
    (tmp_path / "layer-02").mkdir()
    write_stage(tmp_path / "layer-2" / "layer_output.bin", 2, rows(1))
    write_stage(tmp_path / "layer-2" / "kq_mask.bin", 2, rows(1))
    write_stage(tmp_path / "layer-02" / "ffn_up.bin", 2, rows(1))
    write_stage(tmp_path / "lm_head.bin", None, rows(1))
    write_stage(tmp_path / "ffn_up.bin", None, rows(1))
    read = read_capture(tmp_path)
    assert read.provenance is None
    assert list(read.files) == [StageKey("post_ffn_residual", 2), HEAD]
    assert read.ignored == ("ffn_up.bin", "layer-2/kq_mask.bin")
    assert read.array(HEAD).shape == (6,)
    write_stage(tmp_path / "layer-2" / "post_ffn_residual.bin", 2, rows(1))
    with pytest.raises(UnusableInput, match="are the same stage"):
        read_capture(tmp_path)


def test_a_folder_that_is_none_or_empty_is_refused(tmp_path: Path) -> None:
    for folder, expected in ((tmp_path, "no stage files"), (tmp_path / "x", "does not exist")):
        with pytest.raises(UnusableInput, match=expected):
            read_capture(folder)


def test_a_listed_file_must_be_there_and_fit_its_place(tmp_path: Path) -> None:
    write_capture(tmp_path, Capture(PROVENANCE, {NORM: rows(1)}))
    path = tmp_path / stage_path(NORM)
    write_stage(path, 2, rows(1))
    with pytest.raises(UnusableInput, match="the header says layer 2, the file stands for layer-1/attn_norm"):
        read_capture(tmp_path)
    write_stage(path, 1, rows(1, 4))
    with pytest.raises(UnusableInput, match=r"announces 8 values, capture.json the shape \[2, 3\]"):
        read_capture(tmp_path)
    path.unlink()
    with pytest.raises(UnusableInput, match="No such file"):
        read_capture(tmp_path)


def sound_sidecar() -> dict[str, Any]:
    return {
        "schema": "apr-capture-v1",
        "provenance": {
            "engine": "e",
            "build": "b",
            "arithmetic": "f32",
            "architecture": "llama",
            "model_sha256": "0" * 64,
            "tokens": [7, 8],
            "positions": [0, 1],
        },
        "files": [{"path": "layer-1/attn_norm.bin", "stage": "attn_norm", "layer": 1, "shape": [2, 3]}],
    }


DAMAGE: dict[str, tuple[list[str | int], Any, str]] = {
    "schema": (["schema"], "apr-capture-v2", "schema"),
    "no provenance": (["provenance"], None, "provenance: missing"),
    "engine": (["provenance", "engine"], 3, "provenance.engine"),
    "hash": (["provenance", "model_sha256"], "xyz", "64 lower-case hex"),
    "tokens": (["provenance", "tokens"], [1, -1], "provenance.tokens"),
    "a truth value as a token": (["provenance", "tokens"], [True, 1], "provenance.tokens"),
    "positions": (["provenance", "positions"], "01", "provenance.positions"),
    "files": (["files"], {}, "files: missing, or no list"),
    "a file": (["files", 0], [], "files[0]: is no object"),
    "stage": (["files", 0, "stage"], "nonsense", "unknown stage 'nonsense'"),
    "layer": (["files", 0, "layer"], "1", "layer"),
    "no layer": (["files", 0, "layer"], None, "belongs to a layer"),
    "shape": (["files", 0, "shape"], [2, 1.5], "shape"),
    "a path outside": (["files", 0, "path"], "../../etc/passwd", "this stage's file must be 'layer-1/attn_norm.bin'"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_sidecar_is_refused_by_place(name: str, tmp_path: Path) -> None:
    place, value, expected = DAMAGE[name]
    content: Any = sound_sidecar()
    target = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    (tmp_path / "capture.json").write_text(json.dumps(content))
    with pytest.raises(UnusableInput) as refusal:
        read_capture(tmp_path)
    assert expected in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"3", b'{"schema": 1}', b"9" * 5000])
def test_a_sidecar_that_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "capture.json").write_bytes(content)
    with pytest.raises(UnusableInput, match=r"capture\.json"):
        read_capture(tmp_path)


def test_a_hand_written_sidecar_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "capture.json").write_text(json.dumps(sound_sidecar()))
    (tmp_path / "layer-1").mkdir()
    write_stage(tmp_path / "layer-1" / "attn_norm.bin", 1, rows(4))
    assert read_capture(tmp_path).array(NORM).tolist() == rows(4).tolist()
    content = sound_sidecar()
    content["files"] *= 2
    (tmp_path / "capture.json").write_text(json.dumps(content))
    with pytest.raises(UnusableInput, match="lists a file twice"):
        read_capture(tmp_path)
