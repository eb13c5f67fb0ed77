"""Captured stages where every worker can read them: a safetensors file a layer and side, anywhere that fsspec reaches.

A unit says where each array that it needs lies and what its bytes hash to, so a worker reads those bytes and no others, and what it
reads is what was captured.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from safetensors.numpy import save

from apr.errors import UnusableInput, UsageError
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from apr.capture import Array, Capture

_LENGTH = struct.Struct("<Q")
# types of numbers that a capture may have, as safetensors names them
_TYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "I32": "<i4", "I64": "<i8"}


@dataclass(frozen=True)
class Piece:
    """One captured array.

    Attributes:
        side: `subject` or `oracle`.
        key: stage and layer.
        url: of the file it lies in.
        offset: of its first byte in the file.
        dtype: as safetensors names it.
        shape: [positions, width].
        turned: whether the bytes are those of the transposed array, as they lay in memory.
        sha256: of its bytes.
    """

    side: str
    key: StageKey
    url: str
    offset: int
    dtype: str
    shape: tuple[int, ...]
    turned: bool
    sha256: str

    @property
    def nbytes(self) -> int:
        """How many bytes it has."""
        return math.prod(self.shape) * np.dtype(_TYPES[self.dtype]).itemsize


class Storage:
    """A folder of one run, removed when the run ends; a context manager.

    Attributes:
        url: of the folder.
        written: bytes that were put there.

    Args:
        url: where the folder is made; whatever fsspec takes, a path too.

    Raises:
        UsageError: there is no such place, or nothing can be written there.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # noqa: PLC0415 - an extra, needed only where captures go to workers

        self.written = 0
        self._shown = url
        try:
            self._files, path = fsspec.core.url_to_fs(url)
            self._folder = f"{path.rstrip('/')}/apr-parity-{uuid.uuid4().hex}"
            self._files.makedirs(self._folder, exist_ok=False)
        except (OSError, ValueError, ImportError) as error:
            raise self._unusable(error) from error
        self.url = str(self._files.unstrip_protocol(self._folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.rm(self._folder, recursive=True)

    def put(self, capture: Capture, side: str, prompt: int) -> dict[StageKey, Piece]:
        """Writes a capture, one layer after the other.

        Raises:
            UsageError: it cannot be written.
        """
        layers: dict[int | None, dict[str, Array]] = {}
        for key, array in capture.stages.items():
            layers.setdefault(key.layer, {})[key.stage] = array
        pieces: dict[StageKey, Piece] = {}
        for layer, arrays in layers.items():
            name = "model" if layer is None else f"layer-{layer}"
            pieces |= self._write(f"prompt-{prompt}-{side}-{name}.safetensors", side, layer, arrays)
        return pieces

    def drop(self, pieces: Iterable[Piece]) -> None:
        """Removes the files of a prompt that was measured."""
        for url in sorted({piece.url for piece in pieces}):
            self._files.rm(self._files._strip_protocol(url))  # noqa: SLF001 - fsspec's name for it, with no other

    def _write(self, name: str, side: str, layer: int | None, arrays: Mapping[str, Array]) -> dict[StageKey, Piece]:
        laid = {stage: _as_it_lies(array) for stage, array in arrays.items()}
        content = save({stage: array for stage, (array, _) in laid.items()})
        try:
            with self._files.open(f"{self._folder}/{name}", "wb") as file:
                file.write(content)
        except OSError as error:
            raise self._unusable(error) from error
        self.written += len(content)
        (length,) = _LENGTH.unpack_from(content)
        start = _LENGTH.size + length
        header: dict[str, Any] = json.loads(content[_LENGTH.size : start])
        pieces = {}
        for stage, (array, turned) in laid.items():
            first, last = header[stage]["data_offsets"]
            digest = hashlib.sha256(memoryview(content)[start + first : start + last]).hexdigest()
            key = StageKey(stage, layer)
            pieces[key] = Piece(
                side, key, f"{self.url}/{name}", start + first, header[stage]["dtype"], array.shape, turned, digest
            )
        return pieces

    def _unusable(self, error: Exception) -> UsageError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return UsageError(
            f"captured stages cannot be written: {reason}",
            where=f"--storage {self._shown}",
            hint="give a folder or a URL of fsspec (s3://…, gs://…, file://…) that all workers reach",
        )


def _as_it_lies(array: Array) -> tuple[Array, bool]:
    """An array whose rows lie one after the other, and whether it is the transposed one.

    Sums over the same numbers in another layout may be added in another order, so the layout goes along.
    """
    turned = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
    return np.ascontiguousarray(array.T if turned else array), turned


def fetch(pieces: Iterable[Piece]) -> tuple[dict[str, dict[StageKey, Array]], int]:
    """The arrays of a unit by side and stage, and how many bytes were read for them.

    Raises:
        UnusableInput: the bytes are not those that were captured.
        OSError: they cannot be read.
    """
    import fsspec  # noqa: PLC0415 - see `Storage`

    found: dict[str, dict[StageKey, Array]] = {}
    nbytes = 0
    by_file: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_file.setdefault(piece.url, []).append(piece)
    for url, here in by_file.items():
        files, path = fsspec.core.url_to_fs(url)
        # each array is asked for by itself: no reading ahead into what other units need
        with files.open(path, "rb", cache_type="none") as file:
            for piece in here:
                file.seek(piece.offset)
                raw = file.read(piece.nbytes)
                found.setdefault(piece.side, {})[piece.key] = _array(piece, raw)
                nbytes += len(raw)
    return found, nbytes


def _array(piece: Piece, raw: bytes) -> Array:
    if hashlib.sha256(raw).hexdigest() != piece.sha256:
        raise UnusableInput(
            f"{piece.key} of the {piece.side} is not what was captured: {len(raw)} bytes with another hash",
            where=piece.url,
            hint="nothing else may write there; run it again",
        )
    array: Array = np.frombuffer(raw, _TYPES[piece.dtype]).reshape(piece.shape)
    return array.T if piece.turned else array
