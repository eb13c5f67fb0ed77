"""Falsifiers of `apr-format-v2`: files are made and taken apart here byte by byte, not with the runtime's own other half."""

from __future__ import annotations

import itertools
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from given.apr_by_hand import ByHand, pad
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pv import Evidence

CONTRACT = "apr-format-v2"
EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
STATED = {"model_type": "test", "total_size": 0, "param_count": 0}
ROW_MAJOR, QUANTIZED = 0x0400, 0x0020
# type: code, values and bytes of a block
NATIVE = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "F64": (3, 1, 8),
    "I32": (4, 1, 4),
    "I64": (5, 1, 8),
    "I8": (6, 1, 1),
    "U8": (7, 1, 1),
    "Q4_K": (12, 256, 144),
    "Q6_K": (14, 256, 210),
    "BF16": (30, 1, 2),
}
GGML = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20),
    "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34),
    "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "BF16": (30, 1, 2),
}


def _take_apart(content: bytes) -> tuple[dict[str, Any], list[tuple[str, int, tuple[int, ...], int, int]]]:
    """Header fields and index entries, as the equations have them."""
    names = ("magic", "major", "minor", "flags", "tensors", "metadata", "metadata_size", "index", "data")
    fields = dict(zip(names, struct.unpack_from("<4sBBHIQIQQ", content), strict=True))
    (fields["crc"],) = struct.unpack_from("<I", content, 40)
    entries, at = [], fields["index"]
    for _ in range(fields["tensors"]):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        code, count = content[at], content[at + 1]
        dims = struct.unpack_from(f"<{count}Q", content, at + 2)
        offset, size = struct.unpack_from("<QQ", content, at + 2 + 8 * count)
        at += 2 + 8 * count + 16
        entries.append((name, code, dims, offset, size))
    fields["index_end"] = at
    return fields, entries


def _write(apr_format: Any, path: Path, metadata: Any, tensors: Any, stage: str, **options: Any) -> bytes:
    """Writes a file that can be written.

    Raises:
        Refuted: it is refused.
    """
    refusal = apr_format.write(path, metadata, tensors, **options)
    if refusal is not None:
        raise Refuted(f"cannot be written: {refusal}", stage=stage)
    return path.read_bytes()


def _put(path: Path, content: bytes | bytearray) -> None:
    """Makes the file anew: to cut one that is mapped and write it again takes a hundred times as long."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _random(size: int, seed: int = 0) -> bytes:
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, size, np.uint8).tobytes()


@falsifies(CONTRACT, "FALSIFY-FMT-001")
def everything_is_aligned(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Metadata of 64 lengths in a row, three tensors of odd sizes each."""
    evidence.level("algorithm")
    wrong: dict[str, str] = {}
    for length in range(64):
        tensors = [(name, "U8", (size,), _random(size)) for name, size in (("a", 1), ("b", 63 + length), ("c", 64))]
        content = _write(apr_format, tmp_path / "a.apr", STATED | {"x": "y" * length}, tensors, "data")
        fields, entries = _take_apart(content)
        starts = [("metadata", fields["metadata"]), ("index", fields["index"]), ("data", fields["data"])]
        starts += [("data", fields["data"] + offset) for _, _, _, offset, _ in entries]
        evidence.compared(len(starts), "places")
        for stage, start in starts:
            if start % 64:
                wrong.setdefault(stage, f"starts at byte {start}")
        ends = [("metadata", fields["metadata"] + fields["metadata_size"], fields["index"])]
        ends += [("index", fields["index_end"], fields["data"])]
        for _, _, _, offset, size in entries:
            end = fields["data"] + offset + size
            ends.append(("data", end, -(-end // 64) * 64))
        for stage, end, following in ends:
            if any(content[end:following]) or not 0 <= following - end < 64:
                wrong.setdefault(stage, f"bytes {end} to {following} are no padding")
    for stage in ("metadata", "index", "data"):  # what comes first moves what follows
        if stage in wrong:
            raise Refuted(wrong[stage], stage=stage)


def _tensors(layout: str) -> list[tuple[str, str, tuple[int, ...], bytes]]:
    """One of every type that the layout has, in an order that is not that of the names."""
    types = NATIVE if layout == "apr" else GGML
    made: list[tuple[str, str, tuple[int, ...], bytes]] = []
    for number, (name, (_, values, nbytes)) in enumerate(types.items()):
        columns, rows = 2 * values, 3
        dims = (rows, columns) if layout == "apr" else (columns, rows)
        prefix = "model.layers" if layout == "apr" else "blk"
        made.append((f"{prefix}.{9 - number % 10}.{name}", name, dims, _random(rows * 2 * nbytes, number)))
    if layout == "apr":
        made.append(("é.AprQ4", "AprQ4", (3, 11), _random(36, 90)))
        made.append(("z.AprQ8", "AprQ8", (3, 11), _random(37, 91)))
    return made


@falsifies(CONTRACT, "FALSIFY-FMT-002")
def what_is_written_comes_back(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Every type in both layouts, and metadata of every JSON type."""
    evidence.level("algorithm")
    for layout, flags in (("apr", ROW_MAJOR), ("ggml", QUANTIZED)):
        tensors = _tensors(layout)
        metadata = STATED | {
            "x.list": [1, -2.5, None, True, "é\n\U0001f600"],
            "x.nested": {"y": {"z": []}},
            "x.big": 2**63,
        }
        _write(apr_format, tmp_path / "a.apr", metadata, tensors, "index", flags=flags)
        file = apr_format.read(tmp_path / "a.apr")
        if isinstance(file, str):
            raise Refuted(f"what was written is refused: {file}", stage="index")
        kept = {key: value for key, value in file.metadata.items() if value is not None}
        evidence.compared(len(metadata), "keys")
        if kept != metadata:
            raise Refuted(f"metadata came back as {kept}", stage="metadata")
        evidence.compared(len(tensors), "tensors")
        if list(file.tensors) != sorted((name for name, *_ in tensors), key=str.encode):
            raise Refuted(f"names came back as {list(file.tensors)}", stage="index")
        for name, dtype, dims, data in tensors:
            found = file.tensors[name]
            if (found.type_name, found.shape, found.nbytes) != (dtype, dims, len(data)):
                raise Refuted(f"{name} came back as {found}", stage="index")
            if file.raw(name).tobytes() != data:
                raise Refuted(f"{name} came back with other bytes", stage="data")


@falsifies(CONTRACT, "FALSIFY-FMT-003")
def another_magic_is_refused(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """The formats that share the name, and every other value of each byte of the magic."""
    evidence.level("algorithm")
    path = tmp_path / "a.apr"

    def refusal(magic: bytes) -> str:
        file = ByHand()
        file.fields = {"magic": magic}
        _put(path, file.bytes)
        read = apr_format.read(path)
        evidence.compared(1, "magics")
        if not isinstance(read, str):
            raise Refuted(f"a file that starts with {magic!r} is read", stage="header")
        return read

    for magic, name in ((b"APRN", "version 1"), (b"APR1", "APR1"), (b"APR2", "APR2")):
        said = refusal(magic)
        if name not in said or "not an .apr file" in said:
            raise Refuted(f"{magic!r} is not named: {said}", stage="header")
    for place, value in itertools.product(range(4), range(256)):
        changed = bytearray(b"APR\0")
        if changed[place] != value:
            changed[place] = value
            refusal(bytes(changed))


@falsifies(CONTRACT, "FALSIFY-FMT-004")
def flips_are_found(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Every bit of a small file, one at a time."""
    evidence.level("algorithm")
    file = ByHand({"x": 1}, [("a", 0, (2,), bytes(8))])
    file.footer = True
    whole = file.bytes
    path = tmp_path / "a.apr"
    data = _take_apart(whole)[0]["data"]
    unnoticed = 0
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        _put(path, flipped)
        read = apr_format.read(path)
        evidence.compared(1, "flips")
        if isinstance(read, str):
            continue
        if bit < 64 * 8:
            raise Refuted(f"bit {bit % 8} of byte {bit // 8} may be flipped", stage="header")
        footer = read.verify_footer()
        if footer is None or footer.matches:
            raise Refuted(f"bit {bit % 8} of byte {bit // 8} is flipped, and the footer matches", stage="footer")
        if data <= bit // 8 < len(whole) - 4:
            _put(path, flipped[:-4])  # the same without a footer
            alone = apr_format.read(path)
            unnoticed += not isinstance(alone, str) and alone.verify_footer() is None
    evidence.report(**{"flips in data unnoticed without a footer": unnoticed})
    if unnoticed != 8 * (len(whole) - 4 - data):
        raise Refuted("flips in the data are found without a footer: say how", stage="data")


GOLDEN = {
    "model_type": "linear_regression",
    "name": "golden-v2",
    "version": "0.0.0-golden",
    "created_at": "1700000000",
    "total_size": 0,
    "param_count": 8,
}
# what an absent key looks like in the old spelling, in order
OLD_KEYS = [
    "model_type",
    "name",
    "description",
    "author",
    "license",
    "data_source",
    "data_license",
    "version",
    "source",
    "original_format",
    "created_at",
    "total_size",
    "param_count",
    "quantization",
    "sharding",
    "chat_template",
    "chat_format",
    "special_tokens",
    "architecture",
    "hf_architecture",
    "hf_model_type",
    "hidden_size",
    "num_layers",
    "num_heads",
    "num_kv_heads",
    "vocab_size",
    "intermediate_size",
    "max_position_embeddings",
    "rope_theta",
    "rope_type",
    "rms_norm_eps",
    "head_dim",
    "num_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
]


@falsifies(CONTRACT, "FALSIFY-FMT-005")
def the_worked_example(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Two tensors; the bytes by hand, section by section."""
    evidence.level("algorithm")
    weights = struct.pack("<8f", 1, 2, 0.5, -0.5, 4, -2, 0.25, 8)
    bias = struct.pack("<f", 0.125)
    current = [key for key in OLD_KEYS if key in GOLDEN or key in ("license", "data_source", "data_license")]
    for spelling, keys, length in (("current", current, 516), ("nulls", OLD_KEYS, 1092)):
        text = json.dumps({key: GOLDEN.get(key) for key in keys}, separators=(",", ":")).encode()
        file = ByHand(text, [("bias", 0, (1,), bias), ("weights", 0, (8,), weights)])
        file.footer = True
        expected = file.bytes
        tensors = [("weights", "F32", (8,), weights), ("bias", "F32", (1,), bias)]
        content = _write(apr_format, tmp_path / "a.apr", GOLDEN, tensors, "data", spelling=spelling)
        evidence.compared(length, "bytes")
        raw, index, data = file.sections()
        at = 0
        # the header depends on all the rest, so it is looked at last
        for stage, size in (
            ("header", 64),
            ("metadata", len(pad(raw))),
            ("index", len(pad(index))),
            ("data", len(data)),
        ):
            if stage != "header" and content[at : at + size] != expected[at : at + size]:
                raise Refuted(f"bytes {at} to {at + size} are not as they should be ({spelling})", stage=stage)
            at += size
        if content[at:] != expected[at:] and content[:at] == expected[:at]:
            raise Refuted("the footer is another", stage="footer")
        if content != expected:
            raise Refuted("the header is another", stage="header")
        if len(content) != length:
            raise Refuted(f"{len(content)} bytes, and upstream has {length}", stage="data")


def _crc32(content: bytes) -> int:
    """CRC-32 of IEEE 802.3, a bit at a time."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 * (crc & 1)
    return crc ^ 0xFFFFFFFF


@falsifies(CONTRACT, "FALSIFY-FMT-006")
def checksums_are_crc32(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """The check value, and headers and footers of files of many sizes."""
    evidence.level("algorithm")
    evidence.compared(1, "check values")
    if not _crc32(b"123456789") == apr_format.checksum(b"123456789") == 0xCBF43926:
        raise Refuted(f"123456789 gives {apr_format.checksum(b'123456789'):#010x}", stage="header")
    for size in (1, 64, 100, 1000):
        content = _write(apr_format, tmp_path / "a.apr", STATED, [("a", "U8", (size,), _random(size))], "header")
        (stored,) = struct.unpack_from("<I", content, 40)
        evidence.compared(2, "checksums")
        if stored != _crc32(content[:40] + content[44:64]):
            raise Refuted(f"the header has {stored:#010x}", stage="header")
        if content[-4:] != struct.pack("<I", _crc32(content[:-4])):
            raise Refuted(f"the footer has {content[-4:].hex()}", stage="footer")


def _said(**fields: Any) -> ByHand:
    """A sound file but for these fields of its header."""
    file = ByHand()
    file.fields = fields
    return file


def _behind(tail: bytes, **options: Any) -> ByHand:
    file = ByHand(**options)
    file.tail = tail
    return file


def _entries(*entries: tuple[bytes, int, tuple[int, ...], int, int], room: int = 256) -> ByHand:
    """An index that says anything, and so many bytes of data."""
    return _behind(bytes(room), entries=[ByHand.entry(*entry) for entry in entries])


# what other readers do with it -> the section that is wrong, and the file
WRONG = {
    "the version is not looked at": ("header", _said(major=3)),
    "LZ4 is expected where nothing is compressed": ("header", ByHand(flags=0x0401)),
    "encryption is not looked at": ("header", ByHand(flags=0x0404)),
    "column major is read as row major": ("header", ByHand(flags=0x0800)),
    "a million tensors are believed": ("header", _said(count=10**6)),
    "unreadable metadata counts as none": ("metadata", ByHand(b'{"hidden_size": ')),
    "metadata that is no object counts as none": ("metadata", ByHand(b"[]")),
    "of two keys the last one wins": ("metadata", ByHand(b'{"num_layers":1,"num_layers":2}')),
    "two spellings of a key lose all metadata": ("metadata", ByHand(b'{"num_layers":null,"num_hidden_layers":4}')),
    "NaN is taken for a number": ("metadata", ByHand(b'{"rope_theta":NaN}')),
    "an unknown type is read as float32": ("index", _entries((b"a", 99, (16,), 0, 64), room=64)),
    "a size that no type has is not looked at": ("index", _entries((b"a", 0, (16,), 0, 32), room=64)),
    "names are not sorted": ("index", _entries((b"b", 7, (4,), 0, 4), (b"a", 7, (4,), 64, 4), room=128)),
    "a name twice hides a tensor": ("index", _entries((b"a", 7, (4,), 0, 4), (b"a", 7, (4,), 64, 4), room=128)),
    "names are decoded with replacements": ("index", _entries((b"\xff", 7, (4,), 0, 4), room=64)),
    "dimensions wrap around": ("index", _entries((b"a", 7, (2**63, 2, 2), 0, 4), room=64)),
    "tensors share their bytes": ("data", _entries((b"a", 7, (65,), 0, 65), (b"b", 7, (4,), 64, 4), room=128)),
    "data is not aligned": ("data", _entries((b"a", 7, (4,), 32, 4), room=64)),
    "missing data is zero": ("data", _entries((b"a", 7, (4,), 64, 4), room=64)),
    "what follows the data is not looked at": ("footer", _behind(bytes(8))),
}  # fmt: skip


@falsifies(CONTRACT, "FALSIFY-FMT-007")
def nothing_is_filled_in(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """One file for each silent fallback that readers of this format have."""
    evidence.level("algorithm")
    path = tmp_path / "wrong.apr"
    _put(path, ByHand().bytes)
    if isinstance(apr_format.read(path), str):
        raise Refuted("a sound file is refused", stage="header")
    for what, (stage, file) in WRONG.items():
        _put(path, file.bytes)
        read = apr_format.read(path)
        evidence.compared(1, "wrong files")
        if not isinstance(read, str):
            raise Refuted(what, stage=stage)
        if not read.startswith(f"{path}: ") or "offset 0x" not in read or "; " not in read:
            raise Refuted(f"{what}: the message does not say where, or what to do: {read}", stage=stage)


@falsifies(CONTRACT, "FALSIFY-FMT-008")
def a_cut_file_is_refused(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Every prefix of a file with three tensors."""
    evidence.level("algorithm")
    file = ByHand(entries=[(name, 7, (size,), _random(size)) for name, size in (("a", 100), ("b", 1), ("c", 64))])
    file.footer = True
    whole = file.bytes
    data = _take_apart(whole)[0]["data"]
    path = tmp_path / "cut.apr"
    for length in range(len(whole) + 1):
        _put(path, whole[:length])
        taken = not isinstance(apr_format.read(path), str)
        evidence.compared(1, "prefixes")
        if taken != (length in {len(whole), len(whole) - 4}):
            stage = "header" if length < 64 else "metadata" if length < data else "data"
            raise Refuted(f"{length} of {len(whole)} bytes are {'read' if taken else 'refused'}", stage=stage)


# code, dims, bytes, layout's flags, type or None where it must be refused
DECIDED = [
    *((code, (3, 5), 15 * size, ROW_MAJOR, name) for name, (code, values, size) in NATIVE.items() if values == 1),
    *((code, (2 * values, 3), 6 * size, QUANTIZED, name) for name, (code, values, size) in GGML.items()),
    (8, (3, 11), 36, ROW_MAJOR, "AprQ4"),
    (9, (3, 11), 37, ROW_MAJOR, "AprQ8"),
    (9, (32,), 36, ROW_MAJOR, "AprQ8"),
    (128, (3, 11), 36, ROW_MAJOR, "AprQ4"),
    (129, (3, 11), 37, ROW_MAJOR, "AprQ8"),
    (8, (2, 32), 68, ROW_MAJOR, "Q8_0"),
    (3, (2, 32), 40, ROW_MAJOR, "Q4_1"),
    (6, (2, 32), 44, ROW_MAJOR, "Q5_0"),
    (7, (2, 32), 48, ROW_MAJOR, "Q5_1"),
    (9, (32,), 36, QUANTIZED, None),
    (8, (2, 32), 60, ROW_MAJOR, None),
    (0, (3, 5), 120, ROW_MAJOR, None),
    (99, (3, 5), 60, ROW_MAJOR, None),
    *(
        (code, (2, columns), 2 * -(-columns // 256) * size, ROW_MAJOR, name)
        for name, code, size in (("Q4_K", 12, 144), ("Q6_K", 14, 210))
        for columns in (1, 255, 256, 257, 300, 512)
    ),
    (12, (2, 128), 144, ROW_MAJOR, None),
    (14, (3, 300), 840, ROW_MAJOR, None),
]


@falsifies(CONTRACT, "FALSIFY-FMT-009")
def sizes_decide(evidence: Evidence, apr_format: Any, tmp_path: Path) -> None:
    """Every code of both writers, with the size of each type that it may stand for."""
    evidence.level("algorithm")
    path = tmp_path / "a.apr"
    for code, dims, size, flags, expected in DECIDED:
        name = "blk.0.x" if flags == QUANTIZED else "model.layers.0.x"
        _put(path, ByHand(entries=[(name, code, dims, bytes(size))], flags=flags).bytes)
        read = apr_format.read(path)
        found = None if isinstance(read, str) else read.tensors[name].type_name
        evidence.compared(1, "entries")
        if found != expected:
            raise Refuted(f"code {code}, dims {list(dims)}, {size} bytes is {found}, not {expected}", stage="index")


def _round(x: float) -> int:
    """Halves away from zero."""
    below = int(abs(x))
    return (below + (abs(x) - below >= 0.5)) * (-1 if x < 0 else 1)


def _by_the_equation(type_name: str, values: NDArray[np.float32]) -> tuple[bytes, list[float]]:
    """Bytes and what they decode to, a number at a time; values are not so small that a scale underflows."""
    steps, width, least = (7, 32, -8) if type_name == "AprQ4" else (127, values.size, -127)
    encoded, decoded = b"", list[float]()
    for start in range(0, values.size, width):
        block = values[start : start + width]
        greatest = np.abs(block).max()
        scale = np.float32(1) if greatest == 0 else greatest / np.float32(steps)
        q = [max(least, min(steps, _round(float(value / scale)))) for value in block]
        if type_name == "AprQ8":
            stored = scale
            encoded += struct.pack(f"<f{len(q)}b", scale, *q)
        else:
            stored = np.float32(np.float16(scale))
            nibbles = [code + 8 for code in q] + [0] * (32 - len(q))
            encoded += struct.pack("<e", stored) + bytes(
                low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True)
            )
        decoded += [float(stored * np.float32(code)) for code in q]
    return encoded, decoded


@falsifies(CONTRACT, "FALSIFY-FMT-010")
def own_quantisations(evidence: Evidence, apr_format: Any) -> None:
    """Values on a grid of thousandths, so that halves occur."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(st.integers(1, 100), st.integers(0, 2**32 - 1), st.sampled_from([2, 14, 254, 1000, 65000]))
    def check(count: int, seed: int, span: int) -> None:
        grid = np.random.Generator(np.random.PCG64(seed)).integers(-span, span + 1, count)
        values = (grid / np.float32(2)).astype(np.float32)
        for type_name in ("AprQ4", "AprQ8"):
            encoded, decoded = _by_the_equation(type_name, values)
            got = apr_format.encode(type_name, values)
            evidence.compared(count, "values")
            if got != encoded:
                raise Refuted(f"{type_name} of {values.tolist()} is {got.hex()}, not {encoded.hex()}", stage="data")
            back = apr_format.decode(type_name, np.frombuffer(encoded, np.uint8), count)
            if back.tolist() != decoded:
                raise Refuted(f"{type_name} {encoded.hex()} decodes to {back.tolist()}", stage="data")

    check()
