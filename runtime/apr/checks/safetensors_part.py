"""The head of a safetensors file: the library checks it as a whole, and its refusal is one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.part import Part, Placed
from apr.checks.verdict import finding_of
from apr.errors import UnusableInput
from apr.formats.files import map_file
from apr.formats.safetensors_file import read_safetensors

if TYPE_CHECKING:
    from pathlib import Path

_ABSENT = {
    3: "safetensors has no checksum",
    4: "safetensors has no footer",
    7: "safetensors aligns nothing",
}


def survey_safetensors(path: Path) -> Part:
    """The head of one file.

    Raises:
        UnusableInput: the file cannot be read.
    """
    part = Part(path, "safetensors", len(map_file(path, "safetensors")), absent=dict(_ABSENT))
    try:
        file = read_safetensors(path)
    except UnusableInput as error:
        part.faults[1] = finding_of(error, [path])
        return part
    part.seen[1], part.seen[2] = "safetensors", f"{len(file.tensors)} tensors"
    part.data_start = min((stored.offset for stored in file.tensors.values()), default=part.size)
    part.index = tuple(
        Placed(name, stored.offset, stored.nbytes, stored.offset - part.data_start, 0)
        for name, stored in file.tensors.items()
    )
    return part
