"""Corpora and scopes whose verdict is known, and what the gates are held to by them."""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from given.corpora import write_corpus, write_pair
from given.sessions import STUDENT, Call, session
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
        if report["supports"] != ("nothing" if mean is None else "no-false-alarm"):
            raise Refuted(
                f"{scores}, by one hand on both sides, are said to support {report['supports']}", stage="supports"
            )
        if report["mean"] != (None if mean is None else float(mean)):
            raise Refuted(f"{scores} have a mean of {report['mean']}, not {mean}", stage="mean")
        if report["passes"] != passes:
            raise Refuted(f"{scores}: passes is {report['passes']}", stage=stage)
        if done.code != (0 if passes else 1):
            raise Refuted(f"{scores}: passes is {passes}, and the exit code {done.code}", stage="exit code")


def hold_bounds(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """The bounds that are asked for are those that count."""
    corpus = write_corpus(folder, [Fraction(1), Fraction(3, 4)])
    for least, mean, code in (("0.75", "0.875", 0), ("0.76", "0.5", 1), ("0.5", "0.88", 1)):
        done = tracing.ccpa("corpus", corpus, "--individual-min", least, "--aggregate-min", mean)
        evidence.compared(1, "bounds")
        if done.code != code:
            raise Refuted(f"1 and 3/4 with bounds {least} and {mean} exit with {done.code}, not {code}", stage="bounds")


def hold_prompts(evidence: Evidence, tracing: Tracing) -> None:
    """Other prompts make traces incomparable, also where it is a letter's case or the second prompt."""
    *first, end = session([Call("Read", {"file_path": "a"})])
    prompt = {"v": 1, "kind": "user_prompt", "turn": 3}
    answer = {"v": 1, "kind": "assistant_turn", "turn": 3, "blocks": [{"type": "text", "text": "Yes."}]}
    twice = [
        [*first, prompt | {"text": text}, answer | {"stop_reason": "end_turn"}, end | {"turn": 3}]
        for text in ("And b.", "And c.")
    ]
    small = session([Call("Read", {"file_path": "a"})], prompt="do it.")
    for teacher, student in (([*first, end], small), (twice[0], twice[1]), ([*first, end], twice[0])):
        report = tracing.compare(teacher, student)
        evidence.compared(1, "pairs of other prompts")
        if report["verdict"] != "incomparable" or report["score"] is not None or report["passes"]:
            raise Refuted(f"traces of other prompts are {report['verdict']}", stage="incomparable")


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
        ("floor", [one] * 20 + [Fraction(159, 200)]),
        ("bounds", [one, Fraction(179, 200)]),
        ("aggregate", [one] * 50 + [Fraction(4, 5)] * 20),
        ("incomparable", [one] * 4 + ["incomparable"]),
        ("vacuous", ["vacuous", "vacuous"]),
    ]


def hold_unnoticed(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """A feature that is there and whose loss no score shows covers nothing: a call too many, of a tool that the teacher never asked."""
    read, other = Call("Read", {"file_path": "a"}), Call("mcp__notes__add", {"a": 1})
    rows = folder / "unnoticed.yaml"
    rows.write_text(
        "rows:\n"
        "  - {id: too-much, about: b, status: SHIPPED, feature: {tool: mcp__notes__add}}\n"
        "  - {id: half, about: b, status: SHIPPED, feature: [{tool: Read}, {tool: mcp__notes__add}]}\n",
        encoding="utf-8",
    )
    pair = folder / "unnoticed" / "0001-made-up"
    write_pair(pair, session([read]), session([read, other], session_id=STUDENT, actor="apr-code"))
    meta = (pair / "meta.toml").read_text(encoding="utf-8")
    (pair / "meta.toml").write_text(meta.replace("covers = []", 'covers = ["too-much", "half"]'), encoding="utf-8")
    done = tracing.ccpa("coverage", folder / "unnoticed", "--rows", rows, "--json")
    states = {row["id"]: row["state"] for row in json.loads(done.out)["rows"]}
    evidence.compared(2, "rows whose loss no score shows")
    if set(states.values()) != {"uncovered"} or done.code != 1:
        raise Refuted(f"{states}, exit code {done.code}, where nothing is noticed", stage="ablation")


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
