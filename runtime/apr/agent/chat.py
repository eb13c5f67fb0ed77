"""A conversation as a model's chat template takes it, and an answer as the model's format spells it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.agent.messages import Asked, Block, Call, Remark, Returned, Text, Thinking, Turn
from apr.agent.prompts import WORKING, described, together
from apr.agent.tool_calls import format_of, reads_tools
from apr.agent.tool_calls.base import Asking
from apr.agent.tool_calls.hermes import CLOSE, OPEN
from apr.agent.tool_calls.hermes import FORMAT as HERMES
from apr.errors import UsageError
from apr.text.chat import ChatTemplate, render_chat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.agent.messages import Message
    from apr.agent.tool_calls.base import Format, Tool
    from apr.formats.model_file import ModelFile
    from apr.text.special import SpecialTokens
    from apr.text.tokenizer import Tokenizer

_TOOLS_TEMPLATE = "tool_use"  # the name that files with several templates give to the one that reads tools
_THINKING = re.compile(r"\s*<think>(.*?)</think>", re.DOTALL)
_THOUGHT_END = "</think>"


@dataclass(frozen=True)
class Way:
    """How a model is told of tools and calls them.

    Attributes:
        template: what makes its prompts.
        format: how it writes calls; None where it has no tools.
        in_words: the tools are described by us, as the template has no place for them; calls and results are then text.
        note: for the user, where tools had to be left out.
    """

    template: ChatTemplate
    format: Format | None
    in_words: bool = False
    note: str = ""

    @classmethod
    def of(cls, file: ModelFile, *, wanted: bool, named: bool) -> Way:
        """The way of a model file.

        Args:
            file: the model.
            wanted: whether there are tools.
            named: whether the user named them, and so wants them told in words if need be.

        Raises:
            UnusableInput: it has no chat template.
        """
        own = wanted and f"tokenizer.chat_template.{_TOOLS_TEMPLATE}" in file.metadata
        template = ChatTemplate.of(file, _TOOLS_TEMPLATE if own else None)
        if not wanted:
            return cls(template, None)
        known = format_of(template.source)
        if known is not None:
            return cls(template, known)
        if named:
            return cls(template, HERMES, in_words=True)
        why = "calls tools in a way not known here" if reads_tools(template.source) else "has no place for tools"
        note = f"the model's chat template {why}: it can only answer in text; name tools with --tools to tell it of them in words"
        return cls(template, None, note=note)


@dataclass
class Chat:
    """Renders conversations and reads answers.

    Attributes:
        way: how the model calls tools.
        tools: what it is told of; nothing where it cannot be.
        ids: gives ids to calls.
    """

    way: Way
    tools: Sequence[Tool]
    ids: Callable[[], str]
    _no_system: bool = False  # the template refuses a system message

    def prompt(self, conversation: Sequence[Message], instructions: str, tokenizer: Tokenizer) -> str:
        """The prompt for the next answer.

        Raises:
            UsageError: the template refuses the conversation.
            UnusableInput: the template is at fault.
        """
        tools = self.tools if self.way.format is not None else []
        system = together(
            [WORKING if tools else "", described(tools) if tools and self.way.in_words else "", instructions]
        )
        if system and not self._no_system:
            try:
                return self._render(
                    [{"role": "system", "content": system}, *self._messages(conversation)], tokenizer.special, tokenizer
                )
            except UsageError:
                # some templates have no place for it; then it stands in front of what the user says first
                self._no_system = True
        messages = self._messages(conversation)
        if system:
            messages[0] = messages[0] | {"content": together([system, messages[0]["content"]])}
        return self._render(messages, tokenizer.special, tokenizer)

    def read(self, text: str, prompt: str, stop_reason: str, tokens_in: int, tokens_out: int) -> Turn:
        """The turn that an answer is.

        Args:
            text: all of the answer, special tokens as they are spelled.
            prompt: that it answers; where it opened the model's thoughts, they begin the answer.
            stop_reason: `end_turn` or `max_tokens`; where there are calls the turn's is `tool_use`.
            tokens_in: of the prompt.
            tokens_out: of the answer.
        """
        thinking, said = split_thinking(text, opened=thinks(prompt))
        blocks: list[Block] = [] if thinking is None else [Thinking(thinking)]
        remarks: tuple[str, ...] = ()
        if self.way.format is None:
            blocks += [Text(said.strip())] if said.strip() else []
        else:
            parsed = self.way.format.parse(said, self.tools)
            blocks += [
                Call(self.ids(), block.name, block.input) if isinstance(block, Asking) else block
                for block in parsed.blocks
            ]
            remarks = tuple(f"A tool call could not be read, and nothing was done: {why}." for why in parsed.remarks)
        if any(isinstance(block, Call) for block in blocks):
            stop_reason = "tool_use"
        elif stop_reason == "max_tokens":
            remarks = ()  # cut off, not badly written: there is no room to write it again
        return Turn(tuple(blocks) or (Text(""),), stop_reason, tokens_in, tokens_out, remarks)

    def _render(self, messages: Sequence[dict[str, Any]], special: SpecialTokens, tokenizer: Tokenizer) -> str:
        bos, eos = ("" if index is None else tokenizer.tokens[index] for index in (special.bos, special.eos))
        given = {"tools": list(self.tools)} if self.way.format is not None and not self.way.in_words else {}
        return render_chat(self.way.template, messages, bos=bos, eos=eos, variables=given)

    def _messages(self, conversation: Sequence[Message]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        results = {message.call.id: message for message in conversation if isinstance(message, Returned)}
        for message in conversation:
            if isinstance(message, Asked):
                made.append({"role": "user", "content": message.text})
            elif isinstance(message, Remark):
                made.append({"role": self._role_of_remarks, "content": message.text})
            elif isinstance(message, Turn):
                made += self._turn(message, results)
        return made

    @property
    def _role_of_remarks(self) -> str:
        plain = self.way.format is None or self.way.in_words or self.way.format.answers_by_id
        return "user" if plain else "tool"

    def _turn(self, turn: Turn, results: dict[str, Returned]) -> list[dict[str, Any]]:
        """An answer and what its calls returned."""
        thinking = "\n".join(block.thinking for block in turn.blocks if isinstance(block, Thinking))
        head: dict[str, Any] = {"role": "assistant", "content": turn.text}
        if thinking:
            head["reasoning_content"] = thinking
        calls = turn.calls
        if not calls:
            return [head]
        if self.way.in_words or self.way.format is None:
            written = [f"{OPEN}\n{_json({'name': call.name, 'arguments': call.input})}\n{CLOSE}" for call in calls]
            told = [f"<tool_response>\n{results[call.id].content}\n</tool_response>" for call in calls]
            head["content"] = "\n".join([*([turn.text] if turn.text else []), *written])
            return [head, {"role": "user", "content": "\n".join(told)}]
        groups = [[call] for call in calls] if self.way.format.one_at_a_time else [calls]
        made = []
        for number, group in enumerate(groups):
            first = head if number == 0 else {"role": "assistant", "content": ""}
            made.append(first | {"tool_calls": [_tool_call(call) for call in group]})
            made += [_result(results[call.id]) for call in group]
        return made


def thinks(prompt: str) -> bool:
    """Whether a prompt ends within the model's thoughts."""
    return prompt.rstrip().endswith("<think>")


def split_thinking(text: str, *, opened: bool) -> tuple[str | None, str]:
    """What a model thought before it spoke, without the blanks around it, and the rest.

    Args:
        text: an answer.
        opened: it begins within the thoughts.
    """
    if opened:
        thought, end, rest = text.partition(_THOUGHT_END)
        return (thought.strip(), rest) if end else (text.strip(), "")
    found = _THINKING.match(text)
    return (found[1].strip(), text[found.end() :]) if found else (None, text)


def _tool_call(call: Call) -> dict[str, Any]:
    # arguments as an object: templates write them with their own filter
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": dict(call.input)}}


def _result(returned: Returned) -> dict[str, Any]:
    call = returned.call
    return {"role": "tool", "name": call.name, "tool_call_id": call.id, "content": returned.content}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
