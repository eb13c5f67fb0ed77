"""Captures that several processes of one session share: a folder in which a capture stands under a digest of what decided it.

Two workers that need the capture of the same model, tokens, engine and arithmetic take it once: whoever comes first makes it under
a lock, the other one maps it into memory. What is read is what was written, or it is thrown away with a remark and made again. The
folder is bounded: what was not used for longest goes first. Whoever opens a store removes its folder (`docs/decisions/0034`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from apr.cache.capture_file import read_capture, write_capture
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Capture

LIMIT = 2 << 30  # bytes: all captures of a session of ours are a fifth of that


@dataclass(frozen=True)
class CaptureKey:
    """Everything that decides what a capture holds; two that differ in one field are two captures.

    Attributes:
        model: sha256 of the model file's bytes.
        tokens: ids, one a position.
        engine: its name.
        build: its version or build.
        library: sha256 of the engine's own bytes, or "" where it is the source below.
        arithmetic: what it computes in.
        options: whatever else it was told, or says of itself: instruction sets, threads, positions.
        stages: the stages that were asked for, or "all".
        source: digest of the runtime's source, which drives the engine and assembles what it says.
        fault: what is planted in the engine or in its captures, or "" where it is sound.
    """

    model: str
    tokens: tuple[int, ...]
    engine: str
    build: str
    library: str
    arithmetic: str
    options: tuple[str, ...]
    stages: str
    source: str
    fault: str

    @property
    def text(self) -> str:
        """The key as JSON, always the same for the same key."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)

    @property
    def digest(self) -> str:
        """64 hex digits: the name under which the capture stands."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class CaptureStore:
    """The folder of a session.

    Args:
        folder: made when the first capture is kept.
        limit: bytes that all captures together may take; a larger one is not kept at all.
        remark: is told what was thrown away or could not be kept, and why; a session goes on without it.
    """

    def __init__(self, folder: Path, remark: Callable[[str], None], limit: int = LIMIT) -> None:
        self.folder, self._remark, self._limit = folder, remark, limit

    def take(self, key: CaptureKey, make: Callable[[], Capture]) -> Capture:
        """The capture of a key: what is kept, or what `make` makes, which is kept then; arrays are not to be written to.

        Only one process makes it; others wait.

        Raises:
            ValueError: what `make` made says of itself that it is of another model, engine, arithmetic or other tokens.
            Exception: what `make` raises; nothing is kept then, and the next one who asks makes it.
        """
        from filelock import FileLock  # noqa: PLC0415  only who keeps captures pays for it

        if not self._prepared():
            return _of(key, make())
        found = self._read(key)
        if found is not None:
            return found
        with FileLock(self.folder / f"{key.digest}.lock"):
            found = self._read(key)
            if found is None:
                found = _of(key, make())
                self._keep(key, found)
        return found

    def _path(self, key: CaptureKey) -> Path:
        return self.folder / f"{key.digest}.safetensors"

    def _prepared(self) -> bool:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._remark(f"{self.folder}: captures are not kept: {error.strerror}")
            return False
        return True

    def _read(self, key: CaptureKey) -> Capture | None:
        path = self._path(key)
        try:
            found = read_capture(path, key.text)
            os.utime(path)  # used now
        except FileNotFoundError:
            return None
        except (OSError, UnusableInput) as error:
            self._remark(f"a kept capture is thrown away and made again: {error}")
            with contextlib.suppress(OSError):  # somebody else was quicker, or it cannot be: then it is not read either
                path.unlink()
            return None
        return found

    def _keep(self, key: CaptureKey, capture: Capture) -> None:
        from filelock import FileLock  # noqa: PLC0415  as above

        size = sum(array.nbytes for array in capture.stages.values())
        if size > self._limit:
            self._remark(f"a capture of {size} bytes is not kept: {self._limit} are allowed")
            return
        try:
            with FileLock(self.folder / "room.lock"):  # two that make room at once would throw away twice as much
                self._make_room(size)
                write_capture(self._path(key), capture, key.text)
        except OSError as error:
            self._remark(f"{self.folder}: a capture is not kept: {error.strerror}")

    def _make_room(self, size: int) -> None:
        """Throws away what was not used for longest, until `size` bytes more are within the limit."""
        kept = sorted(
            (path.stat().st_mtime_ns, path.stat().st_size, path) for path in self.folder.glob("*.safetensors")
        )
        total = sum(each for _, each, _ in kept)
        for _, each, path in kept:
            if total + size <= self._limit:
                return
            path.unlink(missing_ok=True)  # who has mapped it keeps what it holds
            total -= each


def _of(key: CaptureKey, capture: Capture) -> Capture:
    """The capture, if it is what the key says.

    Raises:
        ValueError: it says of itself that it is another one.
    """
    told = capture.provenance
    said = (told.model_sha256, tuple(told.tokens), told.engine, told.build, told.arithmetic)
    asked = (key.model, key.tokens, key.engine, key.build, key.arithmetic)
    if said != asked:
        raise ValueError(f"a capture that says {said} of itself was made for {asked}")
    return capture
