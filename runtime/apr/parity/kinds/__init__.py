"""What kind of error a difference is.

Each kind is tested in the same way: undo exactly this error, and see how much of sum(d^2 / tau^2) goes away. A kind is considered
when that is more than it would take away from honest noise; among those that are, the one that leaves least wins, each charged
with what it could have explained of mere noise; where several leave as good as the same, the simplest is named (`KINDS` is in
that order).

Tests look at a copy of everything in float64 and change nothing; the same input always gives the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.parity.kinds import moved, product, regions, values
from apr.parity.kinds.hypotheses import Hypothesis, by_hypothesis
from apr.parity.kinds.look import Explanation, Look, WeightRows, check_shapes, look, worth
from apr.parity.result import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apr.capture import Array

__all__ = ["KINDS", "Hypothesis", "Kind", "WeightRows", "kind_of"]

# the simpler before the freer: of two that explain the same, the earlier is named
KINDS = (
    "not finite",
    "zeros",
    "sign",
    "element",
    "gain",
    "bias",
    "missing term",
    "last element",
    "first element",
    "dropped block",
    "rounding",
    "saturated",
    "shift",
    "transposition",
    "token",
    "activation",
    "epsilon",
    "scale",
    "mask",
    "wrong weights",
    "head gain",
    "head bias",
    "block gain",
    "block bias",
    "position gain",
    "position bias",
    "input element",
    "input block",
    "weight element",
    "weight block",
    "permutation",
    "rotation",
    "channel",
    "position",
    "gain by position",
    "bias by channel",
    "gain by channel",
    "scattered",
)
_RANK = {name: rank for rank, name in enumerate(KINDS)}

# Explanations are as good as each other where they leave the same but for this part of E. It is a hundredth of the size of d: what is
# undone was computed by the engine in its own rounding, and factors are fitted.
_SAME = 1e-4
# What is true, and still says little of what somebody did: hypotheses are asked before one of these is named.
_VAGUE = frozenset(
    {
        "rotation", "permutation", "channel", "position", "position gain", "position bias", "block gain", "block bias", "head gain",
        "head bias", "gain by position", "gain by channel", "bias by channel", "input element", "input block",
    }
)  # fmt: skip
# the part of E that an explanation has to account for, where E is more than noise
_ENOUGH = 0.9


def kind_of(
    seen: Array,
    expected: Array,
    tau: Array,
    *,
    inputs: Array | None = None,
    weight: WeightRows | None = None,
    heads: int | None = None,
    terms: Mapping[str, Array] | None = None,
    hypotheses: Iterable[Hypothesis] = (),
    first: int = 0,
) -> Kind | None:
    """Names the error of one stage.

    Args:
        seen: [T, C] of the accused.
        expected: [T, C] of the judge, on the same inputs.
        tau: [T, C] proxy of the null model, see `apr.parity.null.base`; where it is 0 every bit must agree.
        inputs: [T, K] what a linear stage multiplied, rounded as its arithmetic rounds it.
        weight: the weights of a linear stage.
        heads: width of a head where the channels are heads.
        terms: what the stage adds up, by name, [T, C] each.
        hypotheses: errors that only somebody who knows the stage can undo, see `apr.parity.kinds.hypotheses`; they are
            computed where no other kind explains everything, and where one that does is vague.

        first: the position of the first row, for sentences.

    Returns:
        None where the difference is no more than noise; `scattered` where no kind explains nine tenths of it.

    Raises:
        ValueError: shapes that do not belong together.
    """
    check_shapes(seen, expected, tau)
    broken = values.not_finite(seen, expected, first)
    if broken is not None:
        return broken
    at = look(seen, expected, tau, inputs=inputs, weight=weight, heads=heads, terms=terms, first=first)
    if at.energy == 0:
        return None
    found = [one for module in (values, regions, moved, product) for one in module.explanations(at)]
    found += moved.rotations(at)
    best = _best(at, found)
    if best is None or best.left > _noise(at) + _SAME * at.energy or best.name in _VAGUE:
        found += [one for hypothesis in hypotheses for one in by_hypothesis(at, hypothesis)]
        best = _best(at, found)
    if best is None:
        return Kind("scattered", _scattered(at), 0.0) if _noticeable(at) else None
    share = best.share()
    if best.left > _noise(at) and at.energy - best.left < _ENOUGH * (at.energy - _noise(at)):
        return Kind("scattered", f"{_scattered(at)}; the nearest: {best.name}, {best.detail}", share)
    return Kind(best.name, best.detail, share)


def _best(at: Look, found: list[Explanation]) -> Explanation | None:
    """The explanation with the least left over, cost included; of those as good as it, the simplest."""
    # where every bit must agree nothing is noise, so nothing has to be more than noise; costs still rank
    scale = max(1.0, 1e6 / at.energy) if at.must else 1.0
    real = [one for one in found if at.energy - one.left > (0.0 if at.must else one.cost)]
    if not real:
        return None
    least = min(one.left * scale + one.cost for one in real)
    slack = _SAME * at.energy * scale
    equal = [one for one in real if one.left * scale + one.cost <= least + slack]
    return min(equal, key=lambda one: (_RANK[one.name], one.left * scale + one.cost))


def _noise(at: Look) -> float:
    """The most that E is where there is nothing but noise."""
    return worth(at.d.size, 1)


def _noticeable(at: Look) -> bool:
    """Whether the difference is more than noise, whatever its form."""
    rows, channels = at.shape
    return at.must or (
        at.energy > _noise(at)
        or float(at.energies.max()) > worth(1, rows * channels)
        or float(at.by_row.max()) > worth(channels, rows)
        or float(at.by_channel.max()) > worth(rows, channels)
    )


def _scattered(at: Look) -> str:
    rows, channels = at.shape
    wrong = int((at.energies > worth(1, at.d.size)).sum()) if not at.must else int((at.d != 0).sum())
    return f"{wrong} of {rows * channels} elements differ by more than rounding, in no form that is known here"
