"""The falsifier of claims that are executable as they stand: it is handed what any falsifier is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pv.evidence import Evidence
    from pv.parse import Claim, Mutant
    from pv.properties.subjects import Subjects


def holds_as_written(claim: Claim, mutant: Mutant | None, evidence: Evidence, pv_subjects: Subjects) -> None:
    """Look for an example for which the obligation that the claim names does not hold.

    Raises:
        Inconclusive: numpy or hypothesis is not there, or a subject or an oracle.
        Refuted: an example was found.
    """
    from pv.signals import Inconclusive  # noqa: PLC0415  what the harness is made of is loaded when it runs

    try:
        from pv.properties.falsifier import refute  # noqa: PLC0415  numpy and hypothesis
    except ModuleNotFoundError as problem:
        raise Inconclusive("no package", f"{problem.name} is needed; see the extra [falsify]") from None
    prop = claim.property
    if prop is None:
        raise AssertionError(f"{claim.id} is not executable, and was bound all the same")
    refute(claim, prop, mutant, evidence, pv_subjects)
