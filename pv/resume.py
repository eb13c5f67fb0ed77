"""What need not be run again: evidence that is fresh, says something, and is of the commit that is checked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.judge import Word
from pv.words import Expect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.freshness import Freshness
    from pv.ledger import Ledger
    from pv.parse import Case, Claim


def kept(
    claim: Claim, case: Case, ledger: Ledger, freshness: Freshness, commit: str | None
) -> Mapping[str, Any] | None:
    """The newest row of a case, if it makes another run of it needless; None if the case has to be run.

    That the tree differs from the commit is no matter: all that decides about a verdict is hashed into its row.
    """
    mutant = case.mutant.id if case.mutant else ""
    newest = next(ledger.newest((claim.contract, claim.id, case.key, mutant)), None)
    if newest is None or newest.row["kind"] != "case" or commit is None or newest.row.get("commit") != commit:
        return None
    if newest.row["verdict"] != _wanted(claim, case) or freshness.stale(newest.row, claim):
        return None
    return newest.row


def _wanted(claim: Claim, case: Case) -> Word:
    """How a run comes out that settles its case."""
    if case.mutant is not None:
        return Word.KILLED
    return Word.DISCHARGED if claim.expect is Expect.DISCHARGED else Word.REFUTED
