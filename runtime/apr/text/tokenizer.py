"""Text to token ids and back, from a model file's own vocabulary, as llama.cpp does it for the same file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from apr.errors import UnsupportedModel, UnusableInput, UsageError
from apr.text.byte_level import ByteLevel
from apr.text.hugging_face import JsonCutter, load_json
from apr.text.sentence_piece import SentencePiece
from apr.text.special import SpecialTokens
from apr.text.stream import Stream
from apr.text.vocabulary import BY_HAND, Kind, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from apr.formats.model_file import ModelFile
    from apr.text.vocabulary import Vocabulary

# by `tokenizer.ggml.model`
_KINDS: dict[str, type[ByteLevel | SentencePiece]] = {"gpt2": ByteLevel, "llama": SentencePiece}


class Cutter(Protocol):
    """What cuts a text that has no special tokens in it."""

    @property
    def blank_in_front(self) -> bool:
        """Whether a blank is put before a text."""

    @property
    def blank_behind_special(self) -> bool:
        """Whether a blank is put before what follows a special token."""

    def encode(self, text: str, *, in_front: bool) -> list[int]:
        """The ids of a text; `in_front` says that it begins here, or follows a special token."""

    def piece(self, index: int) -> bytes:
        """The bytes of a token that is not special."""


class Tokenizer:
    """A tokenizer; made by `from_file` or `from_json`.

    Attributes:
        tokens: the text of each id, in the file's spelling.
        special: which ids begin and end a text, and at which generation stops.
    """

    def __init__(self, vocabulary: Vocabulary, cutter: Cutter | JsonCutter, special: SpecialTokens) -> None:
        self._vocabulary, self._cutter, self.special = vocabulary, cutter, special

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The tokenizer of a model file.

        Raises:
            UnusableInput: the file has no tokenizer, or one that contradicts itself.
            UnsupportedModel: a tokenizer of a kind, or with a pre-tokenizer, that is not known here.
        """
        where = str(file.path)
        kind = file.optional("tokenizer.ggml.model", str)
        if kind is None and file.format == "safetensors" and (file.path / "tokenizer.json").is_file():
            return cls.from_json(file.path, file.architecture)  # a kind that GGUF has no keys for
        if kind is None:
            raise UnusableInput("has no tokenizer", where=where, hint=BY_HAND)
        if kind not in _KINDS:
            known = " and ".join(map(repr, _KINDS))
            raise UnsupportedModel(
                f"tokenizer model {kind!r} is not known here, only {known}", where=where, hint=BY_HAND
            )
        name = (file.optional("general.name", str) or "").lower()
        if "phi-3" in name or "phi3" in name:  # llama.cpp goes by the name, too
            raise UnsupportedModel(
                "Phi-3's special tokens swallow the blanks behind them, which is not done here",
                where=where,
                hint=BY_HAND,
            )
        vocabulary = read(file)
        return cls(vocabulary, _KINDS[kind].of(file, vocabulary), SpecialTokens.of(file, vocabulary))

    @classmethod
    def from_json(cls, path: Path, architecture: str | None = None) -> Self:
        """The tokenizer of a tokenizer.json, with the settings beside it.

        Args:
            path: of the file, or of the folder that it is in.
            architecture: whose default special tokens fill in where the files name none.

        Raises:
            UnusableInput: a file is missing or damaged, or contradicts itself.
            UnsupportedModel: a tokenizer of a kind that is not known here.
        """
        return cls(*load_json(path, architecture))

    @property
    def tokens(self) -> Sequence[str]:
        """The text of each id, in the file's spelling."""
        return self._vocabulary.tokens

    @property
    def blank_in_front(self) -> bool:
        """Whether a blank is put before a text."""
        return self._cutter.blank_in_front

    @property
    def blank_behind_special(self) -> bool:
        """Whether a blank is put before what follows a special token."""
        return self._cutter.blank_behind_special

    def encode(
        self, text: str, *, special: bool = True, add_bos: bool | None = None, add_eos: bool | None = None
    ) -> list[int]:
        """Token ids of a text.

        Args:
            text: to cut.
            special: control tokens are recognised where the text spells them out; for text that is not trusted, say False.
                User-defined tokens are always recognised: they are text.
            add_bos: whether BOS is put before it; None: as the file says.
            add_eos: whether EOS is put behind it; None: as the file says.

        Raises:
            UsageError: the text holds a lone surrogate, which no encoding can carry, or BOS or EOS is asked for and there
                is none.
            UnusableInput: the vocabulary has no token for a character of the text.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"the text is no valid Unicode: {error.reason} at character {error.start}") from error
        bos = self._around("BOS", self.special.bos, self.special.add_bos if add_bos is None else add_bos)
        eos = self._around("EOS", self.special.eos, self.special.add_eos if add_eos is None else add_eos)
        if isinstance(self._cutter, JsonCutter):
            return [*bos, *self._cutter.encode(text, special=special), *eos]
        ids, in_front = bos, True
        for part in self._split_special(text, special=special):
            if isinstance(part, int):
                ids.append(part)
                in_front = True
            elif part:
                ids += self._cutter.encode(part, in_front=in_front)
                in_front = False
        return ids + eos

    def _around(self, name: str, index: int | None, wanted: bool) -> list[int]:
        if not wanted:
            return []
        if index is None:
            raise UsageError(f"{name} is asked for, but this tokenizer has none", where=self._vocabulary.where)
        return [index]

    def _split_special(self, text: str, *, special: bool) -> list[str | int]:
        """Cuts a text at the special tokens in it: each token in turn, the longest first, in what is left of the text."""
        parts: list[str | int] = [text]
        for index in self._vocabulary.special:
            spelled = self._vocabulary.tokens[index]
            if spelled not in text or not (special or self._vocabulary.kinds[index] is Kind.USER_DEFINED):
                continue
            cut: list[str | int] = []
            for part in parts:
                if isinstance(part, int):
                    cut.append(part)
                    continue
                for number, piece in enumerate(part.split(spelled)):
                    cut += [piece] if number == 0 else [index, piece]
            parts = cut
        return parts

    def piece(self, index: int) -> bytes:
        """The bytes of a token; special ones as they are spelled.

        Raises:
            UsageError: an id that the vocabulary does not have.
        """
        if self.is_special(index):
            return self.tokens[index].encode()
        return self._cutter.piece(index)

    def is_special(self, index: int) -> bool:
        """Whether a token is special: control, unknown, user-defined.

        Raises:
            UsageError: an id that the vocabulary does not have.
        """
        if not 0 <= index < len(self.tokens):
            raise UsageError(f"token id {index} is not in the vocabulary of {len(self.tokens)}")
        return self._vocabulary.is_special(index)

    def stream(self, behind: Iterable[int] = ()) -> Stream:
        """Decodes ids as they come; `behind` are those of the text before, which is not shown."""
        return Stream(self, behind)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD, special tokens appear as they are spelled.

        Raises:
            UsageError: an id that the vocabulary does not have.
        """
        stream = self.stream()
        return "".join([stream.feed(index) for index in ids]) + stream.finish()
