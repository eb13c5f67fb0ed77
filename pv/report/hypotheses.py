"""Trees of hypotheses: as text, as Markdown, and as plain data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.hypotheses import ASSUMPTION, State
from pv.report.console import can_write, cut, escape
from pv.report.wording import counted, figure, markdown_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.hypotheses import Candidate, Node, Tree
    from pv.report.console import Paint
    from pv.status import Report

_COLOURS = {State.REFUTED: "red", State.SURVIVES: "green", State.OPEN: "yellow", State.MOOT: "dim"}
_DRAWN = ("├── ", "└── ", "│   ", "    ")
_PLAIN = ("|-- ", "`-- ", "|   ", "    ")
_LONGEST = 300  # columns of what is said of one hypothesis
_SHOWN = 5  # claims that could be run
NONE = "no claim of these contracts names a hypothesis: add `hypothesis: NAME` to those that test one"
_NOTHING_TO_RUN = "next: nothing to run: each claim of a live hypothesis has a verdict, or waits for more than a run"


def as_text(report: Report, paint: Paint, encoding: str | None = None) -> str:
    """The tree of each contract that has one, and the claims to run next; lines are drawn where the encoding has them."""
    drawing = _DRAWN if can_write("".join(_DRAWN), encoding) else _PLAIN
    lines: list[str] = []
    for tree in trees(report):
        head = f"{escape(tree.contract.name)} ({escape(tree.contract.path)}): {summary(tree)}"
        lines += [*([""] if lines else []), paint(head, "bold")]
        lines += _drawn(tree.roots, "", drawing, paint)
        lines += [escape(text) for text in _runs(tree)]
    return "\n".join([*lines, *_assumption(report)] if lines else [NONE])


def as_markdown(report: Report) -> str:
    """The same as nested lists."""
    lines: list[str] = []
    for tree in trees(report):
        lines += [*([""] if lines else []), markdown_cell(f"**{tree.contract.name}**: {summary(tree)}"), ""]
        lines += _listed(tree.roots, "")
        lines += ["", *(f"* {markdown_cell(text)}" for text in _runs(tree))]
    return "\n".join([*lines, *_assumption(report)] if lines else [NONE])


def as_data(tree: Tree | None) -> dict[str, Any] | None:
    """The tree as values that JSON has; None where there is none."""
    if tree is None:
        return None
    return {
        "summary": summary(tree),
        "assumption": ASSUMPTION,
        "tree": [_node(one) for one in tree.roots],
        "next": [_candidate(one) for one in tree.next],
    }


def trees(report: Report) -> list[Tree]:
    """The trees of a report, one a contract that has hypotheses."""
    return [one.hypotheses for one in report.contracts if one.hypotheses is not None]


def summary(tree: Tree) -> str:
    """How many hypotheses there are, and of how many what is known."""
    count = Counter(node.state for node in tree.nodes)
    states = ", ".join(f"{count[state]} {_verb(state, count[state])}" for state in State if count[state])
    return f"{_hypotheses(len(tree.nodes))}: {states}"


def _hypotheses(number: int, which: str = "") -> str:
    return f"{number} {which}{'hypothesis' if number == 1 else 'hypotheses'}"


def _verb(state: State, number: int) -> str:
    return "survive" if state is State.SURVIVES and number != 1 else str(state)


def _drawn(nodes: Sequence[Node], before: str, drawing: Sequence[str], paint: Paint) -> list[str]:
    lines = []
    middle, last, beside, nothing = drawing
    for at, node in enumerate(nodes):
        ends = at == len(nodes) - 1
        text = f"{escape(node.hypothesis.name)}: {paint(node.state, _COLOURS[node.state])}: {cut(escape(_said(node)), _LONGEST)}"
        lines.append(f"{before}{last if ends else middle}{text}")
        lines += _drawn(node.below, before + (nothing if ends else beside), drawing, paint)
    return lines


def _listed(nodes: Sequence[Node], indent: str) -> list[str]:
    lines = []
    for node in nodes:
        lines.append(f"{indent}* {markdown_cell(node.hypothesis.name)}: **{node.state}**: {markdown_cell(_said(node))}")
        lines += _listed(node.below, indent + "  ")
    return lines


def _said(node: Node) -> str:
    statement = " ".join(node.hypothesis.statement.split())
    return f"{statement} ({node.why})" if statement else node.why


def _runs(tree: Tree) -> list[str]:
    """What to run, the most informative claim first, and which live hypotheses no claim tests."""
    runs = [f"{'then' if at else 'next'}: {_run(one)}" for at, one in enumerate(tree.next[:_SHOWN])] or [
        _NOTHING_TO_RUN
    ]
    more = len(tree.next) - _SHOWN
    untested = [node.hypothesis.name for node in tree.nodes if node.live and not node.claims]
    return [
        *runs,
        *([f"and {counted(more, 'claim')} more"] if more > 0 else []),
        *([f"no claim tests {', '.join(untested)}: write one"] if untested else []),
    ]


def _assumption(report: Report) -> list[str]:
    return ["", f"({ASSUMPTION})"] if any(one.next for one in trees(report)) else []


def _run(one: Candidate) -> str:
    per = f" in {figure(one.seconds)} s, {figure(one.bits / one.seconds)} bits/s" if one.seconds else ", never timed"
    gone = f"refuted, it removes {one.parts} of {_hypotheses(one.live, 'live ')}"
    return f"{one.claim.id} ({one.hypothesis}): {one.bits:.2f} bits{per}; {gone}: pytest '{one.claim.path}::{one.claim.id}'"


def _node(node: Node) -> dict[str, Any]:
    return {
        "hypothesis": node.hypothesis.name,
        "statement": node.hypothesis.statement or None,
        "state": node.state,
        "why": node.why,
        "claims": [one.claim.id for one in node.claims],
        "below": [_node(one) for one in node.below],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "claim": one.claim.id,
        "hypothesis": one.hypothesis,
        "bits": one.bits,
        "seconds": one.seconds,
        "removes": one.parts,
        "live": one.live,
    }
