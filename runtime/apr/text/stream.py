"""Token ids to text as they come: no character is shown before all of its bytes are there."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Spelled(Protocol):
    """What a stream wants to know of a tokenizer."""

    @property
    def blank_in_front(self) -> bool:
        """Whether a blank is put before a text."""

    @property
    def blank_behind_special(self) -> bool:
        """Whether a blank is put before what follows a special token."""

    def piece(self, index: int) -> bytes:
        """The bytes of a token."""

    def is_special(self, index: int) -> bool:
        """Whether it is a special token."""


class Stream:
    """Turns ids into text one by one; all that `feed` and `finish` return, joined, is what `decode` returns.

    Bytes that are no UTF-8 become U+FFFD. Where the tokenizer puts a blank before a text and behind special tokens, it is
    taken away again.

    Args:
        tokenizer: whose ids.
        behind: ids of the text before, which is not shown: a prompt whose continuation is streamed.
    """

    def __init__(self, tokenizer: Spelled, behind: Iterable[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._in_front = tokenizer.blank_in_front
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for index in behind:
            self.feed(index)

    def feed(self, index: int) -> str:
        """The text that is certain with this token; empty while a character is not complete.

        Raises:
            UsageError: an id that the vocabulary does not have.
        """
        piece = self._tokenizer.piece(index)
        special = self._tokenizer.is_special(index)
        if self._in_front and not special:
            piece = piece.removeprefix(b" ")
        self._in_front = special and self._tokenizer.blank_behind_special
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """What is left: U+FFFD for a character that never was completed, else nothing."""
        return self._decoder.decode(b"", final=True)
