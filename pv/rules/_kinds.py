"""What the kind of a contract asks for, and the questions that only some kinds are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.parse import Contract

# Kinds of contract that state what can be proved, and so are asked for obligations and claims.
PROVABLE = frozenset({"kernel", "competitive-parity"})


def by_default(contract: Contract) -> str | None:
    """Why a contract is judged as a kernel, for one that does not say itself that it is one; else None."""
    if contract.kind != "kernel" or not is_blank(contract.metadata.get("kind")):
        return None
    return "without metadata.kind a contract is taken for a kernel"


def equations_without(contract: Contract, field: str) -> list[str]:
    """The names of the equations that have a formula, and nothing under `field`."""
    return [
        equation.name
        for equation in contract.equations.values()
        if equation.formula.strip() and not (isinstance(equation.data, dict) and equation.data.get(field))
    ]


def listed(words: Sequence[str], most: int = 5) -> str:
    """The words in a row; of many only the first, and how many there are more."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
