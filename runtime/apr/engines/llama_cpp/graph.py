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


class Take(NamedTuple):
    """Where a part is found once a node is computed: the node's own values (`source` None), or one of its sources'.

    Only values that the node cannot have overwritten are taken from a source: what a matrix product reads, and what is
    repeated along the node's rows.
    """

    part: Part
    source: int | None = None


class _Carried(NamedTuple):
    """What a node's values come from.

    Attributes:
        part: the stage, or `_EXPERTS` for experts' outputs on their way to their sum.
        terms: of that sum, how many are in this node.
        of: how many there will be.
    """

    part: Part
    terms: int = 0
    of: int = 0


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
    ("MUL", "attn_q_norm.weight"): ("q_norm", ""),
    ("MUL", "attn_k_norm.weight"): ("k_norm", ""),
    ("MUL_MAT", "attn_output.weight"): ("attn_out", ""),
    ("MUL", "ffn_norm.weight"): ("ffn_norm", ""),
    ("MUL_MAT", "ffn_gate.weight"): ("ffn_gate", ""),
    ("MUL_MAT", "ffn_up.weight"): ("ffn_up", ""),
    ("MUL_MAT", "ffn_down.weight"): ("ffn_out", ""),
    ("MUL_MAT_ID", "ffn_gate_exps.weight"): ("ffn_gate", ""),
    ("MUL_MAT_ID", "ffn_up_exps.weight"): ("ffn_up", ""),
    ("MUL", "output_norm.weight"): ("final_norm", ""),
    ("MUL_MAT", "output.weight"): ("lm_head", ""),
    ("MUL_MAT", "token_embd.weight"): ("lm_head", ""),
}
# (operation, weight) -> the stage that this product reads, and as which of its sources
_READ_BY = {
    ("MUL_MAT", "attn_output.weight"): ("attention", 1),
    ("MUL_MAT", "ffn_down.weight"): ("ffn_swigl", 1),
    ("MUL_MAT_ID", "ffn_gate_exps.weight"): ("moe_router_indices", 2),
    ("MUL_MAT_ID", "ffn_down_exps.weight"): ("ffn_swigl", 1),
}
# The outputs of the chosen experts, each for itself: no stage, but what `moe_ffn_out` is the weighted sum of.
_EXPERTS = "outputs of experts"
_EXPERTS_BY = ("MUL_MAT_ID", "ffn_down_exps.weight")
# A residual is the sum that reads one of these.
_RESIDUAL_OF = {"attn_out": "post_attn_residual", "ffn_out": "post_ffn_residual", "moe_ffn_out": "post_ffn_residual"}
# What is rotated: (stage, part of it) -> what that makes
_ROPE_OF = {
    **{(stage, part): f"{part}_post_rope" for stage in ("qkv_matmul", "qkv_bias") for part in "qk"},
    ("q_norm", ""): "q_post_rope",
    ("k_norm", ""): "k_post_rope",
}
# Operations that pass a stage's values on without being a stage themselves.
_TRANSPARENT = {"RESHAPE", "VIEW", "PERMUTE", "CONT", "GET_ROWS"}
_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")


class Recogniser:
    """Reads a graph node by node, in order, and says which stages each one shows."""

    def __init__(self) -> None:
        self._lineage: dict[int, _Carried] = {}  # node -> the stage whose values it carries

    def recognise(
        self, address: int, operation: str, sources: Sequence[tuple[int, str]], extents: Sequence[int]
    ) -> list[Take]:
        """The stages that are there once a node is computed.

        Args:
            address: identifies the node.
            operation: `MUL_MAT`, `ROPE`, …
            sources: address and name of each source.
            extents: of the node, innermost first (`ne`).
        """
        found = self._by_weight(address, operation, sources)
        if found is None:
            found = self._by_lineage(address, operation, sources, extents)
        own = next((take.part for take in found if take.source is None), None)
        if own is not None:
            self._lineage[address] = _Carried(own)
        return found

    def _by_weight(self, address: int, operation: str, sources: Sequence[tuple[int, str]]) -> list[Take] | None:
        """What a node with a weight of the model shows; None where it has none that is known."""
        for _, name in sources:
            block = _BLOCK.fullmatch(name)
            layer, weight = (int(block[1]), block[2]) if block else (None, name)
            key = (operation, weight)
            if key not in _BY_WEIGHT and key not in _READ_BY:
                continue
            if operation == "GET_ROWS" and sources[1][1] != "inp_tokens":
                return []  # newer builds look up rows of mixed inputs beside the real ones
            takes = []
            if key in _READ_BY:
                stage, source = _READ_BY[key]
                takes.append(Take(Part(stage, layer), source))
            if key in _BY_WEIGHT:
                stage, part = _BY_WEIGHT[key]
                takes.append(Take(Part(stage, 0 if stage == "embedding" else layer, part)))
            if key == _EXPERTS_BY:
                self._lineage[address] = _Carried(Part(_EXPERTS, layer))
            return takes
        return None

    def _by_lineage(
        self, address: int, operation: str, sources: Sequence[tuple[int, str]], extents: Sequence[int]
    ) -> list[Take]:
        parents = [self._lineage.get(source) for source, _ in sources]
        first = next((parent for parent in parents if parent is not None), None)
        if first is None:
            return []
        if first.part.stage == _EXPERTS:
            return self._towards_the_sum(address, operation, parents, extents)
        layer = first.part.layer
        if operation == "ROPE" and (first.part.stage, first.part.part) in _ROPE_OF:
            return [Take(Part(_ROPE_OF[first.part.stage, first.part.part], layer))]
        residual = next((parent.part for parent in parents if parent and parent.part.stage in _RESIDUAL_OF), None)
        if operation == "ADD" and residual is not None:
            return [Take(Part(_RESIDUAL_OF[residual.stage], residual.layer))]
        if operation in _TRANSPARENT and parents[0] is not None:
            self._lineage[address] = parents[0]
        return []

    def _towards_the_sum(
        self, address: int, operation: str, parents: Sequence[_Carried | None], extents: Sequence[int]
    ) -> list[Take]:
        """From the outputs of the experts [hidden, used, positions] to their weighted sum [hidden, positions].

        They are multiplied with the router's weights; a view picks each expert's, and the views are added up. With the last
        one in, that is the stage; of a single expert it is a copy.
        """
        carried = next(parent for parent in parents if parent is not None)
        layer = carried.part.layer
        if operation == "MUL" and parents[0] is not None and not carried.of:
            self._lineage[address] = carried._replace(of=extents[1])
            # the weights are one number a row: too small for the product to have been put in their place
            return [Take(Part("moe_router", layer), 1)]
        if operation == "VIEW" and carried.of:
            self._lineage[address] = carried._replace(terms=1)
        if operation == "CONT" and carried.of == carried.terms == 1:
            return [Take(Part("moe_ffn_out", layer))]
        if operation == "ADD" and all(parent is not None and parent.terms for parent in parents):
            terms = sum(parent.terms for parent in parents if parent is not None)
            if terms == carried.of:
                return [Take(Part("moe_ffn_out", layer))]
            self._lineage[address] = carried._replace(terms=terms)
        return []
