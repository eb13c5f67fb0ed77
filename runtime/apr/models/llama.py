"""The llama architecture (Touvron et al. 2023), as GGUF stores it: adjacent-pair RoPE, grouped heads, gated SiLU MLP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.models.base import Config, Model, check_tensors
from apr.ops.activation import silu
from apr.ops.attention import causal_mask, repeat_heads
from apr.ops.rope import rotate_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "llama"


class Llama(Model):
    """Stages of a llama; T positions, H hidden, F feed forward, Q and K query and key widths, V vocabulary."""

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
        return qkv_matmul + np.concatenate(biases).astype(qkv_matmul.dtype)

    def q_post_rope(self, qkv: Array, positions: NDArray[np.intp]) -> Array:
        """[T, Q]."""
        return self._rotate(qkv[:, : self.config.q_width], positions)

    def k_post_rope(self, qkv: Array, positions: NDArray[np.intp]) -> Array:
        """[T, K]."""
        start = self.config.q_width
        return self._rotate(qkv[:, start : start + self.config.kv_width], positions)

    def attention(self, q_post_rope: Array, k_post_rope: Array, qkv: Array, positions: NDArray[np.intp]) -> Array:
        """Before the output projection: [T, Q]."""
        n_heads, head_dim = self.config.n_heads, self.config.head_dim
        value = qkv[:, self.config.q_width + self.config.kv_width :]
        q, k, v = (x.reshape(len(x), -1, head_dim) for x in (q_post_rope, k_post_rope, value))
        mask = causal_mask(positions, positions)
        out: Array = self.arithmetic.attend(q, repeat_heads(k, n_heads), repeat_heads(v, n_heads), mask, head_dim**-0.5)
        return out

    def attn_out(self, layer: int, attention: Array) -> Array:
        """[T, H]."""
        return self._linear(attention, f"blk.{layer}.attn_output.weight")

    def post_attn_residual(self, layer_input: Array, attn_out: Array) -> Array:
        """[T, H]."""
        return layer_input + attn_out

    def ffn_norm(self, layer: int, post_attn_residual: Array) -> Array:
        """[T, H]."""
        return self._norm(post_attn_residual, f"blk.{layer}.ffn_norm.weight")

    def ffn_gate(self, layer: int, ffn_norm: Array) -> Array:
        """[T, F]."""
        return self._linear(ffn_norm, f"blk.{layer}.ffn_gate.weight")

    def ffn_up(self, layer: int, ffn_norm: Array) -> Array:
        """[T, F]."""
        return self._linear(ffn_norm, f"blk.{layer}.ffn_up.weight")

    def ffn_silu(self, ffn_gate: Array) -> Array:
        """[T, F]."""
        return silu(ffn_gate)

    def ffn_swigl(self, ffn_silu: Array, ffn_up: Array) -> Array:
        """[T, F]."""
        return ffn_silu * ffn_up

    def ffn_out(self, layer: int, ffn_swigl: Array) -> Array:
        """[T, H]."""
        return self._linear(ffn_swigl, f"blk.{layer}.ffn_down.weight")

    def post_ffn_residual(self, post_attn_residual: Array, ffn_out: Array) -> Array:
        """What the next layer reads: [T, H]."""
        return post_attn_residual + ffn_out

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
        c = self.config
        angle = self.arithmetic.angles(positions, c.rope_theta, c.head_dim)
        return rotate_pairs(x.reshape(len(x), -1, c.head_dim), angle).reshape(len(x), -1)


def read_config(file: ModelFile) -> Config:
    """Hyper-parameters from the metadata of a GGUF file.

    Two may be absent because the GGUF specification says what they are then: `attention.head_count_kv` (as many as
    query heads) and `attention.key_length` (hidden / heads).

    Raises:
        UnusableInput: a key is missing, of another type, or out of range.
        UnsupportedModel: a feature of the architecture that is not built here.
    """

    def number(key: str, kind: type[int | float]) -> float:
        value = file.require(f"llama.{key}", kind)
        if not np.isfinite(value) or value <= 0:
            raise UnusableInput(f"is {value}, it must be positive", where=f"{file.path}: metadata key 'llama.{key}'")
        return value

    def size(key: str) -> int:
        return int(number(key, int))

    def stated(key: str) -> bool:
        return f"llama.{key}" in file.metadata

    hidden, n_heads = size("embedding_length"), size("attention.head_count")
    n_kv_heads = size("attention.head_count_kv") if stated("attention.head_count_kv") else n_heads
    if not stated("attention.key_length") and hidden % n_heads:
        raise UnusableInput(f"{hidden} dimensions do not divide into {n_heads} heads", where=f"{file.path}: metadata")
    head_dim = size("attention.key_length") if stated("attention.key_length") else hidden // n_heads
    value_dim = size("attention.value_length") if stated("attention.value_length") else head_dim
    rope_dims = size("rope.dimension_count")
    if n_heads % n_kv_heads:
        raise UnusableInput(
            f"{n_heads} query heads do not divide among {n_kv_heads} key heads", where=f"{file.path}: metadata"
        )
    if rope_dims % 2 or rope_dims != head_dim:
        raise UnusableInput(
            f"rope.dimension_count {rope_dims} does not fit heads of {head_dim}", where=f"{file.path}: metadata"
        )
    _refuse_what_is_not_built(file, head_dim, value_dim)
    n_layers = size("block_count")
    if n_layers > len(file.tensors):
        raise UnusableInput(
            f"announces {n_layers} layers, the file holds {len(file.tensors)} tensors",
            where=f"{file.path}: metadata key 'llama.block_count'",
            hint="the file is incomplete",
        )
    if "token_embd.weight" not in file.tensors:
        raise UnusableInput(
            "is missing", where=f"{file.path}: tensor 'token_embd.weight'", hint="the file is incomplete"
        )
    return Config(
        architecture=ARCHITECTURE,
        n_layers=n_layers,
        hidden=hidden,
        feed_forward=size("feed_forward_length"),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        vocabulary=file.tensors["token_embd.weight"].shape[0],
        rope_theta=number("rope.freq_base", float),
        epsilon=number("attention.layer_norm_rms_epsilon", float),
        context=size("context_length"),
    )


def _refuse_what_is_not_built(file: ModelFile, head_dim: int, value_dim: int) -> None:
    """Features that some llamas have; running without them would be another model."""

    def stated(key: str, default: object) -> object:
        return file.metadata.get(f"llama.{key}", default)

    scaling = stated("rope.scaling.type", "linear")  # what llama.cpp takes an absent type for
    factors = {
        key: stated(key, 1.0) for key in ("rope.scaling.factor", "rope.scale_linear", "rope.scaling.attn_factor")
    }
    scaled = [key for key, factor in factors.items() if factor not in (0.0, 1.0)]
    features = {
        f"rope scaling {scaling!r}": scaling not in ("none", "linear"),
        f"rope scaling by {', '.join(scaled)}": bool(scaled) and scaling != "none",
        "attention that looks ahead": stated("attention.causal", True) is not True,
        "heads whose values are not as wide as their keys": value_dim != head_dim,
        "a mixture of experts": bool(stated("expert_count", 0)),
    }
    for feature, present in features.items():
        if present:
            raise UnsupportedModel(f"has {feature}, which is not built here", where=str(file.path))


def tensor_shapes(config: Config, *, tied: bool, biased: bool) -> dict[str, tuple[int, ...]]:
    """Every tensor of a llama by its GGUF name, outermost dimension first."""
    c = config
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (c.vocabulary, c.hidden),
        "output_norm.weight": (c.hidden,),
    }
    if not tied:
        shapes["output.weight"] = (c.vocabulary, c.hidden)
    for layer in range(c.n_layers):
        block = f"blk.{layer}."
        shapes |= {
            block + "attn_norm.weight": (c.hidden,),
            block + "attn_q.weight": (c.q_width, c.hidden),
            block + "attn_k.weight": (c.kv_width, c.hidden),
            block + "attn_v.weight": (c.kv_width, c.hidden),
            block + "attn_output.weight": (c.hidden, c.q_width),
            block + "ffn_norm.weight": (c.hidden,),
            block + "ffn_gate.weight": (c.feed_forward, c.hidden),
            block + "ffn_up.weight": (c.feed_forward, c.hidden),
            block + "ffn_down.weight": (c.hidden, c.feed_forward),
        }
        if biased:
            shapes |= {
                block + "attn_q.bias": (c.q_width,),
                block + "attn_k.bias": (c.kv_width,),
                block + "attn_v.bias": (c.kv_width,),
            }
    return shapes


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Llama:
    """The model of a GGUF file.

    Raises:
        UnusableInput: see `read_config` and `apr.models.base.check_tensors`.
        UnsupportedModel: see there.
    """
    model = Llama(read_config(file), weights, arithmetic)
    shapes = tensor_shapes(model.config, tied="output.weight" not in weights, biased=model.has_bias)
    check_tensors(model, shapes, file.path)
    return model
