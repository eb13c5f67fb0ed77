"""What every engine offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from apr.capture import Provenance
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from apr.capture import Array, Capture
    from apr.formats.model_file import ModelFile
    from apr.stages import StageKey


TIMEOUT = 900.0  # seconds that another process may be silent


class Engine(Protocol):
    """Turns tokens into named stages."""

    @property
    def name(self) -> str:
        """Such as `numpy` or `llama.cpp`."""

    @property
    def build(self) -> str:
        """Version or build: what must be equal for two runs to be expected to be equal."""

    @property
    def arithmetic(self) -> str:
        """A name of `apr.ops.arithmetic.ARITHMETICS`; `unknown` where nobody says."""

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """What a run over these tokens will say of itself."""

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """Stages as they are made, [positions, width]: at least the wanted ones, all of them without a wish."""

    def capture(self, tokens: Sequence[int]) -> Capture:
        """All stages of all positions of one pass over the tokens, from an empty context.

        Raises:
            UsageError: no tokens, or ids outside the vocabulary.
        """

    def logits(self, tokens: Sequence[int]) -> Array:
        """[positions, vocabulary]: what it computes when nobody looks.

        Raises:
            UsageError: no tokens, ids outside the vocabulary, or an engine that only holds what somebody recorded.
        """


def provenance_of(engine: Engine, file: ModelFile, tokens: Sequence[int]) -> Provenance:
    """What a run of an engine over these tokens of a file says of itself; every position is there, from 0."""
    return Provenance(
        engine=engine.name,
        build=engine.build,
        arithmetic=engine.arithmetic,
        architecture=file.architecture,
        model_sha256=file.sha256,
        tokens=tuple(tokens),
        positions=tuple(range(len(tokens))),
        weights_sha256=file.weights_sha256,
    )


def check_tokens(tokens: Sequence[int], vocabulary: int, context: int) -> None:
    """Refuses what no engine can run.

    Raises:
        UsageError: no tokens, more than the context holds, or an id outside the vocabulary.
    """
    if not tokens:
        raise UsageError("there are no tokens to run", hint="give a prompt that is not empty, or token ids")
    if len(tokens) > context:
        raise UsageError(f"{len(tokens)} tokens are more than the model's context of {context}")
    check_ids(tokens, vocabulary)


def check_ids(tokens: Sequence[int], vocabulary: int) -> None:
    """Refuses ids that the vocabulary does not have.

    Raises:
        UsageError: at the first of them.
    """
    for place, token in enumerate(tokens):
        if not 0 <= token < vocabulary:
            raise UsageError(f"token id {token} at position {place} is outside the vocabulary of {vocabulary}")
