"""What happens in a session, as it happens. The trace and what a user sees are both made of these events and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.agent.messages import Call, Turn


@dataclass(frozen=True)
class Started:
    """The session begins; `model` names what will answer."""

    model: str


@dataclass(frozen=True)
class Prompted:
    """The user said something."""

    turn: int
    text: str


@dataclass(frozen=True)
class Answered:
    """The model's turn is over."""

    number: int
    turn: Turn


@dataclass(frozen=True)
class Ran:
    """A tool was called, or was refused; `turn` is that of the answer to come.

    Attributes:
        turn: the one after the turn that asked.
        call: what was asked.
        ok: whether it did what was asked.
        content: what the model is told.
        files_read, files_written: paths, as the tool names them.
        exit_code: of a program.
    """

    turn: int
    call: Call
    ok: bool
    content: str
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True)
class Hooked:
    """A hook ran; decision allow, warn or block is exit code 0, 1 or 2."""

    turn: int
    event: str
    matcher: str | None
    decision: str
    exit_code: int
    output: str


@dataclass(frozen=True)
class Skilled:
    """A skill was used."""

    turn: int
    name: str
    source: str
    instructions_injected: bool


@dataclass(frozen=True)
class Ended:
    """The session is over; `turn` is that of the last answer."""

    turn: int
    stop_reason: str
    tokens_in: int
    tokens_out: int


Event: TypeAlias = Started | Prompted | Answered | Ran | Hooked | Skilled | Ended
if TYPE_CHECKING:
    Observer: TypeAlias = Callable[[Event], None]
