"""Chat: messages become a prompt by the template that a model file carries; the template runs in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apr
from apr.errors import AprError, UnusableInput, UsageError
from apr.text.chat_formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apr.formats.model_file import ModelFile
    from apr.text.tokenizer import Tokenizer

_KEY = "tokenizer.chat_template"
_FORMAT_KEY = "tokenizer.chat_format"  # the `chat_format` of .apr files
_PACKAGE_ROOT = Path(apr.__file__).resolve().parent.parent
_PATIENCE = 60.0  # seconds: a busy machine takes long to give a process its two seconds


@dataclass(frozen=True)
class Limits:
    """What a template may take.

    Attributes:
        seconds: of processor time.
        nbytes: of memory, the interpreter's own included.
        longest: characters of text.
    """

    seconds: int = 2
    nbytes: int = 400 << 20
    longest: int = 4 << 20


@dataclass(frozen=True)
class ChatTemplate:
    """A template.

    Attributes:
        source: in Jinja's language.
        where: names it in messages.
    """

    source: str
    where: str

    @classmethod
    def of(cls, file: ModelFile, name: str | None = None) -> ChatTemplate:
        """The template of a model file: its own, or the one of the format that it names. None is guessed.

        Args:
            file: the model file.
            name: of one of several templates (`tool_use`); None for the one that has no name.

        Raises:
            UnusableInput: the file has neither template nor a known format.
        """
        key = _KEY if name is None else f"{_KEY}.{name}"
        source = file.optional(key, str)
        if source is not None:
            return cls(source, f"{file.path}: {key}")
        if name is not None:
            named = [found.removeprefix(f"{_KEY}.") for found in file.metadata if found.startswith(f"{_KEY}.")]
            hint = f"it has {', '.join(sorted(named))}" if named else "it has none with a name"
            raise UnusableInput(f"has no chat template {name!r}", where=str(file.path), hint=hint)
        stated = file.optional(_FORMAT_KEY, str)
        if stated in FORMATS:
            return cls(FORMATS[stated], f"{file.path}: chat format {stated!r}")
        if stated is not None:
            raise UnusableInput(
                f"chat format {stated!r} is not known here, only {', '.join(FORMATS)}",
                where=f"{file.path}: {_FORMAT_KEY}",
                hint="give the whole prompt instead of messages",
            )
        raise UnusableInput(
            "has no chat template", where=str(file.path), hint="give the whole prompt instead of messages"
        )


def render_chat(
    template: ChatTemplate,
    messages: Sequence[Mapping[str, Any]],
    *,
    bos: str = "",
    eos: str = "",
    add_generation_prompt: bool = True,
    variables: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    limits: Limits | None = None,
) -> str:
    """The prompt that a template makes of messages.

    Args:
        template: the model's.
        messages: each with `role` and `content`, and what else the template reads; plain JSON data.
        bos: the spelling of BOS, the template's `bos_token`.
        eos: the spelling of EOS, the template's `eos_token`.
        add_generation_prompt: ends with the head of the assistant's answer.
        variables: more for the template (`tools`, `enable_thinking`); plain JSON data.
        now: what the template takes for the present; by default it is.
        limits: what the template may take.

    Raises:
        UsageError: the messages are none, or the template refuses them.
        UnusableInput: the template is at fault: its syntax, an error in it, more time, memory or text than it may take.
    """
    for index, message in enumerate(messages):
        if not isinstance(message.get("role"), str):
            raise UsageError("a message needs a role", where=f"messages[{index}]", hint="system, user or assistant")
    bounds = limits or Limits()
    request = {
        "template": template.source,
        # as transformers passes them: what is not given is none, not undefined
        "variables": {"tools": None, "documents": None}
        | dict(variables or {})
        | {
            "messages": list(messages),
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": add_generation_prompt,
        },
        "now": (now or datetime.now().astimezone()).isoformat(),
        "longest": bounds.longest,
        "seconds": bounds.seconds,
        "nbytes": bounds.nbytes,
    }
    answer = _run(request, template.where, bounds)
    if "text" in answer:
        text: str = answer["text"]
        return text
    if "missing" in answer:
        raise AprError(f"{answer['missing']} is not installed", hint="pip install 'pv-falsify[runtime]'")
    where = template.where if answer["line"] is None else f"{template.where}, line {answer['line']}"
    if "refused" in answer:
        raise UsageError(f"the template refuses the messages: {answer['refused']}", where=where)
    raise UnusableInput(f"the chat template cannot be used: {answer['fault']}", where=where)


def _run(request: Mapping[str, Any], where: str, limits: Limits) -> dict[str, Any]:
    """One rendering in a process of its own."""
    try:
        body = json.dumps(request)
    except (TypeError, ValueError) as error:
        raise UsageError(f"messages and variables have to be JSON data: {error}") from error
    try:
        # -P keeps the current folder off the import path: whatever stands there is not ours
        done = subprocess.run(
            [sys.executable, "-P", "-m", "apr.text.rendering"],
            input=body,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": str(_PACKAGE_ROOT), "PYTHONIOENCODING": "utf-8"},
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnusableInput(f"the chat template has not come to an end in {_PATIENCE:.0f} s", where=where) from None
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise UnusableInput(f"the chat template takes more than {limits.seconds} s of processor time", where=where)
    last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    raise UnusableInput(f"the chat template cannot be used: its process ended: {last[0][:200]}", where=where)


def encode_chat(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Token ids of a prompt that `render_chat` made.

    Control tokens are recognised, as they must be; so they are in what the messages said. BOS is added where the file asks
    for it and the template has not written it.
    """
    bos = tokenizer.special.bos
    written = bos is not None and prompt.startswith(tokenizer.tokens[bos])
    return tokenizer.encode(prompt, add_bos=False if written else None)
