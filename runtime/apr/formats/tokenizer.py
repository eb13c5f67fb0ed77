"""The tokenizer that a GGUF file carries: byte-level BPE, with the pieces llama.cpp cuts a text into.

Source: llama.cpp, `src/llama-vocab.cpp` (special tokens, pre-tokenizers) and the `tokenizers` library, which merges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from apr.errors import UnsupportedModel, UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer as Merger
    from tokenizers.pre_tokenizers import PreTokenizer

    from apr.formats.model_file import ModelFile

# tokenizer.ggml.token_type, llama_token_type in llama.h
_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4
_SPECIAL = frozenset({_UNKNOWN, _CONTROL, _USER_DEFINED})
PRE_TOKENIZERS = ("smollm", "gpt-2")
_BY_HAND = "pass token ids with --tokens"


def _byte_to_char() -> list[str]:
    """GPT-2's alphabet: the character that stands for each byte (bytes_to_unicode in openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spare = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


# Letters and numbers that Unicode 16 and 17 added. llama.cpp's tables end with 15.1, where these are neither, while those
# of the `tokenizers` library go on; found by asking both about every code point.
_AFTER_UNICODE_15_1 = (
    *((0x1C89, 0x1C8A), (0xA7CB, 0xA7CD), (0xA7DA, 0xA7DC), (0x105C0, 0x105F3), (0x10D40, 0x10D65), (0x10D6F, 0x10D85)),
    *((0x10EC2, 0x10EC4), (0x11380, 0x113B7), (0x113D1, 0x113D3), (0x116D0, 0x116E3), (0x11BC0, 0x11BE0)),
    *((0x11BF0, 0x11BF9), (0x11DE0, 0x11DE9), (0x13460, 0x143FA), (0x16100, 0x1611D), (0x16130, 0x16139)),
    *((0x16D40, 0x16D6C), (0x16D70, 0x16D79), (0x16FF4, 0x16FF6), (0x18CFF, 0x18CFF), (0x1CCF0, 0x1CCF9)),
    *((0x1E5D0, 0x1E5ED), (0x1E5F0, 0x1E5FA)),
)
# no token is spelled so: a blank is not in the alphabet
_HOLE = "no token"
_CHAR_TO_BYTE = {char: byte for byte, char in enumerate(_byte_to_char())}


class Tokenizer:
    """Text to token ids and back, as llama.cpp does it for the same file; made by `from_gguf`.

    Attributes:
        tokens: the text of each id, in the file's spelling.
        bos: id put before a text, or None if the file asks for none.
        eos: id put after a text, or None if the file asks for none.
    """

    def __init__(
        self, tokens: Sequence[str], special: Iterable[int], merger: Merger, *, bos: int | None, eos: int | None
    ) -> None:
        self.tokens, self.bos, self.eos = tokens, bos, eos
        self._merger = merger
        self._hole = len(tokens)
        # the longest first: `<|im_start|>` must win over a token that is a part of it
        self._special = sorted(
            ((tokens[index], index) for index in special if tokens[index]), key=lambda item: -len(item[0].encode())
        )
        self._special_ids = frozenset(index for _, index in self._special)

    @classmethod
    def from_gguf(cls, gguf: ModelFile) -> Self:
        """The tokenizer of a file.

        Raises:
            UnusableInput: the file has no tokenizer, or one that contradicts itself.
            UnsupportedModel: a tokenizer of another kind than byte-level BPE, or with an unknown pre-tokenizer.
        """
        where = str(gguf.path)
        kind = gguf.optional("tokenizer.ggml.model", str)
        if kind is None or "tokenizer.ggml.tokens" not in gguf.metadata:
            raise UnusableInput("has no tokenizer", where=where, hint=_BY_HAND)
        if kind != "gpt2":
            raise UnsupportedModel(
                f"tokenizer model {kind!r} is not supported, only 'gpt2'", where=where, hint=_BY_HAND
            )
        pre = gguf.optional("tokenizer.ggml.pre", str)
        if pre not in PRE_TOKENIZERS:
            raise UnsupportedModel(
                f"pre-tokenizer {pre!r} is not supported, only {', '.join(PRE_TOKENIZERS)}", where=where, hint=_BY_HAND
            )
        tokens = _strings(gguf, "tokenizer.ggml.tokens")
        types = gguf.require("tokenizer.ggml.token_type", list)
        if len(types) != len(tokens):
            raise UnusableInput(
                f"{len(tokens)} tokens have {len(types)} types", where=f"{where}: tokenizer.ggml.token_type"
            )
        return cls(
            tokens,
            [index for index, kind in enumerate(types) if kind in _SPECIAL],
            _merger(tokens, _merges(gguf), _pre_tokenizer(pre), where),
            bos=_asked_for(gguf, "bos", len(tokens)),
            eos=_asked_for(gguf, "eos", len(tokens)),
        )

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; special tokens are recognised where they are spelled out, as in llama-cli.

        Raises:
            UsageError: the text holds a lone surrogate, which no encoding can carry.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"the text is no valid Unicode: {error.reason} at character {error.start}") from error
        ids = [] if self.bos is None else [self.bos]
        for part in self._split_special(text):
            if isinstance(part, int):
                ids.append(part)
            elif part:
                found = self._merger.encode(part, add_special_tokens=False).ids
                ids += [index for index in found if index != self._hole]
        return ids if self.eos is None else [*ids, self.eos]

    def _split_special(self, text: str) -> list[str | int]:
        """Cuts a text at the special tokens in it: each token in turn, the longest first, in what is left of the text."""
        parts: list[str | int] = [text]
        for spelled, index in self._special:
            if spelled not in text:
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

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD, special tokens appear as they are spelled.

        Raises:
            UsageError: an id that the vocabulary does not have.
        """
        raw = bytearray()
        for index in ids:
            if not 0 <= index < len(self.tokens):
                raise UsageError(f"token id {index} is not in the vocabulary of {len(self.tokens)}")
            spelled = self.tokens[index]
            if index in self._special_ids:
                raw += spelled.encode()
            else:
                for char in spelled:
                    raw += bytes([_CHAR_TO_BYTE[char]]) if char in _CHAR_TO_BYTE else char.encode()
        return raw.decode(errors="replace")


def _strings(gguf: ModelFile, key: str) -> list[str]:
    values = gguf.require(key, list)
    strings = [value for value in values if isinstance(value, str)]
    if len(strings) != len(values):
        raise UnusableInput("should be an array of strings", where=f"{gguf.path}: metadata key {key!r}")
    return strings


def _merges(gguf: ModelFile) -> list[tuple[str, str]]:
    merges = []
    for index, merge in enumerate(_strings(gguf, "tokenizer.ggml.merges")):
        # the separating blank is never the first character; inside a token a blank is spelled otherwise
        cut = merge.find(" ", 1)
        if cut < 0 or cut == len(merge) - 1:
            raise UnusableInput(
                f"merge {index}, {merge!r}, is no pair", where=f"{gguf.path}: metadata key 'tokenizer.ggml.merges'"
            )
        merges.append((merge[:cut], merge[cut + 1 :]))
    return merges


def _asked_for(gguf: ModelFile, which: str, size: int) -> int | None:
    """The id of BOS or EOS if the file asks for it around every text; both kinds of byte-level BPE here default to no."""
    if not gguf.optional(f"tokenizer.ggml.add_{which}_token", bool):
        return None
    index = gguf.require(f"tokenizer.ggml.{which}_token_id", int)
    if not 0 <= index < size:
        raise UnusableInput(
            f"{index} is not in the vocabulary of {size}",
            where=f"{gguf.path}: metadata key 'tokenizer.ggml.{which}_token_id'",
        )
    return index


def _pre_tokenizer(name: str) -> PreTokenizer:
    from tokenizers import Regex  # noqa: PLC0415 - only a text needs the library, token ids do not
    from tokenizers import pre_tokenizers as pre  # noqa: PLC0415 - only a text needs the library, token ids do not

    later = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in _AFTER_UNICODE_15_1)
    letter, number = (rf"[\p{{{category}}}&&[^{later}]]" for category in "LN")
    other = rf"[^\s{letter}{number}]"
    words = Regex(rf"'s|'t|'re|'ve|'m|'ll|'d| ?{letter}+| ?{number}+| ?{other}+|\s+(?!\S)|\s+")
    digits = [pre.Split(Regex(number), "isolated")] if name == "smollm" else []
    return pre.Sequence([*digits, pre.Split(words, "isolated"), pre.ByteLevel(add_prefix_space=False, use_regex=False)])


def _merger(tokens: Sequence[str], merges: list[tuple[str, str]], pre_tokenizer: PreTokenizer, where: str) -> Merger:
    from tokenizers import Tokenizer as Merger  # noqa: PLC0415 - only a text needs the library, token ids do not
    from tokenizers.models import BPE  # noqa: PLC0415 - only a text needs the library, token ids do not

    vocabulary = {token: index for index, token in enumerate(tokens)}
    for left, right in merges:
        for needed in (left, right, left + right):
            if needed not in vocabulary:
                raise UnusableInput(
                    f"merge {f'{left} {right}'!r} needs the token {needed!r}, which is not in the vocabulary",
                    where=f"{where}: metadata key 'tokenizer.ggml.merges'",
                )
    # A byte that has no token yields none, but keeps its neighbours apart: it becomes this token, which `encode` takes out.
    vocabulary[_HOLE] = len(tokens)
    merger = Merger(BPE(vocab=vocabulary, merges=merges, unk_token=_HOLE))
    merger.pre_tokenizer = pre_tokenizer
    return merger
