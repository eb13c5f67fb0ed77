"""Queries, keys and values are three projections in one stage: an error of one of them alone is looked for there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from apr.parity.context import Rows
from apr.parity.kinds import kind_of

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.models import Model
    from apr.parity.context import Context
    from apr.parity.result import Kind
    from apr.stages import StageKey

STAGES = ("qkv_matmul", "qkv_bias")
# kinds that an error of one projection looks like when all three are looked at together
_VAGUE = frozenset(
    {"scattered", "position", "block gain", "block bias", "head gain", "head bias", "gain by channel", "gain by position",
     "bias by channel", "input element", "input block"}
)  # fmt: skip


def in_one_projection(
    model: Model,
    key: StageKey,
    whole: Kind | None,
    seen: Array,
    expected: Array,
    tau: Array,
    context: Context,
    first: int,
) -> Kind | None:
    """A sharper name for an error of a stage that holds three projections.

    Args:
        model: whose widths count.
        key: any stage; those without three projections keep the kind they have.
        whole: what the stage was found to have when it was looked at as one.
        seen: [rows, width] of the accused.
        expected: [rows, width].
        tau: [rows, width] proxy of the null model.
        context: of the stage.
        first: the position of the first row.

    Returns:
        `whole`, unless it is vague and exactly one projection differs, in a form that is known.
    """
    if key.stage not in STAGES or whole is None or whole.name not in _VAGUE:
        return whole
    q, k = model.config.q_width, model.config.kv_width
    found: list[Kind] = []
    for index, (part, start, stop) in enumerate((("q", 0, q), ("k", q, q + k), ("v", q + k, q + 2 * k))):
        at = (slice(None), slice(start, stop))
        weight = (
            None if context.weight is None else Rows(context.weight.weights, context.weight.names[index : index + 1])
        )
        terms = {name: term[at] for name, term in context.terms.items()}
        kind = kind_of(
            seen[at],
            expected[at],
            tau[at],
            inputs=context.inputs,
            weight=weight,
            heads=context.heads,
            terms=terms,
            first=first,
        )
        if kind is not None:
            found.append(replace(kind, detail=f"in {part} alone: {kind.detail}"))
    return found[0] if len(found) == 1 and found[0].name != "scattered" else whole
