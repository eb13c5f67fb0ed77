"""Chat formats of tool calls: what each reads, and what it leaves as text with a word to the model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.agent.messages import Text
from apr.agent.tool_calls import FORMATS, Asking, format_of, hermes, llama, mistral, qwen_coder, reads_tools

READ: dict[str, Any] = {"file_path": "a.txt"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "Read",
            "parameters": {
                "type": "object",
                "properties": {
                    "file_path": {"type": "string"},
                    "offset": {"type": "integer"},
                    "all": {"type": "boolean"},
                },
            },
        },
    }
]


def same(format_: Any, text: str, *blocks: Text | Asking) -> None:
    parsed = format_.FORMAT.parse(text, TOOLS)
    assert parsed.blocks == blocks
    assert parsed.remarks == ()


def broken(format_: Any, text: str, word: str) -> None:
    """Nothing of the text is lost, no call is made, and the model is told why."""
    parsed = format_.FORMAT.parse(text, TOOLS)
    assert parsed.blocks == (Text(text.strip()),)
    assert any(word in remark for remark in parsed.remarks), parsed.remarks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("just words", (Text("just words"),)),
        ("", ()),
        ('<tool_call>\n{"name": "Read", "arguments": {"file_path": "a.txt"}}\n</tool_call>', (Asking("Read", READ),)),
        (
            'I look.\n<tool_call>{"name":"Read","arguments":{"file_path":"a.txt"}}</tool_call>\nThen I go on.',
            (Text("I look."), Asking("Read", READ), Text("Then I go on.")),
        ),
        (
            ('<tool_call>\n{"name": "Read", "arguments": {"file_path": "a.txt"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "Glob", "arguments": {"pattern": "*"}}\n</tool_call>'),
            (Asking("Read", READ), Asking("Glob", {"pattern": "*"})),
        ),
        # the arguments as a JSON string, as OpenAI's interface has them
        ('<tool_call>{"name": "Read", "arguments": "{\\"file_path\\": \\"a.txt\\"}"}</tool_call>', (Asking("Read", READ),)),
        # braces, the closing tag and an end of line within a string; other scripts
        (
            '<tool_call>{"name": "Write", "arguments": {"file_path": "ü/日.txt", "content": "}{</tool_call>\\n{\\"a\\": {}}"}}</tool_call>',
            (Asking("Write", {"file_path": "ü/日.txt", "content": '}{</tool_call>\n{"a": {}}'}),),
        ),
        ('<tool_call>{"name": "List"}</tool_call>', (Asking("List", {}),)),
        # the model stopped behind the JSON
        ('<tool_call>{"name": "Read", "arguments": {"file_path": "a.txt"}}\n', (Asking("Read", READ),)),
        ('<tool_call>{"name": "Read", "arguments": {"a": [1, 1.5, null, true]}}', (Asking("Read", {"a": [1, 1.5, None, True]}),)),
    ],
)  # fmt: skip
def test_hermes(text: str, blocks: tuple[Text | Asking, ...]) -> None:
    same(hermes, text, *blocks)


@pytest.mark.parametrize(
    ("inner", "word"),
    [
        ('{"name": "Read", "arguments": {"file_path": "a.t', "cut off"),
        ('{"name": "Read", "arguments": {"file_path": "a.txt"}', "cut off"),
        ("", "cut off"),
        ("{'name': 'Read'}</tool_call>", "not valid"),
        ('{"name": "Read", "arguments": {"file_path": NaN}}</tool_call>', "NaN"),
        ('{"name": "Read", "arguments": {"file_path": -Infinity}}</tool_call>', "Infinity"),
        ('{"name": "Read", "arguments": {"n": 1e999}}</tool_call>', "too large"),
        ('{"name": "Read", "arguments": {"n": 1, "n": 2}}</tool_call>', "twice"),
        ('{"name": "Read", "arguments": {"n": "\\ud800"}}</tool_call>', "surrogate"),
        ('{"name": "Read", "arguments": {"n": ' + "9" * 5000 + "}}</tool_call>", "digits"),
        ('{"name": "Read", "arguments": {"n": ' + "[" * 100 + "]" * 100 + "}}</tool_call>", "too deep"),
        ('{"name": "Read", "arguments": {"n": ' + "[" * 100_000 + "]" * 100_000 + "}}</tool_call>", "too deep"),
        ('{"name": "Read", "arguments": [1]}</tool_call>', "no JSON object"),
        ('{"name": "Read", "arguments": "file_path"}</tool_call>', "not valid"),
        ('{"name": "Read", "arguments": "{} and"}</tool_call>', "behind"),
        ('{"name": "Read", "arguments": {}, "parameters": {}}</tool_call>', "both"),
        ('{"name": 3, "arguments": {}}</tool_call>', '"name"'),
        ('{"arguments": {}}</tool_call>', '"name"'),
        ('[{"name": "Read"}]</tool_call>', "object"),
        ('{"name": "Read", "arguments": {}} and more</tool_call>', "behind"),
    ],
)
def test_hermes_broken(inner: str, word: str) -> None:
    broken(hermes, f"<tool_call>{inner}", word)


def test_a_sound_call_counts_beside_a_broken_one() -> None:
    parsed = hermes.parse('<tool_call>{"name": }</tool_call>\n<tool_call>{"name": "Read", "arguments": {}}</tool_call>')
    assert parsed.blocks == (Text('<tool_call>{"name": }</tool_call>'), Asking("Read", {}))
    assert len(parsed.remarks) == 1


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("words", (Text("words"),)),
        (
            "<tool_call>\n<function=Read>\n<parameter=file_path>\na.txt\n</parameter>\n</function>\n</tool_call>",
            (Asking("Read", READ),),
        ),
        # each type is the schema's; a text that looks like a number stays text where the tool wants text
        (
            ("Look:\n<function=Read><parameter=file_path>12</parameter><parameter=offset>\n12\n</parameter>"
            "<parameter=all>true</parameter></function>"),
            (Text("Look:"), Asking("Read", {"file_path": "12", "offset": 12, "all": True})),
        ),
        # what is no JSON stays text, and the tool refuses it
        ("<function=Read><parameter=offset>many</parameter></function>", (Asking("Read", {"offset": "many"}),)),
        ("<function=Read><parameter=offset>1 2</parameter></function>", (Asking("Read", {"offset": "1 2"}),)),
        ("<function=Read><parameter=all>\nFalse\n</parameter></function>", (Asking("Read", {"all": False}),)),
        # no type is known of a tool that is not there
        ("<function=Other><parameter=x>1</parameter></function>", (Asking("Other", {"x": "1"}),)),
        # lines, quotes, other scripts and the closing tag in a value
        (
            '<tool_call><function=Read>\n<parameter=file_path>\n  a\n"b" 日\n</parameter> is written so\n</parameter>\n</function></tool_call>',
            (Asking("Read", {"file_path": '  a\n"b" 日\n</parameter> is written so'}),),
        ),
        (
            "<tool_call><function=Read></function></tool_call>\n<tool_call><function=Read></function></tool_call> done",
            (Asking("Read", {}), Asking("Read", {}), Text("done")),
        ),
    ],
)  # fmt: skip
def test_qwen_coder(text: str, blocks: tuple[Text | Asking, ...]) -> None:
    same(qwen_coder, text, *blocks)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("<tool_call><function=Read><parameter=file_path>a.t", "no end"),
        ("<tool_call><function=Read><parameter=file_path>a</parameter>", "no end"),
        ("<tool_call><function=Read>\nfile_path\n</function></tool_call>", "should end"),
        ("<tool_call><function=Read>", "should end"),
        ("<tool_call><function=></function></tool_call>", "no name"),
        ("<function=Read><parameter=a>1</parameter><parameter=a>2</parameter></function>", "twice"),
        ('<tool_call>{"name": "Read", "arguments": {}}</tool_call>', "<function=NAME>"),
    ],
)
def test_qwen_coder_broken(text: str, word: str) -> None:
    broken(qwen_coder, text, word)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("words", (Text("words"),)),
        (
            '[TOOL_CALLS] [{"name": "Read", "arguments": {"file_path": "a.txt"}, "id": "abcdefghi"}]',
            (Asking("Read", READ),),
        ),
        (
            'So:[TOOL_CALLS][{"name":"Read","arguments":"{\\"file_path\\":\\"a.txt\\"}"},{"name":"Glob","arguments":{"pattern":"]}"}}]',
            (Text("So:"), Asking("Read", READ), Asking("Glob", {"pattern": "]}"})),
        ),
        ('[TOOL_CALLS]Read[ARGS]{"file_path": "a.txt"}', (Asking("Read", READ),)),
        (
            '[TOOL_CALLS]Read[CALL_ID]abc123DEF[ARGS]{"file_path": "a.txt"}[TOOL_CALLS]Read{"file_path": "日"}',
            (Asking("Read", READ), Asking("Read", {"file_path": "日"})),
        ),
    ],
)
def test_mistral(text: str, blocks: tuple[Text | Asking, ...]) -> None:
    same(mistral, text, *blocks)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[TOOL_CALLS] [{"name": "Read", "arguments": {"file_path": "a', "cut off"),
        ("[TOOL_CALLS]", "cut off"),
        ("[TOOL_CALLS] []", "array"),
        ('[TOOL_CALLS] {"name": "Read"}', "array"),
        ('[TOOL_CALLS] [{"name": "Read", "arguments": {}}, 3]', "object"),
        ('[TOOL_CALLS] [{"name": "Read", "arguments": {}}] and so', "behind"),
        ('[TOOL_CALLS]Read[ARGS]{"a": 1,}', "not valid"),
    ],
)
def test_mistral_broken(text: str, word: str) -> None:
    broken(mistral, text, word)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("words", (Text("words"),)),
        ('{"name": "Read", "parameters": {"file_path": "a.txt"}}', (Asking("Read", READ),)),
        (' {"type": "function", "name": "Read", "parameters": {"file_path": "a.txt"}}\n', (Asking("Read", READ),)),
        (
            'Well.<|python_tag|>{"name": "Read", "parameters": {"file_path": "a.txt"}}; {"name": "Read", "arguments": {"a": "{;}"}}',
            (Text("Well."), Asking("Read", READ), Asking("Read", {"a": "{;}"})),
        ),
        # JSON that was asked for is an answer
        ('{"answer": 4}', (Text('{"answer": 4}'),)),
        ('The call is {"name": "Read", "parameters": {}}', (Text('The call is {"name": "Read", "parameters": {}}'),)),
    ],
)
def test_llama(text: str, blocks: tuple[Text | Asking, ...]) -> None:
    same(llama, text, *blocks)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"name": "Read", "parameters": {"file_path": "a', "cut off"),
        ('<|python_tag|>brave_search.call(query="x")', "not valid"),
        ("<|python_tag|>", "cut off"),
        ('{"name": "Read", "parameters": {}} or so', "behind"),
        ('{"name": "Read", "parameters": {}};', "cut off"),
        ('{"name": "Read", "parameters": 3}', "no JSON object"),
    ],
)
def test_llama_broken(text: str, word: str) -> None:
    broken(llama, text, word)


PIECES = ["<tool_call>", "</tool_call>", "<function=Read>", "<parameter=a>", "</parameter>", "</function>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", '{"name": "Read", "arguments": {', '"a": ', "[", "]", "}", ";", "\\ud800", "NaN", "1e999", "日", "\n", " "]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_a_model_writes_is_taken_apart_and_nothing_of_it_lost(text: str) -> None:
    for format_ in FORMATS:
        parsed = format_.parse(text, TOOLS)
        said = "".join(block.text for block in parsed.blocks if isinstance(block, Text))
        if not any(isinstance(block, Asking) for block in parsed.blocks):
            assert said == text.strip()
        elif parsed.remarks:
            assert said
        for block in parsed.blocks:
            assert not isinstance(block, Text) or block.text.strip() == block.text != ""


QWEN = "{%- if tools %}{{ tools | tojson }}{% endif %}{{ '<tool_call>' }}"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (QWEN, "hermes"),
        (QWEN + "<function=example><parameter=x>", "qwen3-coder"),
        ("{% for tool in tools %}{{ tool }}{% endfor %}[TOOL_CALLS]", "mistral"),
        (
            (
                "{% if custom_tools is defined %}{% set tools = custom_tools %}{% endif %}"
                "{{ '<|start_header_id|>ipython' }}{{ '\"parameters\": ' }}"
            ),
            "llama3",
        ),
        ("{% if tools %}{{ '<|tool▁calls▁begin|>' }}{% endif %}", None),
        ("You have tools. <tool_call> {% for message in messages %}{{ message.content }}{% endfor %}", None),
        ("{{ tools }}{{ '\"parameters\": ' }}", None),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", None),
    ],
)
def test_the_template_says_which_format_its_model_speaks(template: str, name: str | None) -> None:
    found = format_of(template)
    assert (found and found.name) == name


def test_tools_are_a_variable_not_a_word() -> None:
    assert reads_tools("{%- if not tools is defined %}")
    assert reads_tools("{{ tools }}")
    assert not reads_tools("{% if x %} tools {% endif %}")
    assert not reads_tools("{{ builtin_tools }}")
