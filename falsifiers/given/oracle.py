"""llama.cpp as falsifiers see it: what it does not survive, or cannot prove, is inconclusive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Capture
    from apr.engines.llama_cpp.engine import LlamaCpp
    from apr.engines.llama_cpp.providers import Provider
    from apr.formats.model_file import ModelFile

Answer = TypeVar("Answer")


class Oracle:
    """llama.cpp over one model, opened when it is first asked.

    After a failure it is opened anew, so that one claim's crash is not the next one's.
    """

    def __init__(self, file: ModelFile, provider: Provider | None) -> None:
        self._file, self._provider = file, provider
        self._engine: LlamaCpp | None = None

    def engine(self) -> LlamaCpp:
        """The engine, proved."""
        from apr.engines.llama_cpp.engine import LlamaCpp
        from apr.errors import OracleAbsent, OracleError

        if self._engine is None:
            try:
                self._engine = LlamaCpp(self._file, self._provider)
            except OracleAbsent as error:
                raise Inconclusive("no oracle", str(error)) from error
            except OracleError as error:
                raise Inconclusive("oracle not proved", str(error)) from error
        return self._engine

    def capture(self, tokens: list[int]) -> Capture:
        """All stages."""
        return self._ask(lambda engine: engine.capture(tokens))

    def logits(self, tokens: list[int]) -> Any:
        """Logits of a run without any callback."""
        return self._ask(lambda engine: engine.logits(tokens))

    def tokenize(self, text: str) -> list[int]:
        """llama.cpp's own tokens."""
        return self._ask(lambda engine: engine.tokenize(text))

    def close(self) -> None:
        """Ends the engine, if there is one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _ask(self, question: Callable[[LlamaCpp], Answer]) -> Answer:
        from apr.errors import OracleError

        try:
            return question(self.engine())
        except OracleError as error:
            self.close()
            raise Inconclusive("oracle failed", str(error)) from error


def require_avx2(engine: LlamaCpp) -> None:
    """The reference's `ggml` arithmetic is that of one instruction set.

    Raises:
        Inconclusive: the library was built for another one.
    """
    if "AVX2" not in engine.instructions or "AVX512" in engine.instructions:
        raise Inconclusive("other instruction set", "the reference rounds and sums as llama.cpp does for AVX2")
