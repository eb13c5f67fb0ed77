"""The .apr container: its bytes, and what is written comes back."""

from __future__ import annotations

import hashlib
import itertools
import mmap
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.errors import UnusableInput, UsageError
from apr.formats.apr import Dtype, Flags, Layout, Spelling, encoded_size, read_apr, write_apr
from apr.formats.apr.header import checksum
from apr.formats.files import release_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOTHING = {"model_type": "test", "total_size": 0, "param_count": 0}
GOLDEN = {
    "model_type": "linear_regression",
    "name": "golden-v2",
    "version": "0.0.0-golden",
    "created_at": "1700000000",
    "total_size": 0,
    "param_count": 8,
}
WEIGHTS = [1.0, 2.0, 0.5, -0.5, 4.0, -2.0, 0.25, 8.0]


def write_golden(path: Path, **options: Any) -> bytes:
    tensors = [
        ("weights", Dtype.F32, [8], np.array(WEIGHTS, "<f4")),
        ("bias", Dtype.F32, [1], struct.pack("<f", 0.125)),
    ]
    size = write_apr(path, GOLDEN, tensors, **options)
    content = path.read_bytes()
    assert size == len(content)
    return content


# --- the bytes ------------------------------------------------------------------------------------------------------


def test_the_worked_example_byte_by_byte(tmp_path: Path) -> None:
    text = (
        b'{"model_type":"linear_regression","name":"golden-v2","license":null,"data_source":null,"data_license":null,'
        b'"version":"0.0.0-golden","created_at":"1700000000","total_size":0,"param_count":8}'
    )
    assert len(text) == 189
    header = b"APR\0" + b"\x02\x00" + b"\x00\x04" + struct.pack("<IQIQQ", 2, 64, 189, 256, 384)
    header += struct.pack("<I", zlib.crc32(header + bytes(20))) + bytes(20)
    bias = b"\x04\x00bias" + b"\x00\x01" + struct.pack("<QQQ", 1, 0, 4)
    weights = b"\x07\x00weights" + b"\x00\x01" + struct.pack("<QQQ", 8, 64, 32)
    assert (len(bias), len(weights)) == (32, 35)
    content = header + text + bytes(3) + bias + weights + bytes(61)
    content += struct.pack("<f", 0.125) + bytes(60) + struct.pack("<8f", *WEIGHTS) + bytes(32)
    content += struct.pack("<I", zlib.crc32(content))
    assert write_golden(tmp_path / "current.apr") == content
    assert len(content) == 516


def test_the_worked_example_as_it_was_written_before(tmp_path: Path) -> None:
    content = write_golden(tmp_path / "old.apr", spelling=Spelling.NULLS)
    assert len(content) == 1092
    assert content[64 : 64 + 715].count(b"null") == 29
    assert not any(content[64 + 715 : 64 + 768])
    old, current = read_apr(tmp_path / "old.apr"), write_golden(tmp_path / "new.apr")
    new = read_apr(tmp_path / "new.apr")
    assert len(current) == 516
    assert {key: value for key, value in old.metadata.items() if value is not None} == GOLDEN
    assert [old.raw(name).tobytes() for name in old.tensors] == [new.raw(name).tobytes() for name in new.tensors]


def test_the_checksum_is_the_common_one() -> None:
    assert checksum(b"123456789") == 0xCBF43926


def test_what_is_in_a_file_made_by_hand(by_hand: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a.apr"
    path.write_bytes(by_hand({"model_type": "x", "other": [1, {"y": 2.5}]}).bytes)
    file = read_apr(path)
    assert file.path == path
    assert (file.header.tensor_count, file.header.metadata_offset, file.header.tensor_index_offset) == (2, 64, 128)
    assert (file.flags, file.layout, file.header.version) == (Flags.LAYOUT_ROW_MAJOR, Layout.APR, (2, 0))
    assert file.metadata == {"model_type": "x", "other": [1, {"y": 2.5}]}
    assert list(file.tensors) == ["a", "b"]
    b = file.tensors["b"]
    assert (b.name, b.dtype, b.type_name, b.shape, b.offset, b.nbytes) == ("b", Dtype.F32, "F32", (2, 3), 320, 24)
    assert b.matrix(Layout.APR) == (2, 3)
    assert b.matrix(Layout.GGML) == (3, 2)
    raw = file.raw("b")
    assert raw.tolist() == list(range(24))
    assert raw.dtype == np.uint8
    assert not raw.flags.writeable
    assert raw.base is not None
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.size == path.stat().st_size


def test_a_file_without_tensors(tmp_path: Path) -> None:
    assert write_apr(tmp_path / "empty.apr", NOTHING, []) == 64 + 128 + 4
    assert not read_apr(tmp_path / "empty.apr").tensors


def test_a_scalar_has_no_dimensions(tmp_path: Path) -> None:
    write_apr(tmp_path / "s.apr", NOTHING, [("s", Dtype.F64, (), struct.pack("<d", 2.5))])
    file = read_apr(tmp_path / "s.apr")
    assert file.tensors["s"].shape == ()
    assert file.raw("s").view("<f8").tolist() == [2.5]


# --- round trip -----------------------------------------------------------------------------------------------------

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)
plain = st.sampled_from(
    [Dtype.F32, Dtype.F16, Dtype.BF16, Dtype.F64, Dtype.I8, Dtype.I32, Dtype.I64, Dtype.U8, Dtype.Q4_K, Dtype.APR_Q4]
)
shapes = st.lists(st.integers(1, 5), max_size=8).map(tuple)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.dictionaries(names, st.tuples(plain, shapes, st.integers(0, 2**32)), max_size=6),
    custom=st.dictionaries(
        st.text(max_size=9).map(lambda key: f"x.{key}"),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**70), 2**70)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(st.characters(codec="utf-8")),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    ),
    footer=st.booleans(),
    pieces=st.integers(0, 3),
)
def test_what_is_written_comes_back(
    tmp_path: Path, wanted: dict[str, Any], custom: dict[str, Any], footer: bool, pieces: int
) -> None:
    content = {}
    for name, (dtype, shape, seed) in wanted.items():
        size = encoded_size(dtype, shape, Layout.APR)
        assert size is not None
        content[name] = np.random.default_rng(seed).integers(0, 256, size, np.uint8).tobytes()

    def cut(data: bytes) -> bytes | Iterator[bytes]:
        step = max(1, len(data) // pieces) if pieces else 0
        return (data[at : at + step] for at in range(0, len(data), step)) if pieces else data

    tensors = [(name, dtype, shape, cut(content[name])) for name, (dtype, shape, _) in wanted.items()]
    path = tmp_path / "round.apr"
    written = write_apr(path, NOTHING | custom, tensors, footer=footer)
    file = read_apr(path)
    assert path.stat().st_size == written
    assert list(file.tensors) == sorted(wanted, key=str.encode)
    for name, (dtype, shape, _) in wanted.items():
        assert (file.tensors[name].dtype, file.tensors[name].shape) == (dtype, shape)
        assert file.raw(name).tobytes() == content[name]
        assert file.tensors[name].offset % 64 == 0
    assert {key: value for key, value in file.metadata.items() if key.startswith("x.")} == custom
    checked = file.verify_footer()
    assert (checked is not None and checked.matches) if footer else (checked is None and file.footer is None)


def test_the_second_writers_layout_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "b.apr"
    data = {
        "token_embd.weight": (Dtype.Q8_0, (64, 3), 204),
        "blk.0.attn_q.weight": (Dtype.Q4_1, (32, 2), 40),
        "blk.0.ffn_up.weight": (Dtype.Q6_K, (256, 3), 630),
        "output_norm.weight": (Dtype.F32, (64,), 256),
    }
    tensors = [(name, dtype, shape, bytes([i]) * size) for i, (name, (dtype, shape, size)) in enumerate(data.items())]
    metadata = {"model_type": "transformer_lm_q4k", "num_hidden_layers": 1, "architecture": "llama"}
    write_apr(path, metadata, tensors, flags=Flags.QUANTIZED, footer=False)
    assert path.read_bytes()[64:].startswith(b'{"architecture":"llama","model_type":"transformer_lm_q4k","num_hidden')
    file = read_apr(path)
    assert (file.layout, file.flags, file.footer) == (Layout.GGML, Flags.QUANTIZED, None)
    for i, (name, (dtype, shape, size)) in enumerate(data.items()):
        assert (file.tensors[name].dtype, file.tensors[name].shape) == (dtype, shape)
        assert file.raw(name).tobytes() == bytes([i]) * size


# --- the writer refuses ---------------------------------------------------------------------------------------------

F32 = Dtype.F32
REFUSED: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "too few bytes": ([("a", F32, [2], bytes(7))], {}, "7 bytes of data are given, type and shape take 8"),
    "too many bytes": ([("a", F32, [2], [bytes(8), b"x"])], {}, "more than 8 bytes"),
    "twice": ([("a", F32, [1], bytes(4))] * 2, {}, "tensor 'a': is given twice"),
    "no name": ([("", F32, [1], bytes(4))], {}, "the name has 0 bytes"),
    "a long name": ([("é" * 129, F32, [1], bytes(4))], {}, "the name has 258 bytes"),
    "half a surrogate": ([("\ud800", F32, [1], bytes(4))], {}, "is no Unicode"),
    "dimension 0": ([("a", F32, [0], b"")], {}, "shape [0] cannot be written"),
    "a negative dimension": ([("a", F32, [-1, -1], bytes(4))], {}, "cannot be written"),
    "nine dimensions": ([("a", F32, [1] * 9, bytes(4))], {}, "cannot be written"),
    "too many values": ([("a", F32, [2**40, 2**40], b"")], {}, "cannot be written"),
    "a type of the other writer": ([("a", Dtype.Q8_0, [32], bytes(34))], {}, "cannot be written in layout apr"),
    "a type of the first writer": (
        [("blk.0.x", Dtype.APR_Q8, [32], bytes(36))],
        {"flags": Flags.QUANTIZED},
        "cannot be written in layout ggml",
    ),
    "rows that do not divide": (
        [("blk.0.x", Dtype.Q4_K, [128, 2], bytes(288))],
        {"flags": Flags.QUANTIZED},
        "do not divide into Q4_K blocks",
    ),
    "GGUF's names without flags": ([("blk.0.x", F32, [1], bytes(4))], {"flags": Flags.NONE}, "neither writer makes"),
    "compression": ([], {"flags": Flags.LZ4_COMPRESSED}, "flag LZ4_COMPRESSED would say"),
    "column major": ([], {"flags": Flags.LAYOUT_COLUMN_MAJOR}, "LAYOUT_COLUMN_MAJOR"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused_and_nothing_is_left_behind(name: str, tmp_path: Path) -> None:
    tensors, options, expected = REFUSED[name]
    path = tmp_path / "out.apr"
    path.write_bytes(b"what was there before")
    with pytest.raises(UsageError) as refusal:
        write_apr(path, NOTHING, tensors, **options)
    assert expected in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert [item.name for item in tmp_path.iterdir()] == ["out.apr"]
    assert path.read_bytes() == b"what was there before"


def test_a_source_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(4)
        raise UnusableInput("the source became shorter", where="x.gguf")

    with pytest.raises(UnusableInput, match="became shorter"):
        write_apr(tmp_path / "out.apr", NOTHING, [("a", F32, [2], broken())])
    assert not list(tmp_path.iterdir())


def test_a_source_that_never_ends_is_refused(tmp_path: Path) -> None:
    asked = itertools.count()
    source = (b"xyz" for _ in asked)
    with pytest.raises(UsageError, match="more than 8 bytes"):
        write_apr(tmp_path / "out.apr", NOTHING, [("a", Dtype.F32, [2], source)])
    assert next(asked) == 3, "two pieces fit, the third does not"
    assert not list(tmp_path.iterdir())


def test_names_stand_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    """Not in that of UTF-16 units, in which U+1F600 comes before U+FF5E."""
    written = ["\U0001f600", "z", "\uff5e", "Z"]
    write_apr(tmp_path / "n.apr", NOTHING, [(name, Dtype.U8, (1,), name.encode()[:1]) for name in written])
    file = read_apr(tmp_path / "n.apr")
    assert list(file.tensors) == ["Z", "z", "\uff5e", "\U0001f600"]
    assert all(file.raw(name).tobytes() == name.encode()[:1] for name in written)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write_apr(tmp_path / "missing" / "out.apr", NOTHING, [])


def test_arrays_that_do_not_lie_in_order_are_written_in_order(tmp_path: Path) -> None:
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    write_apr(tmp_path / "t.apr", NOTHING, [("a", F32, (3, 2), array.T)])
    assert read_apr(tmp_path / "t.apr").raw("a").view("<f4").tolist() == [0, 3, 1, 4, 2, 5]


# --- the footer -----------------------------------------------------------------------------------------------------


def test_the_footer_is_looked_at_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "g.apr"
    content = bytearray(write_golden(path))
    assert read_apr(path).footer == zlib.crc32(content[:-4])
    content[-5 - 33] ^= 1  # in the last tensor
    path.write_bytes(content)
    file = read_apr(path)
    checked = file.verify_footer()
    assert checked is not None
    assert not checked.matches
    assert (checked.stored, checked.computed) == (file.footer, zlib.crc32(content[:-4]))


def test_a_file_that_became_shorter_has_no_footer_any_more(tmp_path: Path) -> None:
    path = tmp_path / "g.apr"
    write_golden(path)
    file = read_apr(path)
    other = tmp_path / "shorter"
    other.write_bytes(path.read_bytes()[:100])
    other.replace(path)  # the mapping stays with the file that was opened
    with pytest.raises(UnusableInput, match="became shorter"):
        file.verify_footer()
    path.unlink()
    with pytest.raises(UnusableInput, match="cannot be read"):
        file.verify_footer()


def test_a_tensor_that_is_not_there(tmp_path: Path) -> None:
    write_golden(tmp_path / "g.apr")
    file = read_apr(tmp_path / "g.apr")
    for ask in (file.raw, file.release):
        with pytest.raises(UnusableInput, match="there is no tensor 'lm_head'"):
            ask("lm_head")


# --- memory ---------------------------------------------------------------------------------------------------------

OPEN_AND_MEASURE = """
import resource, sys
from apr.formats.apr import read_apr
small = read_apr(sys.argv[1])              # whatever is imported late is imported now
small.raw(next(iter(small.tensors))).sum()
before = int(open("/proc/self/statm").read().split()[1])
file = read_apr(sys.argv[2])
opened = int(open("/proc/self/statm").read().split()[1])
total = int(file.raw("b").sum())
read = int(open("/proc/self/statm").read().split()[1])
file.release("b")
released = int(open("/proc/self/statm").read().split()[1])
print(*(resource.getpagesize() * (pages - before) for pages in (opened, read, released)), total)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_file_opens_at_once_and_lets_its_pages_go(by_hand: Callable[..., Any], tmp_path: Path) -> None:
    small, large = tmp_path / "small.apr", tmp_path / "large.apr"
    write_golden(small)
    gigabytes, megabytes = 5 << 30, 64 << 20
    entries = [by_hand.entry(b"a", 7, (gigabytes,), 0, gigabytes)]  # type: ignore[attr-defined]
    entries.append(by_hand.entry(b"b", 7, (megabytes,), gigabytes, megabytes))  # type: ignore[attr-defined]
    head = by_hand(entries=entries).bytes
    with large.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + gigabytes + megabytes)  # a hole: takes no room on the disk
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AND_MEASURE, small, large], capture_output=True, text=True, check=True
    )
    opened, read, released, total = map(float, done.stdout.split())
    assert opened < 1 << 20
    assert read > megabytes // 2
    assert released < 1 << 20
    assert total == 0


@pytest.mark.parametrize(
    ("offset", "nbytes", "expected"),
    [
        (0, 3, (0, 3)),
        (1, 3, (1, 3)),
        (0, 2.5, (0, 2)),
        (0.5, 0.9, None),
        (0.5, 1.5, (1, 1)),
        (0.5, 1.4, None),
        (2, 0, None),
    ],
)
def test_only_whole_pages_within_a_tensor_are_let_go(
    offset: float, nbytes: float, expected: tuple[int, int] | None
) -> None:
    """Offsets and sizes in pages: what lies in the same page as a neighbour's bytes stays."""
    page = mmap.PAGESIZE
    released: list[tuple[int, int]] = []

    class Mapping:
        def madvise(self, option: int, start: int, length: int) -> None:
            assert option == mmap.MADV_DONTNEED
            released.append((start // page, length // page))
            assert start % page == length % page == 0

    release_pages(Mapping(), int(offset * page), int(nbytes * page))  # type: ignore[arg-type] # all it asks of a mapping
    assert released == ([] if expected is None else [expected])


def test_the_hash_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_golden(tmp_path / "g.apr")
    file = read_apr(tmp_path / "g.apr")
    first = file.sha256
    monkeypatch.setattr("apr.formats.apr.reader.file_sha256", lambda _path: pytest.fail("hashed again"))
    assert file.sha256 == first
