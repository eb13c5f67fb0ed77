"""What a score has to be, from its definition, and what the meter is held to by it."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from given.same_calls import near_misses
from given.sessions import STUDENT, TEACHER, Call, Hook, Skill, session
from pv import Refuted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from given.action_traces import Tracing
    from pv import Evidence

EXAMPLES = settings(max_examples=250, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)


def hold_table(evidence: Evidence, tracing: Tracing) -> None:
    """Each pair of actions alone in two sessions; a fault of everything is told apart from that of one rule."""
    near = near_misses()
    wrong: dict[tuple[str, bool], str] = {}
    for one in near:
        report = tracing.compare(session([one.teacher]), session([one.student], session_id=STUDENT, actor="apr-code"))
        evidence.compared(1, "pairs of actions")
        if report["score"] != float(one.same) or report["passes"] != one.same or bool(report["drifts"]) == one.same:
            said = f"score {report['score']}, {[drift['category'] for drift in report['drifts']]}"
            wrong.setdefault((one.stage, one.same), f"{one.teacher} and {one.student}: {said}")
    if not wrong:
        return
    stages = {stage for stage, _ in wrong}
    tools = {one.stage for one in near} - {"hook", "skill"}
    whole = any(
        {one.stage for one in near if one.same is same} <= {s for s, how in wrong if how is same}
        for same in (True, False)
    )
    place = (
        "tools" if tools <= stages and not stages & {"hook", "skill"} else "score" if whole else next(iter(wrong))[0]
    )
    raise Refuted(next(iter(wrong.values())), stage=place)


def hold_course(evidence: Evidence, tracing: Tracing) -> None:
    """The same action, and then another end."""
    action = Call("Read", {"file_path": "a"})
    for stop in ("max_tokens", "stop_sequence"):
        report = tracing.compare(session([action]), session([action], stop=stop, session_id=STUDENT))
        evidence.compared(1, "courses")
        if report["score"] != 1 / 2 or not report["drifts"]:
            raise Refuted(f"end_turn and {stop} are given {report['score']}, not 1/2", stage="course")


def hold_waiting(evidence: Evidence, tracing: Tracing) -> None:
    """Calls that never got a result, as a session that broke off has them; and results that come in another order than their calls."""
    start, prompt, asks, result, *_ = session([Call("Read", {"file_path": "a"}, ok=False)])
    end = {"v": 1, "kind": "session_end", "stop_reason": "error", "elapsed_ms": 1, "tokens_in": 0, "tokens_out": 0}
    left = [start, prompt, asks, end | {"turn": 1}]
    failed = [start, prompt, asks, result, end | {"turn": 2}]
    two = session([[Call("Read", {"file_path": "a"}, "1"), Call("Read", {"file_path": "b"}, "2")]])
    crossed = [*two[:3], two[4], two[3], *two[5:]]
    for what, expected, teacher, student in (
        ("calls that wait", 1, left, left),
        ("a call that waits and one that failed", 0, left, failed),
        ("results in another order", 1, two, crossed),
    ):
        report = tracing.compare(teacher, student)
        evidence.compared(1, "calls and their results")
        if report["score"] != expected or bool(report["drifts"]) == bool(expected):
            raise Refuted(f"{what} are given {report['score']}, not {expected}", stage="result")


def hold_order(evidence: Evidence, tracing: Tracing) -> None:
    """Drifts stand in the order of the teacher's actions, whatever they are."""
    first, second = Call("Read", {"file_path": "a"}), Call("Read", {"file_path": "b"})
    report = tracing.compare(session([first, second]), session([Skill("tidy"), first], stop="end_turn"))
    evidence.compared(1, "orders of drifts")
    named = [drift["category"] for drift in report["drifts"] if drift["category"] != "mismatched_stop_reason"]
    if named != ["extra_skill_invocation", "missing_tool_call"]:
        raise Refuted(f"a skill in front and a call too few at the end are told as {named}", stage="alignment")


def hold_long(evidence: Evidence, tracing: Tracing) -> None:
    """Sessions of some hundred actions, one of which has some more in front and some exchanged."""
    drawn = random.Random(7)  # noqa: S311 - no secret
    numbers = [drawn.randrange(40) for _ in range(150)]
    others = [3, 1, *numbers[:60], *numbers[70:100], *numbers[60:70], *numbers[100:]]
    made = [[Call("mcp__notes__add", {"a": number}) for number in one] for one in (numbers, others)]
    records = [session([calls], session_id=who) for calls, who in zip(made, (TEACHER, STUDENT), strict=True)]
    expected = _score((numbers, course_of(records[0])), (others, course_of(records[1])))
    report = tracing.compare(*records)
    evidence.compared(1, "long sessions")
    if report["score"] != expected:
        raise Refuted(f"sessions of 150 and 152 calls are given {report['score']}, not {expected}", stage="alignment")


def hold_alignment(evidence: Evidence, tracing: Tracing) -> None:
    """Sessions of few different actions, in turns of several calls, against the definition."""
    actions = [
        Call("Read", {"file_path": "a"}, "1"),
        Call("Read", {"file_path": "b"}, "1"),
        Call("mcp__notes__add", {"a": 1}),
        Call("Bash", {"command": "ls"}, "a", exit_code=0),
        Hook("Stop"),
        Skill("tidy"),
    ]
    places = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3), max_size=4)

    @EXAMPLES
    @given(places, places, st.sampled_from(["end_turn", "max_tokens"]))
    def check(teacher: list[list[int]], student: list[list[int]], stop: str) -> None:
        made = [
            session(_turns(actions, turns), stop=how, session_id=session_id)
            for turns, how, session_id in (
                (teacher, "end_turn", TEACHER),
                (student, stop, STUDENT),
            )
        ]
        expected = _score(
            *(
                ([number for turn in turns for number in turn], course_of(records))
                for turns, records in zip((teacher, student), made, strict=True)
            )
        )
        report = tracing.compare(*made)
        evidence.compared(1, "pairs of sessions")
        if report["score"] != expected:
            raise Refuted(f"{teacher} and {student} are given {report['score']}, not {expected}", stage="alignment")
        if (expected == 1) != (not report["drifts"]) and expected is not None:
            raise Refuted(
                f"{teacher} and {student} with score {expected} drift by {report['drifts']}", stage="alignment"
            )

    check()


def _turns(actions: Sequence[Any], turns: list[list[int]]) -> list[Any]:
    """The actions with these numbers; calls that stand together in a turn are asked for together."""
    made: list[Any] = []
    for turn in turns:
        together: list[Call] = []
        for number in turn:
            action = actions[number]
            if isinstance(action, Call):
                together.append(action)
                continue
            made += [together] if together else []
            made.append(action)
            together = []
        made += [together] if together else []
    return made


def course_of(records: list[dict[str, Any]]) -> list[str]:
    """Why each answer ended, and then the session."""
    return [record["stop_reason"] for record in records if "stop_reason" in record]


def _score(teacher: tuple[list[int], list[str]], student: tuple[list[int], list[str]]) -> float | None:
    """The score by its definition; None where neither side has an action."""
    first, second = teacher[0], student[0]
    if not first and not second:
        return None
    reached = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            reached[i + 1][j + 1] = reached[i][j] + 1 if one == other else max(reached[i][j + 1], reached[i + 1][j])
    return float(Fraction(reached[-1][-1], max(len(first), len(second)) + (teacher[1] != student[1])))
