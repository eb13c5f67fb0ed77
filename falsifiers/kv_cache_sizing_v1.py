"""Falsifiers of `kv-cache-sizing-v1`: what real passes leave in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv import Evidence

CONTRACT = "kv-cache-sizing-v1"
POSITIONS, FIRST, FLOAT32 = 12, 9, 4


def _hold(evidence: Evidence, kernels: Any, head: Any, kept: int) -> None:
    s = head.sizes
    said = int(kernels.kv_cache_bytes(POSITIONS, s.layers, s.kv_heads, s.head_dim, FLOAT32))
    evidence.compared(1, "caches")
    if said != kept:
        raise Refuted(f"{kept} bytes are kept, the formula says {said}", stage="in_a_pass")


@falsifies(CONTRACT, "FALSIFY-KV-007")
def tiny_models(
    evidence: Evidence,
    size_kernels: Any,
    file_head: Any,
    small_path: Any,
    small_subject: Any,
    some_tokens: Any,
    bytes_kept: Any,
    model: str,
) -> None:
    """A prompt and three tokens behind it."""
    evidence.level("algorithm")
    kept = bytes_kept(small_subject(model, "f32"), some_tokens(model, POSITIONS), FIRST)
    _hold(evidence, size_kernels, file_head(small_path(model)), kept)


@falsifies(CONTRACT, "FALSIFY-KV-008")
def the_real_model(
    evidence: Evidence,
    size_kernels: Any,
    file_head: Any,
    subject: Any,
    model_path: Path,
    prose_tokens: Callable[[int], list[int]],
    bytes_kept: Any,
) -> None:
    """The same on the real model."""
    evidence.level("measured")
    kept = bytes_kept(subject, prose_tokens(POSITIONS), FIRST)
    if kept != 2 * POSITIONS * 30 * 3 * 64 * FLOAT32:
        raise Refuted(f"{kept} bytes are kept", stage="in_a_pass")
    _hold(evidence, size_kernels, file_head(model_path), kept)
