"""Falsifier of `tensor-shape-flow-v1`: shapes of captured stages, of the reference and of llama.cpp, against the widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pv import Evidence

CONTRACT = "tensor-shape-flow-v1"
POSITIONS = 12
_IN = ["embedding", "attn_norm", "qkv_matmul"]
_ATTENTION = ["q_post_rope", "k_post_rope", "attention", "attn_out", "post_attn_residual", "ffn_norm"]
_DENSE = ["ffn_gate", "ffn_up", "ffn_silu", "ffn_swigl", "ffn_out"]
_EXPERTS = ["moe_router_indices", "moe_router", "ffn_gate", "ffn_up", "ffn_silu", "ffn_swigl", "moe_ffn_out"]
_OUT = ["post_ffn_residual", "final_norm", "lm_head"]
STAGES = {
    "llama": [*_IN, *_ATTENTION, *_DENSE, *_OUT],
    "qwen2": [*_IN, "qkv_bias", *_ATTENTION, *_DENSE, *_OUT],
    "qwen3": [*_IN, "q_norm", "k_norm", *_ATTENTION, *_DENSE, *_OUT],
    "qwen3moe": [*_IN, "q_norm", "k_norm", *_ATTENTION, *_EXPERTS, *_OUT],
}


def _widths(kernels: Any, head: Any) -> dict[str, int]:
    """By the formula, from the metadata of a file; a llama with biases has the stages of a qwen2."""
    s = head.sizes
    family = "qwen2" if head.architecture == "llama" and s.biased else head.architecture
    inner = (s.experts, s.used, s.expert_feed_forward) if family == "qwen3moe" else (s.feed_forward,)
    widths = getattr(kernels, f"flow_{family}")(s.hidden, *inner, s.heads, s.kv_heads, s.head_dim, s.vocabulary)
    return dict(zip(STAGES[family], widths.tolist(), strict=True))


@falsifies(CONTRACT, "FALSIFY-FLOW-007")
def captured_stages(
    evidence: Evidence,
    size_kernels: Any,
    file_head: Any,
    small_path: Any,
    small_subject: Any,
    small_oracle: Any,
    small_captures: Any,
    some_tokens: Any,
    model: str,
) -> None:
    """Every stage of every layer, and no other stage."""
    evidence.level("independent")
    head = file_head(small_path(model))
    widths = _widths(size_kernels, head)
    per_layer = set(widths) - {"embedding", "final_norm", "lm_head"}
    expected = {("embedding", 0), ("final_norm", None), ("lm_head", None)}
    expected |= {(stage, layer) for stage in per_layer for layer in range(head.sizes.layers)}
    small_oracle(model)
    captures = (small_subject(model).capture(some_tokens(model, POSITIONS)), small_captures(model, POSITIONS))
    for capture in captures:
        keys = capture.keys_in_order()
        if (found := {(key.stage, key.layer) for key in keys}) != expected:
            raise Refuted(f"stages that only one side has: {sorted(map(str, found ^ expected))}", stage="captured")
        evidence.compared(len(keys), "stages")
        for key in keys:
            if capture[key].shape != (POSITIONS, widths[key.stage]):
                raise Refuted(
                    f"{key} has shape {list(capture[key].shape)}, the formula says {[POSITIONS, widths[key.stage]]}",
                    stage=key.stage,
                )
