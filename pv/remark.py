"""What is to be said of a contract beside the outcomes of its claims."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pv.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_START = Span(1, 1)


class Topic(StrEnum):
    """What a remark is about; reports group by it."""

    HISTORY = "history"
    LOOSENED = "loosened"
    UNBACKED = "unbacked"
    PENDING = "pending"
    EXPIRING = "expiring"
    PROMOTION = "promotion"
    PIN = "pin"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing said of a contract, and of which claim, if of one.

    A grave remark makes `pv status` and `pv gate` exit with 1. One that caps says that the contract counts for one rung less
    than its evidence supports, until what `text` says has been done.
    """

    topic: Topic
    text: str
    claim: str = ""
    grave: bool = False
    caps: bool = False
    span: Span = _START
    help: str = ""
    until: datetime | None = None  # evidence begun after it lifts the cap; None where no evidence does

    @property
    def told(self) -> str:
        """The text, with the claim before it where it does not begin with that itself."""
        known = not self.claim or self.text.startswith(f"{self.claim}: ")
        return self.text if known else f"{self.claim}: {self.text}"


def caps(remarks: Iterable[Remark], oldest: datetime | None) -> str:
    """Why a contract counts for one rung less than its evidence supports, in words; empty if it does not.

    `oldest` is when the oldest row that counts was begun; None if none counts.
    """
    for one in remarks:
        if one.caps and (one.until is None or oldest is None or oldest <= one.until):
            return one.text
    return ""
