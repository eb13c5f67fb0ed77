"""Short sessions for tests of the meter: lists of what was done, and the sides, actions and reports that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from apr.actions.trace import Entry
from apr.meter.actions import actions_of
from apr.meter.compare import Seen, Settings, judge
from apr.meter.course import Course, Stop
from apr.meter.files import State
from apr.meter.report import Producer
from apr.meter.sides import Side
from tests.action_traces import answer, call, end, hook, prompt, result, skill, start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.meter.actions import Action
    from apr.meter.report import Report

# ("tool", name, input, what came back), ("hook", event, decision), ("skill", name)
Did = tuple[Any, ...]
TEACHER = Producer("claude-code", "m", "one")
STUDENT = Producer("apr-code", "m", "two")
UNKNOWN = State(None, "nobody looked")


def bash(command: str, said: str = "") -> Did:
    return "tool", "Bash", {"command": command}, said


def read(path: str, said: str = "") -> Did:
    return "tool", "Read", {"file_path": path}, said


def fired(event: str, decision: str = "allow") -> Did:
    return "hook", event, decision


def used(name: str) -> Did:
    return "skill", name


ALIEN = bash("nobody else says this")
DONE = st.sampled_from(
    [
        bash("ls"),
        bash("ls", "x"),
        bash("make"),
        read("a"),
        read("b"),
        fired("Stop"),
        fired("Stop", "warn"),
        used("tidy"),
    ]
)


def records(did: Sequence[Did], **changes: Any) -> list[dict[str, Any]]:
    """A session with a turn for each call."""
    found, turn = [start(**changes), prompt()], 0
    for item in did:
        if item[0] == "tool":
            turn += 1
            found.append(answer(turn, call(item[1], item[2], f"call-{turn}")))
            found.append(result(turn + 1, f"call-{turn}", item[3]))
        elif item[0] == "hook":
            found.append(hook(turn + 1, item[1], item[2]))
        else:
            found.append(skill(turn + 1, item[1]))
    return [*found, answer(turn + 1), end(turn + 1)]


def entries(found: Sequence[dict[str, Any]]) -> list[Entry]:
    return [Entry(line, record) for line, record in enumerate(found, 1)]


def side(did: Sequence[Did], source: str | None = None, **changes: Any) -> Side:
    return Side(entries(records(did, **changes)), source=source)


def actions(did: Sequence[Did]) -> list[Action]:
    return actions_of(entries(records(did)), None, None, "content")


def report(teacher: Sequence[Did], student: Sequence[Did], **settings: Any) -> Report:
    """What the meter says of two lists of actions, whose course is the same whatever was done."""
    course = Course((Stop("end_turn", 1),), Stop("end_turn", 2))
    one, other = (Seen(actions(did), course, UNKNOWN) for did in (teacher, student))
    return judge(one, other, TEACHER, STUDENT, Settings(**settings))


def shorts(found: Report) -> list[str]:
    return [drift.short for drift in found.drifts]
