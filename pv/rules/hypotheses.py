"""Hypotheses that make no tree (PV316).

`hypothesis` names the explanation that a claim tests, `parent` the wider one that it is a case of; a block `hypotheses`
may say what they state. Where there is such a block, a hypothesis is one of its entries. Each has at most one parent, which
is a hypothesis as well, and none is its own case in the end: otherwise nothing could be concluded from a refutation.

Bad:

    hypotheses:
      H1: {statement: some weight is another}
      H2: {statement: some bias is another, parent: H3}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], hypothesis: H2}

Good:

    hypotheses:
      H1: {statement: some weight is another}
      H2: {statement: some bias is another, parent: H1}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], hypothesis: H2}

Upstream: none; there are no hypotheses there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Claim, Contract
    from pv.types import Span

CODE = "PV316"
SEVERITY = Severity.ERROR
BLOCK = "hypotheses"
MAX_DEPTH = 64  # of a tree that anybody can read


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim that names none, each parent that is none or one too many, and each circle once."""
    for claim in contract.claims:
        yield from _of_claim(contract, claim)
    parents: dict[str, str] = {}
    for name, parent, span in _parents(contract):
        before = parents.setdefault(name, parent)
        if parent != before:
            yield Problem(span, f"{name!r} has two parents, {before!r} and {parent!r}", "keep one of them")
        elif parent not in contract.hypotheses:
            fix = did_you_mean(parent, contract.hypotheses) or _known(contract)
            yield Problem(span, f"the parent {parent!r} of {name!r} is no hypothesis here", fix)
    yield from _chains(contract, parents)


def _of_claim(contract: Contract, claim: Claim) -> Iterator[Problem]:
    block = contract.document.data.get(BLOCK)
    written = claim.data.get("hypothesis")
    span = contract.document.value_span(*claim.at, "hypothesis" if "hypothesis" in claim.data else "parent")
    if isinstance(written, str) and not claim.hypothesis:
        yield Problem(span, f"the hypothesis of {claim.id!r} has no name", "name it, or drop the key")
    elif claim.parent and not claim.hypothesis:
        yield Problem(span, f"claim {claim.id!r} names a parent and no hypothesis", "add 'hypothesis'")
    elif claim.hypothesis and isinstance(block, dict) and claim.hypothesis not in block:
        fix = did_you_mean(claim.hypothesis, block) or f"the block {BLOCK!r} has {', '.join(block) or 'none'}"
        yield Problem(span, f"claim {claim.id!r} tests {claim.hypothesis!r}, which is no hypothesis here", fix)


def _parents(contract: Contract) -> Iterator[tuple[str, str, Span]]:
    """Each parent that is named, of which hypothesis, and where."""
    block = contract.document.data.get(BLOCK)
    for name, entry in block.items() if isinstance(block, dict) else ():
        parent = entry.get("parent") if isinstance(entry, dict) else None
        if isinstance(parent, str):
            yield name, parent.strip(), contract.document.value_span(BLOCK, name, "parent")
    for claim in contract.claims:
        if claim.hypothesis and claim.parent:
            yield claim.hypothesis, claim.parent, contract.document.value_span(*claim.at, "parent")


def _chains(contract: Contract, parents: dict[str, str]) -> Iterator[Problem]:
    """Each circle once, and each chain that is too long where it becomes so."""
    spans = {name: span for name, _, span in reversed(list(_parents(contract)))}
    depth: dict[str, int] = {}
    for start in parents:
        way: dict[str, None] = {}
        name = start
        while name in parents and name not in depth and name not in way:
            way[name] = None
            name = parents[name]
        if name in way:
            circle = [*list(way)[list(way).index(name) :], name]
            text = " is a case of ".join(circle if len(circle) < MAX_DEPTH else [name, "…", name])
            yield Problem(spans[name], f"hypotheses in a circle: {text}", "drop one of these parents")
        level = depth.get(name, 0)
        for one in reversed(way):
            level += 1
            depth[one] = level
            if level == MAX_DEPTH:
                yield Problem(spans[one], f"{one!r} is nested {MAX_DEPTH} levels deep", "flatten the tree")


def _known(contract: Contract) -> str:
    return f"the hypotheses are {', '.join(contract.hypotheses) or 'none'}"
