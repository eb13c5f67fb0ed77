"""The driver of a model: real tokens and a real template, with an engine that says what it is told to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest

from apr.agent.chat import Chat, Way
from apr.agent.drivers import local
from apr.agent.drivers.local import Local, engine_for
from apr.agent.messages import Asked, Call, CallIds, Text
from apr.errors import OracleAbsent, OracleError
from apr.formats import open_model
from apr.text.byte_level import alphabet
from apr.text.sampling import Sampling
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from apr.formats.model_file import ModelFile

TEMPLATE = "{% if tools %}<tool_call>{% endif %}{% for m in messages %}{{ m.content }}|{% endfor %}"
# a control token and a user-defined one, as in Qwen's vocabulary
CONTROL, DEFINED = ["<|im_end|>", "<tool_call>"], ["</tool_call>"]
READ = '<tool_call>\n{"name": "Read", "arguments": {"file_path": "ü"}}\n</tool_call>'


@pytest.fixture
def file(tmp_path: Path) -> ModelFile:
    tokens = [*alphabet(), *CONTROL, *DEFINED, "qz"]
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 256 + [3] * len(CONTROL) + [4] * len(DEFINED) + [1])
    writer.add_token_merges(["q z"])
    writer.add_eos_token_id(256)
    writer.add_bos_token_id(256)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(TEMPLATE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return open_model(tmp_path / "tiny.gguf")


class Scripted:
    """An engine whose logits are those of a given answer, and then of the token that ends it."""

    def __init__(self, answer: Sequence[int], size: int) -> None:
        self.answer, self.size, self.prompts, self.room = list(answer), size, list[list[int]](), 10_000

    def session(self, _limit: int | None = None) -> Scripted:
        self.left = [*self.answer, 256]
        self.prompts.append([])
        return self

    def feed(self, tokens: Sequence[int]) -> Any:
        self.prompts[-1] += tokens
        logits = np.zeros(self.size, np.float32)
        logits[self.left.pop(0)] = 9
        return logits


@pytest.fixture
def driver(file: ModelFile, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Local, Scripted, list[str]]]:
    tokenizer = Tokenizer.from_file(file)

    def make(answer: str, *, limit: int = 1000, sampling: Sampling | None = None) -> tuple[Local, Scripted, list[str]]:
        engine = Scripted(tokenizer.encode(answer), len(tokenizer.tokens))
        monkeypatch.setattr(local, "generating", lambda *_: engine)
        way = Way.of(file, wanted=True, named=False)
        shown: list[str] = []
        chat = Chat(way, [{"type": "function", "function": {"name": "Read"}}], CallIds())
        return (
            Local(file, tokenizer, chat, "numpy", sampling, limit, contextlib.ExitStack(), shown.append),
            engine,
            shown,
        )

    return make


def test_a_call_in_special_tokens_is_read(driver: Callable[..., tuple[Local, Scripted, list[str]]]) -> None:
    asked, engine, shown = driver(f"So.\n{READ}")
    assert {257, 258} <= set(engine.answer)  # the tags are tokens of their own
    turn = asked.answer([Asked("hi")], "")
    said, call = turn.blocks
    assert said == Text("So.")
    assert isinstance(call, Call)
    assert (call.name, call.input) == ("Read", {"file_path": "ü"})
    assert (turn.stop_reason, turn.tokens_out) == ("tool_use", len(engine.answer))
    assert turn.tokens_in == len(engine.prompts[0]) - len(engine.answer)
    assert "".join(shown).strip() == "So."
    assert asked.answer([Asked("hi")], "").calls[0].id != call.id


def test_the_limit_cuts_an_answer_off(driver: Callable[..., tuple[Local, Scripted, list[str]]]) -> None:
    asked, _, shown = driver("abcdef", limit=3)
    turn = asked.answer([Asked("hi")], "")
    assert (turn.blocks, turn.stop_reason, turn.tokens_out) == ((Text("abc"),), "max_tokens", 3)
    assert "".join(shown) == "abc"


def test_an_answer_of_exactly_the_limit_was_cut_off_too(
    driver: Callable[..., tuple[Local, Scripted, list[str]]],
) -> None:
    asked, _, _ = driver("abc", limit=3)  # the token that ends it was never chosen
    assert asked.answer([Asked("hi")], "").stop_reason == "max_tokens"
    asked, _, _ = driver("abc", limit=4)
    assert asked.answer([Asked("hi")], "").stop_reason == "end_turn"


def test_one_seed_gives_a_session_and_not_a_turn(driver: Callable[..., tuple[Local, Scripted, list[str]]]) -> None:
    # at this temperature every token is as likely as any other: two turns of one draw would be equal
    def two() -> list[str]:
        asked, _, _ = driver("abcdefgh", limit=8, sampling=Sampling(temperature=1e6, seed=3))
        return [str(asked.answer([Asked("hi")], "").blocks) for _ in range(2)]

    first, second = two()
    assert first != second
    assert two() == [first, second]


def test_the_engine_is_opened_with_the_first_question(
    driver: Callable[..., tuple[Local, Scripted, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, engine, _ = driver("a")
    opened = []

    def opening(*how: object) -> Scripted:
        opened.append(how)
        if len(opened) == 1:
            raise OracleError("it crashed")
        return engine

    monkeypatch.setattr(local, "generating", opening)
    assert opened == []
    with pytest.raises(OracleError):
        asked.answer([Asked("hi")], "")
    asked.answer([Asked("hi")], "")
    asked.answer([Asked("hi")], "")
    assert len(opened) == 2


def test_the_engine_that_runs_a_file(
    file: ModelFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local, "find_provider", lambda: "a library")
    assert [engine_for(file, wanted) for wanted in (None, "numpy", "llama.cpp")] == ["llama.cpp", "numpy", "llama.cpp"]
    assert capsys.readouterr().err == ""

    def none() -> None:
        raise OracleAbsent("no library")

    monkeypatch.setattr(local, "find_provider", none)
    assert engine_for(file, None) == "numpy"
    assert "no library; the model runs in numpy" in capsys.readouterr().err
