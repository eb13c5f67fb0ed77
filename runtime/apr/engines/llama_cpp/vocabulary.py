"""llama.cpp's own tokenizer over a model file, or over a file that holds nothing but a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from apr.engines.llama_cpp.process import Child
from apr.engines.llama_cpp.providers import Provider, find_provider

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

_TIMEOUT = 300.0  # seconds


@dataclass(frozen=True)
class Described:
    """What llama.cpp made of a vocabulary.

    Attributes:
        bos, eos, eot, pad: ids, or None where it has none.
        add_bos, add_eos: whether they are put around a text.
        ends: the ids at which it stops generating.
        pieces: the bytes of every token; special ones as they are spelled.
    """

    bos: int | None
    eos: int | None
    eot: int | None
    pad: int | None
    add_bos: bool
    add_eos: bool
    ends: frozenset[int]
    pieces: tuple[bytes, ...]


class LlamaVocabulary:
    """A vocabulary in llama.cpp, in a child process; the weights of the file are not loaded.

    Args:
        path: the GGUF file.
        provider: which library; by default the first one found.
        timeout: seconds of silence while an answer of the child is awaited.

    Raises:
        OracleAbsent: no library.
        OracleError: it crashed, or refuses the file.
    """

    def __init__(self, path: Path, provider: Provider | None = None, timeout: float = _TIMEOUT) -> None:
        self.path = path
        self.provider = provider or find_provider()
        self._child = Child(f"{self.provider.library} with {path}", timeout)
        try:
            reply, _ = self._child.ask(
                "loading the vocabulary", do="open_vocabulary", library=str(self.provider.library), model=str(path)
            )
        except BaseException:
            self.close()
            raise
        ids = {name: index if index >= 0 else None for name, index in reply["special"].items()}
        self.described = Described(
            **ids,
            add_bos=reply["add_bos"],
            add_eos=reply["add_eos"],
            ends=frozenset(reply["ends"]),
            pieces=tuple(map(bytes.fromhex, reply["pieces"])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process."""
        self._child.close()

    def tokenize(self, texts: Iterable[str], *, add_special: bool = True, special: bool = True) -> list[list[int]]:
        """The tokens of each text.

        Args:
            texts: to cut.
            add_special: BOS and EOS are added where the file asks for them.
            special: control tokens are recognised where a text spells them out.

        Raises:
            OracleError: it crashed.
        """
        reply, _ = self._child.ask(
            "tokenising", do="tokenize_all", texts=list(texts), add_special=add_special, parse_special=special
        )
        tokens: list[list[int]] = reply["tokens"]
        return tokens
