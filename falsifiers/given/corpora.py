"""Folders of pairs of traces, made up so that their scores are known."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from given.same_calls import STUDENT_CWD, TEACHER_CWD
from given.sessions import STUDENT, Call, lines, session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction
    from pathlib import Path

META = """[fixture]
id = "{name}"
about = "made up"
covers = []

[teacher]
source = "authored"
cwd = "{teacher}"

[student]
source = "authored"
cwd = "{student}"
"""


def calls(count: int, other: int = 0) -> list[Call]:
    """As many calls of a tool without a rule of its own, the last `other` of them with another input."""
    return [Call("mcp__count__step", {"n": number if number < count - other else -number}) for number in range(count)]


def write_pair(folder: Path, teacher: Iterable[dict[str, Any]], student: Iterable[dict[str, Any]]) -> None:
    """One pair, as a folder of fixtures holds it."""
    folder.mkdir(parents=True)
    (folder / "teacher.ccpa-trace.jsonl").write_bytes(lines(teacher))
    (folder / "student.ccpa-trace.jsonl").write_bytes(lines(student))
    meta = META.format(name=folder.name, teacher=TEACHER_CWD, student=STUDENT_CWD)
    (folder / "meta.toml").write_text(meta, encoding="utf-8")


def write_corpus(folder: Path, scores: Sequence[Fraction | str | tuple[int, int]]) -> Path:
    """A folder of pairs with these scores.

    Args:
        folder: which is made anew.
        scores: fractions; or how many actions there are and how many of them differ; or `vacuous`, or `incomparable`.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for number, score in enumerate(scores):
        pair = folder / f"{number:04d}-made-up"
        if score == "vacuous":
            write_pair(pair, session(), session(session_id=STUDENT, actor="apr-code"))
        elif score == "incomparable":
            other = session(calls(4), session_id=STUDENT, actor="apr-code", prompt="Do something else.")
            write_pair(pair, session(calls(4)), other)
        elif isinstance(score, str):
            raise ValueError(f"no pair is {score}")
        else:
            count, other_calls = (
                score if isinstance(score, tuple) else (score.denominator, score.denominator - score.numerator)
            )
            student = session(calls(count, other_calls), session_id=STUDENT, actor="apr-code")
            write_pair(pair, session(calls(count)), student)
    return folder
