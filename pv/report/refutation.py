"""A run that came out against expectation, in the look of a diagnostic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.formal.source import BUILT_IN
from pv.report.console import cut, escape
from pv.report.frame import excerpt
from pv.report.wording import figure, place
from pv.shelltest.source import SHELL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.parse import Claim
    from pv.report.console import Paint
    from pv.source import Source

_LONGEST = 2000  # columns of any one value


def block(row: Mapping[str, Any], claim: Claim, source: Source | None, paint: Paint) -> str:
    """Claim, prediction, where, by how much, and what the contract suspects."""
    lines = [_headline(row, claim, paint)]
    if source is not None:
        lines += excerpt(source, claim.span, paint)
    gutter = " " * len(str(claim.span.line))
    return "\n".join(
        [*lines, *(f"{gutter} = {name}: {escape(cut(text, _LONGEST))}" for name, text in _facts(row, claim))]
    )


def _headline(row: Mapping[str, Any], claim: Claim, paint: Paint) -> str:
    name = claim.id + (f"[{row['label']}]" if row["label"] else "")
    place = f"{escape(claim.path)}:{claim.span.line}:{claim.span.col}"
    word = paint(f"error[{row['verdict']}]", "red", "bold")
    return f"{place}: {word}: {escape(name)}: {escape(cut(str(row.get('message') or ''), _LONGEST))}"


def _facts(row: Mapping[str, Any], claim: Claim) -> list[tuple[str, str]]:
    distance = "" if row.get("distance") is None else figure(row["distance"])
    if distance and row.get("bound") is not None:
        distance += f", bound {figure(row['bound'])}"
    counterexample = row.get("counterexample")
    falsifier = row.get("falsifier") or {}
    kept = (row.get("examples") or {}).get("kept")
    facts = [
        ("prediction", claim.prediction.strip()),
        ("where", place(row.get("where") or {})),
        ("distance", distance),
        ("counterexample", "" if counterexample is None else str(counterexample).strip()),
        ("kept", f"{kept}, to be tried first next time" if kept else ""),
        ("suspect", "" if row["mutant"] or row["verdict"] == "error" else claim.if_fails.strip()),
        ("falsifier", _falsifier(falsifier, claim)),
    ]
    return [(name, text) for name, text in facts if text]


def _falsifier(told: Mapping[str, Any], claim: Claim) -> str:
    """What tried to refute the claim: a function of the project, or the obligation as it stands in the contract."""
    if not told:
        return ""
    if told["path"] == BUILT_IN and claim.executable is not None:
        return f"obligation {claim.executable.obligation.get('id')!r}, run as it is written"
    if told["path"] == SHELL:
        return "the command of its test, run because --run-shell-tests asked for it"
    return f"{told['path']}:{told['line']} {told['qualname']}"
