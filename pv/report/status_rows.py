"""The table of contracts: one row of texts a contract, and the lines of figures that falsifiers told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.matrix import killed
from pv.report.console import cut, escape
from pv.report.summary import distance, settled, trend_words, worst_of
from pv.report.wording import shown

if TYPE_CHECKING:
    from pv.fold import Folded
    from pv.status import ContractStatus

HEADING = (
    "contract",
    "declared",
    "effective",
    "discharged",
    "refuted",
    "inconclusive",
    "error",
    "stale",
    "level",
    "mutants",
    "trend",
    "worst",
)
RIGHT = frozenset({3, 4, 5, 6, 7, 9})
_WIDEST = 60  # columns of the worst distance


def row(one: ContractStatus, *, up: str = "↑", down: str = "↓") -> tuple[str, ...]:
    """The cells of a contract, in the order of `HEADING`; counts of claims are of all its claims."""
    cells = [cell for claim in one.claims for cell in claim.cells]
    worst = worst_of(one.claims)
    note = " (overstated)" if one.overstated else " (capped)" if one.cap else ""
    return (
        escape(one.contract.name),
        escape(one.contract.status or "-"),
        one.effective + note,
        f"{one.count(Outcome.DISCHARGED)}/{len(one.claims)}",
        str(one.count(Outcome.REFUTED)),
        str(one.count(Outcome.INCONCLUSIVE)),
        str(one.count(Outcome.ERROR)),
        str(sum(claim.stale for claim in one.claims)),
        level(one),
        f"{killed(cells)}/{len(cells)}" if cells else "-",
        trend_words(one.trend, up=up, down=down) or "-",
        cut(escape(distance(worst)), _WIDEST) if worst else "-",
    )


def level(one: ContractStatus) -> str:
    """The least level of evidence among the claims that are settled; `-` where none is."""
    seen = [claim.level for claim in one.claims if settled(claim)]
    return str(min(seen, key=lambda word: word.rank)) if seen else "-"


def told(one: Folded) -> list[str]:
    """What a falsifier gave for the report: a line for all cases that it told the same of."""
    cases: dict[str, list[str]] = {}
    for label, values in one.reported:
        if values:
            figures = "; ".join(f"{name.replace('_', ' ')}: {shown(value)}" for name, value in values.items())
            cases.setdefault(figures, []).append(label)
    lines = []
    for figures, labels in cases.items():
        which = f"[{', '.join(labels)}]" if any(labels) else ""
        lines.append(f"{one.claim.id}{which}: {figures}")
    return lines
