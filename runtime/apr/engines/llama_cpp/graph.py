"""Which nodes of llama.cpp's graph are stages: found by operation and what they read, not by their own name or index.

Names repeat (`Qcur-0` is four nodes in some architectures), differ between architectures (`attn_out-0`, `node_31`), and
indices shift between builds. What a node multiplies with, and whose output it reads, does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Part(NamedTuple):
    """A captured tensor: a stage, or the q, k or v part of one."""

    stage: str
    layer: int | None
    part: str = ""


# (operation, weight without its block prefix) -> stage and part
_BY_WEIGHT = {
    ("GET_ROWS", "token_embd.weight"): ("embedding", ""),
    ("MUL", "attn_norm.weight"): ("attn_norm", ""),
    ("MUL_MAT", "attn_q.weight"): ("qkv_matmul", "q"),
    ("MUL_MAT", "attn_k.weight"): ("qkv_matmul", "k"),
    ("MUL_MAT", "attn_v.weight"): ("qkv_matmul", "v"),
    ("ADD", "attn_q.bias"): ("qkv_bias", "q"),
    ("ADD", "attn_k.bias"): ("qkv_bias", "k"),
    ("ADD", "attn_v.bias"): ("qkv_bias", "v"),
    ("MUL_MAT", "attn_output.weight"): ("attn_out", ""),
    ("MUL", "ffn_norm.weight"): ("ffn_norm", ""),
    ("MUL_MAT", "ffn_gate.weight"): ("ffn_gate", ""),
    ("MUL_MAT", "ffn_up.weight"): ("ffn_up", ""),
    ("MUL_MAT", "ffn_down.weight"): ("ffn_out", ""),
    ("MUL", "output_norm.weight"): ("final_norm", ""),
    ("MUL_MAT", "output.weight"): ("lm_head", ""),
    ("MUL_MAT", "token_embd.weight"): ("lm_head", ""),
}
# Stages that are what another stage's matrix product reads: taken from that node's second source.
READ_BY = {"attn_out": "attention", "ffn_out": "ffn_swigl"}
# A residual is the sum that reads one of these.
_RESIDUAL_OF = {"attn_out": "post_attn_residual", "ffn_out": "post_ffn_residual"}
_ROPE_OF = {"q": "q_post_rope", "k": "k_post_rope"}
# Operations that pass a stage's values on without being a stage themselves.
_TRANSPARENT = {"RESHAPE", "VIEW", "PERMUTE", "CONT", "GET_ROWS", "SCALE", "RMS_NORM", "MUL"}
_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")


class Recogniser:
    """Reads a graph node by node, in order, and says which stage each one is."""

    def __init__(self) -> None:
        self._lineage: dict[int, Part] = {}  # node -> the stage whose values it carries

    def recognise(self, address: int, operation: str, sources: Sequence[tuple[int, str]]) -> Part | None:
        """The stage of one node, or None.

        Args:
            address: identifies the node.
            operation: `MUL_MAT`, `ROPE`, …
            sources: address and name of each source.
        """
        found = self._by_weight(operation, sources) or self._by_lineage(operation, sources)
        carried = found or self._carried(operation, sources)
        if carried:
            self._lineage[address] = carried
        return found

    def _by_weight(self, operation: str, sources: Sequence[tuple[int, str]]) -> Part | None:
        for _, name in sources:
            block = _BLOCK.fullmatch(name)
            layer, weight = (int(block[1]), block[2]) if block else (None, name)
            if (operation, weight) in _BY_WEIGHT:
                if operation == "GET_ROWS" and sources[1][1] != "inp_tokens":
                    return None  # newer builds look up rows of mixed inputs beside the real ones
                stage, part = _BY_WEIGHT[operation, weight]
                return Part(stage, 0 if stage == "embedding" else layer, part)
        return None

    def _by_lineage(self, operation: str, sources: Sequence[tuple[int, str]]) -> Part | None:
        for address, _ in sources:
            parent = self._lineage.get(address)
            if parent is None:
                continue
            if operation == "ROPE" and parent.part in _ROPE_OF:
                return Part(_ROPE_OF[parent.part], parent.layer)
            if operation == "ADD" and parent.stage in _RESIDUAL_OF:
                return Part(_RESIDUAL_OF[parent.stage], parent.layer)
        return None

    def _carried(self, operation: str, sources: Sequence[tuple[int, str]]) -> Part | None:
        if operation not in _TRANSPARENT or not sources:
            return None
        return self._lineage.get(sources[0][0])
