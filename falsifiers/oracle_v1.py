"""Falsifiers of `oracle-v1`: whether llama.cpp, as it is observed here, may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pv import Evidence

CONTRACT = "oracle-v1"


def _differing_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.intp]:
    """Positions (rows) that hold a number whose bits differ; every row where the shapes do."""
    if a.shape != b.shape:
        return np.arange(max(len(a), len(b)))
    rows = (np.ascontiguousarray(a).view(np.uint32) != np.ascontiguousarray(b).view(np.uint32)).any(axis=-1)
    return np.flatnonzero(rows)


def _require_equal(evidence: Evidence, first: Any, second: Any) -> None:
    """Every bit of every stage of two captures.

    Raises:
        Refuted: at the first stage in forward order that differs or that only one of them has.
    """
    lonely = sorted(set(first.stages) ^ set(second.stages), key=lambda key: key.order)
    if lonely:
        raise Refuted(f"{lonely[0]} is in one capture only", stage=lonely[0].stage, layer=lonely[0].layer)
    for key in first.keys_in_order():
        rows = _differing_bits(first[key], second[key])
        evidence.compared(first[key].size, "numbers, bit by bit")
        if rows.size:
            raise Refuted(f"{key} differs", stage=key.stage, layer=key.layer, position=int(rows[0]))


@falsifies(CONTRACT, "FALSIFY-ORACLE-001")
def looking_changes_nothing(
    evidence: Evidence, oracle: Any, plain_logits: Callable[[list[int]], Any], prose_tokens: Any, tokens: int
) -> None:
    """Logits with every stage captured, against logits with no callback at all."""
    ids = prose_tokens(tokens)
    evidence.level("measured")
    capture = oracle.capture(ids)
    head = capture.keys_in_order()[-1]
    rows = _differing_bits(capture[head], plain_logits(ids))
    evidence.compared(capture[head].size, "logits, bit by bit")
    if rows.size:
        raise Refuted("the callback changes the logits", stage=head.stage, position=int(rows[0]))


@falsifies(CONTRACT, "FALSIFY-ORACLE-002")
def captures_repeat(evidence: Evidence, oracle: Any, prose_tokens: Any, tokens: int) -> None:
    """Two captures of the same tokens."""
    ids = prose_tokens(tokens)
    evidence.level("measured")
    _require_equal(evidence, oracle.capture(ids), oracle.capture(ids))


@falsifies(CONTRACT, "FALSIFY-ORACLE-003")
def providers_agree(evidence: Evidence, two_oracles: tuple[Any, Any], prose_tokens: Any, tokens: int) -> None:
    """One capture from each provider."""
    ids = prose_tokens(tokens)
    evidence.level("independent")
    _require_equal(evidence, *(engine.capture(ids) for engine in two_oracles))
