"""Falsifier of `parameter-count-v1`: the real model's index against the count from its hyper-parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from pv import Evidence

CONTRACT = "parameter-count-v1"
PUBLISHED = 134_515_008


@falsifies(CONTRACT, "FALSIFY-PARAMETERS-011")
def the_real_model(evidence: Evidence, size_kernels: Any, file_head: Any, model_path: Path) -> None:
    """Every dimension is in the index of the file; the count reads none of them but the vocabulary."""
    evidence.level("independent")
    evidence.input("model", model_path)
    head = file_head(model_path)
    s = head.sizes
    held = sum(math.prod(tensor.shape) for tensor in head.tensors.values())
    counted = size_kernels.parameters_llama(
        s.layers, s.hidden, s.feed_forward, s.heads, s.kv_heads, s.head_dim, s.vocabulary, s.tied, s.biased
    )
    evidence.compared(len(head.tensors), "tensors")
    if not counted == held == PUBLISHED:
        raise Refuted(
            f"{counted} were counted, {held} are in the file, {PUBLISHED} were published", stage="in_the_file"
        )
