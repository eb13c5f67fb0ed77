"""Falsifiers of `toy-cache-v1`."""

from __future__ import annotations

import numpy as np

from pv import Evidence, Mutant, Refuted, falsifies
from toyengine.engine import VOCABULARY, Engine


@falsifies("toy-cache-v1", "FALSIFY-TOY-CACHE-001")
def the_cache_changes_no_bit(evidence: Evidence, mutant: Mutant | None, tokens: int) -> None:
    """On the sound engine, and once more on the one whose cache turns its keys twice."""
    engine = Engine(turn_twice=mutant is not None)
    draw = np.random.default_rng(tokens)
    for _ in range(50):
        ids = draw.integers(VOCABULARY, size=tokens).tolist()
        with_cache, without = engine.cached(ids), engine.uncached(ids)
        evidence.compared(with_cache.size, "logits")
        if not np.array_equal(with_cache, without):
            distance = float(np.abs(with_cache - without).max())
            raise Refuted(
                f"tokens {ids} have other logits with the cache", stage="attention", distance=distance, bound=0
            )
