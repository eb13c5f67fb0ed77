"""Chat formats of tool calls, one a module. Which one a model speaks is read off its chat template, never guessed from its answers.

A template that shows a model its tools also spells how an earlier call looked, since it has to render the conversation so
far; that spelling is what tells formats apart (`Format.signs`). The first format of `FORMATS` of which every sign stands in
the template is taken: the more particular ones come first, as Qwen3-Coder writes `<tool_call>` around its own markup. Where
no format fits, the model's way to call tools is not known here.
"""

from __future__ import annotations

import re

from apr.agent.tool_calls import hermes, llama, mistral, qwen_coder
from apr.agent.tool_calls.base import Asking, Format, Parsed

__all__ = ["FORMATS", "Asking", "Format", "Parsed", "format_of", "reads_tools"]

FORMATS: tuple[Format, ...] = (qwen_coder.FORMAT, mistral.FORMAT, hermes.FORMAT, llama.FORMAT)
# the variable in a statement or an expression, not the word in the text around them
_TOOLS = re.compile(r"\{[%{](?:(?![%}]\}).)*?\btools\b", re.DOTALL)


def reads_tools(template: str) -> bool:
    """Whether a template has a place for tools."""
    return _TOOLS.search(template) is not None


def format_of(template: str) -> Format | None:
    """The format in which a model of this chat template calls tools; None where the template has no place for them or writes calls in a way not known here."""
    if not reads_tools(template):
        return None
    return next((format_ for format_ in FORMATS if all(sign in template for sign in format_.signs)), None)
