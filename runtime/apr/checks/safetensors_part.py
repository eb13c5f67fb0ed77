"""The head of a safetensors file: the library checks it as a whole; where it refuses, the header is gone through here."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from apr.checks import places
from apr.checks.part import Part, Placed
from apr.checks.verdict import Finding, finding_of
from apr.errors import UnusableInput
from apr.formats.files import map_file
from apr.formats.safetensors_file import MAX_HEADER, read_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ABSENT = {
    3: "safetensors has no checksum",
    4: "safetensors has no footer",
    7: "safetensors aligns nothing",
}
_LENGTH = 8  # bytes of the header's own length
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def survey_safetensors(path: Path) -> Part:
    """The head of one file.

    Raises:
        UnusableInput: the file cannot be read.
    """
    data = map_file(path, "safetensors")
    part = Part(path, "safetensors", len(data), absent=dict(_ABSENT))
    part.seen[1] = "safetensors"
    try:
        file = read_safetensors(path)
    except UnusableInput as error:
        length = int.from_bytes(data[:_LENGTH], "little")
        part.data_start = _LENGTH + length
        if length <= min(MAX_HEADER, len(data) - _LENGTH):
            part.index = _index(part, data[_LENGTH : part.data_start])
        if part.index is None or not _is_explained(part):
            part.index = None
            part.faults[2] = finding_of(error, [path])
        else:
            part.seen[2] = f"{len(part.index)} tensors"
        return part
    part.seen[2] = f"{len(file.tensors)} tensors"
    part.data_start = min((stored.offset for stored in file.tensors.values()), default=part.size)
    part.index = tuple(
        Placed(name, stored.offset, stored.nbytes, stored.offset - part.data_start, 0)
        for name, stored in file.tensors.items()
    )
    return part


def _is_explained(part: Part) -> bool:
    """Whether checks 5, 6 or 11 object."""
    return any(judge(part) for judge in (places.beyond_the_end, places.overlaps, places.wrong_sizes))


def _index(part: Part, raw: bytes) -> tuple[Placed, ...] | None:
    """The tensors that a header lists, or None if it is not even a list of them."""
    try:
        content = json.loads(raw)
        return tuple(_placed(part, content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _placed(part: Part, content: dict[str, dict[str, Any]]) -> Iterator[Placed]:
    for name, entry in content.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        dims = [entry_dim for entry_dim in entry["shape"] if type(entry_dim) is int and entry_dim >= 0]
        if type(start) is not int or type(end) is not int or not 0 <= start <= end or len(dims) != len(entry["shape"]):
            raise ValueError("no place")
        size = _BYTES.get(entry["dtype"])
        fault = None
        if size is not None and end - start != math.prod(dims) * size:
            problem = f"takes {end - start} bytes; {entry['dtype']} {dims} takes {math.prod(dims) * size}"
            fault = Finding(str(part.path), problem, None, name)
        yield Placed(name, part.data_start + start, end - start, start, _LENGTH, fault)
