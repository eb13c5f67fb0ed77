"""The part of an answer that is for people, as it comes: no thoughts, and nothing from the first call on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.agent.tool_calls.base import Format

_THINK, _THOUGHT = "<think>", "</think>"


@dataclass
class Visible:
    """Passes text on as soon as it is sure to be text.

    Attributes:
        show: what it is passed to.
        format: how calls are written; None where there are none.
        thinking: the answer begins within the model's thoughts.
    """

    show: Callable[[str], None]
    format: Format | None
    thinking: bool = False
    _text: str = field(default="", init=False)
    _shown: int = field(default=0, init=False)

    def feed(self, text: str) -> None:
        """Takes the next piece of the answer."""
        self._text += text
        if not self.thinking and self._shown == 0 and _may_begin(self._text.lstrip(), _THINK):
            self.thinking = self._text.lstrip().startswith(_THINK)
            if not self.thinking:
                return  # it may yet become a thought
        if self.thinking:
            end = self._text.find(_THOUGHT)
            if end < 0:
                return
            self.thinking, self._shown = False, end + len(_THOUGHT)
        self._pass_on(self._sure())

    def finish(self, *, called: bool) -> None:
        """Shows what was held back, unless it was a call (`called`) or a thought."""
        if not called and not self.thinking:
            self._pass_on(len(self._text))

    def _pass_on(self, end: int) -> None:
        piece = self._text[self._shown : end]
        if piece and not (self._blank and not piece.strip()):
            self.show(piece.lstrip() if self._blank else piece)
            self._blank = False
            self._shown = end

    _blank: bool = field(default=True, init=False)  # nothing was shown so far: blanks in front are left out

    def _sure(self) -> int:
        """Where text ends that no call can begin in."""
        if self.format is None:
            return len(self._text)
        rest = self._text[self._shown :]
        if self.format.bare and self._blank and rest.lstrip()[:1] in ("", "{"):
            return self._shown
        places = [place for mark in self.format.opens if (place := rest.find(mark)) >= 0]
        if places:
            return self._shown + min(places)
        held = max(
            (size for mark in self.format.opens for size in range(1, len(mark)) if rest.endswith(mark[:size])),
            default=0,
        )
        return len(self._text) - held


def _may_begin(text: str, mark: str) -> bool:
    return text.startswith(mark) or mark.startswith(text)
