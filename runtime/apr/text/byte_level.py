"""Byte-level BPE: a text's words become bytes, each byte a character, and pairs are merged in the file's order.

Source: GPT-2 (openai/gpt-2, encoder.py) for the alphabet; the `tokenizers` library merges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel, UnusableInput
from apr.text.pre_tokenizers import PRE_TOKENIZERS
from apr.text.vocabulary import BY_HAND, Kind, strings

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Merger

    from apr.formats.model_file import ModelFile
    from apr.text.pre_tokenizers import PreTokenizer
    from apr.text.vocabulary import Vocabulary

_MERGES = "tokenizer.ggml.merges"
# no token is spelled so: a blank is not in the alphabet
_HOLE = "no token"


def alphabet() -> list[str]:
    """GPT-2's alphabet: the character that stands for each byte (`bytes_to_unicode`)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spare = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


_BYTES = {char: bytes([byte]) for byte, char in enumerate(alphabet())}


def spelled_bytes(token: str) -> bytes:
    """The bytes that a token of the alphabet stands for; a character outside of the alphabet stands for itself."""
    return b"".join(_BYTES.get(char) or char.encode() for char in token)


class ByteLevel:
    """Cuts, merges and spells; special tokens are none of its business."""

    blank_in_front = False
    blank_behind_special = False

    def __init__(self, vocabulary: Vocabulary, merges: list[tuple[str, str]], pre: PreTokenizer) -> None:
        self._vocabulary = vocabulary
        self._hole = len(vocabulary.tokens)
        self._merger = _merger(vocabulary, merges, pre)

    @classmethod
    def of(cls, file: ModelFile, vocabulary: Vocabulary) -> ByteLevel:
        """From a file's merges and the name of its pre-tokenizer.

        Raises:
            UnusableInput: no merges, or some that contradict the vocabulary.
            UnsupportedModel: a pre-tokenizer that is not known here.
        """
        name = file.optional("tokenizer.ggml.pre", str)
        if name not in PRE_TOKENIZERS:
            known = ", ".join(sorted(PRE_TOKENIZERS))
            problem = "names no pre-tokenizer" if name is None else f"pre-tokenizer {name!r} is not known here"
            raise UnsupportedModel(f"{problem}; known are {known}", where=vocabulary.where, hint=BY_HAND)
        return cls(vocabulary, _merges(file, vocabulary), PRE_TOKENIZERS[name])

    def encode(self, text: str, *, in_front: bool) -> list[int]:  # noqa: ARG002 - one interface with SentencePiece
        """The ids of a text without special tokens; bytes that no token spells are left out, as in llama.cpp."""
        return [index for index in self._merger.encode(text, add_special_tokens=False).ids if index != self._hole]

    def piece(self, index: int) -> bytes:
        """The bytes of a token that is not special."""
        token, kind = self._vocabulary.tokens[index], self._vocabulary.kinds[index]
        if kind is Kind.NORMAL:
            return spelled_bytes(token)
        return byte_of(token) if kind is Kind.BYTE else b""


def byte_of(token: str) -> bytes:
    """The byte that a token of kind BYTE stands for: `<0x0A>`."""
    return bytes([int(token[3:5], 16)])


def _merges(file: ModelFile, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """The pairs in their order; one that comes twice counts where it comes first.

    Raises:
        UnusableInput: there are none, an entry is no pair, or a pair's parts or result are no tokens.
    """
    where = f"{vocabulary.where}: metadata key {_MERGES!r}"
    merges: dict[tuple[str, str], None] = {}
    for index, merge in enumerate(strings(file, _MERGES)):
        # the separating blank is never the first character; inside a token a blank is spelled otherwise
        cut = merge.find(" ", 1)
        if cut < 0 or cut == len(merge) - 1:
            raise UnusableInput(f"merge {index}, {merge!r}, is no pair", where=where)
        left, right = merge[:cut], merge[cut + 1 :]
        for needed in (left, right, left + right):
            if needed not in vocabulary.ids:
                raise UnusableInput(
                    f"merge {merge!r} needs the token {needed!r}, which is not in the vocabulary", where=where
                )
        merges.setdefault((left, right))
    return list(merges)


def _merger(vocabulary: Vocabulary, merges: list[tuple[str, str]], pre: PreTokenizer) -> Merger:
    from tokenizers import Tokenizer as Merger  # noqa: PLC0415 - only a text needs the library, token ids do not
    from tokenizers.models import BPE  # noqa: PLC0415 - only a text needs the library, token ids do not

    # A byte that has no token yields none, but keeps its neighbours apart: it becomes this token, which `encode` takes out.
    ids = vocabulary.ids | {_HOLE: len(vocabulary.tokens)}
    merger = Merger(BPE(vocab=ids, merges=merges, unk_token=_HOLE, ignore_merges=pre.whole_words))
    merger.pre_tokenizer = pre.cutter()
    return merger
