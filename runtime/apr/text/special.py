"""Special tokens: where a text begins and ends, and where generation stops.

What the file says counts. Where it is silent, the architecture's default is taken, with a note that says so, and only if it
is a special token of this vocabulary: ids are no more than places in a list, and 128000 is BOS in one llama vocabulary, an
ordinary word in another and outside of a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from apr.errors import UnusableInput
from apr.text.pre_tokenizers import PRE_TOKENIZERS
from apr.text.spellings import END_OF_TURN
from apr.text.vocabulary import read, token_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apr.formats.model_file import ModelFile
    from apr.text.vocabulary import Vocabulary

_KEY = "tokenizer.ggml."
_NAMES, _UNUSED = ("bos", "eos", "eot"), ("padding", "unknown")


class Default(NamedTuple):
    """BOS and EOS of an architecture; None is none. 0 is an id like any other: it is DeepSeek's BOS."""

    bos: int | None
    eos: int | None


_QWEN = Default(151643, 151645)  # <|endoftext|>, <|im_end|>
# by `general.architecture`
DEFAULTS = {
    "llama": Default(128000, 128001),  # Llama 3: <|begin_of_text|>, <|end_of_text|>
    "qwen2": _QWEN,
    "qwen3": _QWEN,
    "qwen3moe": _QWEN,
    "qwen3_5": Default(None, 248044),
    "mistral": Default(1, 2),
    "gemma": Default(2, 1),
    "deepseek": Default(0, None),
    "phi2": Default(None, 50256),
    "phi3": Default(1, 32000),
    "gpt2": Default(None, 50256),
}


@dataclass(frozen=True)
class SpecialTokens:
    """The special tokens of a model file; made by `of`.

    Attributes:
        bos, eos: ids of the tokens that begin and end a text.
        eot: id of the token that ends a turn.
        pad, unk: ids of the tokens for padding and for what cannot be spelled.
        add_bos, add_eos: whether the file asks for them around every text.
        stop: ids at which generation stops: `eos`, `eot`, and what else ends a turn, a message or a text here.
        notes: what was not in the file, and what stands for it; for the user to see.
    """

    bos: int | None
    eos: int | None
    eot: int | None
    pad: int | None
    unk: int | None
    add_bos: bool
    add_eos: bool
    stop: frozenset[int]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: ModelFile, vocabulary: Vocabulary | None = None) -> Self:
        """The special tokens of a model file.

        Args:
            file: the model file.
            vocabulary: of the same file, if it was read before.

        Raises:
            UnusableInput: no vocabulary, an id outside of it, or a token that is asked for and not there.
        """
        words = read(file) if vocabulary is None else vocabulary
        stated = token_ids(file, _NAMES, len(words.tokens))
        notes = []
        for name in _UNUSED:
            try:
                stated |= token_ids(file, (name,), len(words.tokens))
            except UnusableInput as error:  # nothing is done with it, so the file may still be run
                notes.append(f"{name}_token_id is left out: {error.problem}")
        return cls.assemble(words, file.architecture, stated, adds(file), notes)

    @classmethod
    def assemble(
        cls,
        words: Vocabulary,
        architecture: str,
        stated: Mapping[str, int],
        around: tuple[bool, bool],
        said: Iterable[str] = (),
    ) -> Self:
        """The special tokens, from what a file states.

        Args:
            words: its vocabulary.
            architecture: whose defaults fill in.
            stated: ids by name: bos, eos, eot, padding, unknown.
            around: whether BOS and EOS are put around every text.
            said: notes that there are already.

        Raises:
            UnusableInput: a token that is asked for around every text and not there.
        """
        notes = [*said]
        bos, eos = (_stated_or_default(words, architecture, stated, which, notes) for which in ("bos", "eos"))
        for which, index, wanted in (("bos", bos, around[0]), ("eos", eos, around[1])):
            if wanted and index is None:
                raise UnusableInput(
                    f"metadata key '{_KEY}{which}_token_id' is missing, and every text needs that token",
                    where=words.where,
                    hint="make the file again with a current converter",
                )
        # what the file itself names is among the ends; a default is not
        stop = words.ends if eos is None or "eos" in stated else words.ends | {eos}
        if not stop:
            notes.append("no token is known at which generation stops: it goes on to the length limit")
        return cls(
            bos=bos,
            eos=eos,
            eot=stated.get("eot", words.first_of(END_OF_TURN)),
            pad=stated.get("padding"),
            unk=stated.get("unknown"),
            add_bos=around[0],
            add_eos=around[1],
            stop=stop,
            notes=tuple(notes),
        )


def adds(file: ModelFile) -> tuple[bool, bool]:
    """Whether BOS and EOS are put around every text: as the file says, else as its kind of tokenizer is used to.

    SentencePiece begins every text with BOS, and so do the byte-level kinds whose pre-tokenizer says so (Llama 3).
    """
    pre = PRE_TOKENIZERS.get(file.optional(f"{_KEY}pre", str) or "")
    usual = file.optional(f"{_KEY}model", str) == "llama" or (pre is not None and pre.adds_bos)
    bos, eos = (file.optional(f"{_KEY}add_{which}_token", bool) for which in ("bos", "eos"))
    return usual if bos is None else bos, bool(eos)


def _stated_or_default(
    words: Vocabulary, architecture: str, stated: Mapping[str, int], which: str, notes: list[str]
) -> int | None:
    """The id that the file names, or the architecture's default if it is a special token here; says what it did."""
    if which in stated:
        return stated[which]
    silent = f"the file names no {which.upper()}"
    if architecture not in DEFAULTS:
        notes.append(f"{silent}, and no default is known for {architecture}: there is none")
        return None
    index: int | None = getattr(DEFAULTS[architecture], which)
    if index is None:
        notes.append(f"{silent}, and {architecture} has none by default")
    elif index >= len(words.tokens):
        notes.append(f"{silent}; {index}, the default of {architecture}, is outside of this vocabulary: there is none")
    elif not words.is_special(index):
        notes.append(
            f"{silent}; {index}, the default of {architecture}, is the ordinary token {words.tokens[index]!r} here: there is none"
        )
    else:
        notes.append(f"{silent}; taken is {index}, {words.tokens[index]!r}, the default of {architecture}")
        return index
    return None
