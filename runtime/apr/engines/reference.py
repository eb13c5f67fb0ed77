"""The numpy reference as an engine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from apr import __version__
from apr.capture import Array, Capture, Provenance
from apr.engines.base import check_tokens, provenance_of
from apr.engines.generation import check_room
from apr.models import KvCache, free_run, isolated_run, load
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from apr.formats.model_file import ModelFile
    from apr.models import Model
    from apr.ops.arithmetic import Arithmetic


class Reference:
    """Runs a model in numpy, in one of the four arithmetics.

    Attributes:
        model: what is run.
        file: where its weights come from.

    Raises:
        UnsupportedModel, UnusableInput: see `apr.models.load`.
    """

    name = "numpy"
    # BLAS splits a float32 sum among its threads, so their number is a part of what was built
    build = f"apr {__version__}, numpy {np.__version__}, {os.environ.get('OPENBLAS_NUM_THREADS', 'all')} BLAS threads"

    def __init__(self, file: ModelFile, arithmetic: Arithmetic, model: Model | None = None) -> None:
        self.model = model or load(file, arithmetic)
        self.file = file

    @property
    def arithmetic(self) -> str:
        """`f64`, `f32`, `ggml` or `exact`."""
        return self.model.arithmetic.name

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """What a run over these tokens will say of itself."""
        return provenance_of(self, self.file, tokens)

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """Each stage of a free forward pass as it is made; the pass ends with the last one that is wanted."""
        check_tokens(tokens, self.model.config.vocabulary, self.model.config.context)
        keys = self.model.stage_keys()
        chosen = keys if wanted is None else [key for key in keys if key in wanted]
        made = free_run(self.model, np.asarray(tokens, np.intp), np.arange(len(tokens)))
        return _until_last(made, chosen)

    def capture(self, tokens: Sequence[int]) -> Capture:
        """All stages of a free forward pass."""
        return Capture(self.provenance(tokens), dict(self.stream(tokens)))

    def logits(self, tokens: Sequence[int]) -> Array:
        """[positions, vocabulary] of a free forward pass of which nothing else is kept."""
        head = StageKey("lm_head", None)
        for key, array in self.stream(tokens, (head,)):
            if key == head:
                return array
        raise ValueError("a forward pass without logits")

    def session(self, limit: int | None = None) -> ReferenceSession:
        """An empty text to be continued, of up to `limit` tokens."""
        context = self.model.config.context
        return ReferenceSession(self.model, context if limit is None else min(context, max(1, limit)))

    def isolated(self, given: Capture) -> Iterator[tuple[StageKey, Array]]:
        """Each stage computed from the inputs that another engine's capture holds.

        Args:
            given: complete for this model; its tokens and positions are used.
        """
        tokens, positions = given.provenance.tokens, given.provenance.positions
        check_tokens(tokens, self.model.config.vocabulary, self.model.config.context)
        return isolated_run(self.model, np.asarray(tokens, np.intp), np.asarray(positions, np.intp), given.stages)


class ReferenceSession:
    """A growing text; keys and values of what was fed before are kept."""

    def __init__(self, model: Model, limit: int) -> None:
        self._model, self._cache, self._limit = model, KvCache(model.config.n_layers), limit

    @property
    def room(self) -> int:
        """How many more tokens fit."""
        return self._limit - len(self._cache)

    def feed(self, tokens: Sequence[int]) -> Array:
        """Appends tokens: [vocabulary] logits after the last of them.

        Raises:
            UsageError: see `apr.engines.generation.check_room`.
        """
        config, start = self._model.config, len(self._cache)
        check_room(tokens, config.vocabulary, self.room, self._limit)
        ids, positions = np.asarray(tokens, np.intp), np.arange(start, start + len(tokens))
        norm, head = StageKey("final_norm", None), StageKey("lm_head", None)
        for key, array in free_run(self._model, ids, positions, self._cache):
            if key == norm:  # the head is wanted of the last position alone
                logits = self._model.compute(head, ids[-1:], positions[-1:], {norm: array[-1:]})
                return logits.reshape(-1)
        raise ValueError("a forward pass without a final norm")


def _until_last(made: Iterator[tuple[StageKey, Array]], chosen: list[StageKey]) -> Iterator[tuple[StageKey, Array]]:
    for key, array in made if chosen else ():
        yield key, array
        if key == chosen[-1]:
            return
