"""How a forward pass is made of stages, whatever the architecture.

An architecture is a class with one method a stage; the names of a method's parameters say what the stage reads: other
stages, or one of

* `layer`: the layer's index;
* `tokens`, `positions`: what the pass was asked for;
* `layer_input`: the embedding in layer 0, else the layer before's `post_ffn_residual`;
* `last_layer_output`: the last layer's `post_ffn_residual`;
* `qkv`: `qkv_bias` where the model has biases, else `qkv_matmul`;
* `ffn`: what the feed-forward part ends with, `moe_ffn_out` or `ffn_out`;
* `past_keys`, `past_values`, `past_positions`: of the passes before this one over the same text, None in the first.

From this the same code runs a stage in a free forward pass, fed with the pass's own stages, and in isolation, fed with
the stages of somebody else's capture.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from apr.capture import Array, expected_keys
from apr.errors import DenseOnExperts, UnsupportedModel, UnusableInput
from apr.stages import FIRST_LAYER_ONLY, PER_LAYER, WHOLE_MODEL, StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from apr.models.cache import KvCache
    from apr.models.config import Config
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights


# the tensor whose presence says that an architecture with optional biases has them
BIASES_FROM = "blk.0.attn_q.bias"


@functools.cache  # a parity run asks thousands of times
def _parameters(method: Callable[..., Array]) -> tuple[str, ...]:
    """Names of a method's parameters after `self`."""
    return tuple(inspect.signature(method).parameters)[1:]


def stage_width(config: Config, stage: str) -> int:
    """Columns of a stage of any architecture."""
    c = config
    qkv = c.q_width + 2 * c.kv_width
    used = c.experts.used if c.experts else 1
    inner = used * c.experts.feed_forward if c.experts else c.feed_forward
    return {
        "qkv_matmul": qkv, "qkv_bias": qkv, "q_norm": c.q_width, "k_norm": c.kv_width,
        "q_post_rope": c.q_width, "k_post_rope": c.kv_width, "attention": c.q_width,
        "moe_router_indices": used, "moe_router": used,
        "ffn_gate": inner, "ffn_up": inner, "ffn_silu": inner, "ffn_swigl": inner, "lm_head": c.vocabulary,
    }.get(stage, c.hidden)  # fmt: skip


class Model:
    """Base of the architectures: weights, hyper-parameters and an arithmetic; one method a stage in the subclasses."""

    # stages that only models with q/k/v biases have
    BIAS_STAGES: ClassVar[tuple[str, ...]] = ("qkv_bias",)
    always_biased: ClassVar[bool] = False

    def __init__(self, config: Config, weights: Weights, arithmetic: Arithmetic) -> None:
        self.config, self.weights, self.arithmetic = config, weights, arithmetic

    @property
    def has_bias(self) -> bool:
        """Whether the file holds q/k/v biases."""
        return self.always_biased or BIASES_FROM in self.weights

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this very model makes, in forward order."""
        return self.stages_of(has_bias=self.has_bias)

    @classmethod
    def stages_of(cls, *, has_bias: bool) -> tuple[str, ...]:
        """The stages that models of this architecture make, in forward order."""
        made = (*FIRST_LAYER_ONLY, *PER_LAYER, *WHOLE_MODEL)
        return tuple(s for s in made if hasattr(cls, s) and (has_bias or s not in cls.BIAS_STAGES))

    def stage_keys(self) -> list[StageKey]:
        """Every stage of every layer, in forward order."""
        return expected_keys(self.stages, self.config.n_layers)

    def width(self, stage: str) -> int:
        """Columns of a stage."""
        return stage_width(self.config, stage)

    def values(self, qkv: Array) -> Array:
        """The value part of `qkv`: [T, K]."""
        return qkv[:, self.config.q_width + self.config.kv_width :]

    def inputs_of(self, stage: str) -> tuple[str, ...]:
        """What the stage reads, in the order of its parameters."""
        return _parameters(getattr(type(self), stage))

    def compute(
        self, key: StageKey, tokens: NDArray[np.intp], positions: NDArray[np.intp], stages: Mapping[StageKey, Array]
    ) -> Array:
        """One stage from its inputs in `stages`.

        Args:
            key: which.
            tokens: [positions] token ids.
            positions: [positions].
            stages: what the stage reads; cast to this model's arithmetic.

        Returns:
            [positions, width(stage)] in the arithmetic's dtype.
        """
        arguments = [self._input(name, key.layer, tokens, positions, stages) for name in self.inputs_of(key.stage)]
        with np.errstate(all="ignore"):  # numbers that are not finite are results here; whoever reads them counts them
            out: Array = getattr(self, key.stage)(*arguments)
        return out

    def source(self, name: str, layer: int | None) -> StageKey:
        """The stage that a parameter name stands for in a layer."""
        if name == "layer_input":
            return StageKey("post_ffn_residual", layer - 1) if layer else StageKey("embedding", 0)
        if name == "last_layer_output":
            return StageKey("post_ffn_residual", self.config.n_layers - 1)
        if name == "qkv":
            return StageKey("qkv_bias" if self.has_bias else "qkv_matmul", layer)
        if name == "ffn":
            return StageKey("moe_ffn_out" if hasattr(self, "moe_ffn_out") else "ffn_out", layer)
        return StageKey(name, None if name in WHOLE_MODEL else layer)

    def sources(self, key: StageKey) -> tuple[StageKey, ...]:
        """The stages that a stage reads."""
        own = ("layer", "tokens", "positions")
        names = [name for name in self.inputs_of(key.stage) if name not in own and not name.startswith("past_")]
        return tuple(self.source(name, key.layer) for name in names)

    def _input(
        self,
        name: str,
        layer: int | None,
        tokens: NDArray[np.intp],
        positions: NDArray[np.intp],
        stages: Mapping[StageKey, Array],
    ) -> Any:
        if name == "layer":
            return layer
        if name in ("tokens", "positions"):
            return tokens if name == "tokens" else positions
        if name.startswith("past_"):
            return stages.get(StageKey(name, layer))
        return np.asarray(stages[self.source(name, layer)], self.arithmetic.dtype)


def free_run(
    model: Model, tokens: NDArray[np.intp], positions: NDArray[np.intp], cache: KvCache | None = None
) -> Iterator[tuple[StageKey, Array]]:
    """A forward pass: each stage, in forward order, from the stages before it.

    Args:
        model: what to run.
        tokens: [positions].
        positions: [positions].
        cache: keys and values of the passes before this one over the same text; this pass's own are added to it.
    """
    kept: dict[StageKey, Array] = {}
    for key in model.stage_keys():
        if cache is not None and key.stage == "attention" and key.layer is not None:
            kept |= cache.past(key.layer)
        kept[key] = model.compute(key, tokens, positions, kept)
        if cache is not None and key.stage == "attention" and key.layer is not None:
            qkv = kept[model.source("qkv", key.layer)]
            cache.add(key.layer, kept[StageKey("k_post_rope", key.layer)], model.values(qkv), positions)
        yield key, kept[key]
        if key.stage == "post_ffn_residual" and key.layer is not None:
            # the next layer reads this one stage; the rest is the caller's to keep
            kept = {key: kept[key]}


def isolated_run(
    model: Model,
    tokens: NDArray[np.intp],
    positions: NDArray[np.intp],
    given: Mapping[StageKey, Array],
) -> Iterator[tuple[StageKey, Array]]:
    """Each stage, in forward order, computed from another run's inputs: what differs then was born in this stage."""
    for key in model.stage_keys():
        yield key, model.compute(key, tokens, positions, given)


def check_tensors(model: Model, expected: Mapping[str, tuple[int, ...]], path: object) -> None:
    """Every tensor the architecture reads is there in its shape, and the file holds no other.

    Raises:
        UnusableInput: a tensor is missing or has another shape.
        DenseOnExperts: a dense feed-forward part is asked for and the file holds experts.
        UnsupportedModel: a tensor that this architecture does not read; running without it would be a different model.
    """
    missing = [name for name in expected if name not in model.weights]
    experts = [name for name in model.weights.names() if "_exps." in name]
    dense = [name for name in missing if ".ffn_" in name and "_exps." not in name]
    if dense and experts and model.config.experts is None:
        raise DenseOnExperts(missing=tuple(dense), found=tuple(experts), where=str(path))
    if missing:
        raise UnusableInput(
            "is missing", where=f"{path}: tensor {missing[0]!r}", hint="the file is incomplete or of another kind"
        )
    for name, shape in expected.items():
        if model.weights.shape(name) != shape:
            raise UnusableInput(
                f"has shape {list(model.weights.shape(name))}, the metadata asks for {list(shape)}",
                where=f"{path}: tensor {name!r}",
            )
    unread = sorted(set(model.weights.names()) - set(expected))
    if unread:
        raise UnsupportedModel(
            f"holds {len(unread)} tensors that architecture {model.config.architecture!r} does not read here, first {unread[0]!r}",
            where=str(path),
            hint="running without them would be another model",
        )
