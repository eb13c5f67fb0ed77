"""What has come of a download so far: the bytes, their hash, and a note of what the server said about the whole."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from apr.cache.base import CHUNK

if TYPE_CHECKING:
    from pathlib import Path

    from apr.cache.base import Meter, Talk


class Partial:
    """A file that grows. What is counted here is on the disk, so that a later process finds it.

    Attributes:
        path: of the bytes; the note stands beside it.
        have: how many bytes are here.
        total: how many there will be, if anybody has said so.
        validator: the server's strong ETag for the whole, or None.
    """

    def __init__(self, path: Path, url: str, expected: int | None) -> None:
        self.path, self.note = path, path.with_name(f"{path.name}.json")
        self.url, self.expected = url, expected
        self.start_over()

    def start_over(self) -> None:
        """What is here does not count any more."""
        self.have, self.total = 0, self.expected
        self.validator: str | None = None
        self._sha256 = hashlib.sha256()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, as far as is known."""
        return self.have > 0 and self.have == self.total

    @property
    def sha256(self) -> str:
        """Of what is here."""
        return self._sha256.hexdigest()

    @property
    def git_sha1(self) -> str:
        """The name of what is here as a git blob: sha1 over `blob SIZE`, a zero byte, and the content."""
        digest = hashlib.sha1(f"blob {self.have}\0".encode(), usedforsecurity=False)
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def take_up(self, name: str, talk: Talk, *, hash_is_known: bool) -> None:
        """Counts and hashes what an earlier call has left, if it can be relied on.

        Without a validator only a known hash tells in the end whether the rest belongs to what is here.
        """
        try:
            note = json.loads(self.note.read_bytes())
            same = note["url"] == self.url and isinstance(note["validator"], str | None)
            left = self.path.stat().st_size
        except (OSError, ValueError, TypeError, KeyError, RecursionError):  # nothing, or nothing that can be relied on
            return
        if not same or not (note["validator"] or hash_is_known):
            return
        if not left or (self.total is not None and left > self.total):
            return
        self.validator = note["validator"]
        self.total = self.total if self.total is not None else note.get("total")
        with (
            self.path.open("rb") as file,
            talk.make_meter(f"checking what is here of {name}", left, unit="bytes") as meter,
        ):
            while chunk := file.read(CHUNK):
                self.count(chunk, meter)

    def count(self, chunk: bytes, meter: Meter) -> None:
        """Says that these bytes are on the disk behind the others."""
        self._sha256.update(chunk)
        self.have += len(chunk)
        meter.advance(len(chunk))

    def write_note(self) -> None:
        """Writes down what is known of the whole, for a later call."""
        about = {"url": self.url, "validator": self.validator, "total": self.total}
        self.note.write_text(json.dumps(about) + "\n", encoding="utf-8")

    def throw_away(self) -> None:
        """Nothing of it is kept."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
