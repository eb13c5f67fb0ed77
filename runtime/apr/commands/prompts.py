"""What a command runs: a prompt, token ids, or a file of both, held against the models before anything is run."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, NamedTuple

from apr.console import human_size
from apr.errors import UnusableInput, UsageError
from apr.stages import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from apr.formats.model_file import ModelFile
    from apr.text.tokenizer import Tokenizer

DEFAULT_PROMPT = "What is 2+2?"
_LARGEST = 16 << 20  # bytes of a file of prompts: millions of words, and hours of running
_ANY = 2**31  # token ids are 32-bit whole numbers in every engine


class Prompts(NamedTuple):
    """What is to be run.

    Attributes:
        tokens: ids of each prompt; nothing where recorded stages are to say it.
        texts: of each, where they come from texts.
        places: where each was given, for messages: `--tokens`, `prompts.txt:3`.
    """

    tokens: list[list[int]]
    texts: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class _Line(NamedTuple):
    text: str
    place: str


def from_tokens(typed: str) -> Prompts:
    """Ids separated by commas or blanks.

    Raises:
        UsageError: something else, or nothing.
    """
    where, hint = "--tokens", "write ids as 1780,314,216"
    tokens = [whole_number(word, where, hint) for word in typed.replace(",", " ").split()]
    if not tokens:
        raise UsageError("no token ids are given", where=where, hint=hint)
    return Prompts([tokens], (), (where,))


def from_text(text: str, file: ModelFile | None) -> Prompts:
    """One text, in the tokens of a model.

    Raises:
        UsageError: no model, or a text that is no Unicode.
        UnusableInput: the vocabulary cannot spell it.
    """
    return _cut([_Line(text, "--prompt")], file, ids_too=False)


def from_file(path: Path, file: ModelFile | None) -> Prompts:
    """One prompt a line: a text, or `[1, 2, 3]` for token ids; lines without anything are left out.

    Raises:
        UsageError: a text without a model.
        UnusableInput: the file cannot be read, is no file, too large or no UTF-8, holds nothing, or a line is none of both.
    """
    # only \n ends a line: form feeds, separators of records and of paragraphs are part of prompts
    lines = [
        _Line(line.removesuffix("\r"), f"{path}:{number}") for number, line in enumerate(_read(path).split("\n"), 1)
    ]
    filled = [line for line in lines if line.text.strip()]
    if not filled:
        raise UnusableInput("holds no prompt", where=str(path), hint="write one prompt a line")
    return _cut(filled, file, ids_too=True)


def check(prompts: Prompts, files: Iterable[ModelFile | None]) -> None:
    """Holds every prompt against every model that is to run it, before the first one is run.

    Raises:
        UsageError: a prompt without tokens or with more than the context holds, or an id outside the vocabulary; with its place.
        UnsupportedModel, UnusableInput: see `apr.models.load`.
    """
    from apr.engines.base import check_tokens  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.models import load  # noqa: PLC0415 - see above
    from apr.ops.arithmetic import F32  # noqa: PLC0415 - see above

    if not prompts.tokens:
        return
    for file in {id(file): file for file in files if file is not None}.values():
        config = load(file, F32).config  # no weight is decoded
        for tokens, place in zip(prompts.tokens, prompts.places, strict=True):
            try:
                check_tokens(tokens, config.vocabulary, config.context)
            except UsageError as error:
                raise UsageError(error.problem, where=place, hint=error.hint) from None


def _cut(lines: list[_Line], file: ModelFile | None, *, ids_too: bool) -> Prompts:
    tokens: list[list[int]] = []
    tokenizer: Tokenizer | None = None
    for line in lines:
        if ids_too and line.text.lstrip().startswith("["):
            tokens.append(_json_ids(line))
            continue
        tokenizer = tokenizer or _tokenizer(file, line)
        try:
            tokens.append(tokenizer.encode(line.text))
        except (UsageError, UnusableInput) as error:
            raise type(error)(error.problem, where=line.place, hint=error.hint) from None
    return Prompts(tokens, tuple(line.text for line in lines), tuple(line.place for line in lines))


def _tokenizer(file: ModelFile | None, line: _Line) -> Tokenizer:
    from apr.text.tokenizer import Tokenizer  # noqa: PLC0415 - `--help` does not wait for numpy

    if file is None:
        raise UsageError(
            "a text needs a model to cut it into tokens", where=line.place, hint="give MODEL, or token ids"
        )
    return Tokenizer.from_file(file)


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode  # before it is opened: a device may have no end
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            what = "a folder" if stat.S_ISDIR(mode) else "neither a file nor a pipe"
            raise UnusableInput(f"is {what}", where=str(path), hint="give a file of prompts")
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise UnusableInput(
            f"cannot be read: {error.strerror}", where=str(path), hint="give a file of prompts"
        ) from None
    if len(raw) > _LARGEST:
        raise UnusableInput(
            f"holds more than {human_size(_LARGEST)}", where=str(path), hint="run its prompts in several parts"
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise UnusableInput(
            "is not UTF-8", where=f"{path}:{number}", hint="give a text file, one prompt a line"
        ) from None


def _json_ids(line: _Line) -> list[int]:
    try:
        ids = json.loads(line.text)
    except (ValueError, RecursionError):  # thousands of digits; nested beyond measure
        ids = None
    if not isinstance(ids, list) or not ids or not all(type(one) is int and 0 <= one < _ANY for one in ids):
        raise UnusableInput("is no list of token ids", where=line.place, hint="write [1780, 314, 216], or a text")
    return ids
