"""A driver that asks no model: it gives the turns of a recorded trace one after the other. The tools really run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from apr.agent.messages import Block, Call, Text, Thinking, Turn
from apr.errors import FINDINGS, AprError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from apr.actions.trace import Entry, Record
    from apr.agent.messages import Message


class OutOfStep(AprError):
    """The session went another way than the recording: it wants more turns, or ended before the last of them."""

    exit_code = FINDINGS


class Recorded:
    """Answers with what a trace says was answered.

    Args:
        entries: of a valid trace.
        where: names the trace in messages.
        ids: gives the calls new ids.

    Attributes:
        model: `recorded:` and the name of the model that once answered.
        given: how many turns were asked for so far.
    """

    def __init__(self, entries: Iterable[Entry], where: str, ids: Callable[[], str]) -> None:
        records = [entry.record for entry in entries]
        self._turns = [_turn(record, told, ids) for record, told in _answers(records)]
        self.model = f"recorded:{records[0]['model']}"
        self.given, self._where = 0, where

    @property
    def count(self) -> int:
        """Turns of the recording."""
        return len(self._turns)

    def answer(self, conversation: Sequence[Message], instructions: str) -> Turn:  # noqa: ARG002 - nobody listens
        """The next turn of the recording.

        Raises:
            OutOfStep: there is none.
        """
        if self.given == self.count:
            raise OutOfStep(
                f"the session needs a turn {self.count + 1}, and {self.count} were recorded", where=self._where
            )
        self.given += 1
        return self._turns[self.given - 1]

    def finish(self) -> None:
        """Makes sure that nothing is left.

        Raises:
            OutOfStep: turns are left.
        """
        if self.given != self.count:
            raise OutOfStep(f"the session ended after {self.given} of {self.count} recorded turns", where=self._where)


def _answers(records: Sequence[Record]) -> Iterator[tuple[Record, bool]]:
    """Assistant turns, and of each whether the model was told something behind it that no record holds.

    It was where its next turn follows without a result between them and without a word of the user.
    """
    said = [record for record in records if record["kind"] not in ("hook_event", "skill_invocation")]
    for record, following in pairwise(said):
        if record["kind"] == "assistant_turn":
            yield record, following["kind"] == "assistant_turn"


def _turn(record: Record, told: bool, ids: Callable[[], str]) -> Turn:
    blocks = tuple(_block(block, ids) for block in record["blocks"])
    return Turn(blocks, record["stop_reason"], remarks=("Go on.",) if told else ())


def _block(block: Any, ids: Callable[[], str]) -> Block:
    if block["type"] == "text":
        return Text(block["text"])
    if block["type"] == "thinking":
        return Thinking(block["thinking"], block.get("signature"))
    return Call(ids(), block["name"], block["input"])
