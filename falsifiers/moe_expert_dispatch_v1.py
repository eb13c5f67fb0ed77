"""Falsifiers of `moe-expert-dispatch-v1`: the reference's dispatch against a dense one that computes every expert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from given.judging import hold_rows
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pv import Claim, Evidence

CONTRACT = "moe-expert-dispatch-v1"
TOKENS = 24
PARTS = ("moe_router_indices", "moe_router", "ffn_gate", "ffn_up", "ffn_silu", "ffn_swigl", "moe_ffn_out")


class Layer:
    """One layer's experts in float64, decoded apart from the reference."""

    def __init__(self, decoded: Callable[[str], NDArray[np.float64]], layer: int, used: int) -> None:
        self.router, self.gate, self.up, self.down = (
            decoded(f"blk.{layer}.ffn_{part}.weight") for part in ("gate_inp", "gate_exps", "up_exps", "down_exps")
        )
        self.used = used

    def stages(self, x: NDArray[np.float64], chosen: NDArray[np.intp], weights: NDArray[np.float64]) -> Any:
        """Every stage of [positions, hidden] inputs for this choice; [positions, used * columns], ranks side by side."""
        gate, up = (np.einsum("th,efh->tef", x, matrices) for matrices in (self.gate, self.up))
        silu = gate / (1 + np.exp(-gate))
        out = np.einsum("tef,ehf->teh", silu * up, self.down)
        taken = [np.take_along_axis(each, chosen[..., None], axis=1) for each in (gate, up, silu, silu * up, out)]
        flat = [each.reshape(len(x), -1) for each in taken[:-1]]
        return dict(zip(PARTS[2:], [*flat, (taken[-1] * weights[..., None]).sum(axis=1)], strict=True))

    def route(self, x: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Choice and weights by the equations: a softmax over all experts, the first by (-p, index), divided by their sum."""
        logits = x @ self.router.T
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        chosen = np.asarray([sorted(range(len(row)), key=lambda e: (-row[e], e))[: self.used] for row in p])
        weights = np.take_along_axis(p, chosen, axis=1)
        return chosen, weights / weights.sum(axis=1, keepdims=True)


def _layers(subject: Any, decoded: Callable[[str], NDArray[np.float64]]) -> Iterator[tuple[int, Layer]]:
    experts = subject.model.config.experts
    for layer in range(subject.model.config.n_layers):
        yield layer, Layer(decoded, layer, experts.used)


def _of_layer(capture: Any, layer: int) -> dict[str, NDArray[np.float64]]:
    return {key.stage: array for key, array in capture.stages.items() if key.layer == layer}


@falsifies(CONTRACT, "FALSIFY-MOE-DISPATCH-001")
def dispatch_is_dense_and_chosen(
    claim: Claim, evidence: Evidence, small_subject: Any, some_tokens: Any, decoded: Any, model: str
) -> None:
    """Each stage from the reference's own inputs of it, every expert computed for every position."""
    evidence.level("algorithm")
    subject = small_subject(model, "f64")
    capture = subject.capture(some_tokens(model, TOKENS))
    for layer, experts in _layers(subject, decoded(model)):
        seen = _of_layer(capture, layer)
        chosen = seen["moe_router_indices"].astype(np.intp)
        expected = experts.stages(seen["ffn_norm"], chosen, seen["moe_router"])
        for stage in PARTS[2:]:
            hold_rows(claim, evidence, seen[stage], expected[stage], stage, layer)


@falsifies(CONTRACT, "FALSIFY-MOE-DISPATCH-002")
def only_the_chosen_count(evidence: Evidence, without_expert: Any, some_tokens: Any, model: str) -> None:
    """Each expert of the last layer silenced in turn."""
    evidence.level("algorithm")
    sound, silenced = without_expert(model, "f64")
    tokens = some_tokens(model, TOKENS)
    layer = sound.model.config.n_layers - 1
    before = _of_layer(sound.capture(tokens), layer)
    exercised = set()
    for expert, subject in silenced:
        after = _of_layer(subject.capture(tokens), layer)
        chose = (before["moe_router_indices"] == expert).any(axis=1)
        changed = (before["moe_ffn_out"] != after["moe_ffn_out"]).any(axis=1)
        evidence.compared(len(chose), "positions")
        exercised |= {expert} if chose.any() else set()
        wrong = np.flatnonzero(chose != changed)
        if wrong.size:
            problem = "does not notice that" if chose[wrong[0]] else "notices that"
            raise Refuted(
                f"position {wrong[0]} {problem} expert {expert} returns nothing",
                stage="moe_ffn_out",
                layer=layer,
                position=int(wrong[0]),
            )
    evidence.report(experts_exercised=sorted(exercised), experts=sound.model.config.experts.count)


@falsifies(CONTRACT, "FALSIFY-MOE-DISPATCH-003")
def positions_do_not_mix(claim: Claim, evidence: Evidence, small_subject: Any, some_tokens: Any, model: str) -> None:
    """The experts' stages fed with the positions turned round."""
    evidence.level("algorithm")
    subject = small_subject(model, "f64")
    capture = subject.capture(some_tokens(model, TOKENS))
    turned = {key: array[::-1] for key, array in capture.stages.items()}
    tokens, positions = np.zeros(TOKENS, np.intp), np.arange(TOKENS)
    for key in capture.keys_in_order():
        if key.stage in PARTS:
            again = subject.model.compute(key, tokens, positions, turned)
            hold_rows(claim, evidence, again[::-1], capture[key], key.stage, key.layer)


@falsifies(CONTRACT, "FALSIFY-MOE-DISPATCH-004")
def the_router_decides(
    claim: Claim, evidence: Evidence, small_subject: Any, some_tokens: Any, decoded: Any, model: str
) -> None:
    """Choice and weights from the router's matrix, decoded apart."""
    evidence.level("algorithm")
    subject = small_subject(model, "f64")
    capture = subject.capture(some_tokens(model, TOKENS))
    for layer, experts in _layers(subject, decoded(model)):
        seen = _of_layer(capture, layer)
        chosen, weights = experts.route(seen["ffn_norm"])
        evidence.compared(chosen.size, "choices")
        rows = np.flatnonzero((seen["moe_router_indices"] != chosen).any(axis=1))
        if rows.size:
            raise Refuted("other experts", stage="moe_router_indices", layer=layer, position=int(rows[0]))
        hold_rows(claim, evidence, seen["moe_router"], weights, "moe_router", layer)
