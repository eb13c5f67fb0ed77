"""Damage of every kind: a refusal that names file, section and offset, or a reading whose every byte lies within the file."""

from __future__ import annotations

import itertools
import json
import math
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats.apr import encoded_size, read_apr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.apr import AprFile

Maker = Any  # tests/unit/apr/conftest.py, ByHand


def entry(
    make: Maker, name: bytes = b"t", code: int = 7, dims: tuple[int, ...] = (4,), at: int = 0, size: int = 4
) -> Any:
    """One entry of the index that says whatever it shall; the data section has 64 bytes."""
    file = make(entries=[make.entry(name, code, dims, at, size)])
    file.tail = bytes(64)
    return file


def entries(make: Maker, *given_: tuple[bytes, int, int]) -> Any:
    """Entries of name, offset and size, type U8; the data section has 256 bytes."""
    file = make(entries=[make.entry(name, 7, (size,), at, size) for name, at, size in given_])
    file.tail = bytes(256)
    return file


def header(make: Maker, **fields: Any) -> Any:
    file = make()
    file.fields = fields
    return file


def index(make: Maker, raw: bytes, count: int = 1) -> Any:
    """An index of any bytes."""
    file = make(entries=[raw])
    file.fields = {"count": count}
    file.tail = bytes(64)
    return file


def tail(make: Maker, behind: bytes) -> Any:
    file = make()
    file.tail = behind
    return file


def _gap(make: Maker, more: int = 0) -> Any:
    """Bytes between metadata and index that belong to neither."""
    file = make(b"{}" + bytes(61 + more) + b"x")
    file.fields = {"metadata_size": 2}
    return file


def _zeros(make: Maker) -> Any:
    """Whole blocks of zeros before the index: padding ends where the next section may start."""
    file = make(b"{}" + bytes(126))
    file.fields = {"metadata_size": 2}
    return file


def _behind_index(make: Maker, more: int) -> Any:
    """The tensor data starts later than it has to."""
    file = make()
    file.fields = {"data_at": 256 + more}
    file.tail = bytes(more)
    return file


# what it is -> (the file, section and offset, what is said about it)
HOSTILE: dict[str, tuple[Callable[[Maker], Any], str, str]] = {
    # header
    "wrong checksum": (lambda m: header(m, checksum=7), "header, offset 0x28", "the checksum is 0x00000007"),
    "version 1.0": (lambda m: header(m, major=1), "header, offset 0x4", "is version 1.0; version 2.0 is supported"),
    "version 2.1": (lambda m: header(m, minor=1), "header, offset 0x4", "is version 2.1"),
    "reserved bytes": (lambda m: header(m, reserved=bytes(19) + b"x"), "header, offset 0x2c", "reserved bytes are not zero"),
    "LZ4": (lambda m: m(flags=0x0401), "header, offset 0x6", "flag LZ4_COMPRESSED: the file is compressed"),
    "Zstandard": (lambda m: m(flags=0x0402), "header, offset 0x6", "flag ZSTD_COMPRESSED"),
    "encrypted": (lambda m: m(flags=0x0404), "header, offset 0x6", "flag ENCRYPTED: the file is encrypted"),
    "signed": (lambda m: m(flags=0x0408), "header, offset 0x6", "flag SIGNED"),
    "column major": (lambda m: m(flags=0x0800), "header, offset 0x6", "every .apr model is row major"),
    "both layouts": (lambda m: m(flags=0x0C00), "header, offset 0x6", "flag LAYOUT_COLUMN_MAJOR"),
    "an unknown flag": (lambda m: m(flags=0x1400), "header, offset 0x6", "flag 0x1000 is not known"),
    "metadata in the header": (lambda m: header(m, metadata_at=0), "header, offset 0xc", "before it ends at byte 64"),
    "metadata not aligned": (lambda m: header(m, metadata_at=65), "header, offset 0xc", "no multiple of 64"),
    "metadata past the end": (lambda m: header(m, metadata_at=2**63), "header, offset 0xc", "the file ends at byte"),
    "metadata without end": (lambda m: header(m, metadata_size=2**32 - 1), "header, offset 0x14", "at most 16777216"),
    "metadata into the index": (lambda m: header(m, metadata_size=129), "header, offset 0x18", "ends at byte 193"),
    "index in the metadata": (lambda m: header(m, index_at=64), "header, offset 0x18", "ends at byte 121"),
    "index not aligned": (lambda m: header(m, index_at=130), "header, offset 0x18", "no multiple of 64"),
    "index past the end": (lambda m: header(m, index_at=2**64 - 64), "header, offset 0x18", "the file ends at byte"),
    "data in the index": (lambda m: header(m, data_at=64), "header, offset 0x20", "ends at byte 128"),
    "data not aligned": (lambda m: header(m, data_at=257), "header, offset 0x20", "no multiple of 64"),
    "data past the end": (lambda m: header(m, data_at=2**64 - 1), "header, offset 0x20", "the file ends at byte"),
    "a million tensors": (lambda m: header(m, count=10**6), "header, offset 0x8", "1000000 tensors announced"),
    "2**32-1 tensors": (lambda m: header(m, count=2**32 - 1), "header, offset 0x8", "at most 262144 are read"),
    "a hundred tensors": (lambda m: header(m, count=100), "header, offset 0x8", "but the index has only 128 bytes"),
    # between metadata and index
    "something behind the metadata": (_gap, "metadata, offset 0x42", "62 bytes follow the metadata"),
    "much behind the metadata": (lambda m: _gap(m, 64), "metadata, offset 0x42", "126 bytes follow the metadata"),
    "zeros behind the metadata": (_zeros, "metadata, offset 0x42", "126 bytes follow the metadata"),
    # index
    "zeros behind the index": (
        lambda m: _behind_index(m, 64), "tensor index, offset 0xc2", "126 bytes follow the last tensor"
    ),
    "one tensor too few": (lambda m: header(m, count=1), "tensor index, offset 0x9d", "bytes follow the last tensor"),
    "one tensor too many": (lambda m: header(m, count=3), "tensor 2 of 3, offset 0xc2", "the name has 0 bytes"),
    "padding that is not zero": (lambda m: index(m, m.entry(b"t", 7, (4,), 0, 4) + b"x"), "tensor index, offset 0x9d", "35 bytes"),
    "an endless name": (lambda m: index(m, b"\xff\xff" + bytes(60)), "tensor 0 of 1, offset 0x80", "has 65535 bytes"),
    "a name of 257 bytes": (lambda m: entry(m, b"x" * 257), "tensor 0 of 1, offset 0x80", "1 to 256 are possible"),
    "no name": (lambda m: entry(m, b""), "tensor 0 of 1, offset 0x80", "the name has 0 bytes"),
    "a name cut off": (lambda m: index(m, b"\xff\x00" + b"x" * 62), "tensor 0 of 1, offset 0x82", "in the middle of a name"),
    "a name that is not UTF-8": (lambda m: entry(m, b"ab\xff\xfe"), "tensor 0 of 1, offset 0x84", "the name is not UTF-8"),
    "half a surrogate": (lambda m: entry(m, b"\xed\xa0\x80"), "tensor 0 of 1, offset 0x82", "the name is not UTF-8"),
    "dimensions cut off": (
        lambda m: index(m, b"\x01\x00t\x07\x08" + b"\x01" * 59), "tensor 't', offset 0x85", "in the middle of dimensions"
    ),
    "nine dimensions": (lambda m: entry(m, dims=(1,) * 9), "tensor 't', offset 0x84", "9 dimensions; at most 8"),
    "255 dimensions": (lambda m: entry(m, dims=(1,) * 255), "tensor 't', offset 0x84", "255 dimensions"),
    "dimension 0": (lambda m: entry(m, dims=(4, 0)), "tensor 't', offset 0x85", "a dimension is 0"),
    "dimensions overflow": (lambda m: entry(m, dims=(2**32, 2**32)), "tensor 't', offset 0x85", "63 bits"),
    "a wrap to the right size": (lambda m: entry(m, dims=(2**63, 2, 2)), "tensor 't', offset 0x85", "63 bits"),
    "an unknown type": (lambda m: entry(m, code=99), "tensor 't', offset 0x80", "type code 99 is not known"),
    "a size too small": (lambda m: entry(m, size=3), "tensor 't', offset 0x80", "3 bytes fits no type: U8 takes 4"),
    "a size too large": (lambda m: entry(m, size=2**64 - 1), "tensor 't', offset 0x80", "fits no type"),
    "offset not aligned": (lambda m: entry(m, at=32), "tensor 't', offset 0x80", "starts at 32, no multiple of 64"),
    "offset past the end": (lambda m: entry(m, at=64), "tensor 't', offset 0x80", "would end at byte 260"),
    "offset near 2**64": (lambda m: entry(m, at=2**64 - 64), "tensor 't', offset 0x80", "but the file ends at byte"),
    "names not sorted": (
        lambda m: entries(m, (b"b", 0, 4), (b"a", 64, 4)), "tensor 'a', offset 0x9d", "comes before 'b': not sorted"
    ),
    "names sorted as text": (  # U+FF5E before U+1F600 in UTF-16, not in bytes; here the other way round
        lambda m: entries(m, ("\U0001f600".encode(), 0, 4), ("\uff5e".encode(), 64, 4)), "offset 0xa0", "not sorted"
    ),
    "a name twice": (lambda m: entries(m, (b"a", 0, 4), (b"a", 64, 4)), "tensor 'a', offset 0x9d", "occurs twice"),
    # data
    "tensors overlap": (
        lambda m: entries(m, (b"a", 0, 65), (b"b", 64, 4)), "tensor 'b', offset 0x100", "overlaps that of tensor 'a'"
    ),
    "tensors at one place": (lambda m: entries(m, (b"a", 0, 4), (b"b", 0, 4)), "tensor 'b', offset 0xc0", "overlaps"),
    "a tensor around another": (
        lambda m: entries(m, (b"a", 64, 4), (b"b", 0, 200)), "tensor 'a', offset 0x100", "overlaps that of tensor 'b'"
    ),
    "data cut off": (lambda m: entries(m, (b"a", 192, 65)), "tensor 'a', offset 0x80", "but the file ends at byte"),
    # footer
    "one byte too many": (lambda m: tail(m, b"x"), "footer, offset 0x180", "1 bytes follow the tensor data"),
    "eight bytes too many": (lambda m: tail(m, bytes(8)), "footer, offset 0x180", "8 bytes follow"),
    "another tensor's worth": (lambda m: tail(m, bytes(64)), "footer, offset 0x180", "64 bytes follow"),
}  # fmt: skip


def is_within(file: AprFile, size: int) -> None:
    """What every reading promises, however it came about."""
    assert 0 <= file.header.data_offset <= size
    extents = sorted((tensor.offset, tensor.offset + tensor.nbytes) for tensor in file.tensors.values())
    for start, end in extents:
        assert file.header.data_offset <= start < end <= size
        assert start % 64 == 0
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(extents))
    assert list(file.tensors) == sorted(file.tensors, key=str.encode)
    for name, tensor in file.tensors.items():
        assert 0 < math.prod(tensor.shape) < 2**63
        assert tensor.nbytes == encoded_size(tensor.dtype, tensor.shape, file.layout)
        assert file.raw(name).nbytes == tensor.nbytes
        file.raw(name).sum()
        file.release(name)
    assert type(file.metadata) is dict


def read_or_refuse(path: Path, content: bytes | bytearray) -> AprFile | None:
    """Reads everything; only a refusal that names the file may come out instead."""
    path.unlink(missing_ok=True)  # to cut a file that is mapped and write it again takes a hundred times as long
    path.write_bytes(content)
    try:
        file = read_apr(path)
    except AprError as refusal:
        assert str(path) in str(refusal)  # noqa: PT017 - reading is allowed too
        assert "\n" not in str(refusal)  # noqa: PT017 - the same
        return None
    is_within(file, len(content))
    file.verify_footer()
    return file


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_section_and_offset(name: str, by_hand: Maker, tmp_path: Path) -> None:
    make, where, expected = HOSTILE[name]
    path = tmp_path / "hostile.apr"
    path.write_bytes(make(by_hand).bytes)
    with pytest.raises(UnusableInput) as refusal:
        read_apr(path)
    assert expected in str(refusal.value)
    assert where in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "; " in str(refusal.value), "what to do about it"
    assert "\n" not in str(refusal.value)


def test_the_helpers_make_sound_files(by_hand: Maker, tmp_path: Path) -> None:
    """Otherwise each case above might be refused for another reason than its own."""
    path = tmp_path / "sound.apr"
    for file in (
        by_hand(),
        entry(by_hand),
        entries(by_hand, (b"a", 0, 65), (b"b", 128, 128)),
        header(by_hand),
        tail(by_hand, b""),
    ):
        read = read_or_refuse(path, file.bytes)
        assert read is not None
        assert read.tensors


@pytest.mark.parametrize("footer", [True, False])
def test_every_truncation_point_is_refused(footer: bool, by_hand: Maker, tmp_path: Path) -> None:
    file = by_hand()
    file.footer = footer
    whole = file.bytes
    path = tmp_path / "cut.apr"
    complete = len(whole) - 4 if footer else len(whole)  # a file may end without its footer
    for length in range(len(whole)):
        read = read_or_refuse(path, whole[:length])
        assert (read is not None) == (length == complete), length


def test_every_flipped_bit_of_the_header_is_refused(by_hand: Maker, tmp_path: Path) -> None:
    whole = by_hand().bytes
    path = tmp_path / "flipped.apr"
    for bit in range(64 * 8):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        assert read_or_refuse(path, content) is None, f"bit {bit}"


def test_every_flipped_byte_behind_the_header(by_hand: Maker, tmp_path: Path) -> None:
    """What may change: metadata's values, a tensor's name, type, shape, place. What never does: the bounds.

    Metadata decides nothing about the tensors; the index decides nothing about the metadata; a footer tells every change.
    """
    file = by_hand({"model_type": "test", "n": [1, 2.5, None]})
    file.footer = True
    whole = file.bytes
    path = tmp_path / "flipped.apr"
    sound = read_or_refuse(path, whole)
    assert sound is not None
    index_at, data_at = sound.header.tensor_index_offset, sound.header.data_offset
    outcomes = {"read": 0, "refused": 0}
    for place, mask in itertools.product(range(64, len(whole)), (1, 2, 4, 8, 16, 32, 64, 128, 255)):
        content = bytearray(whole)
        content[place] ^= mask
        read = read_or_refuse(path, content)
        outcomes["refused" if read is None else "read"] += 1
        if read is None:
            assert place < data_at, "data is not looked at when a file is opened"
            continue
        footer = read.verify_footer()
        assert footer is not None
        assert not footer.matches
        if not index_at <= place < data_at:
            assert read.tensors == sound.tensors
        if place >= index_at:
            assert read.metadata == sound.metadata
    assert min(outcomes.values()) > 100, outcomes


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(64, 10**6), st.integers(1, 255)), min_size=1, max_size=8))
def test_many_flipped_bytes(by_hand: Maker, tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    content = bytearray(by_hand().bytes)
    for place, mask in flips:
        content[64 + place % (len(content) - 64)] ^= mask
    read_or_refuse(tmp_path / "flipped.apr", content)


words = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2, 4, 63, 64, 128, 256, 2**31, 2**32, 2**63, 2**64 - 64])
described = st.tuples(
    st.binary(max_size=4) | st.sampled_from([b"blk.0.x", b"model.layers.0.x", b"t"]),
    st.integers(0, 255) | st.sampled_from([0, 3, 6, 7, 8, 9, 12, 14, 128, 129]),
    st.lists(words | st.integers(0, 600), max_size=9).map(tuple),
    words | st.integers(0, 8).map(lambda blocks: 64 * blocks),
    words | st.integers(0, 600),
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    index_=st.lists(described, max_size=4),
    fields=st.fixed_dictionaries(
        {},
        optional={
            "count": st.integers(0, 2**32 - 1) | st.integers(0, 4),
            "metadata_at": words,
            "metadata_size": st.integers(0, 2**32 - 1) | st.integers(0, 128),
            "index_at": words,
            "data_at": words,
        },
    ),
    flags=st.sampled_from([0x0400, 0x0020, 0]) | st.integers(0, 0xFFFF),
    room=st.integers(0, 700),
    sized=st.booleans(),
)
def test_headers_and_entries_that_say_anything(
    by_hand: Maker, tmp_path: Path, index_: list[Any], fields: dict[str, int], flags: int, room: int, sized: bool
) -> None:
    """With the right checksum: what a hostile writer makes, not what a disk does."""
    items = []
    for name, code, dims, at, size in sorted(index_):
        fitting = math.prod(dims) if sized and code == 7 else size
        items.append(by_hand.entry(name, code, dims[:255], at, fitting % 2**64))
    file = by_hand(entries=items, flags=flags)
    file.fields, file.tail = fields, bytes(room)
    read_or_refuse(tmp_path / "said.apr", file.bytes)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_noise_behind_a_sound_header(by_hand: Maker, tmp_path: Path, noise: bytes) -> None:
    read_or_refuse(tmp_path / "noise.apr", by_hand().bytes[:64] + noise)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.sampled_from('{}[]":,\\ud8\u00e9eE+-.0123456789nulltrfasNI \n'), max_size=60) | st.binary(max_size=60)
)
def test_noise_as_metadata(by_hand: Maker, tmp_path: Path, noise: str | bytes) -> None:
    raw = noise if isinstance(noise, bytes) else noise.encode()
    read = read_or_refuse(tmp_path / "noise.apr", by_hand(raw).bytes)
    if read is not None:
        assert read.metadata == json.loads(raw)


@pytest.mark.parametrize(("magic", "what"), [(b"APRN", "version 1"), (b"APR1", "APR1"), (b"APR2", "APR2")])
def test_noise_behind_another_magic_is_named(magic: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "noise.apr"
    for size in (0, 1, 3, 5, 9, 60, 200):
        path.write_bytes(magic + bytes((37 * i + size) % 256 for i in range(size)))
        with pytest.raises(UnsupportedModel, match=what):
            read_apr(path)


# --- time and memory --------------------------------------------------------------------------------------------------

# The peak of this program alone: what getrusage tells begins with what its parent held.
READ_ALL = """
import sys
from apr.errors import AprError
from apr.formats.apr import read_apr
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
for path in sys.argv[1:]:
    try:
        read_apr(path)
        said = "read"
    except AprError as refusal:
        said = str(refusal)
    print(peak() // 1024, said[:200])
"""

LARGE: dict[str, Callable[[Maker], bytes]] = {
    "a million tensors announced in a kilobyte": lambda m: header(m, count=10**6).bytes + bytes(700),
    "as many tensors as are read, announced in a kilobyte": lambda m: header(m, count=1 << 18).bytes + bytes(700),
    "sixteen megabytes of brackets": lambda m: m(b'{"a":' + b"[" * ((16 << 20) - 5)).bytes,
    "half a million lists": lambda m: m(b'{"a":[' + b"[0]," * 499_000 + b"0]}").bytes,
    "a quarter of a million objects": lambda m: m(b'{"a":[' + b'{"":0},' * 249_000 + b"0]}").bytes,
    "four million numbers": lambda m: m(b'{"a":[' + b"1.5," * 4_000_000 + b"0]}").bytes,
    "three million texts": lambda m: m(b'{"a":["\\ud83d\\ude00",' + b'"ab",' * 3_300_000 + b"0]}").bytes,
    "half a million keys": lambda m: m(b"{" + b",".join(b'"%x":0' % i for i in range(499_000)) + b"}").bytes,
    "a key twice among many": lambda m: (
        m(b"{" + b",".join(b'"%x":0' % (i % 498_999) for i in range(499_000)) + b"}").bytes
    ),
    "a number of a million digits": lambda m: m(b'{"a":' + b"9" * 10**6 + b"}").bytes,
}


def test_the_worst_files_take_half_a_gigabyte_at_most(by_hand: Maker, tmp_path: Path) -> None:
    """Measured in a process of its own, all one after the other; how long they take, `benchmarks/hostile.py` says."""
    paths = []
    for number, make in enumerate(LARGE.values()):
        paths.append(tmp_path / f"{number}.apr")
        paths[-1].write_bytes(make(by_hand))
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True, check=True, timeout=120
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(LARGE)
    for name, line in zip(LARGE, lines, strict=True):
        megabytes, said = line.split(maxsplit=1)
        assert int(megabytes) < 500, (name, line)
        assert said == "read" or ".apr: " in said


def test_struct_of_the_header_is_what_is_documented(by_hand: Maker) -> None:
    """The fields where the documents say they are, so that the faults above are where they are said to be."""
    content = by_hand().bytes
    assert struct.unpack_from("<4sBBHIQI", content) == (b"APR\0", 2, 0, 0x0400, 2, 64, 57)
    assert struct.unpack_from("<QQ", content, 24) == (128, 256)
