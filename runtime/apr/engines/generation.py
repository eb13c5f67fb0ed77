"""Generation: tokens one after the other, each chosen from the logits that the text so far leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apr.engines.base import check_ids
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from apr.capture import Array


class Session(Protocol):
    """A text that grows; an engine remembers what it computed for the tokens before."""

    @property
    def room(self) -> int:
        """How many more tokens fit."""

    def feed(self, tokens: Sequence[int]) -> Array:
        """Appends tokens.

        Returns:
            [vocabulary] logits after the last of them.

        Raises:
            UsageError: no tokens, more than `room`, or an id outside the vocabulary.
        """


@dataclass(frozen=True)
class Step:
    """One generated token.

    Attributes:
        token: its id.
        stops: whether it ends the text; such a token is not part of the answer.
    """

    token: int
    stops: bool


def generate(
    session: Session, prompt: Sequence[int], choose: Callable[[Array], int], stop: Collection[int], limit: int
) -> Iterator[Step]:
    """Tokens after a prompt, as they are made; ends with a stop token, after `limit` tokens, or when the context is full.

    Args:
        session: an empty one.
        prompt: token ids.
        choose: a token from [vocabulary] logits.
        stop: tokens that end the text.
        limit: of new tokens.

    Raises:
        UsageError: see `Session.feed`.
    """
    if limit < 1:
        return
    logits = session.feed(prompt)
    for index in range(limit):
        token = choose(logits)
        yield Step(token, token in stop)
        if token in stop or index + 1 == limit or session.room == 0:
            return
        logits = session.feed([token])


def check_room(tokens: Sequence[int], vocabulary: int, room: int, limit: int) -> None:
    """Refuses what a session cannot append.

    Raises:
        UsageError: no tokens, more than `room`, or an id outside the vocabulary.
    """
    if not tokens:
        raise UsageError("there are no tokens to run", hint="give a prompt that is not empty, or token ids")
    if len(tokens) > room:
        raise UsageError(f"{len(tokens)} tokens do not fit: a text may have {limit}, and {limit - room} are there")
    check_ids(tokens, vocabulary)
