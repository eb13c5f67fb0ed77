"""Corpora and scopes whose verdict is known, and what the gates are held to by them."""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from given.corpora import write_corpus
from pv import Refuted

if TYPE_CHECKING:
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Evidence


def pinned(fixtures: Path) -> dict[str, dict[str, Any]]:
    """What the authors of the pairs say about each."""
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(fixtures.glob("*/meta.toml"))
    }


def hold_gate(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """Corpora whose mean and verdict are known."""
    for stage, scores in _corpora():
        done = tracing.ccpa("corpus", write_corpus(folder, scores), "--json")
        evidence.compared(1, "made-up corpora")
        if not scores:
            if done.code != 2:
                raise Refuted(f"an empty folder exits with {done.code}", stage=stage)
            continue
        report = json.loads(done.out)
        known = [_known(score) for score in scores if not isinstance(score, str)]
        mean = sum(known, Fraction()) / len(known) if known else None
        passes = (
            mean is not None
            and mean >= Fraction(95, 100)
            and min(known) >= Fraction(4, 5)
            and "incomparable" not in scores
        )
        if report["mean"] != (None if mean is None else float(mean)):
            raise Refuted(f"{scores} have a mean of {report['mean']}, not {mean}", stage="mean")
        if report["passes"] != passes:
            raise Refuted(f"{scores}: passes is {report['passes']}", stage=stage)
        if done.code != (0 if passes else 1):
            raise Refuted(f"{scores}: passes is {passes}, and the exit code {done.code}", stage="exit code")


def _known(score: Fraction | tuple[int, int]) -> Fraction:
    return score if isinstance(score, Fraction) else Fraction(score[0] - score[1], score[0])


def _corpora() -> list[tuple[str, list[Any]]]:
    """What is tried, and the scores of the pairs."""
    one = Fraction(1)
    return [
        ("empty", []),
        ("bounds", [one, Fraction(9, 10)]),
        ("bounds", [one, one, one, Fraction(4, 5)]),
        ("aggregate", [one, Fraction(22, 25), "vacuous"]),
        ("aggregate", [one, one, one, Fraction(81, 100), Fraction(81, 100)]),
        ("aggregate", [(40, 0), (5, 1)]),
        ("aggregate", [Fraction(94, 100)] * 3),
        ("floor", [one] * 20 + [Fraction(3, 4)]),
        ("incomparable", [one] * 4 + ["incomparable"]),
        ("vacuous", ["vacuous", "vacuous"]),
    ]


def hold_scope(evidence: Evidence, tracing: Tracing, trace_fixtures: Path, folder: Path) -> None:
    """Nothing to be covered, or nothing to cover it with, is no success."""
    none = folder / "none.yaml"
    for text in (
        "rows: []\n",
        "rows:\n  - {id: a, about: b, status: SHIPPED, out_of_scope: nobody sees it}\n",
        "rows:\n  - {id: a, about: b, status: MISSING}\n",
    ):
        none.write_text(text, encoding="utf-8")
        done = tracing.ccpa("coverage", trace_fixtures, "--rows", none, "--json")
        evidence.compared(1, "empty scopes")
        if done.code != 2:
            raise Refuted(f"{text!r} exits with {done.code}", stage="scope")
    (folder / "empty").mkdir()
    done = tracing.ccpa("coverage", folder / "empty", "--rows", trace_fixtures / "rows.yaml", "--json")
    evidence.compared(1, "empty scopes")
    if done.code != 2:
        raise Refuted(f"no pairs exit with {done.code}", stage="scope")
