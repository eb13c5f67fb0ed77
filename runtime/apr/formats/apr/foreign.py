"""What else is called .apr: the v1 container `APRN`, two layouts with the magic `APR1`, and `APR2`.

None of them holds a language model that could be run; they are recognised and named. The header and the metadata of v1 can
be shown. Sources: `apr-format` of paiml/aprender, types.rs and core_io.rs; whisper.apr; aprender's serialization module.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from apr.errors import UnsupportedModel
from apr.formats.apr.header import MAX_METADATA
from apr.formats.apr.refuse import DAMAGED, refusal
from apr.formats.files import map_file

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC_V1 = b"APRN"
MAGIC_APR1 = b"APR1"
MAGIC_APR2 = b"APR2"
MODEL_TYPES_V1 = {
    0x01: "LinearRegression",
    0x02: "LogisticRegression",
    0x03: "DecisionTree",
    0x04: "RandomForest",
    0x05: "GradientBoosting",
    0x06: "KMeans",
    0x07: "PCA",
    0x08: "NaiveBayes",
    0x09: "KNN",
    0x0A: "SVM",
    0x10: "NgramLm",
    0x11: "TfIdf",
    0x12: "CountVectorizer",
    0x20: "NeuralSequential",
    0x21: "NeuralCustom",
    0x30: "ContentRecommender",
    0x40: "MixtureOfExperts",
    0xFF: "Custom",
}
COMPRESSIONS_V1 = {0: "none", 1: "zstd, level 3", 2: "zstd, level 19", 3: "lz4"}
_HEADER_V1 = struct.Struct("<4sBBHIIIBBB9s")
_CRC_SIZE = 4
# a v1 header describes a classic model: far more than any has, and little enough that nested promises stay harmless
_MAX_ITEMS = 1 << 16
_WHISPER_HEADER, _WHISPER_DESCRIPTOR = 52, 96  # magic included


class FlagsV1(IntFlag):
    """What a v1 header says about the file."""

    NONE = 0
    ENCRYPTED = 0x01
    SIGNED = 0x02
    STREAMING = 0x04
    LICENSED = 0x08
    TRUENO_NATIVE = 0x10
    QUANTIZED = 0x20
    MODEL_CARD = 0x40


@dataclass(frozen=True)
class AprV1:
    """What a v1 file says about itself.

    Attributes:
        path: of the file.
        version: major and minor.
        model_type: its name; `Unknown (0x…)` for a number that has none.
        metadata_size, payload_size, uncompressed_size: in bytes.
        compression: of the payload.
        flags: see `FlagsV1`; the highest bit has no meaning.
        quality_score: 1 to 100; 0: not said.
        metadata: the MessagePack map, as JSON has it: bytes are hex digits.
        checksum_matches: whether the CRC-32 at the file's end is that of everything before it.
    """

    path: Path
    version: tuple[int, int]
    model_type: str
    metadata_size: int
    payload_size: int
    uncompressed_size: int
    compression: str
    flags: FlagsV1
    quality_score: int
    metadata: Mapping[str, Any]
    checksum_matches: bool


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuses what is called .apr and is another format.

    Args:
        path: of the file, for messages.
        head: its first 64 bytes, or all of it where it is shorter.

    Raises:
        UnsupportedModel: v1, `APR1` or `APR2`; the message says what it is and what to do.
    """
    magic = head[:4]
    if magic == MAGIC_V1:
        model = _model_type_v1(head)
        problem = f"is an .apr file of version 1 (APRN), which holds a classic model{model}, not a language model"
        hint = "`apr inspect` shows what it says about itself; aprender runs it"
    elif magic == MAGIC_APR1:
        kind = _apr1_kind(path, head)
        problem = f"is an APR1 file ({kind}), another format in spite of its name"
        hint = "convert the model from its source with `apr import`"
    elif magic == MAGIC_APR2:
        problem = "starts with APR2, which no writer is known to write and aprender's own reader refuses"
        hint = "if it is an .apr file of version 2, write it again with the magic 'APR\\0'"
    else:
        return
    raise refusal(path, "header", 0, problem, hint=hint, kind=UnsupportedModel)


def _model_type_v1(head: bytes) -> str:
    if len(head) < 8:
        return ""
    (number,) = struct.unpack_from("<H", head, 6)
    return f" ({MODEL_TYPES_V1[number]})" if number in MODEL_TYPES_V1 else ""


def _apr1_kind(path: Path, head: bytes) -> str:
    """Which of the two formats with this magic it is, as far as its first bytes tell."""
    if len(head) >= 9:
        (length,) = struct.unpack_from("<I", head, 4)
        if head[8:9] == b"{" and 8 + length < path.stat().st_size:
            return "JSON metadata, tensors and a CRC, of aprender's serialization module"
    if len(head) >= _WHISPER_HEADER:
        (count,) = struct.unpack_from("<H", head, 9)
        if _WHISPER_HEADER + count * _WHISPER_DESCRIPTOR <= path.stat().st_size:
            return f"a speech model of whisper.apr with {count} tensors"
    return "of neither layout that is known by this name"


def describe_v1(path: str | Path) -> AprV1:
    """Reads header and metadata of a v1 file; its payload is left alone.

    Raises:
        UnusableInput: not v1, cut off, of a major version above 1, or its metadata is no MessagePack map.
        UnsupportedModel: the library for MessagePack is not installed.
    """
    path = Path(path)
    data = map_file(path, "v1 .apr", _HEADER_V1.size + _CRC_SIZE)

    def refuse(section: str, offset: int, problem: str) -> NoReturn:
        raise refusal(path, section, offset, problem, hint=DAMAGED)

    fields = _HEADER_V1.unpack_from(data)
    magic, major, minor, model_type, metadata_size, payload_size, uncompressed_size = fields[:7]
    compression, flags, quality, reserved = fields[7:]
    if magic != MAGIC_V1:
        refuse("header", 0, f"is no .apr file of version 1: it starts with {magic!r}, not {MAGIC_V1!r}")
    if major > 1:
        refuse("header", 4, f"is version {major}.{minor} of the v1 container; 1.x is supported")
    left = len(data) - _HEADER_V1.size - _CRC_SIZE
    if metadata_size > min(left, MAX_METADATA):
        refuse("header", 8, f"{metadata_size} bytes of metadata announced, but {left} are left in the file")
    if payload_size > left - metadata_size:
        refuse("header", 12, f"{payload_size} bytes of payload announced, but {left - metadata_size} are left")
    if compression not in COMPRESSIONS_V1:
        refuse("header", 20, f"compression {compression} is not known")
    if any(reserved):
        refuse("header", 23, "the reserved bytes are not zero")
    end = _HEADER_V1.size + metadata_size
    metadata = _unpack(path, data[_HEADER_V1.size : end])
    crc = zlib.crc32(memoryview(data)[:-_CRC_SIZE])
    return AprV1(
        path,
        (major, minor),
        MODEL_TYPES_V1.get(model_type, f"Unknown ({model_type:#06x})"),
        metadata_size,
        payload_size,
        uncompressed_size,
        COMPRESSIONS_V1[compression],
        FlagsV1(flags & 0x7F),
        quality,
        metadata,
        crc == int.from_bytes(data[-_CRC_SIZE:], "little"),
    )


def _unpack(path: Path, raw: bytes) -> dict[str, Any]:
    """The MessagePack map."""
    try:
        import msgpack  # noqa: PLC0415 - only v1 needs it
    except ImportError as error:
        raise UnsupportedModel(
            "the metadata of v1 files is MessagePack, and its library is not installed",
            where=str(path),
            hint="pip install msgpack",
        ) from error
    try:
        unpacked = msgpack.unpackb(
            raw, raw=False, strict_map_key=True, max_array_len=_MAX_ITEMS, max_map_len=_MAX_ITEMS
        )
        content = _plain(unpacked)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        problem = f"is no MessagePack: {type(error).__name__}: {error}"
        raise refusal(path, "metadata", _HEADER_V1.size, problem, hint=DAMAGED) from error
    if type(content) is not dict:
        problem = f"is a MessagePack {type(content).__name__}, not a map"
        raise refusal(path, "metadata", _HEADER_V1.size, problem, hint=DAMAGED)
    return content


def _plain(value: Any) -> Any:
    """The value as JSON has it: bytes as hex digits, types of MessagePack's own as their text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(_plain(key)): _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
