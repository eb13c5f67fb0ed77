"""Faults of an architecture, planted in the tiny models of `fixtures/models`: each names the model it is planted in.

Layer 1 is the last of these models, so a fault that sits in it has not touched what stands before.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.planting import Call, Mutant, at, config, last_position, rope, weight
from apr.ops.experts import weighted_sum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model

MOE, QWEN3, QWEN2, LLAMA = "qwen3moe-q4_k_m", "qwen3-q4_k_m", "qwen2-q4_k_m", "llama-q4_k_m"
HF_MOE = "qwen3moe-transformers"  # made by transformers when it is needed
_LAYER = 1


@dataclass(frozen=True)
class ArchitectureMutant(Mutant):
    """One planted fault.

    Attributes:
        model: the tiny model it fits.
    """

    model: str = MOE


def _of_heads(call: Call, part: slice) -> Array:
    """The columns of `qkv` that the norm of single heads reads."""
    return np.asarray(call.input("qkv")[:, part])


def _no_q_norm(call: Call) -> Array:
    return _of_heads(call, slice(0, call.model.config.q_width))


def _no_k_norm(call: Call) -> Array:
    c = call.model.config
    return _of_heads(call, slice(c.q_width, c.q_width + c.kv_width))


def _norm_over_all_heads(call: Call) -> Array:
    """One root mean square over all heads of a position instead of one a head."""
    c = call.model.config
    q = _of_heads(call, slice(0, c.q_width))
    gains = np.tile(call.model.weights.dequantised(f"blk.{_LAYER}.attn_q_norm.weight"), c.n_heads)
    out: Array = call.model.arithmetic.rms_norm(q, gains, c.epsilon)
    return out


def _q_norm_for_k(call: Call) -> Array:
    """The gains of the query heads on the key heads."""
    c = call.model.config
    k = _of_heads(call, slice(c.q_width, c.q_width + c.kv_width)).reshape(len(call.positions), -1, c.head_dim)
    gains = call.model.weights.dequantised(f"blk.{_LAYER}.attn_q_norm.weight")
    return np.asarray(call.model.arithmetic.rms_norm(k, gains, c.epsilon)).reshape(len(k), -1)


def _head_dim_of_hidden(call: Call) -> Array:
    """Scores divided by the root of hidden / heads where heads are wider than that."""
    c = call.model.config
    return call.with_input(
        "q_post_rope", call.input("q_post_rope") * np.float32((c.head_dim * c.n_heads / c.hidden) ** 0.5)
    )


def _to_expert(change: Callable[[Array, int], Array]) -> Callable[[Call], Array]:
    """Other experts than the router chose; `change` gets the indices and how many experts there are."""

    def faulty(call: Call) -> Array:
        experts = call.model.config.experts
        return call.with_input(
            "moe_router_indices", change(call.input("moe_router_indices"), experts.count if experts else 1)
        )

    return faulty


def _first_two_swapped(indices: Array, _count: int) -> Array:
    return np.where(indices < 2, 1 - indices, indices)


def _not_normalised(call: Call) -> Array:
    """Probabilities of the chosen experts as the softmax over all experts gives them."""
    model, x = call.model, np.asarray(call.input("ffn_norm"), call.model.arithmetic.dtype)
    logits = model.arithmetic.linear(x, model.weights, f"blk.{call.key.layer}.ffn_gate_inp.weight")
    chosen = call.input("moe_router_indices").astype(np.intp)
    return np.take_along_axis(np.asarray(model.arithmetic.softmax(logits)), chosen, axis=-1)


def _all_alike(call: Call) -> Array:
    """Every chosen expert counts the same."""
    return np.full_like(call.sound(), 1 / call.sound().shape[-1])


def _ranks_swapped(call: Call) -> Array:
    return call.with_input("moe_router", call.input("moe_router")[:, ::-1])


def _indices_in_order(call: Call) -> Array:
    return np.sort(call.sound(), axis=-1)


def _first_expert_only(call: Call) -> Array:
    """The second expert's output is lost."""
    weights = call.input("moe_router").copy()
    weights[:, 1:] = 0
    return call.with_input("moe_router", weights)


def _last_position_unrouted(call: Call) -> Array:
    out = call.sound().copy()
    out[-1] = weighted_sum(np.zeros((1, 1, out.shape[-1]), out.dtype), np.ones((1, 1), out.dtype))[0]
    return out


def _scales_of_every_block_up(bytes_a_block: int) -> Callable[[NDArray[np.uint8]], None]:
    """The float16 scale at the start of each block one ulp up."""

    def change(raw: NDArray[np.uint8]) -> None:
        blocks = raw.reshape(-1, bytes_a_block)
        scales = np.ascontiguousarray(blocks[:, :2]).view("<u2")[:, 0]
        blocks[:, :2] = (scales + np.uint16(1)).view(np.uint8).reshape(-1, 2)

    return change


def _rows_rolled(raw: NDArray[np.uint8]) -> None:
    """Every matrix of a packed tensor takes its first row from the one before: slices cut one row off."""
    raw[:] = np.roll(raw, 1, axis=0)


def _down_taken_for_q4_k(model: Model) -> Model:
    """The down projections of the experts are Q6_K, 210 bytes a block; the kernel for Q4_K, 144 bytes, is run on them."""
    taken, blocks = f"blk.{_LAYER}.ffn_down_exps.weight", 144
    raw = np.array(model.weights.raw(taken))
    weights = model.weights.with_raw(taken, raw.reshape(-1)[: len(raw) * blocks].reshape(len(raw), blocks))
    sound = model.weights.type_name
    weights.type_name = lambda name: "Q4_K" if name == taken else sound(name)  # type: ignore[method-assign] # the point
    faulty = copy.copy(model)
    faulty.weights = weights
    return faulty


def _heads_of_half_the_width(model: Model) -> Model:
    """A converter that guesses the number of heads makes two of each, which still fit the tensors."""
    c = model.config
    turned = dataclasses.replace(c.rope, dims=c.rope.dims // 2)
    return config(n_heads=2 * c.n_heads, n_kv_heads=2 * c.n_kv_heads, head_dim=c.head_dim // 2, rope=turned)(model)


def _no_bias(call: Call) -> Array:
    return np.asarray(call.input("qkv_matmul"))


def _head_of_the_layer_output(call: Call) -> Array:
    """The final norm is skipped: the head reads something of another size."""
    return call.with_input("final_norm", call.input("final_norm") * np.float32(0.5))


def _embedding_reversed(call: Call) -> Array:
    return np.asarray(call.sound()[:, ::-1])


def _without_magnitude(call: Call) -> Array:
    return np.asarray(call.sound() / np.float32(call.model.config.rope.magnitude))


def _head_of_the_embedding(call: Call) -> Array:
    out: Array = call.model.arithmetic.linear(call.input("final_norm"), call.model.weights, "token_embd.weight")
    return out


_ALL = [
    ArchitectureMutant("q-norm-missing", "queries are not normalised", "q_norm", _LAYER, at("q_norm", _LAYER, _no_q_norm), QWEN3, kinds=("missing term",)),
    ArchitectureMutant("k-norm-missing", "keys are not normalised", "k_norm", _LAYER, at("k_norm", _LAYER, _no_k_norm), QWEN3, kinds=("missing term",)),
    ArchitectureMutant("q-norm-over-all-heads", "queries are normalised over all heads at once", "q_norm", _LAYER,
                       at("q_norm", _LAYER, _norm_over_all_heads), QWEN3),
    ArchitectureMutant("k-norm-with-q-gains", "keys are normalised with the gains of the queries", "k_norm", _LAYER,
                       at("k_norm", _LAYER, _q_norm_for_k), QWEN3, kinds=("wrong weights",)),
    ArchitectureMutant("scale-of-hidden", "scores are scaled for heads of hidden / heads", "attention", _LAYER,
                       at("attention", _LAYER, _head_dim_of_hidden), QWEN3, kinds=("scale",)),
    ArchitectureMutant("bias-dropped", "the biases of queries, keys and values are left out", "qkv_bias", _LAYER,
                       at("qkv_bias", _LAYER, _no_bias), QWEN2, kinds=("missing term",)),
    ArchitectureMutant("heads-twice-as-many", "twice as many heads of half the width", "q_post_rope", 0, _heads_of_half_the_width, QWEN2, kinds=("rotation", "scattered")),
    ArchitectureMutant("theta-default", "theta is the 10 000 that a loader takes where it knows nothing", "q_post_rope", 0,
                       rope(theta=10000.0), QWEN2, kinds=("rotation",)),
    ArchitectureMutant("neighbours-for-halves", "neighbours rotate where halves should", "q_post_rope", 0, rope(kind="norm"), QWEN2, kinds=("rotation",)),
    ArchitectureMutant("halves-for-neighbours", "halves rotate where neighbours should", "q_post_rope", 0, rope(kind="neox"), LLAMA, kinds=("rotation",)),
    ArchitectureMutant("yarn-ignored", "every frequency is divided alike", "q_post_rope", 0, rope(yarn=None), "llama-yarn-f32", kinds=("rotation",)),
    ArchitectureMutant("yarn-without-magnitude", "sine and cosine are not made larger", "q_post_rope", 0,
                       at("q_post_rope", None, _without_magnitude), "llama-yarn-f32", kinds=("gain",)),
    ArchitectureMutant("divisors-ignored", "rope_freqs.weight is not read", "q_post_rope", 0, rope(divisors=None), "llama-llama3-f32", kinds=("rotation",)),
    ArchitectureMutant("factor-ignored", "positions are not divided by the factor", "q_post_rope", 0, rope(factor=1.0),
                       "llama-linear-f32", kinds=("rotation",)),
    ArchitectureMutant("tied-head-reversed", "the tied head's rows are read from the other end", "lm_head", None,
                       at("lm_head", None, _embedding_reversed), QWEN2, kinds=("permutation",)),
    ArchitectureMutant("head-without-norm", "the head does not read the final norm", "lm_head", None,
                       at("lm_head", None, _head_of_the_layer_output), QWEN2, kinds=("gain",)),
    ArchitectureMutant("head-of-the-embedding", "the embedding is used although there is a head", "lm_head", None,
                       at("lm_head", None, _head_of_the_embedding), LLAMA, kinds=("wrong weights",)),
    ArchitectureMutant("moe-not-normalised", "weights of the experts are not divided by their sum", "moe_router", _LAYER,
                       at("moe_router", _LAYER, _not_normalised), kinds=("missing term",)),
    ArchitectureMutant("hf-experts-not-normalised", "weights of the experts are not divided by their sum", "moe_router", 0,
                       at("moe_router", 0, _not_normalised), HF_MOE),
    ArchitectureMutant("moe-all-alike", "every chosen expert counts the same", "moe_router", _LAYER,
                       at("moe_router", _LAYER, _all_alike), kinds=("wrong weights",)),
    ArchitectureMutant("moe-indices-in-order", "experts stand in the order of their indices", "moe_router_indices", _LAYER,
                       at("moe_router_indices", _LAYER, _indices_in_order), kinds=("permutation",)),
    ArchitectureMutant("moe-next-slice", "each position goes to the expert after its own", "ffn_gate", _LAYER,
                       at("ffn_gate", _LAYER, _to_expert(lambda indices, count: (indices + 1) % count)), kinds=("wrong weights",)),
    ArchitectureMutant("moe-experts-swapped", "experts 0 and 1 are exchanged", "ffn_up", _LAYER,
                       at("ffn_up", _LAYER, _to_expert(_first_two_swapped)), kinds=("wrong weights", "scattered")),
    ArchitectureMutant("moe-slice-one-row-off", "slices of the packed tensor are cut one row off", "ffn_up", _LAYER,
                       weight(f"blk.{_LAYER}.ffn_up_exps.weight", _rows_rolled), kinds=("shift",)),
    ArchitectureMutant("moe-ranks-swapped", "the likeliest expert's output gets the other's weight", "moe_ffn_out", _LAYER,
                       at("moe_ffn_out", _LAYER, _ranks_swapped), kinds=("wrong weights",)),
    ArchitectureMutant("moe-first-only", "only the likeliest expert's output arrives", "moe_ffn_out", _LAYER,
                       at("moe_ffn_out", _LAYER, _first_expert_only), kinds=("wrong weights",)),
    ArchitectureMutant("moe-position-lost", "the last position's experts return nothing", "moe_ffn_out", _LAYER,
                       at("moe_ffn_out", _LAYER, _last_position_unrouted), kinds=("dropped block",), position=last_position),
    ArchitectureMutant("moe-q6_k-as-q4_k", "the kernel for Q4_K is run on experts in Q6_K", "moe_ffn_out", _LAYER, _down_taken_for_q4_k, kinds=("not finite",)),
    ArchitectureMutant("moe-scales-ulp", "every block scale of the experts' gates is one float16 ulp up", "ffn_gate", _LAYER,
                       weight(f"blk.{_LAYER}.ffn_gate_exps.weight", _scales_of_every_block_up(144)), kinds=("scattered",)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
