"""Faults of the router of a mixture of experts: one of its functions replaced by a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.experts import choose_experts, expert_weights
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Routing:
    """The three functions of a router; see `apr.ops.softmax` and `apr.ops.experts`."""

    probabilities: Callable[[Floats], Floats] = softmax
    choose: Callable[[Floats, int], Indices] = choose_experts
    weigh: Callable[[Floats, Indices], Floats] = expert_weights

    def route(self, logits: Floats, used: int) -> tuple[Indices, Floats]:
        """Indices and weights, [positions, used] each, of logits [positions, experts]."""
        with np.errstate(all="ignore"):  # numbers that are not finite are results here; falsifiers look for them
            probabilities = self.probabilities(logits)
            chosen = self.choose(probabilities, used)
            return chosen, self.weigh(probabilities, chosen)


@dataclass(frozen=True)
class RoutingMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found; the functions belong to no layer.
        routing: the faulty router.
    """

    name: str
    fault: str
    stage: str
    routing: Routing
    layer: int | None = None


def _highest_of_equals_first(probabilities: Floats, used: int) -> Indices:
    order: Indices = np.argsort(probabilities, axis=-1, kind="stable")[:, ::-1][:, :used]
    return order


def _in_order_of_index(probabilities: Floats, chosen: Indices) -> Floats:
    return expert_weights(probabilities, np.sort(chosen, axis=-1))


def _sigmoid(logits: Floats) -> Floats:
    out: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return out


def _without_the_maximum(logits: Floats) -> Floats:
    weights = np.exp(logits)
    out: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return out


_INDICES, _WEIGHTS = "moe_router_indices", "moe_router"
_ALL = [
    RoutingMutant("router-not-normalised", "weights are not divided by their sum", _WEIGHTS,
                  Routing(weigh=lambda p, chosen: np.take_along_axis(p, chosen, axis=-1))),
    RoutingMutant("router-takes-the-least", "the k least likely experts are taken", _INDICES,
                  Routing(choose=lambda p, used: np.argsort(p, axis=-1, kind="stable")[:, :used])),
    RoutingMutant("router-one-too-far", "the likeliest expert is left out", _INDICES,
                  Routing(choose=lambda p, used: np.roll(choose_experts(p, p.shape[-1]), -1, axis=-1)[:, :used])),
    RoutingMutant("router-ties-to-the-higher", "of equally likely experts the higher index comes first", _INDICES,
                  Routing(choose=_highest_of_equals_first)),
    RoutingMutant("router-weights-by-index", "weights stand in the order of the indices, not of the ranks", _WEIGHTS,
                  Routing(weigh=_in_order_of_index)),
    RoutingMutant("router-sigmoid", "a sigmoid instead of the softmax", _WEIGHTS, Routing(probabilities=_sigmoid)),
    RoutingMutant("router-overflows", "the softmax does not subtract the maximum", _WEIGHTS,
                  Routing(probabilities=_without_the_maximum)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
