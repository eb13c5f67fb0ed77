"""The one table of drift categories: ours, and what the upstream's program and the upstream's contract call the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Category(Enum):
    """A way in which a student's trace departs from its teacher's; the value is what reports say."""

    MISMATCHED_TOOL_INPUT = "mismatched_tool_input"
    MISMATCHED_TOOL_NAME = "mismatched_tool_name"
    MISMATCHED_TOOL_RESULT = "mismatched_tool_result"
    MISSING_TOOL_CALL = "missing_tool_call"
    EXTRA_TOOL_CALL = "extra_tool_call"
    MISMATCHED_HOOK_EVENT = "mismatched_hook_event"
    MISSING_HOOK_EVENT = "missing_hook_event"
    EXTRA_HOOK_EVENT = "extra_hook_event"
    MISMATCHED_SKILL_INVOCATION = "mismatched_skill_invocation"
    MISSING_SKILL_INVOCATION = "missing_skill_invocation"
    EXTRA_SKILL_INVOCATION = "extra_skill_invocation"
    MISMATCHED_ACTION_KIND = "mismatched_action_kind"
    TURN_ORDER_SKEW = "turn_order_skew"
    EXTRANEOUS_LLM_CALL = "extraneous_llm_call"
    MISMATCHED_STOP_REASON = "mismatched_stop_reason"
    MISMATCHED_FILE_STATE = "mismatched_file_state"


@dataclass(frozen=True)
class Meaning:
    """What a category says, and what others call it.

    Attributes:
        text: in one line.
        code: the category of the upstream's program; None where it has none.
        contract: the category of the upstream's contract; None where it has none.
    """

    text: str
    code: str | None = None
    contract: str | None = None


MEANINGS: dict[Category, Meaning] = {
    Category.MISMATCHED_TOOL_INPUT: Meaning(
        "the same tool was asked for something else", "MismatchedToolInput", "mismatched_tool_input"
    ),
    Category.MISMATCHED_TOOL_NAME: Meaning("another tool was asked", "MismatchedToolName"),
    Category.MISMATCHED_TOOL_RESULT: Meaning("the same call came out otherwise"),
    Category.MISSING_TOOL_CALL: Meaning("the teacher's call was not made", "MissingToolCall", "missing_tool_call"),
    Category.EXTRA_TOOL_CALL: Meaning("a call that the teacher did not make", "ExtraToolCall", "extra_tool_call"),
    Category.MISMATCHED_HOOK_EVENT: Meaning(
        "a hook fired for something else or decided otherwise", "MismatchedHookEvent"
    ),
    Category.MISSING_HOOK_EVENT: Meaning("the teacher's hook did not fire", "MissingHookEvent"),
    Category.EXTRA_HOOK_EVENT: Meaning("a hook fired that the teacher's did not", "ExtraHookEvent"),
    Category.MISMATCHED_SKILL_INVOCATION: Meaning("another skill, or for another reason", "MismatchedSkillInvocation"),
    Category.MISSING_SKILL_INVOCATION: Meaning("the teacher's skill was not used", "MissingSkillInvocation"),
    Category.EXTRA_SKILL_INVOCATION: Meaning("a skill that the teacher did not use", "ExtraSkillInvocation"),
    Category.MISMATCHED_ACTION_KIND: Meaning(
        "a tool call where a hook or a skill was due, or so", "MismatchedActionKind"
    ),
    Category.TURN_ORDER_SKEW: Meaning("the right action at another place", None, "turn_order_skew"),
    Category.EXTRANEOUS_LLM_CALL: Meaning("the model was asked more often", None, "extraneous_llm_call"),
    Category.MISMATCHED_STOP_REASON: Meaning("a turn or the session ended for another reason"),
    # the upstream's program defines it and never produces it
    Category.MISMATCHED_FILE_STATE: Meaning(
        "files were left in another state", "MismatchedFileState", "mismatched_file_state"
    ),
}


@dataclass(frozen=True)
class Drift:
    """One departure.

    Attributes:
        category: of which kind.
        teacher, student: positions in the lists of actions, from 0; None where that side has no such action. Of turns for
            `extraneous_llm_call` and `mismatched_stop_reason`, and both None for `mismatched_file_state`.
        label: of the tool, hook event or skill: the teacher's, the student's where it is extra; for files the path.
        detail: what the two sides say, in one line.
        lines: where it stands in the teacher's and the student's file, from 1; None where it does not.
    """

    category: Category
    teacher: int | None
    student: int | None
    label: str
    detail: str = ""
    lines: tuple[int | None, int | None] = (None, None)

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "category": self.category.value,
            "teacher": self.teacher,
            "student": self.student,
            "label": self.label,
            "detail": self.detail,
            "lines": list(self.lines),
        }

    @property
    def short(self) -> str:
        """As fixtures pin it: `missing_tool_call 2 - Bash`: category, teacher's position, student's, label."""
        places = " ".join("-" if place is None else str(place) for place in (self.teacher, self.student))
        return f"{self.category.value} {places} {self.label}"
