"""How many entries of each sort a contract has, and the numbers that its prose states about them."""

from __future__ import annotations

import collections
import re
from typing import TYPE_CHECKING, NamedTuple

from pv.pattern import lazy
from pv.rules._obligations import BLOCK
from pv.rules._problem import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

_WHAT = ("falsification ", "kani ", "proof obligations")
_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"]
_STATED = lazy(
    rf"(?:(?P<before>[\w.,+-]{{1,40}})\s{{1,9}})?(?<![\w.,/-])(?P<number>\d{{1,6}}|{'|'.join(_WORDS)})\s+"
    r"(?P<what>falsification (?:tests|conditions)|kani (?:harness(?:es)?|proofs)|proof obligations)\b",
    re.IGNORECASE | re.ASCII,
)
# Before a number these say that it counts a part, or something else.
_OF_A_PART = {
    "of",
    "first",
    "last",
    "next",
    "least",
    "most",
    "another",
    "other",
    "than",
    "by",
    "for",
    "to",
    "some",
    "only",
}


class Counts(NamedTuple):
    """The entries of a contract, its claims also by their blocks; `proved` and `sorry` by the `lean.status` of obligations, `theorems` of equations."""

    claims: int
    of_a_block: frozenset[int]
    obligations: int
    harnesses: int
    proved: int
    sorry: int
    theorems: int


def counts_of(contract: Contract) -> Counts:
    """Count what the contract has."""
    data = contract.document.data
    blocks = {
        name: len(block) if isinstance(block := data.get(name), list) else 0 for name in (BLOCK, "kani_harnesses")
    }
    leans = [entry["lean"] for _, entry in entries(contract, BLOCK) if isinstance(entry.get("lean"), dict)]
    equations = [one.data for one in contract.equations.values() if isinstance(one.data, dict)]
    return Counts(
        claims=len(contract.claims),
        of_a_block=frozenset(collections.Counter(claim.block for claim in contract.claims).values()),
        obligations=blocks[BLOCK],
        harnesses=blocks["kani_harnesses"],
        proved=sum(lean.get("status") == "proved" for lean in leans),
        sorry=sum(lean.get("status", "sorry") == "sorry" for lean in leans),
        theorems=sum(bool(equation.get("lean_theorem")) for equation in equations),
    )


def stated(text: str, counts: Counts) -> Iterator[tuple[str, str, int]]:
    """Each number, with what it counts and how many there are, that a text states about the contract and that is wrong."""
    low = text.lower()
    if not any(what in low for what in _WHAT):  # looking for the number before it takes far longer
        return
    for found in _STATED.finditer(text):
        before, what = (found["before"] or "").lower(), " ".join(found["what"].lower().split())
        number = found["number"].lower()
        stands = int(number) if number.isdigit() else _WORDS.index(number) + 1
        if what.startswith("falsification"):
            have, also = counts.claims, counts.of_a_block
        else:
            have, also = counts.harnesses if what.startswith("kani") else counts.obligations, frozenset()
        if before not in _OF_A_PART and stands != have and stands not in also:
            yield found["number"], what, have
