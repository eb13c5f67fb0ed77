"""The qwen3moe architecture (Yang et al. 2025): qwen3 with a mixture of experts for its feed-forward part.

The router's softmax runs over all experts, the k likeliest are taken and their weights divided by their sum. The stages
`ffn_gate` to `ffn_swigl` hold the chosen experts of a position side by side, the likeliest first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from apr.errors import UnusableInput
from apr.models.base import check_tensors
from apr.models.config import Config, Experts, read_config
from apr.models.decoder import NormedHeads, attention_shapes, head_norm_shapes, outer_shapes
from apr.ops.experts import choose_experts, through_experts, weighted_sum

if TYPE_CHECKING:
    from collections.abc import Container

    from apr.capture import Array
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "qwen3moe"
ROPE_KIND: Final = "neox"


class Qwen3Moe(NormedHeads):
    """Normed heads and experts; k experts of F columns a position."""

    @property
    def experts(self) -> Experts:
        """Sizes of the mixture."""
        return _experts(self.config)

    def moe_router_indices(self, layer: int, ffn_norm: Array) -> Array:
        """Which experts each position goes to, the likeliest first: [T, k] whole numbers."""
        return choose_experts(self._probabilities(layer, ffn_norm), self.experts.used).astype(ffn_norm.dtype)

    def moe_router(self, layer: int, ffn_norm: Array, moe_router_indices: Array) -> Array:
        """How much each of them counts: [T, k], rows sum to 1."""
        chosen = moe_router_indices.astype(np.intp)
        out: Array = self.arithmetic.expert_weights(self._probabilities(layer, ffn_norm), chosen)
        return out

    def ffn_gate(self, layer: int, ffn_norm: Array, moe_router_indices: Array) -> Array:
        """[T, k F]."""
        return self._of_experts(self._repeated(ffn_norm), moe_router_indices, f"blk.{layer}.ffn_gate_exps.weight")

    def ffn_up(self, layer: int, ffn_norm: Array, moe_router_indices: Array) -> Array:
        """[T, k F]."""
        return self._of_experts(self._repeated(ffn_norm), moe_router_indices, f"blk.{layer}.ffn_up_exps.weight")

    def ffn_silu(self, ffn_gate: Array) -> Array:
        """[T, k F]."""
        rows = ffn_gate.reshape(len(ffn_gate), self.experts.used, -1)  # of one expert each
        out: Array = self.arithmetic.silu(rows)
        return out.reshape(ffn_gate.shape)

    def ffn_swigl(self, ffn_silu: Array, ffn_up: Array) -> Array:
        """[T, k F]."""
        return ffn_silu * ffn_up

    def moe_ffn_out(self, layer: int, ffn_swigl: Array, moe_router_indices: Array, moe_router: Array) -> Array:
        """The experts' outputs, weighted and added: [T, H]."""
        name = f"blk.{layer}.ffn_down_exps.weight"
        rows = ffn_swigl.reshape(len(ffn_swigl), self.experts.used, -1)
        outputs = self._of_experts(rows, moe_router_indices, name).reshape(len(rows), self.experts.used, -1)
        return weighted_sum(outputs, moe_router)

    def _probabilities(self, layer: int, x: Array) -> Array:
        logits = self._linear(x, f"blk.{layer}.ffn_gate_inp.weight")
        out: Array = self.arithmetic.softmax(logits)
        return out

    def _repeated(self, x: Array) -> Array:
        """[T, H] as [T, k, H], nothing is copied."""
        return np.broadcast_to(x[:, None], (len(x), self.experts.used, x.shape[-1]))

    def _of_experts(self, x: Array, indices: Array, name: str) -> Array:
        """Each row through its expert, of which one at a time is decoded: [T, k, .] to [T, k .]."""

        def multiply(rows: Array, index: int) -> Array:
            out: Array = self.arithmetic.linear(rows, self.weights.expert(name, index), name)
            return out

        width = self.weights.shape(name)[1]
        return through_experts(x, indices.astype(np.intp), width, multiply, self.arithmetic.dtype).reshape(len(x), -1)


def _experts(config: Config) -> Experts:
    if config.experts is None:
        raise ValueError("a qwen3moe without experts cannot be built")
    return config.experts


def _expert_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    c, experts, block = config, _experts(config), f"blk.{layer}."
    return {
        block + "ffn_gate_inp.weight": (experts.count, c.hidden),
        block + "ffn_gate_exps.weight": (experts.count, experts.feed_forward, c.hidden),
        block + "ffn_up_exps.weight": (experts.count, experts.feed_forward, c.hidden),
        block + "ffn_down_exps.weight": (experts.count, c.hidden, experts.feed_forward),
    }


def read(file: ModelFile) -> Config:
    """The hyper-parameters of a file, see `apr.models.config.read_config`."""
    return read_config(file, ARCHITECTURE, ROPE_KIND, moe=True)


def shapes(config: Config, held: Container[str]) -> dict[str, tuple[int, ...]]:
    """Every tensor that is read, by GGUF name, outermost dimension first; some only where the file holds them."""
    made = outer_shapes(config, tied="output.weight" not in held)
    for layer in range(config.n_layers):
        made |= attention_shapes(config, layer) | head_norm_shapes(config, layer) | _expert_shapes(config, layer)
    return made


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Qwen3Moe:
    """The model of a file.

    Raises:
        UnusableInput: see `read` and `apr.models.base.check_tensors`; a router that is not F32.
        UnsupportedModel: see there.
    """
    model = Qwen3Moe(read(file), weights, arithmetic)
    check_tensors(model, shapes(model.config, file.tensors), file.path)
    for layer in range(model.config.n_layers):
        router = f"blk.{layer}.ffn_gate_inp.weight"
        if weights.type_name(router) != "F32":
            raise UnusableInput(
                f"is {weights.type_name(router)}, a router must be F32",
                where=f"{file.path}: tensor {router!r}",
                hint="rounded router weights send positions to other experts: convert the model again",
            )
    return model
