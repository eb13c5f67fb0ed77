"""transformers as an engine: captures every stage in float32 or float64, and proves itself before it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.capture import Array, Capture, Provenance
from apr.engines.base import check_tokens, provenance_of
from apr.engines.transformers.building import build
from apr.engines.transformers.library import libraries, one_thread, quiet, widened
from apr.engines.transformers.recording import Recording, recorded
from apr.errors import OracleError, UsageError
from apr.formats.hf_weights import neighbours
from apr.models import load
from apr.ops.arithmetic import F32, F64, Arithmetic
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_PROBE_TOKENS = 5


class Transformers:
    """Runs a model in transformers: on the CPU, on one thread, with eager attention and eager experts.

    Stages are in GGUF's row order, so that they compare with every other engine's. In `f64` the code of transformers runs
    with every float32 in it taken for float64 (`library.widened`). Of a projection with a bias the output without it is
    computed once more, since no pass makes it.

    Attributes:
        model: the reference's model of the same file: hyper-parameters and the stages to expect.

    Args:
        file: a folder in Hugging Face's layout, or any other model file (`building.build`).
        arithmetic: F32 or F64.

    Raises:
        OracleAbsent: transformers or torch is not installed.
        OracleError: it failed to prove itself.
        UsageError: another arithmetic.
        UnsupportedModel, UnusableInput: see `apr.models.load`.
    """

    name = "transformers"

    def __init__(self, file: ModelFile, arithmetic: Arithmetic = F32) -> None:
        if arithmetic not in (F32, F64):
            raise UsageError(f"transformers does not round as {arithmetic.name!r} does", hint="it runs f32 and f64")
        torch, transformers = libraries()
        self.build = f"transformers {transformers.__version__}, torch {torch.__version__}, 1 thread"
        self.arithmetic = arithmetic.name
        self.model = load(file, arithmetic)
        self._file, self._wide = file, arithmetic is F64
        with quiet(), one_thread():
            self._hf = build(file, self.model)
        self._prove()

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """What a run over these tokens will say of itself."""
        return provenance_of(self, self._file, tokens)

    def logits(self, tokens: Sequence[int]) -> NDArray[np.floating[Any]]:
        """[positions, vocabulary] with nothing recorded: what transformers computes when nobody looks."""
        out: NDArray[np.floating[Any]] = self._forward(tokens).logits[0].numpy()
        return out

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """Each stage in forward order; the pass is over before the first one comes."""
        stages = self.capture(tokens).stages
        return ((key, array) for key, array in stages.items() if wanted is None or key in wanted)

    def capture(self, tokens: Sequence[int]) -> Capture:
        """All stages of all positions of one pass.

        Raises:
            UsageError: no tokens, too many, or ids outside the vocabulary.
            OracleError: a stage was not seen, or has another shape.
        """
        with recorded(self._hf) as recording:
            self._forward(tokens)
        return Capture(self.provenance(tokens), self._checked(recording, len(tokens)))

    def _forward(self, tokens: Sequence[int]) -> Any:
        check_tokens(tokens, self.model.config.vocabulary, self.model.config.context)
        torch, _ = libraries()
        with one_thread(), widened(self._wide):
            return self._hf(torch.tensor([list(tokens)]), use_cache=False)

    def _checked(self, recording: Recording, positions: int) -> dict[StageKey, Array]:
        """The stages that the model has, in forward order, each of its shape and in GGUF's row order."""
        stages: dict[StageKey, Array] = {}
        for key in self.model.stage_keys():
            array = recording.stages.get(key)
            expected = (positions, self.model.width(key.stage))
            if array is None or array.shape != expected or array.dtype != self.model.arithmetic.dtype:
                said = "was not seen" if array is None else f"is {array.dtype} {array.shape}"
                raise OracleError(
                    f"stage {key} {said}, {self.model.arithmetic.dtype.__name__} {expected} is expected",
                    where=self.build,
                    hint="this version's modules are other than known here",
                )
            stages[key] = self._in_gguf_order(key.stage, array)
        return stages

    def _in_gguf_order(self, stage: str, array: Array) -> Array:
        """Queries and keys with the pairs that rotate together side by side, where the file's own rows are like that."""
        c = self.model.config
        if c.rope.kind != "norm":
            return array
        q, k = neighbours(c.q_width, c.n_heads), neighbours(c.kv_width, c.n_kv_heads)
        columns = {"q_post_rope": q, "k_post_rope": k}.get(stage)
        if stage in ("qkv_matmul", "qkv_bias"):
            values = np.arange(c.q_width + c.kv_width, array.shape[1])
            columns = np.concatenate([q, c.q_width + k, values])
        return array if columns is None else array[:, columns]

    def _prove(self) -> None:
        """Looking changes nothing: the logits of a recorded pass are those of a plain one, bit by bit; so are two captures.

        Raises:
            OracleError: they are not.
        """
        c = self.model.config
        count = min(_PROBE_TOKENS, c.context)
        tokens = [1 + index * (c.vocabulary - 2) // count for index in range(count)]
        first, second = self.capture(tokens), self.capture(tokens)
        if not np.array_equal(self.logits(tokens), first[StageKey("lm_head", None)], equal_nan=True):
            raise OracleError("logits with and without recording differ: looking changes the result", where=self.build)
        for key in first.stages:
            if not np.array_equal(first[key], second[key], equal_nan=True):
                raise OracleError(f"two captures of the same tokens differ, first in {key}", where=self.build)
