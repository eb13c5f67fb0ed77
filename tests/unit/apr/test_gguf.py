"""The GGUF reader: the same as gguf's own on sound files, a typed refusal on everything else."""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr import cache
from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats.files import file_sha256
from apr.formats.gguf import read_gguf

if TYPE_CHECKING:
    from pathlib import Path

MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SCALARS: dict[str, tuple[str, Any]] = {
    "t.u8": ("add_uint8", 200),
    "t.i8": ("add_int8", -100),
    "t.u16": ("add_uint16", 60000),
    "t.i16": ("add_int16", -30000),
    "t.u32": ("add_uint32", 4_000_000_000),
    "t.i32": ("add_int32", -2_000_000_000),
    "t.u64": ("add_uint64", 2**63 + 5),
    "t.i64": ("add_int64", -(2**62)),
    "t.f32": ("add_float32", 0.5),
    "t.f64": ("add_float64", 0.1),
    "t.yes": ("add_bool", True),
    "t.no": ("add_bool", False),
    "t.text": ("add_string", "grün 語"),
}
ARRAYS: dict[str, list[Any]] = {
    "a.text": ["", "a", "ü", "x" * 300],
    "a.int": [1, -2, 3],
    "a.float": [0.5, -1.5],
    "a.bool": [True, False, True],
}
KINDS = (Kind.Q4_0, Kind.Q4_1, Kind.Q8_0, Kind.Q4_K, Kind.Q6_K, Kind.IQ4_NL, Kind.BF16)


def write_sound(path: Path) -> Path:
    """A small file with every metadata type and several tensor types."""
    writer = gguf.GGUFWriter(path, "llama")
    for key, (method, value) in SCALARS.items():
        getattr(writer, method)(key, value)
    for key, values in ARRAYS.items():
        writer.add_array(key, values)
    random = np.random.default_rng(0)
    writer.add_tensor("plain.f32", random.standard_normal((2, 3, 5)).astype(np.float32))
    writer.add_tensor("plain.f16", random.standard_normal((7,)).astype(np.float16))
    writer.add_tensor("plain.i32", np.arange(6, dtype=np.int32).reshape(3, 2))
    for kind in KINDS:
        block, nbytes = gguf.GGML_QUANT_SIZES[kind]
        raw = random.integers(0, 256, (3, 256 // block * nbytes), dtype=np.uint8)
        writer.add_tensor(f"quantised.{kind.name}", raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("gguf") / "sound.gguf")


# --- files by hand, to plant faults at known places -----------------------------------------------------------------


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str | bytes, dims: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def build(
    pairs: list[bytes] | None = None,
    tensors: list[bytes] | None = None,
    data: int = 64,
    *,
    version: int = 3,
    n_pairs: int | None = None,
    n_tensors: int | None = None,
) -> bytes:
    pairs, tensors = pairs or [], tensors or []
    head = b"GGUF" + struct.pack(
        "<IQQ", version, len(tensors) if n_tensors is None else n_tensors, len(pairs) if n_pairs is None else n_pairs
    )
    head += b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


U8, U32, F32, BOOL, STRING, ARRAY, U64 = 0, 4, 6, 7, 8, 9, 10


def array_of(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("<IQ", kind, count) + body


def nested(levels: int) -> bytes:
    return array_of(U8, 1, b"\1") if levels == 1 else array_of(ARRAY, 1, nested(levels - 1))


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "holds only 0 bytes"),
    "another magic": (b"GGML" + bytes(60), "not a GGUF file"),
    "version 1": (build(version=1), "version 1"),
    "version 4": (build(version=4), "version 4"),
    "big endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "header cut": (b"GGUF" + struct.pack("<IQ", 3, 0), "the metadata count"),
    "a million tensors": (build(n_tensors=10**6), "1000000 tensors announced"),
    "2**64-1 tensors": (build(n_tensors=2**64 - 1), "tensors announced"),
    "2**64-1 keys": (build(n_pairs=2**64 - 1), "metadata keys announced"),
    "endless key": (build([struct.pack("<Q", 2**63)]), "the key announces"),
    "key not UTF-8": (build([pair(b"\xff\xfe", U8, b"\1")]), "the key is not UTF-8"),
    "value not UTF-8": (build([pair("k", STRING, text(b"a\xff"))]), "metadata key 'k'"),
    "key twice": (build([pair("k", U8, b"\1")] * 2), "'k', offset 0x26: the key occurs twice"),
    "value type 13": (build([pair("k", 13, b"")]), "value type 13 does not exist"),
    "truth value 2": (build([pair("k", BOOL, b"\2")]), "must be 0 or 1"),
    "endless array": (build([pair("k", ARRAY, array_of(F32, 2**61, b""))]), "array elements announced"),
    "array as long as the bytes left": (
        build([pair("k", ARRAY, array_of(F32, 20, b""))]),
        "20 array elements announced",
    ),
    "array of 2**24 strings": (build([pair("k", ARRAY, array_of(STRING, 2**24, b""))]), "array elements announced"),
    "endless string in an array": (
        build([pair("k", ARRAY, array_of(STRING, 2, text("a") + struct.pack("<Q", 2**40)))]),
        "string 1 of 2 announces",
    ),
    "deep arrays": (build([pair("k", ARRAY, nested(9))]), "nested deeper"),
    "alignment 0": (build([pair("general.alignment", U32, struct.pack("<I", 0))]), "power of two"),
    "alignment 48": (build([pair("general.alignment", U32, struct.pack("<I", 48))]), "power of two"),
    "alignment as text": (build([pair("general.alignment", STRING, text("32"))]), "power of two"),
    "name not UTF-8": (build(tensors=[tensor(b"\xc3", (4,))]), "the name is not UTF-8"),
    "name twice": (build(tensors=[tensor("t", (4,)), tensor("t", (4,), 0, 32)]), "tensor 't'"),
    "five dimensions": (build(tensors=[tensor("t", (1, 1, 1, 1, 1))]), "5 dimensions"),
    "dimensions overflow": (build(tensors=[tensor("t", (2**40, 2**40))]), "63 bits"),
    "dimension 0": (build(tensors=[tensor("t", (4, 0))]), "a dimension is 0"),
    "ragged blocks": (build(tensors=[tensor("t", (33,), 8)]), "do not divide into Q8_0 blocks of 32"),
    "offset past the end": (build(tensors=[tensor("t", (4,), 0, 2**40)]), "the file ends at byte"),
    "offset near 2**64": (build(tensors=[tensor("t", (4,), 0, 2**64 - 32)]), "the file ends at byte"),
    "offset not aligned": (build(tensors=[tensor("t", (4,), 0, 8)]), "no multiple of the alignment 32"),
    "tensors overlap": (build(tensors=[tensor("t", (16,)), tensor("u", (4,), 0, 32)]), "overlaps that of tensor 't'"),
    "last byte missing": (build(tensors=[tensor("t", (16,))], data=63), "the file ends at byte"),
    "data cut": (build(tensors=[tensor("t", (17,))]), "tensor 't'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_section_and_offset(name: str, tmp_path: Path) -> None:
    content, expected = HOSTILE[name]
    path = tmp_path / "hostile.gguf"
    path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(UnusableInput) as refusal:
        dict(read_gguf(path).metadata)
    assert time.monotonic() - started < 1
    message = str(refusal.value)
    assert expected in message
    assert message.startswith(str(path))
    assert "offset 0x" in message or name == "empty file"
    assert "\n" not in message


def test_the_hand_made_file_without_a_fault_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fine.gguf"
    path.write_bytes(build([pair("k", ARRAY, nested(4))], [tensor("t", (8,)), tensor("u", (4, 2), 0, 32)], version=2))
    file = read_gguf(path)
    assert file.version == 2
    assert file.metadata == {"k": [[[[1]]]]}
    assert file.tensors["u"].shape == (2, 4)
    assert file.raw("u").shape == (2, 16)


@pytest.mark.parametrize("number", [4, 5, 31, 33, 36, 999, 2**32 - 1])
def test_an_unknown_tensor_type_is_refused_by_number(number: int, tmp_path: Path) -> None:
    path = tmp_path / "new.gguf"
    path.write_bytes(build(tensors=[tensor("t", (256,), number)], data=4096))
    with pytest.raises(UnsupportedModel, match=f"tensor type {number} is not known"):
        read_gguf(path)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "missing.gguf"
    with pytest.raises(UnusableInput, match=str(path)):
        read_gguf(path)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UnusableInput, match="regular file"):
        read_gguf(path)


# --- the same as gguf's reader --------------------------------------------------------------------------------------


def test_metadata_is_what_was_written(sound: Path) -> None:
    metadata = read_gguf(sound).metadata
    for key, (_, value) in SCALARS.items():
        assert metadata[key] == value
        assert type(metadata[key]) is type(value)
    for key, values in ARRAYS.items():
        assert metadata[key] == values
        assert metadata[key] is metadata[key]
    assert len(metadata) == len(SCALARS) + len(ARRAYS) + 1
    assert "t.u8" in metadata
    assert "t.none" not in metadata


def compare_with_gguf(path: Path) -> int:
    """Holds everything that `gguf.GGUFReader` sees against ours; returns how many things were compared."""
    theirs, ours = gguf.GGUFReader(path), read_gguf(path)
    keys = [key for key in theirs.fields if not key.startswith("GGUF.")]
    assert list(ours.metadata) == keys
    for key in keys:
        expected = theirs.fields[key].contents()
        assert ours.metadata[key] == expected, key
    assert list(ours.tensors) == [tensor.name for tensor in theirs.tensors]
    for tensor_ in theirs.tensors:
        info = ours.tensors[tensor_.name]
        assert info.shape == tuple(reversed(tensor_.shape.tolist()))
        assert info.ggml_type == tensor_.tensor_type
        assert (info.offset, info.nbytes) == (tensor_.data_offset, tensor_.n_bytes)
        raw = ours.raw(tensor_.name)
        assert raw.tobytes() == tensor_.data.tobytes()
        assert raw.shape[0] == int(np.prod(info.shape[:-1]))
        assert not raw.flags.writeable
    return len(keys) + len(theirs.tensors)


def test_everything_is_as_gguf_reads_it(sound: Path) -> None:
    assert compare_with_gguf(sound) == len(SCALARS) + len(ARRAYS) + 1 + 3 + len(KINDS)


def test_require_names_the_missing_key_and_the_wrong_type(sound: Path) -> None:
    file = read_gguf(sound)
    assert file.architecture == "llama"
    assert file.require("t.u32", int) == 4_000_000_000
    assert file.optional("t.none", int) is None
    with pytest.raises(UnusableInput, match=r"metadata key 't\.none' is missing"):
        file.require("t.none", int)
    with pytest.raises(UnusableInput, match=r"'t\.yes'.*is a bool, not a int"):
        file.require("t.yes", int)
    with pytest.raises(UnusableInput, match="is a int, not a float"):
        file.require("t.u32", float)
    with pytest.raises(UnusableInput, match="no tensor 'nowhere'"):
        file.raw("nowhere")


def test_the_hash_follows_the_file(tmp_path: Path) -> None:
    import hashlib

    path = write_sound(tmp_path / "a.gguf")
    assert read_gguf(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + b"more")
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


# --- damage of every kind -------------------------------------------------------------------------------------------


def read_fully(path: Path) -> None:
    """Everything that a reader could touch."""
    file = read_gguf(path)
    dict(file.metadata)
    for name in file.tensors:
        file.raw(name).sum()


def test_every_truncation_point_is_read_or_refused(tmp_path: Path) -> None:
    whole = build(
        [
            pair("general.architecture", STRING, text("llama")),
            pair("a", ARRAY, array_of(STRING, 2, text("x") + text("yz"))),
            pair("n", U64, bytes(8)),
        ],
        [tensor("t", (8,)), tensor("u", (32,), 8, 32)],
    )
    path = tmp_path / "cut.gguf"
    needed = len(whole) - 64 + 32 + 34  # both tensors; padding behind the last may be missing
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length >= needed:
            read_fully(path)
        else:
            with pytest.raises(UnusableInput):
                read_fully(path)


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes_are_read_or_refused(sound: Path, tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    content = bytearray(sound.read_bytes())
    head = min(info.offset for info in read_gguf(sound).tensors.values())
    for place, mask in flips:
        content[place % head] ^= mask
    path = tmp_path / "flipped.gguf"
    path.write_bytes(content)
    try:
        read_fully(path)
    except AprError as refusal:
        assert str(path) in str(refusal)  # noqa: PT017 - reading is allowed too


@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), version=st.sampled_from([2, 3]))
def test_noise_behind_a_header_is_read_or_refused(tmp_path: Path, content: bytes, version: int) -> None:
    path = tmp_path / "noise.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<I", version) + content)
    try:
        read_fully(path)
    except AprError as refusal:
        assert str(path) in str(refusal)  # noqa: PT017 - reading is allowed too


# --- the real model -------------------------------------------------------------------------------------------------


@pytest.mark.real_model
def test_the_real_model_opens_at_once_and_is_what_it_should_be() -> None:
    path = cache.model_path("smollm2")
    if not path.exists():
        pytest.skip("the model is not in the cache: apr pull smollm2")
    started = time.monotonic()
    file = read_gguf(path)
    assert time.monotonic() - started < 0.3
    assert file.sha256 == MODEL_SHA256
    assert file.architecture == "llama"
    assert file.require("llama.block_count", int) == 30
    assert file.require("llama.rope.freq_base", float) == 100000.0
    assert len(file.tensors) == 272
    embedding = file.tensors["token_embd.weight"]
    assert (embedding.shape, embedding.ggml_type) == ((49152, 576), Kind.Q8_0)
    assert file.raw("token_embd.weight").shape == (49152, 576 // 32 * 34)
    tokens = file.require("tokenizer.ggml.tokens", list)
    assert len(tokens) == 49152
    assert tokens[:2] == ["<|endoftext|>", "<|im_start|>"]
