"""The head of a GGUF file, fault by fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.part import Part, Placed
from apr.checks.verdict import finding_of
from apr.errors import UnusableInput
from apr.formats.files import map_file
from apr.formats.gguf import MAGIC, VERSIONS, read_head, tensor_info

if TYPE_CHECKING:
    from pathlib import Path

    from apr.formats.gguf import Entry, Head

_ABSENT = {3: "GGUF has no checksum", 4: "GGUF has no footer"}


def is_damaged_magic(head: bytes) -> bool:
    """Whether a file would be GGUF but for one byte of its magic."""
    differing = sum(a != b for a, b in zip(head[:4], MAGIC, strict=False))
    return len(head) >= 8 and differing == 1 and int.from_bytes(head[4:8], "little") in VERSIONS


def is_one_of_several(path: Path) -> bool:
    """Whether the metadata, as far as they can be read, say so."""
    try:
        count = read_head(path).metadata.get("split.count", 1)
    except UnusableInput:
        return False
    return isinstance(count, int) and count > 1


def survey_gguf(path: Path) -> Part:
    """The head of one file.

    Raises:
        UnusableInput: the file cannot be read.
    """
    data = map_file(path, "GGUF")
    part = Part(path, "gguf", len(data), absent=dict(_ABSENT))
    if data[: len(MAGIC)] != MAGIC:
        part.fault(1, f"starts with {data[:4]!r}, not {MAGIC!r}; the rest is a GGUF header", "header", 0)
        return part
    part.seen[1] = "GGUF"
    try:
        head = read_head(path)
    except UnusableInput as error:
        finding = finding_of(error, [path])
        number = 9 if finding.tensor is not None else {"header": 2}.get(finding.section or "", _later(finding.section))
        if number > 2:
            part.seen[2] = f"version {int.from_bytes(data[4:8], 'little')}"
        part.faults[number] = finding
        return part
    part.seen[2] = f"version {head.version}, {len(head.metadata)} metadata keys, {len(head.entries)} tensors"
    part.alignment, part.data_start = head.alignment, head.data_start
    part.index = tuple(_placed(head, entry) for entry in head.entries)
    return part


def _later(section: str | None) -> int:
    return 8 if section is not None and section.startswith("metadata") else 9


def _placed(head: Head, entry: Entry) -> Placed:
    start = head.data_start + entry.offset
    try:
        info = tensor_info(head.path, entry, head.data_start)
    except UnusableInput as error:
        return Placed(entry.name, start, None, entry.offset, entry.at, finding_of(error, [head.path]))
    return Placed(entry.name, start, info.nbytes, entry.offset, entry.at)
