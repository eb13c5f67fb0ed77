"""One safetensors file: its bytes where the library says they are, and one refusal for every damage."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats import safetensors_file
from apr.formats.safetensors_file import MAX_HEADER, read_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NUMBERS: dict[str, NDArray[Any]] = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.arange(4, dtype=np.float16),
    "nothing": np.zeros((0, 3), np.float32),
    "c": np.arange(5, dtype=np.int8),
}


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def write(path: Path, header: object, body: bytes = b"", length: int | None = None) -> Path:
    """A file by hand: the header as JSON, or as the bytes given."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def test_bytes_are_those_that_were_written(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file(NUMBERS, path, metadata={"format": "np"})
    file = read_safetensors(path)
    assert set(file.tensors) == set(NUMBERS)
    for name, numbers in NUMBERS.items():
        stored = file.tensors[name]
        assert (stored.shape, stored.nbytes) == (numbers.shape, numbers.nbytes)
        for _ in range(2):  # the second time after its pages went
            raw = file.raw(name)
            assert raw.tobytes() == numbers.tobytes()
            assert not raw.flags.writeable
            file.release(name)


def test_types_of_less_than_a_byte_keep_their_neighbours_in_place(tmp_path: Path) -> None:
    header = {"x": entry("F4", [4], 0, 2), "y": entry("F6_E2M3", [8], 2, 8), "z": entry("BF16", [2], 8, 12)}
    file = read_safetensors(write(tmp_path / "m.safetensors", header, bytes(range(12))))
    assert {name: file.raw(name).tolist() for name in "xyz"} == {
        "x": [0, 1], "y": [2, 3, 4, 5, 6, 7], "z": [8, 9, 10, 11],
    }  # fmt: skip


F32 = entry("F32", [2], 0, 8)
HOSTILE: dict[str, tuple[object, bytes, int | None, str]] = {
    "header longer than the file": ({"a": F32}, b"x" * 8, 1000, r", offset 0x0: the header announces 1000 bytes"),
    "header of 2**64 bytes": ({"a": F32}, b"x" * 8, 2**64 - 1, r"announces 18446744073709551615 bytes, but only"),
    "header that ends in the data": ({"a": F32}, b"x" * 8, 63, r"no sound safetensors file: .*header"),
    "overlap": ({"a": F32, "b": entry("F32", [2], 4, 12)}, b"x" * 12, None, "invalid offset for tensor `b`"),
    "gap": ({"a": F32, "b": entry("F32", [2], 12, 20)}, b"x" * 20, None, "invalid offset for tensor `b`"),
    "data cut off": ({"a": F32}, b"x" * 7, None, "no sound safetensors file"),
    "data behind the last": ({"a": F32}, b"x" * 9, None, "not fully covered"),
    "unknown dtype": ({"a": entry("F31", [2], 0, 8)}, b"x" * 8, None, "unknown variant `F31`"),
    "shape against bytes": ({"a": entry("F32", [3], 0, 8)}, b"x" * 8, None, "invalid shape"),
    "shape beyond 64 bits": ({"a": entry("F32", [2**62, 2**62], 0, 8)}, b"x" * 8, None, "overflow"),
    "negative dimension": ({"a": entry("F32", [-1], 0, 4)}, b"x" * 4, None, "invalid value: integer `-1`"),
    "deep JSON": (b'{"a":' * 100_000, b"", None, "recursion limit"),
    "no JSON": (b"<html></html>", b"", None, "invalid JSON"),
    "no object": (b"null", b"", None, "invalid JSON"),
    "no UTF-8": (b"\xff\xfe{}", b"", None, "invalid UTF-8"),
    "a name twice": (
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}',
        b"x" * 8,
        None,
        "a tensor's name occurs twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_one_refusal(tmp_path: Path, case: str) -> None:
    header, body, length, message = HOSTILE[case]
    with pytest.raises(UnusableInput, match=rf"m\.safetensors: header.*{message}"):
        read_safetensors(write(tmp_path / "m.safetensors", header, body, length))


@pytest.mark.parametrize("content", [b"", b"x", b"\2\0\0\0\0\0\0\0{"])
def test_a_file_that_is_too_short(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(UnusableInput, match=r"m\.safetensors: is not a safetensors file: it holds only"):
        read_safetensors(tmp_path / "m.safetensors")


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER + 1))
        file.truncate(MAX_HEADER + 100)  # sparse: nothing is written
    with pytest.raises(UnusableInput, match=f"the header has {MAX_HEADER + 1} bytes, at most {MAX_HEADER} are read"):
        read_safetensors(path)


def test_a_dtype_that_only_the_library_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(safetensors_file._BITS, "F32")
    with pytest.raises(UnsupportedModel, match="tensor 'a': dtype F32 is not known here"):
        read_safetensors(write(tmp_path / "m.safetensors", {"a": F32}, b"x" * 8))


def test_no_file_and_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="No such file"):
        read_safetensors(tmp_path / "m.safetensors")
    with pytest.raises(UnusableInput, match="is not a regular file"):
        read_safetensors(tmp_path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damage_is_refused_or_reads_within_the_file(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "m.safetensors"
    save_file(NUMBERS, path, metadata={"format": "np"})
    content = bytearray(path.read_bytes())
    body = sum(numbers.nbytes for numbers in NUMBERS.values())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - body - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    refusal, held = None, body
    try:
        file = read_safetensors(path)
        held = sum(file.raw(name).size for name in file.tensors)
    except UnusableInput as error:
        refusal = error
    assert held == body
    assert refusal is None or str(refusal).startswith(str(path))
