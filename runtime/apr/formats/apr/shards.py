"""Models in several .apr files: found by a manifest or by their names, and read as one.

Without a manifest, shards are named `model-00001-of-00004.apr`. Either way each shard has the flag SHARDED and says in
`metadata.sharding` which of how many it is, counted from 0. Source: `apr-format` of paiml/aprender, v2/writer.rs.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.errors import UnusableInput
from apr.formats.apr.foreign import refuse_foreign
from apr.formats.apr.header import HEADER_SIZE, MAGIC, Flags, Header
from apr.formats.apr.index import decide_layout
from apr.formats.apr.manifest import ALL_OF_THEM, MAX_SHARDS, check_manifest, read_manifest, totals
from apr.formats.apr.metadata import check_spellings
from apr.formats.apr.reader import AprFile, Footer, Opened, finish, open_headers, read_apr
from apr.formats.apr.refuse import CONVERT_AGAIN
from apr.formats.files import map_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from apr.formats.apr.dtypes import Layout
    from apr.formats.apr.index import AprTensor

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.apr", re.ASCII)
# what each shard may say for itself
_OWN_KEYS = frozenset(
    {"sharding", "total_size", "param_count", "created_at", "name", "description", "tensor_shapes"},
)


class AprSet:
    """A sharded model as one file; made by `read_apr_set`. The interface is `AprFile`'s.

    Attributes:
        path: the manifest, or the shard that it was opened by.
        shards: the files, in order.
        header: of the first shard.
        layout: of all shards.
        metadata: of the first shard, and what the others add.
        tensors: of all shards, shard by shard; offsets count from the start of the shard's own file.
    """

    def __init__(self, path: Path, shards: tuple[AprFile, ...], metadata: dict[str, Any]) -> None:
        self.path, self.shards = path, shards
        self.header: Header = shards[0].header
        self.layout: Layout = shards[0].layout
        self.metadata: Mapping[str, Any] = metadata
        self._home = {name: shard for shard in shards for name in shard.tensors}
        self.tensors: Mapping[str, AprTensor] = {
            name: tensor for shard in shards for name, tensor in shard.tensors.items()
        }

    @property
    def flags(self) -> Flags:
        """The first shard's flags."""
        return self.header.flags

    @property
    def footer(self) -> int | None:
        """The first shard's footer, unchecked; None where it has none."""
        return self.shards[0].footer

    def shard_of(self, name: str) -> AprFile:
        """The file that holds a tensor.

        Raises:
            UnusableInput: there is no such tensor.
        """
        if name not in self._home:
            raise UnusableInput(
                f"there is no tensor {name!r} in any of {len(self.shards)} shards",
                where=str(self.path),
                hint="`apr inspect` lists those that are there",
            )
        return self._home[name]

    def raw(self, name: str) -> NDArray[np.uint8]:
        """See `AprFile.raw`."""
        return self.shard_of(name).raw(name)

    def release(self, name: str) -> None:
        """See `AprFile.release`."""
        self.shard_of(name).release(name)

    def verify_footer(self) -> Footer | None:
        """Computes the checksums of all shards: the first that does not match, else the first; None where none has one."""
        footers = [footer for shard in self.shards if (footer := shard.verify_footer()) is not None]
        return next((footer for footer in footers if not footer.matches), footers[0] if footers else None)

    @cached_property
    def sha256(self) -> str:
        """Hash over the shards' hashes in order, 64 hex digits; the manifest does not count."""
        return hashlib.sha256("".join(shard.sha256 for shard in self.shards).encode()).hexdigest()


def open_apr(path: str | Path) -> AprFile | AprSet:
    """Opens a model: one .apr file, or a sharded one by its manifest or by one of its shards.

    Raises:
        UnusableInput, UnsupportedModel: as `read_apr` and `read_apr_set`.
    """
    path = Path(path)
    data = map_file(path, ".apr")
    head = data[:HEADER_SIZE]
    sharded = len(head) == HEADER_SIZE and Flags.SHARDED in Flags(int.from_bytes(head[6:8], "little"))
    if _is_manifest(head) or (head.startswith(MAGIC) and sharded):
        return read_apr_set(path)
    return read_apr(path)


def _is_manifest(head: bytes) -> bool:
    return head.lstrip().startswith(b"{")


def read_apr_set(path: str | Path) -> AprSet:
    """Opens a sharded model.

    Args:
        path: of the manifest, or of one of the shards, whose name then tells the others'.

    Raises:
        UnusableInput: a shard is missing or is none of this set; a tensor is in two shards; counts, sizes, the weight map or
            the metadata of two shards contradict each other; a filename leads out of the folder.
        UnsupportedModel: as `read_apr`.
    """
    path = Path(path)
    head = map_file(path, ".apr shard or manifest")[:HEADER_SIZE]
    if _is_manifest(head):
        manifest = read_manifest(path)
        files = _open_all([path.parent / shard.filename for shard in manifest.shards])
        check_manifest(path, manifest, files)
    else:
        refuse_foreign(path, head)
        files = _open_all(_siblings(path))
    return AprSet(path, files, _merged_metadata(files))


def _siblings(path: Path) -> list[Path]:
    """The paths of all shards, from the name of one."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise UnusableInput(
            "its name does not tell the other shards'",
            where=str(path),
            hint="give the manifest, or name shards `model-00001-of-00004.apr`",
        )
    number, count = int(match["number"]), int(match["count"])
    if not 0 < number <= count <= MAX_SHARDS:
        raise UnusableInput(f"shard {number} of {count} cannot be", where=str(path), hint=ALL_OF_THEM)
    return [path.with_name(f"{match['stem']}-{index:05d}-of-{count:05d}.apr") for index in range(1, count + 1)]


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # a name that is too long is one, too
        return False
    return True


def _open_all(paths: list[Path]) -> tuple[AprFile, ...]:
    """The shards, each with the layout that the names of all of them tell."""
    for path in paths:
        if not _is_there(path):
            raise UnusableInput(f"shard {path.name} is missing", where=str(path.parent), hint=ALL_OF_THEM)
    opened = [open_headers(path) for path in paths]
    for index, shard in enumerate(opened):
        _check_shard(shard, index, opened)
    names = [name for shard in opened for name in shard.names]
    layout = decide_layout(opened[0].path, opened[0].header, names)
    home: dict[str, Path] = {}
    for shard in opened:
        for name in shard.names:
            if name in home:
                raise UnusableInput(
                    f"tensor {name!r} is in {home[name].name} too", where=str(shard.path), hint=CONVERT_AGAIN
                )
            home[name] = shard.path
    files = tuple(finish(shard, layout) for shard in opened)
    for file in files:
        stated = file.metadata["sharding"].get("total_size")
        if stated and stated not in totals(files):  # aprender's writer puts 0 where it does not know
            raise UnusableInput(
                f"is {stated}, but the shards have {totals(files)[0]} bytes",
                where=f"{file.path}: metadata, $.sharding.total_size",
                hint=ALL_OF_THEM,
            )
    return files


def _check_shard(shard: Opened, index: int, opened: list[Opened]) -> None:
    """Whether a file says that it is this shard of so many."""
    if Flags.SHARDED not in shard.header.flags:
        raise UnusableInput("flag SHARDED is not set", where=f"{shard.path}: header, offset 0x6", hint=ALL_OF_THEM)
    if (shard.header.flags ^ opened[0].header.flags) & Flags.LAYOUT_ROW_MAJOR:
        raise UnusableInput(
            f"flag LAYOUT_ROW_MAJOR is not as in {opened[0].path.name}",
            where=f"{shard.path}: header, offset 0x6",
            hint=ALL_OF_THEM,
        )
    sharding = shard.metadata.get("sharding")
    if type(sharding) is not dict:
        raise UnusableInput(
            "does not say which shard it is", where=f"{shard.path}: metadata, $.sharding", hint=ALL_OF_THEM
        )
    for key, expected in (("shard_count", len(opened)), ("shard_index", index)):
        if type(sharding.get(key)) is not int or sharding[key] != expected:
            raise UnusableInput(
                f"is {sharding.get(key)!r}, not {expected}",
                where=f"{shard.path}: metadata, $.sharding.{key}",
                hint=ALL_OF_THEM,
            )


def _merged_metadata(files: tuple[AprFile, ...]) -> dict[str, Any]:
    """The metadata of all shards, which must not contradict each other."""
    merged = dict(files[0].metadata)
    for file in files[1:]:
        for key, value in file.metadata.items():
            if key not in _OWN_KEYS and merged.setdefault(key, value) != value:
                raise UnusableInput(
                    f"differs from {files[0].path.name}'s",
                    where=f"{file.path}: metadata, $.{key}",
                    hint=ALL_OF_THEM,
                )
    check_spellings(merged, f"{files[0].path}: metadata of all shards")
    return merged
