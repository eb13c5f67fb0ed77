"""The model file that a unit is about, where the unit is measured: found, held against its hash, and read only as far as it is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apr.cache.place import read_stamp, stamped
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.errors import UnusableInput
from apr.formats import open_model
from apr.formats.gguf import GgufFile
from apr.formats.model_file import ModelFile
from apr.parity.sides import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_MOST = 2  # models that a process keeps open: one a side


@dataclass(frozen=True)
class ModelIdentity:
    """Which model is meant.

    Attributes:
        path: where it is on the machine that asks.
        sha256: of its bytes, see `ModelFile.sha256`.
    """

    path: str
    sha256: str


def identity_of(file: ModelFile) -> ModelIdentity:
    """The identity of a file that is open. A link stays a link: the same mount may lead elsewhere on another machine."""
    return ModelIdentity(os.path.abspath(file.path), file.sha256)  # noqa: PTH100 - Path.resolve follows links


class Watched(ModelFile):
    """A model file that counts the bytes of the tensors that are asked for.

    Attributes:
        file: the file itself.
        asked: names of the tensors that were asked for, in order, each time.
        nbytes: of all of them together.
    """

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self.path, self.format, self.rope_kind = file.path, file.format, file.rope_kind
        self.metadata, self.value_types, self.tensors = file.metadata, file.value_types, file.tensors
        self.asked: list[str] = []
        self.nbytes = 0

    def raw(self, name: str) -> NDArray[np.uint8]:
        """See `ModelFile.raw`."""
        return self._noted(name, self.file.raw(name))

    def matrix(self, name: str, index: int) -> NDArray[np.uint8]:
        """See `ModelFile.matrix`."""
        return self._noted(name, self.file.matrix(name, index))

    def release(self, name: str) -> None:
        """See `ModelFile.release`."""
        self.file.release(name)

    @property
    def sha256(self) -> str:
        """See `ModelFile.sha256`."""
        return self.file.sha256

    def _noted(self, name: str, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.asked.append(name)
        self.nbytes += raw.nbytes
        return raw


@dataclass(frozen=True)
class Opened:
    """A model that is open.

    Attributes:
        file: what is read of it is counted.
        judge: over it.
        seen: what the file system said of its files when their hash was taken.
    """

    file: Watched
    judge: Judge
    seen: tuple[tuple[int, ...], ...]


class Models:
    """The models that a process has open, by identity."""

    def __init__(self) -> None:
        self._open: dict[ModelIdentity, Opened] = {}

    def get(self, identity: ModelIdentity) -> Opened:
        """The model that is meant, opened; its hash is taken again where the file system says that the file changed.

        Raises:
            UnusableInput: there is no such file here, or it is another one.
            UnsupportedModel: see `apr.models.load`.
        """
        opened = self._open.get(identity)
        if opened is None or _seen(opened.file.file) != opened.seen:
            self._open.pop(identity, None)
            file = open_model(_found(identity))
            seen = _seen(file)
            _check(file, identity)
            watched = Watched(file)  # the dequantiser's trials are no stage's reading
            opened = Opened(watched, Judge(watched, ProvedDequantiser(file)), seen)
            while len(self._open) >= _MOST:
                del self._open[next(iter(self._open))]
            self._open[identity] = opened
        return opened


def _seen(file: ModelFile) -> tuple[tuple[int, ...], ...]:
    """Identity, size and time of each file of a model; nothing of a file that is gone."""
    found = []
    for path in _paths(file):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns))
    return tuple(found)


def _paths(part: object) -> Iterator[Path]:
    """Every file that a model consists of, whichever way its format holds them."""
    inner = getattr(part, "file", None)
    several = next((found for name in ("parts", "shards", "files") if (found := getattr(part, name, None))), ())
    path = getattr(part, "path", None)
    if inner is not None:
        yield from _paths(inner)
    for one in several:
        yield from _paths(one)
    if isinstance(path, Path):
        yield path


def _found(identity: ModelIdentity) -> Path:
    """Where the model is here: at the same path, else whatever `apr pull` got that has this hash.

    Raises:
        UnusableInput: in neither place.
    """
    path = Path(identity.path)
    if path.exists():
        return path
    pulled = next((place for place, stamp in stamped() if stamp.get("sha256") == identity.sha256), None)
    if pulled is None:
        raise UnusableInput(
            "there is no such model file here, and none with its hash in the cache",
            where=str(path),
            hint="workers read the weights themselves: give a path that they share, or `apr pull` the model on each",
        )
    return pulled


def _check(file: ModelFile, identity: ModelIdentity) -> None:
    """Refuses a file that is not the one that is meant.

    Raises:
        UnusableInput: its hash is another.
    """
    # who pulled a file wrote its hash beside it, with size and time; a large one is not read again for that
    stamp = read_stamp(file.path) if isinstance(file, GgufFile) else None
    found = stamp.get("sha256") if stamp is not None else None
    if not isinstance(found, str):
        found = file.sha256
    if found != identity.sha256:
        raise UnusableInput(
            f"is another model file: its sha256 is {found[:12]}…, and {identity.sha256[:12]}… was captured from",
            where=str(file.path),
            hint="have the same file on every machine",
        )
