"""Manifests of sharded models.

JSON: {version "2.0", shard_count, total_size, tensor_count, shards [{filename, index, size, tensors}], weight_map {tensor:
index}}. Sizes are stated as bytes of files or of tensors: both are in use, so either will do. Source: `apr-format` of
paiml/aprender, v2/reader_impl.rs (`ShardManifest`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from apr.errors import UnusableInput
from apr.formats.apr.header import MAX_METADATA
from apr.formats.apr.strict_json import parse_object
from apr.formats.files import map_file

if TYPE_CHECKING:
    from pathlib import Path

    from apr.formats.apr.reader import AprFile

MANIFEST_VERSION = "2.0"
MAX_SHARDS = 1000
ALL_OF_THEM = "get all files of the model again, into one folder"


@dataclass(frozen=True)
class ManifestShard:
    """One line of a manifest."""

    filename: str
    index: int
    size: int
    tensors: list[str]


@dataclass(frozen=True)
class Manifest:
    """A manifest whose parts have the right types; whether they agree is checked against the files."""

    total_size: int
    tensor_count: int
    shards: list[ManifestShard]
    weight_map: dict[str, int]


class _ManifestReader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def refuse(self, place: str, problem: str) -> NoReturn:
        raise UnusableInput(problem, where=f"{self.path}: {place}", hint=ALL_OF_THEM)

    def member(self, content: dict[str, Any], name: str, kind: type, place: str = "$") -> Any:
        value = content.get(name)
        if type(value) is not kind:
            self.refuse(f"{place}.{name}", f"missing, or no {kind.__name__}")
        return value

    def whole(self, content: dict[str, Any], name: str, place: str = "$") -> int:
        value: int = self.member(content, name, int, place)
        if value < 0:
            self.refuse(f"{place}.{name}", f"is {value}, less than 0")
        return value

    def shard(self, position: int, content: Any) -> ManifestShard:
        place = f"$.shards[{position}]"
        if type(content) is not dict:
            self.refuse(place, "is no object")
        filename = self.member(content, "filename", str, place)
        if "\0" in filename or filename in {"", ".", ".."} or re.search(r"[/\\]", filename):
            self.refuse(f"{place}.filename", f"{filename!r} is no name of a file in the manifest's own folder")
        tensors = self.member(content, "tensors", list, place)
        if not all(type(name) is str for name in tensors):
            self.refuse(f"{place}.tensors", "holds something other than names")
        return ManifestShard(filename, self.whole(content, "index", place), self.whole(content, "size", place), tensors)

    def read(self) -> Manifest:
        data = map_file(self.path, "shard manifest")
        if len(data) > MAX_METADATA:
            self.refuse("the file", f"is larger than {MAX_METADATA} bytes")
        content = parse_object(data[:], self.path, "the file")
        if content.get("version") != MANIFEST_VERSION:
            self.refuse("$.version", f"is {content.get('version')!r}, not {MANIFEST_VERSION!r}")
        count = self.whole(content, "shard_count")
        shards = [
            self.shard(position, shard)
            for position, shard in enumerate(self.member(content, "shards", list)[: MAX_SHARDS + 1])
        ]
        if not 0 < count == len(shards) <= MAX_SHARDS:
            self.refuse(
                "$.shard_count", f"is {count}, but {len(shards)} shards are listed (1 to {MAX_SHARDS} are read)"
            )
        if sorted(shard.index for shard in shards) != list(range(count)):
            self.refuse("$.shards", f"the indices are not 0 to {count - 1}, each once")
        if len({shard.filename for shard in shards}) != count:
            self.refuse("$.shards", "lists a file twice")
        weight_map = self.member(content, "weight_map", dict)
        for name, index in weight_map.items():
            if type(index) is not int or not 0 <= index < count:
                self.refuse(f"$.weight_map[{name!r}]", f"is {index!r}; shards are numbered 0 to {count - 1}")
        return Manifest(
            self.whole(content, "total_size"),
            self.whole(content, "tensor_count"),
            sorted(shards, key=lambda shard: shard.index),
            weight_map,
        )

    def check(self, manifest: Manifest, files: tuple[AprFile, ...]) -> None:
        """Whether the files hold what the manifest lists."""
        for shard, file in zip(manifest.shards, files, strict=True):
            place = f"$.shards, index {shard.index}"
            if shard.size not in sizes(file):
                self.refuse(place, f"size is {shard.size}, but {shard.filename} has {sizes(file)[0]} bytes")
            if sorted(shard.tensors) != sorted(file.tensors):
                differing = sorted(set(shard.tensors) ^ set(file.tensors)) or ["one name twice"]
                self.refuse(place, f"does not list the tensors of {shard.filename}: {differing[0]!r}")
            for name in file.tensors:
                if manifest.weight_map.get(name) != shard.index:
                    stated = manifest.weight_map.get(name)
                    self.refuse(f"$.weight_map[{name!r}]", f"is {stated}, but the tensor is in shard {shard.index}")
        count = sum(len(file.tensors) for file in files)
        if len(manifest.weight_map) != count:
            extra = sorted(set(manifest.weight_map) - {name for file in files for name in file.tensors})
            self.refuse("$.weight_map", f"names a tensor that no shard has: {extra[0]!r}")
        if manifest.tensor_count != count:
            self.refuse("$.tensor_count", f"is {manifest.tensor_count}, but the shards have {count}")
        if manifest.total_size not in totals(files):
            self.refuse("$.total_size", f"is {manifest.total_size}, but the shards have {totals(files)[0]} bytes")


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest; the files that it lists are left alone.

    Raises:
        UnusableInput: no JSON object, another version, parts missing or of the wrong type, counts that contradict each other,
            a filename that leads out of the manifest's folder; the message names the JSON path.
    """
    return _ManifestReader(path).read()


def check_manifest(path: Path, manifest: Manifest, files: tuple[AprFile, ...]) -> None:
    """Refuses a manifest that says something else than the files.

    Args:
        path: of the manifest, for messages.
        manifest: as read.
        files: its shards, in the order of their indices.

    Raises:
        UnusableInput: sizes, tensors, the weight map or totals differ; the message names the JSON path.
    """
    _ManifestReader(path).check(manifest, files)


def sizes(file: AprFile) -> tuple[int, int]:
    """Bytes of the file, and of its tensors."""
    return file.size, sum(tensor.nbytes for tensor in file.tensors.values())


def totals(files: tuple[AprFile, ...]) -> tuple[int, int]:
    """`sizes` of all files together."""
    stated = [sizes(file) for file in files]
    return sum(size for size, _ in stated), sum(size for _, size in stated)
