"""What is said in a session: blocks, turns, and the conversation that a driver is given."""

from __future__ import annotations

import os
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

END_TURN, MAX_TOKENS, ERROR = "end_turn", "max_tokens", "error"

# Mistral's templates take ids of exactly nine letters and digits, and no other model minds
_ID_LENGTH, _ID_CHARACTERS = 9, string.ascii_letters + string.digits


@dataclass(frozen=True)
class Text:
    """Text that the model said."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """What the model thought before it said something; `signature` is some models' proof that it was they."""

    thinking: str
    signature: str | None = None


@dataclass(frozen=True)
class Call:
    """A tool that the model wants to be called; `id` is unique in the session."""

    id: str
    name: str
    input: Mapping[str, Any]


Block: TypeAlias = Text | Thinking | Call


@dataclass(frozen=True)
class Turn:
    """One answer of a model.

    Attributes:
        blocks: at least one; a turn that says nothing has one empty text.
        stop_reason: end_turn, max_tokens, stop_sequence or tool_use; the last exactly where there are calls.
        tokens_in, tokens_out: of the prompt and of the answer; 0 where no model was asked.
        remarks: what was wrong with calls that could not be read, for the model to see; then the session goes on.
    """

    blocks: tuple[Block, ...]
    stop_reason: str
    tokens_in: int = 0
    tokens_out: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def calls(self) -> list[Call]:
        """The tools to call, in order."""
        return [block for block in self.blocks if isinstance(block, Call)]

    @property
    def text(self) -> str:
        """All texts, one under the other."""
        return "\n".join(block.text for block in self.blocks if isinstance(block, Text) and block.text)


@dataclass(frozen=True)
class Asked:
    """What the user said."""

    text: str


@dataclass(frozen=True)
class Returned:
    """What became of a call."""

    call: Call
    ok: bool
    content: str


@dataclass(frozen=True)
class Remark:
    """What the program tells the model: a call that could not be read, the words of a hook."""

    text: str


Message: TypeAlias = Asked | Turn | Returned | Remark


@dataclass
class CallIds:
    """Makes ids of calls.

    Attributes:
        source: gives as many random bytes as it is asked for.
    """

    source: Callable[[int], bytes] = os.urandom
    _given: set[str] = field(default_factory=set)

    def __call__(self) -> str:
        """An id that was not given before."""
        while True:
            number = int.from_bytes(self.source(16))
            made = ""
            for _ in range(_ID_LENGTH):
                number, place = divmod(number, len(_ID_CHARACTERS))
                made += _ID_CHARACTERS[place]
            if made not in self._given:
                self._given.add(made)
                return made
