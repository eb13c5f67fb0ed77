"""An answer: a text that an engine generates, decoded as it comes, and why it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apr.engines.generation import generate
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.models import load
from apr.ops.arithmetic import arithmetic

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Collection, Sequence

    from apr.capture import Array
    from apr.engines.generation import Session
    from apr.formats.model_file import ModelFile
    from apr.text.tokenizer import Tokenizer


class Generates(Protocol):
    """An engine that can continue a text."""

    def session(self, limit: int | None = None) -> Session:
        """An empty text to be continued, of up to `limit` tokens."""


@dataclass
class Answer:
    """What was generated.

    Attributes:
        tokens: ids, without the one that ended the text.
        text: of these tokens; special ones as they are spelled.
        stop: why it ended: `stop` (a token that ends a text), `limit`, or `context` (no room left).
        seconds: of the prompt, and of the tokens after the first.
    """

    tokens: list[int] = field(default_factory=list)
    text: str = ""
    stop: str = "limit"
    seconds: tuple[float, float] = (0.0, 0.0)


def generating(name: str, file: ModelFile, rounding: str, stack: contextlib.ExitStack) -> Reference | LlamaCpp:
    """The engine of a name, ready to continue texts.

    Args:
        name: `numpy` or `llama.cpp`.
        file: the model.
        rounding: of numpy; llama.cpp has its own.
        stack: closes the engine.

    Raises:
        UnsupportedModel, UnusableInput, OracleAbsent, OracleError: see the engines.
    """
    if name == "numpy":
        how = arithmetic(rounding)
        return Reference(file, how, load(file, how, ProvedDequantiser(file)))
    return stack.enter_context(LlamaCpp(file))


def answer(
    engine: Generates,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    choose: Callable[[Array], int],
    limit: int,
    *,
    stop: Collection[int],
    show: Callable[[str], None] | None = None,
) -> Answer:
    """Generates the text behind a prompt.

    Args:
        engine: what computes it.
        tokenizer: of the same model.
        prompt: token ids.
        choose: a token from [vocabulary] logits.
        limit: of new tokens.
        stop: ids that end the text.
        show: is given each piece of text as it becomes certain.

    Raises:
        UsageError: see `apr.engines.generation.Session.feed`.
        OracleError: the engine crashed.
    """
    made, shown = Answer(), tokenizer.stream(prompt)
    session = engine.session(len(prompt) + limit)
    begin, first = time.perf_counter(), 0.0

    def add(text: str) -> None:
        made.text += text
        if show is not None:
            show(text)

    for step in generate(session, prompt, choose, stop, limit):
        first = first or time.perf_counter()
        if step.stops:
            made.stop = "stop"
        else:
            made.tokens.append(step.token)
            add(shown.feed(step.token))
    add(shown.finish())
    if made.stop != "stop" and len(made.tokens) < limit:
        made.stop = "context"
    made.seconds = (first - begin, time.perf_counter() - first)
    return made
