"""Chat templates: what they make of messages, what they may take, and how their faults are told."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from apr.convert import Import, ImportOptions
from apr.engines.llama_cpp.providers import find_provider
from apr.errors import AprError, UnusableInput, UsageError
from apr.formats import open_model
from apr.formats.gguf import read_gguf
from apr.text import chat, rendering
from apr.text.chat import ChatTemplate, Limits, encode_chat, render_chat
from apr.text.chat_formats import FORMATS
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ASK = {"role": "user", "content": "What is 2+2?"}
TALK = [{"role": "system", "content": "Be kind."}, ASK, {"role": "assistant", "content": "4"}, {"role": "user", "content": "3+3?"}]  # fmt: skip


GIVEN = {"messages": [], "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True}


def of(source: str) -> ChatTemplate:
    return ChatTemplate(source, "model.gguf: tokenizer.chat_template")


def here(source: str, **variables: Any) -> dict[str, Any]:
    """Rendered in this process, which is faster."""
    return rendering.render(
        {"template": source, "variables": GIVEN | variables, "now": NOW.isoformat(), "longest": 10**6}
    )


# --- what a template finds -------------------------------------------------------------------------------------------


def test_messages_and_what_goes_with_them_reach_the_template() -> None:
    source = "{{ bos_token }}{% for m in messages %}{{ m.role }}={{ m['content'] }};{% endfor %}{{ eos_token }}{{ add_generation_prompt }}{{ tools is none }}{{ mood }}"
    text = render_chat(of(source), [ASK], bos="<s>", eos="</s>", add_generation_prompt=False, variables={"mood": "ü😀"})
    assert text == "<s>user=What is 2+2?;</s>FalseTrueü😀"


def test_blocks_leave_no_lines_behind() -> None:
    assert here("a\n  {% if true %}\nb\n  {% endif %}\nc")["text"] == "a\nb\nc"


def test_the_functions_that_templates_are_written_for() -> None:
    assert here("{{ {'b': 'ü<>', 'a': [1, none]} | tojson }}")["text"] == '{"b": "ü<>", "a": [1, null]}'
    assert here("{{ {'b': 1} | tojson(indent=2) }}")["text"] == '{\n  "b": 1\n}'
    assert here("{{ strftime_now('%d %b %Y') }}")["text"] == "02 Jan 2026"
    assert here("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}")["text"] == "01"
    assert here("{% generation %}x{{ 1 }}{% endgeneration %}y")["text"] == "x1y"


def test_the_present_may_be_given() -> None:
    assert render_chat(of("{{ strftime_now('%Y-%m-%d') }}"), [], now=NOW) == "2026-01-02"


# --- faults ----------------------------------------------------------------------------------------------------------

FAULTS = [
    ("a\n{% if %}", 2, "Expected an expression"),
    ("a\nb\n{{ messages.nothing.more }}", 3, "UndefinedError"),
    ("\n{{ ''.__class__.__mro__ }}", 2, "SecurityError"),
    ("{{ messages.append(1) }}", 1, "SecurityError"),
    ("{% include '/etc/passwd' %}", 1, "no loader"),
    ("{{ range(1000000) | list | length }}", 1, "OverflowError"),
    ("{{ 1 // 0 }}", 1, "ZeroDivisionError"),
    ("{% for i in range(10001) %}{{ 'x' * 100 }}{% endfor %}", None, "longer than 1000000 characters"),
    ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", None, "nested too deep"),
]


@pytest.mark.parametrize(("source", "line", "expected"), FAULTS)
def test_a_fault_is_told_with_its_line(source: str, line: int | None, expected: str) -> None:
    answer = here(source)
    assert expected in answer["fault"]
    assert answer["line"] == line


def test_a_fault_is_one_message() -> None:
    with pytest.raises(UnusableInput) as refusal:
        render_chat(of("a\n{{ b.c }}"), [])
    assert str(refusal.value) == "model.gguf: tokenizer.chat_template, line 2: the chat template cannot be used: UndefinedError: 'b' is undefined"  # fmt: skip


def test_messages_that_a_template_refuses_are_the_users_fault() -> None:
    with pytest.raises(UsageError, match=r"line 2: the template refuses the messages: roles must alternate"):
        render_chat(of("\n{{ raise_exception('roles must alternate') }}"), [ASK])


HOSTILE = [
    (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "more than 1 s of processor time",
    ),
    ("{{ 7 ** (3 * 10 ** 8) }}", "more than 1 s of processor time"),
    ("{{ ('a' * 10 ** 10) | length }}", "more memory than it may have"),
    ("{{ '%1000000000d' % 1 }}", "more memory than it may have"),
]


@pytest.mark.parametrize(("source", "expected"), HOSTILE)
def test_a_hostile_template_ends_itself_and_nothing_else(
    source: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a process that is killed, or has no memory left, leaves coverage's file half written
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    with pytest.raises(UnusableInput, match=expected):
        render_chat(of(source), [], limits=Limits(seconds=1))


def test_messages_are_checked_before_anything_is_run() -> None:
    with pytest.raises(UsageError, match=r"messages\[1\]: a message needs a role"):
        render_chat(of(""), [ASK, {"content": "x"}])
    with pytest.raises(UsageError, match="JSON data"):
        render_chat(of(""), [{"role": "user", "content": {1, 2}}])


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert here("a") == {"missing": "jinja2"}
    monkeypatch.setattr(chat, "_run", lambda *_: {"missing": "jinja2"})
    with pytest.raises(AprError, match=r"jinja2 is not installed; pip install 'pv-falsify\[runtime\]'"):
        render_chat(of("a"), [])


def test_a_process_that_dies_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.CompletedProcess([], -11, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: dead)
    with pytest.raises(UnusableInput, match="its process ended: exit status -11"):
        render_chat(of("a"), [])

    def too_long(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired([], 60.0)

    monkeypatch.setattr(subprocess, "run", too_long)
    with pytest.raises(UnusableInput, match="has not come to an end in 60 s"):
        render_chat(of("a"), [])


# --- which template --------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(write_vocabulary: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """A small file with these keys."""
    return lambda **keys: read_gguf(write_vocabulary(tmp_path / "t.gguf", **keys))


def test_a_file_has_its_own_template_or_names_a_format_and_none_is_guessed(opened: Callable[..., Any]) -> None:
    file = opened(tokenizer__chat_template="own", tokenizer__chat_format="x")
    assert ChatTemplate.of(file).source == "own"
    with pytest.raises(UnusableInput, match="has no chat template 'tool_use'; it has none with a name"):
        ChatTemplate.of(file, "tool_use")
    with pytest.raises(UnusableInput, match="has no chat template; give the whole prompt"):
        ChatTemplate.of(opened())


def test_one_of_several_templates_goes_by_its_name(opened: Callable[..., Any]) -> None:
    file = opened(tokenizer__chat_template="own", tokenizer__chat_template__rag="found")
    assert ChatTemplate.of(file, "rag").source == "found"
    with pytest.raises(UnusableInput, match="it has rag"):
        ChatTemplate.of(file, "tool_use")


def test_a_format_that_the_file_names(opened: Callable[..., Any]) -> None:
    file = opened(tokenizer__chat_format="chatml")
    assert ChatTemplate.of(file) == ChatTemplate(FORMATS["chatml"], f"{file.path}: chat format 'chatml'")
    with pytest.raises(UnusableInput, match="chat format 'custom' is not known here, only chatml, llama2"):
        ChatTemplate.of(opened(tokenizer__chat_format="custom"))


def test_an_apr_file_keeps_its_format_and_its_tokenizer(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    source = open_model(tiny_llama(metadata=(("tokenizer.chat_format", "chatml"),)))
    Import(source, ImportOptions()).write(tmp_path / "x.apr")
    file = open_model(tmp_path / "x.apr")
    template = ChatTemplate.of(file)
    assert (template.source, template.where) == (FORMATS["chatml"], f"{tmp_path / 'x.apr'}: chat format 'chatml'")
    before, after = Tokenizer.from_file(source), Tokenizer.from_file(file)
    prompt = render_chat(template, TALK)
    assert encode_chat(after, prompt) == encode_chat(before, prompt)
    assert after.special == before.special


# --- formats by name -------------------------------------------------------------------------------------------------

EXPECTED = {
    "chatml": "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n<|im_start|>user\n3+3?<|im_end|>\n<|im_start|>assistant\n",
    "llama2": "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nWhat is 2+2? [/INST] 4</s><s>[INST] 3+3? [/INST]",
    "llama3": "<|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhat is 2+2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n4<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n3+3?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "phi": "Be kind.\nInstruct: What is 2+2?\nOutput: 4\nInstruct: 3+3?\nOutput:",
    "alpaca": "Be kind.\n\n### Instruction:\nWhat is 2+2?\n\n### Response:\n4\n\n### Instruction:\n3+3?\n\n### Response:\n",
    "raw": "Be kind.What is 2+2?43+3?",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_by_name(name: str) -> None:
    if name == "mistral":
        assert here(FORMATS[name], messages=TALK[1:])["text"] == "[INST] What is 2+2? [/INST] 4</s>[INST] 3+3? [/INST]"
        assert "no place for a message of role system" in here(FORMATS[name], messages=TALK)["refused"]
    else:
        assert here(FORMATS[name], messages=TALK)["text"] == EXPECTED[name]
    assert "no place for a message of role tool" in here(FORMATS[name], messages=[ASK | {"role": "tool"}])["refused"]


def test_a_format_asks_for_an_answer_only_where_it_should() -> None:
    for name, source in FORMATS.items():
        asked, plain = (here(source, messages=[ASK], add_generation_prompt=ask)["text"] for ask in (True, False))
        assert asked.startswith(plain)
        assert (asked == plain) == (name in {"llama2", "mistral", "raw"})


LLAMA_FORMATS = """
import ctypes as C, json, sys
lib = C.CDLL(sys.argv[1])
class Message(C.Structure):
    _fields_ = [("role", C.c_char_p), ("content", C.c_char_p)]
apply = lib.llama_chat_apply_template
apply.argtypes = [C.c_char_p, C.POINTER(Message), C.c_size_t, C.c_bool, C.c_char_p, C.c_int32]
answer = []
for name, talk, ask in json.load(sys.stdin):
    messages = (Message * len(talk))(*[(m["role"].encode(), m["content"].encode()) for m in talk])
    room = C.create_string_buffer(1 << 16)
    size = apply(name.encode(), messages, len(talk), ask, room, len(room))
    answer.append(room.raw[:size].decode())
json.dump(answer, sys.stdout)
"""


@pytest.mark.oracle
@pytest.mark.usefixtures("llama_cpp")
def test_formats_by_name_are_llama_cpps() -> None:
    odd = [{"role": "user", "content": " ü\n<b> "}, {"role": "assistant", "content": "\ty "}, ASK]
    asked = [
        (ours, theirs, talk, ask)
        for ours, theirs in (("chatml", "chatml"), ("llama3", "llama3"))
        for talk in (TALK, odd, [ASK])
        for ask in (True, False)
    ]
    asked += [("llama2", "llama2-sys", TALK[:2], True), ("llama2", "llama2-sys", [ASK], True)]
    request = json.dumps([(theirs, talk, ask) for _, theirs, talk, ask in asked])
    done = subprocess.run(
        [sys.executable, "-c", LLAMA_FORMATS, str(find_provider().library)],
        input=request, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for (ours, _, talk, ask), theirs in zip(asked, json.loads(done.stdout), strict=True):
        assert here(FORMATS[ours], messages=talk, add_generation_prompt=ask)["text"] == theirs


# --- real templates --------------------------------------------------------------------------------------------------


@pytest.mark.real_model
def test_the_real_models_prompt_is_the_one_that_was_seen(real_model: Path) -> None:
    file = read_gguf(real_model)
    tokenizer = Tokenizer.from_file(file)
    prompt = render_chat(ChatTemplate.of(file), [ASK])
    assert prompt.endswith("<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n")
    ids = encode_chat(tokenizer, prompt)
    assert (len(ids), ids[:4], ids[-2:]) == (37, [1, 9690, 198, 2683], [9531, 198])


TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Straße & <Ort>", "parameters": {"type": "object", "properties": {"town": {"type": "string", "description": "which"}}, "required": ["town"]}}}]  # fmt: skip
TALKS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": " What is 2+2? "}], "add_generation_prompt": True, "tools": None},
    {"messages": TALK, "add_generation_prompt": True, "tools": None},
    {"messages": TALK[1:3], "add_generation_prompt": False, "tools": None},
    {"messages": [ASK], "add_generation_prompt": True, "tools": TOOLS},
    {"messages": [ASK, ASK], "add_generation_prompt": True, "tools": None},
]


def test_the_templates_of_many_models_can_be_used(vocabularies: Path) -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in vocabularies.glob("templates/*.jinja")}
    assert len(sources) > 60
    answers = {name: here(source, **TALKS[3]) for name, source in sources.items()}
    # these want variables of their own
    special = {"fireworks-ai-llama-3-firefunction-v2.jinja", "llama-cpp-deepseek-r1.jinja"}
    assert {name for name, answer in answers.items() if "text" not in answer} == special
    assert all("2+2" in answer["text"] for answer in answers.values() if "text" in answer)


def test_they_make_what_transformers_makes_of_them(vocabularies: Path) -> None:
    utils = pytest.importorskip("transformers.utils.chat_template_utils", reason="transformers is not installed")
    compared = 0
    for path in sorted(vocabularies.glob("templates/*.jinja")):
        source = path.read_text(encoding="utf-8")
        for talk in TALKS:
            ours = here(source, documents=None, **talk).get("text")
            try:
                theirs = utils._compile_jinja_template(source).render({**GIVEN, "documents": None, **talk})
            except Exception:  # noqa: BLE001 - whatever it raises, ours has to refuse as well
                theirs = None
            if "strftime_now" not in source:  # theirs looks at the clock
                assert ours == theirs, path.name
                compared += 1
    assert compared > 250


def test_bos_is_not_put_before_a_prompt_that_begins_with_it(opened: Callable[..., Any]) -> None:
    tokens = ["<s>", *[chr(code) for code in range(97, 123)], "ab"]
    file = opened(tokens=tokens, token_type=[3] + [1] * 27, merges=["a b"], bos_token_id=0, add_bos_token=True)
    tokenizer = Tokenizer.from_file(file)
    assert encode_chat(tokenizer, "ab") == [0, 27]
    assert encode_chat(tokenizer, "<s>ab") == [0, 27]
