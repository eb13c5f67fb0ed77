"""Damaged stage files, captures and GGUF files: a refusal that names the file, or a reading that stays within it."""

from __future__ import annotations

import itertools
import json
import math
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.capture import Capture, Provenance
from apr.errors import AprError
from apr.formats.aprt import open_stage, read_capture, write_capture
from apr.formats.gguf import read_gguf
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MASKS = (1, 2, 4, 8, 16, 32, 64, 128, 255)


def refused(refusal: AprError, path: Path) -> None:
    assert str(path) in str(refusal)
    assert "\n" not in str(refusal)


# --- APRT -------------------------------------------------------------------------------------------------------------

VALUES = [1.0, -2.5, 3e38]
STAGE = struct.pack("<4sII3f", b"APRT", 2, 3, *VALUES)


def read_stage(path: Path, content: bytes | bytearray) -> tuple[int | None, bytes] | None:
    """Layer and values; None where it is refused."""
    path.unlink(missing_ok=True)  # to cut a file that is mapped and write it again takes a hundred times as long
    path.write_bytes(content)
    try:
        stage = open_stage(path)
    except AprError as refusal:
        refused(refusal, path)
        return None
    assert 12 + 4 * stage.count == len(content)
    values = stage.values.tobytes()
    assert b"".join(block.tobytes() for block in stage.blocks(2)) == values
    return stage.layer, values


def test_every_truncation_point_of_a_stage_file_is_refused(tmp_path: Path) -> None:
    for length in range(len(STAGE)):
        assert read_stage(tmp_path / "cut.bin", STAGE[:length]) is None, length
    assert read_stage(tmp_path / "cut.bin", STAGE) == (2, STAGE[12:])


def test_every_flipped_byte_of_a_stage_file(tmp_path: Path) -> None:
    """Magic and count are told by themselves; layer and values are whatever stands there, and nothing else changes."""
    for place, mask in itertools.product(range(len(STAGE)), MASKS):
        content = bytearray(STAGE)
        content[place] ^= mask
        read = read_stage(tmp_path / "flipped.bin", content)
        if place < 4 or 8 <= place < 12:
            assert read is None, (place, mask)
            continue
        layer = struct.unpack_from("<I", content, 4)[0]
        assert read == (layer if layer < 2**32 - 1 else None, bytes(content[12:]))


@settings(SLOW, max_examples=200)
@given(
    layer=st.integers(0, 2**32 - 1), count=st.integers(0, 2**32 - 1) | st.integers(0, 12), body=st.binary(max_size=48)
)
def test_a_stage_file_that_announces_anything(tmp_path: Path, layer: int, count: int, body: bytes) -> None:
    read = read_stage(tmp_path / "said.bin", struct.pack("<4sII", b"APRT", layer, count) + body)
    assert (read is not None) == (4 * count == len(body))


PROVENANCE = Provenance("numpy", "1", "f32", "llama", "0" * 64, (7, 8), (0, 1))
CAPTURE = Capture(
    PROVENANCE,
    {
        StageKey("attn_norm", 0): np.arange(6, dtype=np.float32).reshape(2, 3),
        StageKey("lm_head", None): np.ones((2, 4), np.float32),
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("capture")
    write_capture(folder, CAPTURE)
    return folder


@pytest.fixture(scope="module")
def sidecar(folder: Path) -> bytes:
    return (folder / "capture.json").read_bytes()


def read_folder(folder: Path, sidecar: bytes | bytearray) -> None:
    """Everything in it, or a refusal."""
    (folder / "capture.json").write_bytes(sidecar)
    try:
        read = read_capture(folder)
    except AprError as refusal:
        refused(refusal, folder)
        return
    for key, file in read.files.items():
        assert file.path.resolve().is_relative_to(folder.resolve())
        assert read.array(key).size == file.count


@settings(SLOW, max_examples=300)
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_of_a_sidecar(folder: Path, sidecar: bytes, flips: list[tuple[int, int]]) -> None:
    content = bytearray(sidecar)
    for place, mask in flips:
        content[place % len(content)] ^= mask
    read_folder(folder, content)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["..", "/etc/passwd"])
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner), max_leaves=6
)


@settings(SLOW, max_examples=300)
@given(
    place=st.sampled_from(
        [("schema",), ("provenance",), ("files",), ("files", 0)]
        + [("provenance", key) for key in ("engine", "model_sha256", "tokens", "positions")]
        + [("files", 1, key) for key in ("path", "stage", "layer", "shape")]
    ),
    value=anything,
)
def test_a_sidecar_that_says_anything(folder: Path, sidecar: bytes, place: tuple[str | int, ...], value: Any) -> None:
    content = json.loads(sidecar)
    target = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    read_folder(folder, json.dumps(content).encode())


# --- GGUF -------------------------------------------------------------------------------------------------------------


def text(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def tensor(name: bytes, dims: tuple[int, ...], kind: int, offset: int) -> bytes:
    head = text(name) + struct.pack("<I", len(dims))
    return head + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<IQ", kind, offset)


def gguf(pairs: list[bytes], tensors: list[bytes], data: int, *counts: int) -> bytes:
    n_tensors, n_pairs = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_pairs) + b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


U8, U32, STRING, ARRAY, U64 = 0, 4, 8, 9, 10
PAIRS = [
    text(b"general.architecture") + struct.pack("<I", STRING) + text(b"llama"),
    text(b"n") + struct.pack("<II", U32, 7),
    text(b"a") + struct.pack("<IIQ", ARRAY, STRING, 2) + text(b"x") + text(b"yz"),
    text(b"b") + struct.pack("<IIQ3B", ARRAY, U8, 3, 1, 2, 3),
]
SOUND = gguf(PAIRS, [tensor(b"t", (8,), 0, 0), tensor(b"u", (32, 2), 8, 32)], 32 + 96)


def read_model(path: Path, content: bytes | bytearray) -> bool:
    """Whether it could be read; every value and every byte of it then was."""
    path.unlink(missing_ok=True)  # to cut a file that is mapped and write it again takes a hundred times as long
    path.write_bytes(content)
    try:
        file = read_gguf(path)
        dict(file.metadata)  # arrays are decoded when they are asked for
    except AprError as refusal:
        refused(refusal, path)
        return False
    extents = sorted((info.offset, info.offset + info.nbytes) for info in file.tensors.values())
    assert all(0 < start < end <= len(content) for start, end in extents)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(extents))
    for name, info in file.tensors.items():
        raw = file.raw(name)
        assert raw.nbytes == info.nbytes
        assert raw.shape[0] == math.prod(info.shape[:-1])
        raw.sum()
    return True


def test_every_flipped_byte_of_a_gguf_head(tmp_path: Path) -> None:
    path = tmp_path / "flipped.gguf"
    assert read_model(path, SOUND)
    outcomes = {True: 0, False: 0}
    for place, mask in itertools.product(range(len(SOUND) - 128), MASKS):
        content = bytearray(SOUND)
        content[place] ^= mask
        read = read_model(path, content)
        outcomes[read] += 1
        assert not (read and place < 4), "the magic"
    assert min(outcomes.values()) > 100, outcomes


words = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 31, 32, 64, 256, 2**31, 2**32, 2**61, 2**63, 2**64 - 32])
said = st.tuples(
    st.binary(max_size=4),
    st.lists(words | st.integers(0, 300), max_size=6).map(tuple),
    st.integers(0, 2**32 - 1) | st.integers(0, 40),
    words,
)


@settings(SLOW, max_examples=400)
@given(
    tensors=st.lists(said, max_size=4),
    kind=st.integers(0, 13),
    element=st.integers(0, 13),
    length=words | st.integers(0, 40),
    value=st.binary(max_size=80),
    counts=st.none() | st.tuples(words | st.integers(0, 5), words | st.integers(0, 5)),
    data=st.integers(0, 700),
)
def test_a_gguf_head_that_says_anything(
    tmp_path: Path,
    tensors: list[Any],
    kind: int,
    element: int,
    length: int,
    value: bytes,
    counts: tuple[int, int] | None,
    data: int,
) -> None:
    pair = (
        text(b"k") + struct.pack("<I", kind) + (struct.pack("<IQ", element, length) if kind == ARRAY else b"") + value
    )
    content = gguf([pair], [tensor(*item) for item in tensors], data, *(counts or ()))
    read_model(tmp_path / "said.gguf", content)
    content = gguf(PAIRS, [tensor(*item) for item in tensors], data, *(counts or ()))
    read_model(tmp_path / "said.gguf", content)


@settings(SLOW, max_examples=300)
@given(cut=st.integers(0, len(SOUND)), noise=st.binary(max_size=60))
def test_a_gguf_file_that_goes_on_as_noise(tmp_path: Path, cut: int, noise: bytes) -> None:
    read_model(tmp_path / "noise.gguf", SOUND[:cut] + noise)


# --- time and memory --------------------------------------------------------------------------------------------------

# The peak of this program alone: what getrusage tells begins with what its parent held.
READ_ALL = """
import sys
from apr.errors import AprError
from apr.formats.aprt import open_stage
from apr.formats.gguf import read_gguf
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
for path in sys.argv[1:]:
    try:
        open_stage(path) if path.endswith("bin") else dict(read_gguf(path).metadata)
        said = "read"
    except AprError as refusal:
        said = str(refusal)
    print(peak() // 1024, said[:200])
"""
KILOBYTE = bytes(1000)
LARGE = {
    "tensors.gguf": gguf([], [], 0, 10**6, 0) + KILOBYTE,
    "keys.gguf": gguf([], [], 0, 0, 10**6) + KILOBYTE,
    "strings.gguf": gguf([text(b"k") + struct.pack("<IIQ", ARRAY, STRING, 10**9)], [], 1000),
    "numbers.gguf": gguf([text(b"k") + struct.pack("<IIQ", ARRAY, U64, 2**61)], [], 1000),
    "a key.gguf": gguf([struct.pack("<Q", 2**40)], [], 1000, 0, 1),
    "arrays.gguf": gguf([text(b"k") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 10**6) * 100], [], 1000),
    "empty strings.gguf": gguf([text(b"k") + struct.pack("<IIQ", ARRAY, STRING, 10**6)], [], 8 * 10**6),
    "values.bin": struct.pack("<4sII", b"APRT", 0, 2**32 - 1) + KILOBYTE,
}


def test_what_is_announced_takes_no_memory(tmp_path: Path) -> None:
    """How long it takes, `benchmarks/hostile.py` says; here a minute is only what ends a reader that does not."""
    paths = []
    for name, content in LARGE.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        megabytes, what = line.split(maxsplit=1)
        assert int(megabytes) < 500, (path.name, line)
        assert (what == "read") == (path.name == "empty strings.gguf"), line
        assert what == "read" or what.startswith(str(path)), line


@pytest.mark.parametrize("name", LARGE)
def test_the_large_ones_are_small(name: str) -> None:
    assert len(LARGE[name]) < 3000 or name == "empty strings.gguf"
