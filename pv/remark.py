"""What is to be said of a contract beside the outcomes of its claims."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pv.types import Span

if TYPE_CHECKING:
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
