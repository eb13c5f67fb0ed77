"""Faults of the rotation of queries and keys, planted in a model of 30 layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.planting import Call, Mutant, at, far_position, rope
from apr.ops.rope import angles, rotate, turns

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.models import Model


def _one_position_further(call: Call) -> Array:
    positions = call.positions.copy()
    positions[far_position(len(positions))] += 1
    return call.sound(positions=positions)


def _everywhere_further(model: Model) -> Model:
    """Queries and keys of every layer."""
    return at("q_post_rope", None, _one_position_further)(at("k_post_rope", None, _one_position_further)(model))


def _frequencies_in_float64(model: Model) -> Model:
    """Each frequency from its own power in float64, instead of one factor multiplied up in float32."""

    def faulty(call: Call) -> Array:
        c = call.model.config
        x = np.asarray(call.input("qkv"), call.model.arithmetic.dtype)
        x = x[:, : c.q_width] if call.key.stage == "q_post_rope" else x[:, c.q_width : c.q_width + c.kv_width]
        by = turns(angles(call.positions, c.rope), c.rope, x.dtype)
        return np.asarray(rotate(x.reshape(len(x), -1, c.head_dim), by, c.rope)).reshape(x.shape)

    return at("q_post_rope", None, faulty)(at("k_post_rope", None, faulty)(model))


_ALL = [
    Mutant("rope-theta-100001", "RoPE theta one too large", "q_post_rope", 0, rope(theta=100001.0), kinds=("rotation",)),
    Mutant("rope-theta-10000", "RoPE theta is the default 10 000", "q_post_rope", 0, rope(theta=10000.0), kinds=("rotation",)),
    Mutant("rope-halves-for-pairs", "RoPE rotates split halves instead of adjacent pairs", "q_post_rope", 0, rope(kind="neox"), kinds=("rotation",)),
    Mutant("rope-frequencies-in-f64", "each frequency is a power of its own in float64", "q_post_rope", 0, _frequencies_in_float64, kinds=("rotation",)),
    Mutant("position-off-by-one", "one token's position is one too far in layer 14", "q_post_rope", 14,
           at("q_post_rope", 14, _one_position_further), kinds=("rotation", "position"), position=far_position),
    Mutant("position-off-everywhere", "one token's position is one too far in every layer", "q_post_rope", 0, _everywhere_further, kinds=("rotation", "position"), position=far_position),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
