"""What a user sees of a session: text as it comes on a terminal, one line a tool call on standard error, the last answer elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apr.agent.events import Answered, Hooked, Ran, Skilled
from apr.commands.choosing import show_text
from apr.console import escape, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.agent.events import Event
    from apr.agent.messages import Call

# what a tool is about, the first that is there
_ABOUT = ("file_path", "path", "pattern", "command")
_LONGEST = 100  # characters of a line about a call


class Display:
    """An observer that shows what happens.

    Args:
        streams: text goes to standard output as it comes.
    """

    def __init__(self, *, streams: bool) -> None:
        self._streams, self._open = streams, False

    @classmethod
    def for_output(cls, *, as_json: bool) -> Display:
        """Streams where a person reads standard output; a pipe is given the last answer and nothing else."""
        return cls(streams=not as_json and is_terminal(sys.stdout))

    @property
    def show(self) -> Callable[[str], None] | None:
        """What is to be given text as it comes; None where nobody waits for it."""
        return self._show if self._streams else None

    def _show(self, text: str) -> None:
        self._open = True
        show_text(text)

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        if isinstance(event, Answered):
            self._answered(event)
        elif isinstance(event, Ran):
            became = "" if event.ok else f": {_line(event.content)}"
            sys.stderr.write(f"{about(event.call)}{became}\n")
        elif isinstance(event, Hooked) and event.decision != "allow":
            said = f": {_line(event.output)}" if event.output else ""
            sys.stderr.write(f"hook of {event.event}: {event.decision}{said}\n")
        elif isinstance(event, Skilled):
            sys.stderr.write(f"skill {escape(event.name)}\n")

    def _answered(self, event: Answered) -> None:
        if self._streams and not self._open and event.turn.text:  # nobody gave it piece by piece
            self._show(event.turn.text)
        if self._open:
            show_text("\n")
        self._open = False
        for remark in event.turn.remarks:
            sys.stderr.write(f"turn {event.number}: {_line(remark)}\n")

    def last(self, text: str) -> None:
        """Shows the last answer, where it was not shown already."""
        if not self._streams and text:
            show_text(f"{text}\n")


def about(call: Call) -> str:
    """A call in one line: `Read notes.txt`."""
    named = next((value for key in _ABOUT if isinstance(value := call.input.get(key), str)), "")
    return _line(f"{call.name} {named}")


def _line(text: str) -> str:
    first, *rest = text.strip().split("\n", 1)
    cut = f"{first[:_LONGEST]}…" if rest or len(first) > _LONGEST else first
    return escape(cut)
