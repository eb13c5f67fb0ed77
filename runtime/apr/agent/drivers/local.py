"""A driver that asks a model on this machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apr.agent.chat import thinks
from apr.agent.drivers.visible import Visible
from apr.agent.messages import END_TURN, MAX_TOKENS
from apr.console import escape
from apr.engines.answering import answer, generating
from apr.engines.llama_cpp.providers import find_provider
from apr.errors import OracleAbsent
from apr.text.chat import encode_chat
from apr.text.sampling import sampler

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence

    from apr.agent.chat import Chat
    from apr.agent.messages import Message, Turn
    from apr.capture import Array
    from apr.engines.answering import Generates
    from apr.formats.model_file import ModelFile
    from apr.text.sampling import Sampling
    from apr.text.tokenizer import Tokenizer

_ROUNDING = "f32"  # of numpy, as for `apr run`


@dataclass
class Local:
    """Asks a model. The engine is opened with the first question, so that a session in which it fails is one that ended with an error.

    Attributes:
        file: the model.
        tokenizer: of the same file.
        chat: makes prompts and reads answers.
        engine: `llama.cpp` or `numpy`.
        sampling: how tokens are chosen; None for greedy.
        limit: new tokens a turn.
        stack: closes the engine.
        show: is given text as it comes, but no thoughts and no calls; None for nobody.
    """

    file: ModelFile
    tokenizer: Tokenizer
    chat: Chat
    engine: str
    sampling: Sampling | None
    limit: int
    stack: contextlib.ExitStack
    show: Callable[[str], None] | None = None
    _opened: Generates | None = field(default=None, init=False)
    _choose: Callable[[Array], int] = field(init=False)

    def __post_init__(self) -> None:
        self._choose = sampler(self.sampling)  # one for all turns: a seed gives a session, not a turn

    @property
    def model(self) -> str:
        """The model's own name, or else its file's."""
        return self.file.optional("general.name", str) or self.file.path.name

    def answer(self, conversation: Sequence[Message], instructions: str) -> Turn:
        """Generates the next turn.

        Raises:
            UsageError: the template refuses the conversation, or it does not fit the model's context.
            UnusableInput, UnsupportedModel, OracleError: of the template or the engine.
        """
        prompt = self.chat.prompt(conversation, instructions, self.tokenizer)
        tokens = encode_chat(self.tokenizer, prompt)
        if self._opened is None:
            self._opened = generating(self.engine, self.file, _ROUNDING, self.stack)
        shown = None if self.show is None else Visible(self.show, self.chat.way.format, thinking=thinks(prompt))
        made = answer(
            self._opened,
            self.tokenizer,
            tokens,
            self._choose,
            self.limit,
            stop=self.tokenizer.special.stop,
            show=None if shown is None else shown.feed,
        )
        turn = self.chat.read(
            made.text, prompt, END_TURN if made.stop == "stop" else MAX_TOKENS, len(tokens), len(made.tokens)
        )
        if shown is not None:
            shown.finish(called=bool(turn.calls))
        return turn

    def finish(self) -> None:
        """A model may end a session whenever it likes."""


def engine_for(file: ModelFile, wanted: str | None) -> str:
    """The engine to run a file with: the wanted one, else llama.cpp where it is here and reads the file; says which on standard error if not."""
    if wanted is not None:
        return wanted
    if file.format != "gguf":
        why = f"llama.cpp reads no {file.format} files"
    else:
        try:
            find_provider()
        except OracleAbsent as error:
            why = error.problem
        else:
            return "llama.cpp"
    sys.stderr.write(f"note: {escape(why)}; the model runs in numpy, slowly\n")
    return "numpy"
