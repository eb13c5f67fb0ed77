"""Faults of the registry of special tokens, and of a tokenizer that forgets them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.text.special import DEFAULTS, SpecialTokens
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.formats.model_file import ModelFile


@dataclass(frozen=True)
class Registry:
    """What a model file's text is cut and ended by: its two entry points."""

    special: Callable[[ModelFile], SpecialTokens] = SpecialTokens.of
    tokenizer: Callable[[ModelFile], Tokenizer] = Tokenizer.from_file


@dataclass(frozen=True)
class TextMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found: `bos`, `eos`, `notes`, `stop` or `tokens`; no layer has a part in it.
        registry: the faulty registry.
    """

    name: str
    fault: str
    stage: str
    registry: Registry
    layer: int | None = None


def _saying(change: Callable[[ModelFile, SpecialTokens], dict[str, Any]]) -> Registry:
    """Other special tokens, and a tokenizer that goes by them."""

    def special(file: ModelFile) -> SpecialTokens:
        sound = SpecialTokens.of(file)
        return dataclasses.replace(sound, **change(file, sound))

    def tokenizer(file: ModelFile) -> Tokenizer:
        faulty = Tokenizer.from_file(file)
        faulty.special = special(file)
        return faulty

    return Registry(special, tokenizer)


def _defaults(file: ModelFile, sound: SpecialTokens) -> dict[str, Any]:
    known = DEFAULTS.get(file.architecture)
    stated = {"bos": sound.bos, "eos": sound.eos}
    return stated if known is None else {name: value for name, value in known._asdict().items() if value is not None}


def _unchecked(file: ModelFile, sound: SpecialTokens) -> dict[str, Any]:
    return {
        name: getattr(sound, name) if getattr(sound, name) is not None else value
        for name, value in _defaults(file, sound).items()
    }


class _Deaf(Tokenizer):
    """Control tokens in a text are cut like any other text."""

    def encode(self, text: str, **options: Any) -> list[int]:
        return super().encode(text, **{**options, "special": False})


class _Misplaced(Tokenizer):
    """The last special token of a text is taken for the one before it in the vocabulary."""

    def encode(self, text: str, **options: Any) -> list[int]:
        ids = super().encode(text, **options)
        last = next((place for place in reversed(range(len(ids))) if self.is_special(ids[place])), None)
        return ids if last is None else [*ids[:last], max(ids[last] - 1, 0), *ids[last + 1 :]]


_ALL = [
    TextMutant("default-over-file", "an architecture's default wins over what the file states", "bos", _saying(_defaults)),
    TextMutant("zero-is-none", "id 0 counts as no token", "bos",
               _saying(lambda _f, sound: {"bos": sound.bos or None, "eos": sound.eos or None})),
    TextMutant("default-unsaid", "a default is taken without a word", "notes", _saying(lambda _f, _s: {"notes": ()})),
    TextMutant("default-unchecked", "a default is taken whatever this vocabulary has at its place", "bos", _saying(_unchecked)),
    TextMutant("stop-tokens-forgotten", "generation stops at EOS alone", "stop",
               _saying(lambda _f, sound: {"stop": frozenset({sound.eos} - {None})})),
    TextMutant("bos-forgotten", "BOS is never put before a text", "tokens", _saying(lambda _f, _s: {"add_bos": False})),
    TextMutant("bos-always", "BOS is put before every text", "tokens", _saying(lambda _f, s: {"add_bos": s.bos is not None})),
    TextMutant("special-as-text", "control tokens in a text are not recognised", "tokens", Registry(tokenizer=_Deaf.from_file)),
    TextMutant("special-off-by-one", "a special token in a text becomes the one before it", "tokens",
               Registry(tokenizer=_Misplaced.from_file)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
