"""Other formats that are called .apr are recognised and named; what v1 says about itself can be shown."""

from __future__ import annotations

import builtins
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats.apr import describe_v1, open_apr, read_apr, read_apr_set
from apr.formats.apr.foreign import FlagsV1

if TYPE_CHECKING:
    from pathlib import Path

METADATA = {
    "created_at": "2026-01-01",
    "aprender_version": "0.63.0",
    "hyperparameters": {"alpha": 0.5},
    "scores": [1, 2],
}


def v1(metadata: bytes | None = None, payload: bytes = b"payload", **fields: Any) -> bytes:
    raw = msgpack.packb(METADATA) if metadata is None else metadata
    parts = {
        "magic": b"APRN",
        "major": 1,
        "minor": 0,
        "model_type": 0x20,
        "metadata_size": len(raw),
        "payload_size": len(payload),
        "uncompressed_size": 400,
        "compression": 1,
        "flags": 0x60,
        "quality": 85,
        "reserved": bytes(9),
    } | fields
    content = struct.pack("<4sBBHIIIBBB9s", *parts.values()) + raw + payload
    return content + struct.pack("<I", zlib.crc32(content))


def whisper(count: int = 2) -> bytes:
    header = b"APR1" + struct.pack("<HBBBHB", 1, 0, 0, 0, count, 0) + struct.pack("<10I", *range(10))
    return (header + bytes(64)) + count * bytes(96)


def serialized() -> bytes:
    text = json.dumps({"model": "linear"}).encode()
    return b"APR1" + struct.pack("<I", len(text)) + text + struct.pack("<I", 0) + bytes(40)


FOREIGN = {
    "v1": (v1(), r"version 1 \(APRN\), which holds a classic model \(NeuralSequential\)", "`apr inspect` shows"),
    "v1 of an unknown kind": (
        v1(model_type=0x99),
        r"which holds a classic model, not a language model",
        "aprender runs it",
    ),
    "v1, three bytes more than its magic": (v1()[:7], r"version 1 \(APRN\)", "aprender runs it"),
    "whisper.apr": (whisper(), r"APR1 file \(a speech model of whisper\.apr with 2 tensors\)", "`apr import`"),
    "aprender's serialization": (serialized(), r"APR1 file \(JSON metadata, tensors and a CRC", "`apr import`"),
    "APR1 and noise": (b"APR1" + b"\xff" * 70, r"APR1 file \(of neither layout", "`apr import`"),
    "APR1 alone": (b"APR1", r"APR1 file \(of neither layout", "`apr import`"),
    "APR2": (b"APR2" + bytes(100), "starts with APR2, which no writer is known to write", r"with the magic 'APR\\0'"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_format_is_named(name: str, tmp_path: Path) -> None:
    content, expected, hint = FOREIGN[name]
    path = tmp_path / "model.apr"
    path.write_bytes(content)
    for read in (read_apr, read_apr_set, open_apr):
        with pytest.raises(UnsupportedModel, match=expected) as refusal:
            read(path)
        assert refusal.match(hint)
        assert str(refusal.value).startswith(f"{path}: header, offset 0x0: ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is not a .apr file: it holds only 0 bytes"),
        (b"GGUF" + bytes(100), "is not an .apr file: it starts with b'GGUF'"),
        (b"AP", "the file ends after 2 bytes"),
        (b"APR\0" + bytes(59), "the file ends after 63 bytes"),
        (b"APRX" + bytes(100), "it starts with b'APRX'"),
    ],
)
def test_what_is_no_apr_file_at_all(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with pytest.raises(UnusableInput) as refusal:
        read_apr(path)
    assert expected in str(refusal.value)


def test_v1_is_described(tmp_path: Path) -> None:
    path = tmp_path / "v1.apr"
    path.write_bytes(v1(flags=0xE0))
    found = describe_v1(path)
    assert found.metadata == METADATA
    assert (found.path, found.version, found.model_type) == (path, (1, 0), "NeuralSequential")
    assert (found.payload_size, found.uncompressed_size, found.quality_score) == (7, 400, 85)
    assert (found.compression, found.flags) == ("zstd, level 3", FlagsV1.QUANTIZED | FlagsV1.MODEL_CARD)
    assert found.checksum_matches
    content = bytearray(v1(model_type=0x99))
    content[-6] ^= 1
    path.write_bytes(content)
    assert describe_v1(path).model_type == "Unknown (0x0099)"
    assert not describe_v1(path).checksum_matches


def test_what_json_cannot_say_is_told_as_text(tmp_path: Path) -> None:
    odd = {
        b"key": b"\x01\xff",
        "when": msgpack.Timestamp(1, 5),
        "own": msgpack.ExtType(7, b"x"),
        "list": [b"", None, True],
    }
    path = tmp_path / "v1.apr"
    path.write_bytes(v1(msgpack.packb(odd)))
    found = describe_v1(path).metadata
    assert found["6b6579"] == "01ff"
    assert found["list"] == ["", None, True]
    assert "ExtType" in found["own"]
    assert "5" in found["when"]
    json.dumps(found)


DAMAGED = {
    "too short": (v1()[:35], "holds only 35 bytes"),
    "another magic": (b"APR\0" + v1()[4:], "is no .apr file of version 1"),
    "major version 2": (v1(major=2), "is version 2.0 of the v1 container"),
    "metadata past the end": (v1(metadata_size=10**6), "1000000 bytes of metadata announced"),
    "payload past the end": (v1(payload_size=8), "8 bytes of payload announced, but 7 are left"),
    "an unknown compression": (v1(compression=4), "compression 4 is not known"),
    "reserved bytes": (v1(reserved=b"x" + bytes(8)), "offset 0x17: the reserved bytes are not zero"),
    "a list": (v1(msgpack.packb([1])), "is a MessagePack list, not a map"),
    "no MessagePack": (v1(b"\xc1"), "is no MessagePack"),
    "two things": (v1(msgpack.packb({}) * 2), "is no MessagePack: ExtraData"),
    "cut off": (v1(msgpack.packb(METADATA)[:-1]), "is no MessagePack"),
    "endless list": (v1(b"\x81\xa1a\xdd\xff\xff\xff\xff"), "is no MessagePack"),
    "a list beyond what is read": (v1(msgpack.packb({"a": [0] * 65537})), "65537 exceeds max_array_len(65536)"),
    "deep": (v1(b"\x81\xa1a" + b"\x91" * 100_000), "is no MessagePack"),
    "a key that is a number": (v1(msgpack.packb({1: 2})), "is no MessagePack"),
    "text that is not UTF-8": (v1(b"\x81\xa1a\xa1\xff"), "is no MessagePack"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_v1_file_is_refused(name: str, tmp_path: Path) -> None:
    content, expected = DAMAGED[name]
    path = tmp_path / "v1.apr"
    path.write_bytes(content)
    with pytest.raises(UnusableInput) as refusal:
        describe_v1(path)
    assert expected in str(refusal.value)
    assert str(refusal.value).startswith(str(path))


def test_without_the_library_v1_is_still_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v1.apr"
    path.write_bytes(v1())
    sound = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "msgpack":
            raise ImportError(name)
        return sound(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedModel, match="pip install msgpack"):
        describe_v1(path)
    with pytest.raises(UnsupportedModel, match="version 1"):
        read_apr(path)


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
    cut=st.integers(0, 200),
    metadata=st.none() | st.binary(max_size=40),
)
def test_damage_of_any_kind_is_read_or_refused(
    tmp_path: Path, flips: list[tuple[int, int]], cut: int, metadata: bytes | None
) -> None:
    content = bytearray(v1(metadata))
    for place, mask in flips:
        content[place % len(content)] ^= mask
    path = tmp_path / "v1.apr"
    path.write_bytes(content[: len(content) - cut] if cut < 20 else content)
    try:
        describe_v1(path)
    except AprError as refusal:
        assert str(path) in str(refusal)  # noqa: PT017 - reading is allowed too
