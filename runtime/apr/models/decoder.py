"""The stages of a decoder with pre-norms, rotary positions and grouped heads: what the architectures here share.

An architecture composes `Decoder` with `DenseFeedForward` or its own feed-forward part, overrides the stages in which it
differs, and adds those that the others do not have.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from apr.models.base import Model
from apr.ops.attention import causal_mask, head_scale, repeat_heads
from apr.ops.elementwise import bias_add, gated, residual_add

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models.config import Config
    from apr.ops.arithmetic import Arithmetic
    from apr.ops.rope import Rope, Turns


@lru_cache(maxsize=4)
def _turns(arithmetic: Arithmetic, rope: Rope, positions: bytes) -> Turns:
    """Queries and keys of every layer rotate alike, so what they rotate by is computed once a pass."""
    angle = arithmetic.angles(np.frombuffer(positions, np.intp), rope)
    made: Turns = arithmetic.turns(angle, rope, np.dtype(arithmetic.dtype))
    return made


class Decoder(Model):
    """Stages that the architectures share; T positions, H hidden, F feed forward, Q and K query and key widths, V vocabulary."""

    def embedding(self, tokens: NDArray[np.intp]) -> Array:
        """Rows of the embedding matrix: [T, H]."""
        return self.weights.rows("token_embd.weight", tokens).astype(self.arithmetic.dtype)

    def attn_norm(self, layer: int, layer_input: Array) -> Array:
        """[T, H]."""
        return self._norm(layer_input, f"blk.{layer}.attn_norm.weight")

    def qkv_matmul(self, layer: int, attn_norm: Array) -> Array:
        """Query, key and value projections side by side: [T, Q + 2 K]."""
        parts = [self._linear(attn_norm, f"blk.{layer}.attn_{part}.weight") for part in "qkv"]
        return np.concatenate(parts, axis=-1)

    def qkv_bias(self, layer: int, qkv_matmul: Array) -> Array:
        """[T, Q + 2 K]; only in models that have biases."""
        biases = [self.weights.dequantised(f"blk.{layer}.attn_{part}.bias") for part in "qkv"]
        return bias_add(qkv_matmul, np.concatenate(biases))

    def q_post_rope(self, qkv: Array, positions: NDArray[np.intp]) -> Array:
        """[T, Q]."""
        return self._rotate(qkv[:, : self.config.q_width], positions)

    def k_post_rope(self, qkv: Array, positions: NDArray[np.intp]) -> Array:
        """[T, K]."""
        start = self.config.q_width
        return self._rotate(qkv[:, start : start + self.config.kv_width], positions)

    def attention(
        self,
        q_post_rope: Array,
        k_post_rope: Array,
        qkv: Array,
        positions: NDArray[np.intp],
        past_keys: Array | None,
        past_values: Array | None,
        past_positions: Array | None,
    ) -> Array:
        """Before the output projection: [T, Q]; over the positions of this pass and of those before it, if there are any."""
        n_heads, head_dim = self.config.n_heads, self.config.head_dim
        keys, values, key_positions = k_post_rope, self.values(qkv), positions
        if past_keys is not None and past_values is not None and past_positions is not None:
            keys, values = np.concatenate([past_keys, keys]), np.concatenate([past_values, values])
            key_positions = np.concatenate([past_positions.astype(np.intp), positions])
        q, k, v = (x.reshape(len(x), -1, head_dim) for x in (q_post_rope, keys, values))
        mask = causal_mask(positions, key_positions)
        out: Array = self.arithmetic.attend(
            q, repeat_heads(k, n_heads), repeat_heads(v, n_heads), mask, head_scale(head_dim)
        )
        return out

    def attn_out(self, layer: int, attention: Array) -> Array:
        """[T, H]."""
        return self._linear(attention, f"blk.{layer}.attn_output.weight")

    def post_attn_residual(self, layer_input: Array, attn_out: Array) -> Array:
        """[T, H]."""
        return residual_add(layer_input, attn_out)

    def ffn_norm(self, layer: int, post_attn_residual: Array) -> Array:
        """[T, H]."""
        return self._norm(post_attn_residual, f"blk.{layer}.ffn_norm.weight")

    def post_ffn_residual(self, post_attn_residual: Array, ffn: Array) -> Array:
        """What the next layer reads: [T, H]."""
        return residual_add(post_attn_residual, ffn)

    def final_norm(self, last_layer_output: Array) -> Array:
        """[T, H]."""
        return self._norm(last_layer_output, "output_norm.weight")

    def lm_head(self, final_norm: Array) -> Array:
        """Logits of every position: [T, V]; a model without `output.weight` ties its head to the embedding."""
        return self._linear(final_norm, "output.weight" if "output.weight" in self.weights else "token_embd.weight")

    def _norm(self, x: Array, weight: str) -> Array:
        out: Array = self.arithmetic.rms_norm(x, self.weights.dequantised(weight), self.config.epsilon)
        return out

    def _linear(self, x: Array, weight: str) -> Array:
        out: Array = self.arithmetic.linear(x, self.weights, weight)
        return out

    def _rotate(self, x: Array, positions: NDArray[np.intp]) -> Array:
        rope = self.config.rope
        by = _turns(self.arithmetic, rope, positions.astype(np.intp).tobytes())
        rotated: Array = self.arithmetic.rotate(x.reshape(len(x), -1, self.config.head_dim), by, rope)
        return rotated.reshape(len(x), -1)


class DenseFeedForward(Decoder):
    """A gated feed-forward part (Shazeer 2020, SwiGLU), the same for every position."""

    def ffn_gate(self, layer: int, ffn_norm: Array) -> Array:
        """[T, F]."""
        return self._linear(ffn_norm, f"blk.{layer}.ffn_gate.weight")

    def ffn_up(self, layer: int, ffn_norm: Array) -> Array:
        """[T, F]."""
        return self._linear(ffn_norm, f"blk.{layer}.ffn_up.weight")

    def ffn_silu(self, ffn_gate: Array) -> Array:
        """[T, F]."""
        out: Array = self.arithmetic.silu(ffn_gate)
        return out

    def ffn_swigl(self, ffn_silu: Array, ffn_up: Array) -> Array:
        """[T, F]."""
        return gated(ffn_silu, ffn_up)

    def ffn_out(self, layer: int, ffn_swigl: Array) -> Array:
        """[T, H]."""
        return self._linear(ffn_swigl, f"blk.{layer}.ffn_down.weight")


class NormedHeads(Decoder):
    """Queries and keys normalised head by head before they are rotated (Dehghani et al. 2023; Qwen3)."""

    def q_norm(self, layer: int, qkv: Array) -> Array:
        """[T, Q]."""
        return self._norm_heads(qkv[:, : self.config.q_width], f"blk.{layer}.attn_q_norm.weight")

    def k_norm(self, layer: int, qkv: Array) -> Array:
        """[T, K]."""
        start = self.config.q_width
        return self._norm_heads(qkv[:, start : start + self.config.kv_width], f"blk.{layer}.attn_k_norm.weight")

    def q_post_rope(self, q_norm: Array, positions: NDArray[np.intp]) -> Array:
        """[T, Q]."""
        return self._rotate(q_norm, positions)

    def k_post_rope(self, k_norm: Array, positions: NDArray[np.intp]) -> Array:
        """[T, K]."""
        return self._rotate(k_norm, positions)

    def _norm_heads(self, x: Array, weight: str) -> Array:
        return self._norm(x.reshape(len(x), -1, self.config.head_dim), weight).reshape(len(x), -1)


def attention_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a layer's attention, and both of its norms, by GGUF name, outermost dimension first."""
    c, block = config, f"blk.{layer}."
    return {
        block + "attn_norm.weight": (c.hidden,),
        block + "attn_q.weight": (c.q_width, c.hidden),
        block + "attn_k.weight": (c.kv_width, c.hidden),
        block + "attn_v.weight": (c.kv_width, c.hidden),
        block + "attn_output.weight": (c.hidden, c.q_width),
        block + "ffn_norm.weight": (c.hidden,),
    }


def dense_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a layer's dense feed-forward part."""
    c, block = config, f"blk.{layer}."
    return {
        block + "ffn_gate.weight": (c.feed_forward, c.hidden),
        block + "ffn_up.weight": (c.feed_forward, c.hidden),
        block + "ffn_down.weight": (c.hidden, c.feed_forward),
    }


def bias_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """The biases of queries, keys and values."""
    c, block = config, f"blk.{layer}."
    return {
        block + "attn_q.bias": (c.q_width,),
        block + "attn_k.bias": (c.kv_width,),
        block + "attn_v.bias": (c.kv_width,),
    }


def head_norm_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """The norms of single heads."""
    return {f"blk.{layer}.attn_{part}_norm.weight": (config.head_dim,) for part in "qk"}


def outer_shapes(config: Config, *, tied: bool) -> dict[str, tuple[int, ...]]:
    """The tensors outside the layers; a tied head has none of its own."""
    c = config
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (c.vocabulary, c.hidden),
        "output_norm.weight": (c.hidden,),
    }
    return shapes if tied else shapes | {"output.weight": (c.vocabulary, c.hidden)}
