"""The upstream's score: two lists of actions compared index by index; what the student does beyond the teacher's list is free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apr.meter.upstream.content import Pairs, canonical
from apr.meter.upstream.text import trimmed, words

Records = Iterable[tuple[str, Mapping[str, Any]]]
INDIVIDUAL_MIN, AGGREGATE_MIN = 0.80, 0.95


@dataclass(frozen=True)
class Action:
    """A tool call, a hook event or a skill invocation.

    Attributes:
        kind: `ToolCall`, `HookEvent` or `SkillInvocation`, as the names of drifts end.
        label: of the tool, the event or the skill.
        key: what is compared, beside the label of a tool.
    """

    kind: str
    label: str
    key: Any


@dataclass(frozen=True)
class Drift:
    """What the upstream calls a drift: category, position in the list, label."""

    category: str
    position: int
    label: str


@dataclass(frozen=True)
class Parity:
    """The outcome for two traces; `score` is matched / teacher, 1.0 where both did nothing."""

    score: float
    matched: int
    teacher: int
    student: int
    drifts: tuple[Drift, ...]


def normalised_command(text: str) -> str:
    """Runs of white space, inside quotes too, become one blank; semicolons at the end go."""
    return trimmed(" ".join(words(text)).rstrip(";"))


def _get(value: Any, key: str, kind: type, otherwise: Any = None) -> Any:
    found = dict(value).get(key) if isinstance(value, Pairs) else None
    return found if type(found) is kind else otherwise


def _text(value: Any, key: str) -> str:
    found: str = _get(value, key, str, "")
    return found


def _count(value: Any, key: str) -> int | None:
    found = _get(value, key, int)
    return found if found is not None and found >= 0 else None


def _same_edit(teacher: Any, student: Any) -> bool:
    if _text(teacher, "path") != _text(student, "path"):
        return False
    states = [_get(side, "post_state_sha256", str) for side in (teacher, student)]
    if None not in states:
        return bool(states[0] == states[1])  # trusted, never computed
    return all(_text(teacher, key) == _text(student, key) for key in ("old_string", "new_string"))


_KEYS: dict[str, Callable[[Any], Any]] = {
    "Bash": lambda given: normalised_command(_text(given, "command")),
    "Read": lambda given: (_text(given, "path"), _count(given, "offset"), _count(given, "limit")),
    "Write": lambda given: (_text(given, "path"), _text(given, "content")),
    "Edit": lambda given: given,
    "Glob": lambda given: _text(given, "pattern"),
    "Grep": lambda given: (
        trimmed(_text(given, "pattern")),
        _text(given, "path"),
        _get(given, "regex", bool, otherwise=False),
    ),
    "Agent": lambda given: (_text(given, "subagent_type"), _text(given, "prompt")),
}


def actions_of(records: Records) -> list[Action]:
    """The scored actions, in the order of the file."""
    found = []
    for kind, fields in records:
        if kind == "assistant_turn":
            for block, content in fields["blocks"]:
                if block == "tool_use":
                    key = _KEYS.get(content["name"], canonical)(content["input"])
                    found.append(Action("ToolCall", content["name"], key))
        elif kind == "hook_event":
            fired = (fields["matcher"], fields["decision"], fields["exit_code"], normalised_command(fields["output"]))
            found.append(Action("HookEvent", fields["event"], fired))
        elif kind == "skill_invocation":
            rest = (fields["source"], fields["instructions_injected"])
            found.append(Action("SkillInvocation", fields["name"], rest))
    return found


def _drift(teacher: Action, student: Action) -> str | None:
    """The category, None where the two are equivalent."""
    if teacher.kind != student.kind:
        return "MismatchedActionKind"
    if teacher.kind != "ToolCall":
        return None if teacher == student else f"Mismatched{teacher.kind}"
    if teacher.label != student.label:
        return "MismatchedToolName"
    same = _same_edit(teacher.key, student.key) if teacher.label == "Edit" else teacher.key == student.key
    return None if same else "MismatchedToolInput"


def compare(teacher: Records, student: Records) -> Parity:
    """Score and drifts of two traces."""
    wanted, done = actions_of(teacher), actions_of(student)
    drifts, matched = [], 0
    for index, action in enumerate(wanted):
        category = _drift(action, done[index]) if index < len(done) else f"Missing{action.kind}"
        if category is None:
            matched += 1
        else:
            drifts.append(Drift(category, index, action.label))
    drifts += [Drift(f"Extra{done[index].kind}", index, done[index].label) for index in range(len(wanted), len(done))]
    score = matched / len(wanted) if wanted else float(not done)
    return Parity(score, matched, len(wanted), len(done), tuple(drifts))


@dataclass(frozen=True)
class CorpusParity:
    """The outcome for a folder of pairs: their mean, and whether it and each score are high enough."""

    scores: Mapping[str, Parity]
    mean: float
    passes: bool


def compare_all(
    pairs: Mapping[str, tuple[Records, Records]], individual_min: float, aggregate_min: float
) -> CorpusParity:
    """Mean and gate over pairs; without any the mean is 1.0 and the gate open, as in the upstream's library."""
    scores = {name: compare(*pair) for name, pair in pairs.items()}
    total = 0.0
    for one in scores.values():
        total += one.score  # in this order: sums of floats depend on it
    mean = total / len(scores) if scores else 1.0
    passes = not scores or (mean >= aggregate_min and all(one.score >= individual_min for one in scores.values()))
    return CorpusParity(scores, mean, passes)
