"""What somebody who looks closer at a stage wants to know of it: its inputs, its weights, its heads, what it adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.ops.arithmetic import GGML
from apr.ops.linear import round_activations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.quant.weights import Weights
    from apr.stages import StageKey

_PARTS = {
    "qkv_matmul": ("attn_q", "attn_k", "attn_v"),
    "attn_out": ("attn_output",),
    "ffn_gate": ("ffn_gate",),
    "ffn_up": ("ffn_up",),
    "ffn_out": ("ffn_down",),
}
_READS = {"qkv_matmul": "attn_norm", "attn_out": "attention", "ffn_gate": "ffn_norm", "ffn_up": "ffn_norm",
          "ffn_out": "ffn_swigl", "lm_head": "final_norm"}  # fmt: skip
_OF_HEADS = ("qkv_matmul", "qkv_bias", "q_norm", "k_norm", "q_post_rope", "k_post_rope", "attention")
_SUMS = {"post_attn_residual": ("layer_input", "attn_out"), "post_ffn_residual": ("post_attn_residual", "ffn")}


class Rows(NamedTuple):
    """The weights behind some output channels of a linear stage, which may be several tensors one below the other."""

    weights: Weights
    names: tuple[str, ...]

    def __call__(self, channels: NDArray[np.intp], /) -> tuple[NDArray[np.float32], int]:
        """Dequantised rows [len(channels), columns], and how many weights share a scale."""
        starts = np.cumsum([0, *(self.weights.shape(name)[0] for name in self.names)])
        made = np.empty((len(channels), self.weights.shape(self.names[0])[1]), np.float32)
        for name, start, end in zip(self.names, starts[:-1], starts[1:], strict=True):
            here = (channels >= start) & (channels < end)
            if here.any():
                made[here] = self.weights.rows(name, channels[here] - start)
        return made, block_size(self.weights.type_name(self.names[0]))


def block_size(type_name: str) -> int:
    """How many neighbours in a row share a scale; 1 where none do."""
    if type_name not in GGMLQuantizationType.__members__:
        return 1  # formats of .apr alone: AprQ8 has one scale for all, AprQ4's blocks do not follow rows
    size: int = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]][0]
    return min(size, 32)  # blocks of 256 hold groups of 32 with scales of their own, or of 16


@dataclass(frozen=True)
class Context:
    """One stage, as `apr.parity.kinds.kind_of` wants to know it.

    Attributes:
        inputs: [T, K] what a linear stage multiplied, rounded as its arithmetic rounds it; None for others.
        weight: its weights; None for others.
        heads: width of a head where columns are heads.
        terms: [T, C] each, what the stage adds up, by name.
    """

    inputs: Array | None = None
    weight: Rows | None = None
    heads: int | None = None
    terms: Mapping[str, Array] = field(default_factory=dict)


def context_of(model: Model, key: StageKey, given: Mapping[StageKey, Array], rows: slice) -> Context:
    """The context of a stage.

    Args:
        model: the judge's.
        key: which.
        given: the stages that its inputs come from.
        rows: which positions are looked at.
    """
    heads = model.config.head_dim if key.stage in _OF_HEADS else None
    names = _tensors(model, key)
    if names:
        x = np.asarray(given[key._replace(stage=_READS[key.stage])][rows], model.arithmetic.dtype)
        if model.arithmetic.dtype is GGML.dtype and model.arithmetic.name not in ("f32", "f64"):
            x = round_activations(x, model.weights.format(names[0])).values
        return Context(x, Rows(model.weights, names), heads)
    terms = {name: given[model.source(name, key.layer)][rows] for name in _SUMS.get(key.stage, ())}
    if key.stage == "qkv_bias":
        terms = {"qkv_matmul": given[key._replace(stage="qkv_matmul")][rows]}
        biases = [model.weights.dequantised(f"blk.{key.layer}.attn_{part}.bias") for part in "qkv"]
        terms["the bias"] = np.broadcast_to(np.concatenate(biases), terms["qkv_matmul"].shape)
    return Context(heads=heads, terms=terms)


def _tensors(model: Model, key: StageKey) -> tuple[str, ...]:
    """The matrices of a linear stage, in the order of their rows; none for other stages and for experts."""
    if key.stage == "lm_head":
        return ("output.weight" if "output.weight" in model.weights else "token_embd.weight",)
    names = tuple(f"blk.{key.layer}.{part}.weight" for part in _PARTS.get(key.stage, ()))
    return names if all(name in model.weights for name in names) else ()
