"""The tokens of a model file: how each is spelled and of which kind it is.

Source: the GGUF specification (keys `tokenizer.ggml.*`), and llama.cpp, `src/llama-vocab.cpp`, for what it corrects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from apr.errors import UnusableInput
from apr.text.spellings import ALWAYS_SHOWN, END_OF_GENERATION, FILL_IN_MIDDLE, FILL_IN_MIDDLE_ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apr.formats.model_file import ModelFile

BY_HAND = "pass token ids with --tokens"
_KEY = "tokenizer.ggml."
_ENDS = ("eos", "eot", "eom")
_STATED = (*_ENDS, *(key for keys, _ in FILL_IN_MIDDLE.values() for key in keys))


class Kind(IntEnum):
    """`tokenizer.ggml.token_type`."""

    UNDEFINED = 0
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


# found in a text where it spells them out, before it is cut into anything else
SPECIAL = frozenset({Kind.UNKNOWN, Kind.CONTROL, Kind.USER_DEFINED})


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model file.

    Attributes:
        where: names the file in messages.
        tokens: the text of each id, in the file's spelling.
        kinds: of each id, as the file has them, corrected where a spelling says more than the file; made by `read`.
        ends: ids at which generation ends: those the file names, and those whose spelling says so.
        scores: of each id, the greater the sooner merged; None where the file has none.
    """

    where: str
    tokens: Sequence[str]
    kinds: Sequence[Kind]
    ends: frozenset[int] = frozenset()
    scores: Sequence[float] | None = None

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: index for index, token in enumerate(self.tokens)}

    @cached_property
    def special(self) -> list[int]:
        """Ids of special tokens, those with the longest spelling (in bytes) first: `<|im_start|>` must win over a part of it."""
        found = [index for index, kind in enumerate(self.kinds) if kind in SPECIAL]
        return sorted(found, key=lambda index: -len(self.tokens[index].encode()))

    def is_special(self, index: int) -> bool:
        """Whether a text's meaning ends here: control, unknown and user-defined tokens."""
        return self.kinds[index] in SPECIAL

    def first_of(self, spellings: Iterable[str]) -> int | None:
        """The id of the first of these spellings that is a token."""
        return next((self.ids[text] for text in spellings if text in self.ids), None)


def read(file: ModelFile) -> Vocabulary:
    """The vocabulary of a model file.

    Raises:
        UnusableInput: the file has none, or one that contradicts itself.
    """
    where = str(file.path)
    if f"{_KEY}tokens" not in file.metadata:
        raise UnusableInput("has no tokenizer", where=where, hint=BY_HAND)
    tokens = strings(file, f"{_KEY}tokens")
    if not tokens:
        raise UnusableInput("has no tokens", where=f"{where}: metadata key '{_KEY}tokens'")
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if not token:
            raise UnusableInput(f"token {index} is empty", where=f"{where}: metadata key '{_KEY}tokens'")
        if token in seen:
            raise UnusableInput(
                f"tokens {seen[token]} and {index} are both {token!r}", where=f"{where}: metadata key '{_KEY}tokens'"
            )
        seen[token] = index
    kinds = _kinds(file, tokens)
    ends = correct(seen, kinds, token_ids(file, _STATED, len(tokens)))
    return Vocabulary(where, tokens, kinds, ends, _scores(file, len(tokens)))


def strings(file: ModelFile, key: str) -> list[str]:
    """The value of a key that has to be an array of strings.

    Raises:
        UnusableInput: it is missing, or something else.
    """
    values = file.require(key, list)
    found = [value for value in values if isinstance(value, str)]
    if len(found) != len(values):
        raise UnusableInput("should be an array of strings", where=f"{file.path}: metadata key {key!r}")
    return found


def token_id(file: ModelFile, name: str, size: int) -> int | None:
    """The id under `tokenizer.ggml.<name>_token_id`; None where the file has no such key.

    Raises:
        UnusableInput: it is not in the vocabulary.
    """
    index = file.optional(f"{_KEY}{name}_token_id", int)
    if index is not None and not 0 <= index < size:
        raise UnusableInput(
            f"{index} is not in the vocabulary of {size}",
            where=f"{file.path}: metadata key '{_KEY}{name}_token_id'",
        )
    return index


def token_ids(file: ModelFile, names: Iterable[str], size: int) -> dict[str, int]:
    """Those of these ids that the file states, by name; see `token_id`."""
    return {name: index for name in names if (index := token_id(file, name, size)) is not None}


def _kinds(file: ModelFile, tokens: Sequence[str]) -> list[Kind]:
    key = f"{_KEY}token_type"
    values, count = file.require(key, list), len(tokens)
    if len(values) != count:
        raise UnusableInput(f"{count} tokens have {len(values)} types", where=f"{file.path}: {key}")
    known = {int(kind): kind for kind in Kind}
    kinds = []
    for index, value in enumerate(values):
        if type(value) is not int or value not in known:
            raise UnusableInput(
                f"token {index} is of type {value!r}, which does not exist", where=f"{file.path}: {key}"
            )
        kinds.append(known[value])
    return kinds


def _scores(file: ModelFile, count: int) -> list[float] | None:
    key = f"{_KEY}scores"
    if key not in file.metadata:
        return None
    values = file.require(key, list)
    if len(values) != count:
        raise UnusableInput(f"{count} tokens have {len(values)} scores", where=f"{file.path}: {key}")
    scores = []
    for index, value in enumerate(values):
        if type(value) not in (int, float) or math.isnan(value):  # type: ignore[arg-type] # the first test says so
            raise UnusableInput(f"the score of token {index} is {value!r}, no number", where=f"{file.path}: {key}")
        scores.append(float(value))  # type: ignore[arg-type] # as above
    return scores


def correct(ids: Mapping[str, int], kinds: list[Kind], stated: Mapping[str, int]) -> frozenset[int]:
    """Makes control tokens of those whose spelling says so, whatever the file says, as llama.cpp does.

    Args:
        ids: of each token.
        kinds: of each id; changed in place.
        stated: ids that the file names, by name (`eos`, `eot`, `fim_pad`).

    Returns:
        The ids at which generation ends.
    """
    spelled = {ids[text] for text in END_OF_GENERATION if text in ids}
    ends = spelled | {stated[name] for name in _ENDS if name in stated}
    for name, (keys, spellings) in FILL_IN_MIDDLE.items():
        named = {stated[key] for key in keys if key in stated}
        found = set() if named else {ids[text] for text in spellings if text in ids}
        spelled |= found
        if name in FILL_IN_MIDDLE_ENDS:
            ends |= named | found
    for index in spelled:
        kinds[index] = Kind.CONTROL
    for text in ALWAYS_SHOWN:
        if text in ids:
            kinds[ids[text]] = Kind.USER_DEFINED
    return _without_those_that_go_on(ids, kinds, ends)


def _without_those_that_go_on(ids: Mapping[str, int], kinds: list[Kind], ends: set[int]) -> frozenset[int]:
    """Takes out tokens that end nothing in the company of certain others (gpt-oss, solar-open, gemma 4, plamo)."""

    def has(*texts: str) -> bool:
        return any(ids.get(text) in ends for text in texts)

    if has("<|end|>") and has("<|call|>", "<|calls|>") and has("<|return|>", "<|flush|>"):
        ends.discard(ids["<|end|>"])
        kinds[ids["<|end|>"]] = Kind.USER_DEFINED
    if has("</s>") and has("<|tool_response>", "<|plamo:eos|>"):
        ends.discard(ids["</s>"])
        kinds[ids["</s>"]] = Kind.NORMAL
    return frozenset(ends)
