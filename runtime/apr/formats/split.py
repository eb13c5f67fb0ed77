"""GGUF files in several parts (`NAME-00001-of-00003.gguf`), presented as one model.

Every part is a GGUF file of its own. Its metadata says which part it is (`split.no`, counted from 0), how many there are
(`split.count`), and how many tensors all of them hold together (`split.tensors.count`); the first carries the model's own
metadata. Source: llama.cpp, `tools/gguf-split` writes them and `src/llama-model-loader.cpp` reads them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from apr.errors import UnusableInput
from apr.formats.files import file_sha256
from apr.formats.gguf import GgufFile, TensorInfo, read_gguf
from apr.formats.model_file import ModelFile, Value

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

PREFIX = "split."
MAX_PARTS = 2**16 - 1  # split.count is written as a u16
_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.ASCII | re.DOTALL)
_HINT = "all parts of one model lie in one folder, named NAME-00001-of-0000N.gguf"


class _Visible(Mapping[str, Value]):
    """The first part's metadata without what concerns the parts: no reader and no writer behind this should see that."""

    def __init__(self, metadata: Mapping[str, Value]) -> None:
        self._metadata = metadata

    def __getitem__(self, key: str) -> Value:
        if key.startswith(PREFIX):
            raise KeyError(key)
        return self._metadata[key]

    def __contains__(self, key: object) -> bool:  # without this, asking would decode arrays
        return isinstance(key, str) and not key.startswith(PREFIX) and key in self._metadata

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._metadata if not key.startswith(PREFIX))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class SplitGguf(ModelFile):
    """The parts of one model as one model file; made by `read_gguf_split`.

    Attributes:
        path: of the first part: what llama.cpp is given to find all of them.
        parts: in order.
        metadata: of the first part, without the keys about the parts.
        tensors: of all parts, in file order.
    """

    format = "gguf"

    def __init__(self, parts: tuple[GgufFile, ...], holders: Mapping[str, GgufFile]) -> None:
        self.path = parts[0].path
        self.parts = parts
        self.metadata: Mapping[str, Value] = _Visible(parts[0].metadata)
        self.value_types = {key: parts[0].value_types[key] for key in self.metadata}
        self.tensors: Mapping[str, TensorInfo] = {name: part.tensors[name] for name, part in holders.items()}
        self._holders = holders

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor, from the part that holds it; see `GgufFile.raw`."""
        holder = self._holders.get(name)
        if holder is None:
            raise UnusableInput(f"there is no tensor {name!r} in any of {len(self.parts)} parts", where=str(self.path))
        return holder.raw(name)

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""
        self._holders[name].release(name)

    @cached_property
    def sha256(self) -> str:
        """Hash of the hashes of the parts, in order; 64 hex digits."""
        return hashlib.sha256("\n".join(file_sha256(part.path) for part in self.parts).encode()).hexdigest()


def read_gguf_split(path: str | Path) -> ModelFile:
    """Opens a GGUF file, and with it the other parts where it is one of several.

    Args:
        path: of any of the parts, or of a file that is whole by itself.

    Raises:
        UnusableInput: see `apr.formats.gguf.read_gguf`; a part is missing, or the parts contradict each other.
        UnsupportedModel: see there.
    """
    given = read_gguf(path)
    count = _stated(given, "split.count", 1, MAX_PARTS) if "split.count" in given.metadata else 1
    if count == 1:
        return given
    name = _NAME.fullmatch(given.path.name)
    if name is None or int(name["count"]) != count:
        raise UnusableInput(
            f"says that it is one of {count} parts, and is not named as one of {count}",
            where=str(given.path),
            hint=_HINT,
        )
    paths = [given.path.with_name(f"{name['stem']}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1)]
    for number, place in enumerate(paths, 1):
        if not place.exists():
            raise UnusableInput(f"is missing: part {number} of {count} of this model", where=str(place), hint=_HINT)
    parts = tuple(given if place == given.path else read_gguf(place) for place in paths)
    for index, part in enumerate(parts):
        _check(part, parts[0], index, count)
    return SplitGguf(parts, _holders(parts))


def _stated(part: GgufFile, key: str, least: int, most: int) -> int:
    """A whole number in a range, which has to be there."""
    value = part.require(key, int)
    if not least <= value <= most:
        raise UnusableInput(
            f"is {value}, it must be in {least} to {most}", where=f"{part.path}: metadata key {key!r}", hint=_HINT
        )
    return value


def _check(part: GgufFile, first: GgufFile, index: int, count: int) -> None:
    """A part is the one that its name says, of as many, and says nothing else about the model than the first does.

    Raises:
        UnusableInput: it contradicts its name or the first part.
    """
    expected = {
        "split.no": index,
        "split.count": count,
        "split.tensors.count": first.require("split.tensors.count", int),
    }
    for key, value in expected.items():
        if part.require(key, int) != value:
            raise UnusableInput(
                f"is {part.metadata[key]}, in part {index + 1} of this set of {count} it must be {value}",
                where=f"{part.path}: metadata key {key!r}",
                hint="parts of different sets were mixed, or a part was renamed",
            )
    for key in part.metadata:
        if not key.startswith(PREFIX) and (key not in first.metadata or part.metadata[key] != first.metadata[key]):
            raise UnusableInput(
                f"differs from the first part, {first.path.name}",
                where=f"{part.path}: metadata key {key!r}",
                hint="parts of different sets were mixed",
            )


def _holders(parts: tuple[GgufFile, ...]) -> dict[str, GgufFile]:
    """Which part holds a tensor, by the tensor's name.

    Raises:
        UnusableInput: two parts hold the same tensor, or all together another number than announced.
    """
    holders: dict[str, GgufFile] = {}
    for part in parts:
        for name in part.tensors:
            if name in holders:
                raise UnusableInput(f"is in {holders[name].path.name} too", where=f"{part.path}: tensor {name!r}")
            holders[name] = part
    announced = parts[0].require("split.tensors.count", int)
    if len(holders) != announced:
        raise UnusableInput(
            f"announces {announced} tensors in all parts, they hold {len(holders)}",
            where=f"{parts[0].path}: metadata key 'split.tensors.count'",
        )
    return holders
