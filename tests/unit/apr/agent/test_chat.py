"""What a chat template is given of a session, and what an answer of its model becomes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from apr.agent.chat import Chat, Way, split_thinking, thinks
from apr.agent.messages import Asked, Call, Message, Remark, Returned, Text, Thinking, Turn
from apr.agent.prompts import WORKING
from apr.agent.tools import Toolbox
from apr.errors import UnusableInput, UsageError

# each says what it was given: one line a message, as JSON
SAID = "{% for m in messages %}{{ m | tojson }}\n{% endfor %}"
HERMES = (
    "{% if tools %}{{ '<tool_call>' }}{% for t in tools %}{{ t.function.name }} {% endfor %}{% endif %}{{ '\\n' }}"
    + SAID
)
LLAMA = (
    "{% if tools %}{{ '<|start_header_id|>ipython' }}{{ '\"parameters\": ' }}{% endif %}{{ '\\n' }}"
    "{% for m in messages %}{% if 'tool_calls' in m and m.tool_calls | length != 1 %}{{ raise_exception('one at a time') }}{% endif %}{% endfor %}"
    + SAID
)
MISTRAL = (
    "{% if tools %}{{ '[TOOL_CALLS]' }}{% endif %}{{ '\\n' }}"
    "{% for m in messages %}{% if m.role == 'tool' and m.tool_call_id | length != 9 %}{{ raise_exception('nine') }}{% endif %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}" + SAID
)
PLAIN = SAID
SCHEMAS = Toolbox(Path(), ["Read", "Glob"], allow_bash=False).schemas()
FIRST, SECOND = Call("aaaaaaaaa", "Read", {"file_path": "a"}), Call("bbbbbbbbb", "Glob", {"pattern": "*"})
TALK: list[Message] = [
    Asked("do it"),
    Turn((Thinking("hm"), Text("I look."), FIRST, SECOND), "tool_use"),
    Returned(FIRST, ok=True, content="one"),
    Returned(SECOND, ok=False, content="none"),
]


class File:
    """As much of a model file as a template needs."""

    path = Path("model.gguf")

    def __init__(self, **metadata: str) -> None:
        self.metadata = {f"tokenizer.{key.replace('__', '.')}": value for key, value in metadata.items()}

    def optional(self, key: str, _kind: type) -> str | None:
        return self.metadata.get(key)


TOKENIZER: Any = SimpleNamespace(special=SimpleNamespace(bos=None, eos=None), tokens=[])


def way(template: str, *, wanted: bool = True, named: bool = False) -> Way:
    return Way.of(cast("Any", File(chat_template=template)), wanted=wanted, named=named)


def chat(template: str, **how: bool) -> Chat:
    return Chat(way(template, **how), SCHEMAS, iter(["id-000001", "id-000002"]).__next__)


def given(talker: Chat, talk: list[Message], instructions: str = "") -> list[dict[str, Any]]:
    """The messages that the template was given."""
    lines = talker.prompt(talk, instructions, TOKENIZER).split("\n")
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_template_is_given_tools_calls_and_results() -> None:
    talker = chat(HERMES)
    assert talker.prompt(TALK, "", TOKENIZER).startswith("<tool_call>Read Glob ")
    system, *messages = given(talker, TALK)
    assert system == {"role": "system", "content": WORKING}
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.input}}
        for call in (FIRST, SECOND)
    ]
    assert messages == [
        {"role": "user", "content": "do it"},
        {"role": "assistant", "content": "I look.", "reasoning_content": "hm", "tool_calls": calls},
        {"role": "tool", "name": "Read", "tool_call_id": "aaaaaaaaa", "content": "one"},
        {"role": "tool", "name": "Glob", "tool_call_id": "bbbbbbbbb", "content": "none"},
    ]


def test_calls_go_one_by_one_where_the_template_takes_no_more() -> None:
    messages = given(chat(LLAMA), TALK)[1:]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "tool"]
    assert [message["content"] for message in messages] == ["do it", "I look.", "one", "", "none"]


def test_without_a_place_for_a_system_message_it_stands_before_the_prompt() -> None:
    messages = given(chat(MISTRAL), TALK, "Be kind.")
    assert messages[0] == {"role": "user", "content": f"{WORKING}\n\nBe kind.\n\ndo it"}
    assert [message["role"] for message in messages[1:]] == ["assistant", "tool", "tool"]


def test_a_refusal_of_the_conversation_itself_is_told() -> None:
    with pytest.raises(UsageError, match="nine"):
        chat(MISTRAL).prompt([TALK[0], Turn((Call("short", "Read", {}),), "tool_use"), Returned(Call("short", "Read", {}), ok=True, content="")], "", TOKENIZER)  # fmt: skip


@pytest.mark.parametrize(("template", "role"), [(HERMES, "tool"), (LLAMA, "tool"), (MISTRAL, "user"), (PLAIN, "user")])
def test_a_remark_is_told_in_the_role_that_the_template_has_a_place_for(template: str, role: str) -> None:
    talk: list[Message] = [Asked("x"), Turn((Text("<tool_call>{"),), "end_turn"), Remark("cut off")]
    assert given(chat(template, named=True), talk)[-1] == {"role": role, "content": "cut off"}


def test_tools_in_words_where_the_template_has_no_place_and_the_user_named_them() -> None:
    talker = chat(PLAIN, named=True)
    system, *messages = given(talker, TALK)
    assert '"name": "Glob"' in system["content"]
    assert "<tool_call>" in system["content"]
    assert messages == [
        {"role": "user", "content": "do it"},
        {
            "role": "assistant",
            "reasoning_content": "hm",
            "content": 'I look.\n<tool_call>\n{"name": "Read", "arguments": {"file_path": "a"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "Glob", "arguments": {"pattern": "*"}}\n</tool_call>',
        },
        {
            "role": "user",
            "content": "<tool_response>\none\n</tool_response>\n<tool_response>\nnone\n</tool_response>",
        },
    ]
    turn = talker.read('<tool_call>{"name": "Read", "arguments": {}}</tool_call>', "", "end_turn", 1, 2)
    assert turn.calls == [Call("id-000001", "Read", {})]


def test_tools_told_in_words_are_not_told_twice() -> None:
    prompt = chat("{{ tools }}" + SAID, named=True).prompt([Asked("hi")], "", TOKENIZER)
    assert prompt.startswith("None{")


def test_without_tools_nothing_is_said_of_them_and_no_call_is_read() -> None:
    for talker in (chat(PLAIN), chat(HERMES, wanted=False)):
        assert given(talker, [Asked("hi")]) == [{"role": "user", "content": "hi"}]
        said = '<tool_call>{"name": "Read", "arguments": {}}</tool_call>'
        assert talker.read(said, "", "end_turn", 1, 2) == Turn((Text(said),), "end_turn", 1, 2)


@pytest.mark.parametrize(
    ("template", "how", "format_", "in_words", "note"),
    [
        (HERMES, {}, "hermes", False, ""),
        (HERMES, {"named": True}, "hermes", False, ""),
        (HERMES, {"wanted": False}, None, False, ""),
        (PLAIN, {}, None, False, "has no place for tools"),
        (PLAIN, {"named": True}, "hermes", True, ""),
        ("{{ tools }}<other>", {}, None, False, "in a way not known here"),
        ("{{ tools }}<other>", {"named": True}, "hermes", True, ""),
    ],
)
def test_the_way_of_a_template(
    template: str, how: dict[str, bool], format_: str | None, in_words: bool, note: str
) -> None:
    found = way(template, **how)
    assert (found.format and found.format.name, found.in_words) == (format_, in_words)
    assert (note in found.note) if note else not found.note


def test_the_template_for_tools_is_taken_where_there_are_two() -> None:
    file = cast("Any", File(chat_template=PLAIN, chat_template__tool_use=HERMES))
    assert Way.of(file, wanted=True, named=False).template.source == HERMES
    assert Way.of(file, wanted=False, named=False).template.source == PLAIN
    with pytest.raises(UnusableInput, match="no chat template"):
        Way.of(cast("Any", File()), wanted=True, named=False)


CALL = '<tool_call>{"name": "Read", "arguments": {"file_path": "a"}}</tool_call>'


@pytest.mark.parametrize(
    ("text", "prompt", "stop", "blocks", "stopped", "remarks"),
    [
        ("Hello.\n", "", "end_turn", (Text("Hello."),), "end_turn", 0),
        ("", "", "end_turn", (Text(""),), "end_turn", 0),
        ("Hel", "", "max_tokens", (Text("Hel"),), "max_tokens", 0),
        (f"Hm. {CALL}", "", "end_turn", (Text("Hm."), Call("id-000001", "Read", {"file_path": "a"})), "tool_use", 0),
        (CALL, "", "max_tokens", (Call("id-000001", "Read", {"file_path": "a"}),), "tool_use", 0),
        ("<tool_call>{", "", "end_turn", (Text("<tool_call>{"),), "end_turn", 1),
        # cut off by the limit: nothing to tell the model
        ("<tool_call>{", "", "max_tokens", (Text("<tool_call>{"),), "max_tokens", 0),
        ("<think>\nhm\n</think>\n\nYes.", "", "end_turn", (Thinking("hm"), Text("Yes.")), "end_turn", 0),
        ("hm</think>Yes.", "assistant\n<think>\n", "end_turn", (Thinking("hm"), Text("Yes.")), "end_turn", 0),
        ("hm", "<think>\n", "max_tokens", (Thinking("hm"),), "max_tokens", 0),
        (f"<think>{CALL}</think>No.", "", "end_turn", (Thinking(CALL), Text("No.")), "end_turn", 0),
    ],
)
def test_what_an_answer_becomes(
    text: str, prompt: str, stop: str, blocks: tuple[Any, ...], stopped: str, remarks: int
) -> None:
    turn = chat(HERMES).read(text, prompt, stop, 5, 6)
    assert (turn.blocks, turn.stop_reason, turn.tokens_in, turn.tokens_out) == (blocks, stopped, 5, 6)
    assert len(turn.remarks) == remarks


def test_thoughts_are_those_in_front() -> None:
    assert split_thinking("So <think>x</think>", opened=False) == (None, "So <think>x</think>")
    assert split_thinking("<think>a</think>b</think>", opened=False) == ("a", "b</think>")
    assert thinks("<|im_start|>assistant\n<think>\n")
    assert not thinks("<think>\n\n</think>\n\n")
