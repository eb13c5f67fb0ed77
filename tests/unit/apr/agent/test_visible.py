"""What of an answer is shown as it comes, however it is cut into pieces."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.agent.drivers.visible import Visible
from apr.agent.tool_calls import hermes, llama

if TYPE_CHECKING:
    from apr.agent.tool_calls.base import Format

CALL = '<tool_call>{"name": "Read", "arguments": {}}</tool_call>'


def shown(text: str, format_: Format | None, cuts: list[int], *, thinking: bool = False, called: bool) -> list[str]:
    pieces: list[str] = []
    visible = Visible(pieces.append, format_, thinking=thinking)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(places):
        visible.feed(text[begin:end])
    visible.finish(called=called)
    return pieces


@pytest.mark.parametrize(
    ("text", "format_", "thinking", "called", "expected"),
    [
        ("Hello there.", None, False, False, "Hello there."),
        ("\n Hello <b>.", hermes.FORMAT, False, False, "Hello <b>."),
        (f"I look. {CALL} and on", hermes.FORMAT, False, True, "I look. "),
        (CALL, hermes.FORMAT, False, True, ""),
        # what looked like a call and was none is shown in the end
        ("So <tool_call>{", hermes.FORMAT, False, False, "So <tool_call>{"),
        ("So <tool_", hermes.FORMAT, False, False, "So <tool_"),
        ("<think>\nhm <tool_call></think>\n\nYes.", hermes.FORMAT, False, False, "Yes."),
        ("hm</think>Yes.", None, True, False, "Yes."),
        ("only thoughts", None, True, False, ""),
        ("<thin ice", None, False, False, "<thin ice"),
        ('{"name": "Read", "parameters": {}}', llama.FORMAT, False, True, ""),
        ('{"answer": 4}', llama.FORMAT, False, False, '{"answer": 4}'),
        ("Well {4}", llama.FORMAT, False, False, "Well {4}"),
    ],
)
@given(cuts=st.lists(st.integers(0, 100), max_size=6))
def test_text_is_shown_and_nothing_else(
    text: str, format_: Format | None, thinking: bool, called: bool, expected: str, cuts: list[int]
) -> None:
    assert "".join(shown(text, format_, cuts, thinking=thinking, called=called)) == expected


def test_text_is_shown_before_the_answer_is_over() -> None:
    pieces: list[str] = []
    visible = Visible(pieces.append, hermes.FORMAT)
    visible.feed("Hello")
    assert pieces == ["Hello"]
    visible.feed(" <b>")
    assert pieces == ["Hello", " <b>"]
    visible.feed(" <to")
    assert pieces == ["Hello", " <b>", " "]
    visible.feed("p>")
    assert "".join(pieces) == "Hello <b> <top>"
