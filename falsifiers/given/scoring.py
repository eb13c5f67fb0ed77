"""What a score has to be, from its definition, and what the meter is held to by it."""

from __future__ import annotations

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
