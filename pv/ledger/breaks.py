"""What a break in the chain of a ledger looks like: a line changed, lines missing, moved, or put in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pv.ledger.line import link
from pv.ledger.scan import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """What something that was found looks like; the last three are notes, for they say of nobody that he was at the ledger."""

    CHANGED = "changed"
    GAP = "gap"
    REORDERED = "reordered"
    DUPLICATED = "duplicated"
    SCHEMA = "schema"
    RUN = "run"
    FOREIGN = "foreign"
    TORN = "torn"
    OLDER = "older"
    UNENDED = "unended"


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Something about a line, by its number from 1."""

    number: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Loose:
    """A line that does not hold on to what stands before it, and the line of ours before it, if there is one."""

    number: int
    held: str  # the hash that it holds
    own: str  # and its own
    about: tuple[str, str]  # its kind and its run
    before: int
    about_before: tuple[str, str]
    torn: tuple[int, ...]  # the lines between that are torn, or look it


@dataclass(frozen=True)
class Places:
    """Where the lines are that loose lines hold on to, and where lines equal to loose ones stand first."""

    by_hash: dict[str, int]
    first: dict[str, int]

    def explain(self, one: Loose, wrong: set[int], *, short: bool) -> Found:
        """What a line looks like that does not hold on to the one before it.

        A hash alone cannot tell a line that was changed from lines that are missing after it: `short` says that the runs around
        the break lack something, `wrong` which lines do not keep to the schema.
        """
        original, held = self.first[one.own], self.by_hash.get(one.held)
        if original != one.number:
            return Found(one.number, Kind.DUPLICATED, f"a duplicate of line {original}")
        if held is None:
            return _unknown(one, one.before in wrong or not short)
        if held < one.number:
            text = f"it holds on to line {held}: what stands between was put in, or moved"
        else:
            text = f"it holds on to line {held}, which stands after it"
        return Found(one.number, Kind.REORDERED, text)


def find_places(descriptor: int, size: int, loose: Sequence[Loose]) -> Places:
    """Look for the lines that loose lines are about; the file is read again only where there are any."""
    by_hash: dict[str, int] = {}
    first: dict[str, int] = {}
    if loose:
        held, own = {one.held for one in loose}, {one.own for one in loose}
        for number, line in enumerate(lines_of(descriptor, size), 1):
            name = link(line)
            if name in held:
                by_hash.setdefault(name, number)
            if name in own:
                first.setdefault(name, number)
    return Places(by_hash, first)


def _unknown(one: Loose, changed: bool) -> Found:
    """A line that holds on to one that is not there any more, or not as it was."""
    if one.torn:
        return Found(one.torn[0], Kind.CHANGED, f"line {one.number} holds on to something else")
    if not one.before:
        return Found(one.number, Kind.GAP, "lines before it are missing or were changed: it is not the first written")
    if changed:
        text = f"line {one.number} holds on to something else; or lines between them are missing"
        return Found(one.before, Kind.CHANGED, text)
    return Found(one.number, Kind.GAP, f"lines before it are missing; or line {one.before} was changed")
