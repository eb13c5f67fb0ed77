"""The closed vocabularies of contracts, and the search for the word that was meant."""

from __future__ import annotations

from enum import StrEnum
from operator import eq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """How much a piece of evidence is worth, from least to most."""

    ALGORITHM = "algorithm"
    AUTHORED = "authored"
    MEASURED = "measured"
    INDEPENDENT = "independent"

    @property
    def rank(self) -> int:
        """Place in the order, 0 for the least."""
        return list(Level).index(self)


class Expect(StrEnum):
    """What the author of a claim expects to be seen."""

    DISCHARGED = "discharged"
    REFUTED = "refuted"


class Effective(StrEnum):
    """The status that evidence supports, from least to most; `REFUTED` stands outside the ladder."""

    REFUTED = "REFUTED"
    PROPOSED = "PROPOSED"
    PARTIAL_ALGORITHM_LEVEL = "PARTIAL_ALGORITHM_LEVEL"
    ACTIVE_ALGORITHM_LEVEL = "ACTIVE_ALGORITHM_LEVEL"
    ACTIVE_RUNTIME = "ACTIVE_RUNTIME"

    @property
    def rank(self) -> int:
        """Place on the ladder: -1 for `REFUTED`, 0 for `PROPOSED`."""
        return list(Effective).index(self) - 1

    def below(self) -> Effective:
        """One rung less; what stands lowest, or outside the ladder, stays."""
        return self if self.rank <= 0 else list(Effective)[self.rank]


# Whose functions an executable contract means that names no subject.
SUBJECT = "kernels"

# What a claim can wait for; a condition of another name is a probe of [tool.pv.probes].
CONDITIONS = ("file", "package", "program", "env", "until")
NOTE = "note"

# Words that authors write for the same rungs in contracts found in the wild.
_SYNONYMS = {
    "NEW": Effective.PROPOSED,
    "DRAFT": Effective.PROPOSED,
    "PENDING": Effective.PROPOSED,
    "DEFERRED": Effective.PROPOSED,
    "PARTIAL": Effective.PARTIAL_ALGORITHM_LEVEL,
    "ACTIVE": Effective.ACTIVE_ALGORITHM_LEVEL,
    "FUNCTIONAL": Effective.ACTIVE_ALGORITHM_LEVEL,
    "SUPPORTED": Effective.ACTIVE_RUNTIME,
    "DISCHARGED": Effective.ACTIVE_RUNTIME,
}
STATUS_WORDS = (*Effective, *_SYNONYMS)


def rung(status: str) -> Effective | None:
    """The rung of the ladder that a declared status stands for; None if the word is unknown."""
    word = status.upper()
    return Effective(word) if word in set(Effective) else _SYNONYMS.get(word)


# Of so many candidates, as the contracts of a large project are, only those that begin alike are compared: it takes too long.
_MANY = 500
_ALIKE = 4  # characters


def did_you_mean(word: str, candidates: Iterable[str], near: float = 0.6) -> str | None:
    """A help line naming the candidate most like `word`, or None if none is as much alike as `near` (0 to 1)."""
    import difflib  # noqa: PLC0415  only needed once something is wrong

    known = [str(one) for one in candidates]
    if len(known) > _MANY:
        known = [one for one in known if one[:_ALIKE] == word[:_ALIKE]]
    found = difflib.get_close_matches(word, known, max(1, len(known)), near)
    if not found:
        return None
    # of several that are as much alike: one that differs in few places rather than one that is only made of the same letters
    best = max(
        sorted(found), key=lambda one: (difflib.SequenceMatcher(None, one, word).ratio(), sum(map(eq, one, word)))
    )
    return f"did you mean {best!r}?"
