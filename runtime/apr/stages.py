"""The vocabulary of stages: the named intermediate tensors of a forward pass, in forward order.

Twenty-four names, as in contract `apr-cli-trace-save-tensor-v1`: twenty-three stages and the alias `layer_output`, which is
another name of `post_ffn_residual`. No model has all of them: biases, norms of single heads and experts depend on the
architecture.
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

from apr.errors import UsageError

# Canonical order: the order in which a forward pass makes them.
PER_LAYER = (
    "attn_norm",
    "qkv_matmul",
    "qkv_bias",
    "q_norm",
    "k_norm",
    "q_post_rope",
    "k_post_rope",
    "attention",
    "attn_out",
    "post_attn_residual",
    "ffn_norm",
    "moe_router_indices",
    "moe_router",
    "ffn_gate",
    "ffn_up",
    "ffn_silu",
    "ffn_swigl",
    "ffn_out",
    "moe_ffn_out",
    "post_ffn_residual",
)
# `embedding` belongs to layer 0 (it is what layer 0 reads); only the last two belong to the whole model.
FIRST_LAYER_ONLY = ("embedding",)
WHOLE_MODEL = ("final_norm", "lm_head")
ALIASES = {"layer_output": "post_ffn_residual"}

CANONICAL = (*FIRST_LAYER_ONLY, *PER_LAYER, *WHOLE_MODEL)
# Holds ids, not quantities: to be compared as whole numbers.
INTEGER = ("moe_router_indices",)
# All the names that a user may type, the alias after what it names.
NAMES = (*FIRST_LAYER_ONLY, *PER_LAYER, "layer_output", *WHOLE_MODEL)

_RANK = {name: rank for rank, name in enumerate(CANONICAL)}


class StageKey(NamedTuple):
    """One stage of one layer; `layer` is None for the stages of the whole model."""

    stage: str
    layer: int | None

    def __str__(self) -> str:
        return self.stage if self.layer is None else f"layer-{self.layer}/{self.stage}"

    @property
    def order(self) -> tuple[float, int]:
        """Sorts keys in forward order."""
        return (float("inf") if self.layer is None else self.layer, _RANK[self.stage])


def canonical(name: str, where: str = "--save-tensor") -> str:
    """The canonical name of a stage, from any spelling a user may type (case and surrounding blanks do not count).

    Args:
        name: as typed.
        where: the option it was typed at, for the message.

    Raises:
        UsageError: an unknown name; the message lists the valid ones and the nearest match.
    """
    cleaned = name.strip().lower()
    if cleaned in NAMES:
        return ALIASES.get(cleaned, cleaned)
    if not cleaned:
        raise UsageError("a stage name is empty", where=where, hint="separate stage names by single commas")
    near = difflib.get_close_matches(cleaned, NAMES, 1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"unknown stage {name.strip()!r}", where=where, hint=f"{guess}valid stages: {', '.join(NAMES)}")


def parse_stages(text: str, where: str = "--save-tensor") -> tuple[str, ...]:
    """Canonical names from `all` or a comma-separated list; duplicates count once, the order is the forward order.

    Args:
        text: as typed.
        where: the option it was typed at, for the message.

    Raises:
        UsageError: an empty list, an empty or an unknown name.
    """
    if text.strip().lower() == "all":
        return CANONICAL
    wanted = {canonical(part, where) for part in text.split(",")}
    return tuple(name for name in CANONICAL if name in wanted)


def parse_layers(text: str) -> range:
    """`START..END` with END exclusive, as in upstream's `--save-tensor-layers`.

    Raises:
        UsageError: anything else.
    """
    start, dots, end = (part.strip() for part in text.partition(".."))
    where, hint = "--save-tensor-layers", "write START..END with END exclusive, for example 0..4"
    if not dots:
        raise UsageError(f"{text!r} is not a layer range", where=where, hint=hint)
    layers = range(whole_number(start, where, hint), whole_number(end, where, hint))
    if not layers:
        raise UsageError(f"layer range {text!r} is empty: END must be greater than START", where=where, hint=hint)
    return layers


_MAX_DIGITS = 18  # more is no layer and no token, and Python refuses to convert thousands of them


def whole_number(text: str, where: str, hint: str) -> int:
    """A number from 0 that a user typed.

    Raises:
        UsageError: anything else.
    """
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        shown = text if len(text) <= _MAX_DIGITS else f"{text[:_MAX_DIGITS]}…"
        raise UsageError(f"{shown!r} is not a whole number", where=where, hint=hint)
    return int(text)
