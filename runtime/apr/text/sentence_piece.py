"""SentencePiece's BPE: neighbouring symbols are joined, the pair whose joint token has the highest score first.

Source: Kudo and Richardson, "SentencePiece" (2018), and llama.cpp, `src/llama-vocab.cpp` (`llm_tokenizer_spm`), which takes
the leftmost of equal scores. Written out here because the `tokenizers` library cannot do it: its merges have a rank each, and
no two the same. Where `ab` and `ba` have one score, `aba` is `ab` and `a`, and `bab` is `ba` and `b`; of two ranks either
makes one of them wrong.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel, UnusableInput
from apr.text.byte_level import byte_of
from apr.text.vocabulary import BY_HAND, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.formats.model_file import ModelFile
    from apr.text.vocabulary import Vocabulary

BLANK = "▁"  # U+2581, what a blank is spelled as


class SentencePiece:
    """Cuts and spells; special tokens are none of its business.

    Attributes:
        blank_in_front: a blank is put before a text.
        blank_behind_special: and before what follows a special token: always both or neither.
    """

    def __init__(self, vocabulary: Vocabulary, scores: Sequence[float], *, blank_in_front: bool) -> None:
        self._vocabulary, self._scores = vocabulary, scores
        self.blank_in_front = self.blank_behind_special = blank_in_front
        self._bytes = [vocabulary.first_of((f"<0x{byte:02X}>", *_itself(byte))) for byte in range(256)]

    @classmethod
    def of(cls, file: ModelFile, vocabulary: Vocabulary) -> SentencePiece:
        """From a file's scores and options.

        Raises:
            UnusableInput: no scores.
            UnsupportedModel: an option that llama.cpp does not follow, so that nothing shows how.
        """
        if vocabulary.scores is None:
            raise UnusableInput("metadata key 'tokenizer.ggml.scores' is missing", where=vocabulary.where, hint=BY_HAND)
        if file.optional("tokenizer.ggml.remove_extra_whitespaces", bool):
            raise UnsupportedModel(
                "asks for extra blanks to be removed, which is not done for this kind of tokenizer",
                where=f"{vocabulary.where}: metadata key 'tokenizer.ggml.remove_extra_whitespaces'",
                hint=BY_HAND,
            )
        stated = file.optional("tokenizer.ggml.add_space_prefix", bool)
        return cls(vocabulary, vocabulary.scores, blank_in_front=True if stated is None else stated)

    def encode(self, text: str, *, in_front: bool) -> list[int]:
        """The ids of a text without special tokens.

        Args:
            text: what to cut.
            in_front: whether the text begins here, or follows a special token.

        Raises:
            UnusableInput: a character has no token, and neither have its bytes.
        """
        if in_front and self.blank_in_front:
            text = f" {text}"
        found: list[int] = []
        for symbol in self._merge(text.replace(" ", BLANK)):
            index = self._vocabulary.ids.get(symbol)
            if index is not None:
                found.append(index)
                continue
            for byte in symbol.encode():
                spelled = self._bytes[byte]
                if spelled is None:
                    raise UnusableInput(
                        f"the vocabulary has no token for {symbol!r}, and none for its byte {byte:#04x}",
                        where=self._vocabulary.where,
                    )
                found.append(spelled)
        return found

    def _merge(self, text: str) -> list[str]:
        """The symbols that are left when no two neighbours make a token any more."""
        ids, scores = self._vocabulary.ids, self._scores
        symbols = list(text)  # by where they begin; one that was joined to its left neighbour is empty
        before, after = list(range(-1, len(text) - 1)), list(range(1, len(text) + 1))
        # lowest first: minus the score, then the place; with the size of the pair, which tells whether it still is one
        queue: list[tuple[float, int, int, int]] = []

        def consider(left: int, right: int) -> None:
            if left < 0 or right == len(symbols):
                return
            index = ids.get(symbols[left] + symbols[right])
            if index is not None:
                heapq.heappush(queue, (-scores[index], left, right, len(symbols[left]) + len(symbols[right])))

        for left in range(len(text) - 1):
            consider(left, left + 1)
        while queue:
            _, left, right, size = heapq.heappop(queue)
            if not symbols[left] or not symbols[right] or len(symbols[left]) + len(symbols[right]) != size:
                continue
            symbols[left] += symbols[right]
            symbols[right] = ""
            after[left] = after[right]
            if after[right] < len(symbols):
                before[after[right]] = left
            consider(before[left], left)
            consider(left, after[left])
        return [symbol for symbol in symbols if symbol]

    def piece(self, index: int) -> bytes:
        """The bytes of a token that is not special."""
        token, kind = self._vocabulary.tokens[index], self._vocabulary.kinds[index]
        if kind is Kind.NORMAL:
            return token.replace(BLANK, " ").encode()
        return byte_of(token) if kind is Kind.BYTE else b""


def _itself(byte: int) -> tuple[str, ...]:
    """The character of a byte that is one."""
    return (chr(byte),) if byte < 0x80 else ()
