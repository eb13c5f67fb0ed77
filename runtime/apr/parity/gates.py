"""Probes of the probe: whether an engine computes the same twice, and the same when nobody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.engines.recorded import Recorded
from apr.parity.result import Gate
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.capture import Array, Capture
    from apr.engines.base import Engine

DETERMINISTIC, HARMLESS = "deterministic", "harmless"
_HEAD = StageKey("lm_head", None)


def probe(
    engine: Engine, tokens: Sequence[int], capture: Capture, *, side: str = "subject", twice: bool = False
) -> list[Gate]:
    """Whether a capture can be believed: two gates, `deterministic` and `harmless`.

    One run with nobody looking is held against the captured logits, bit by bit: where they agree, two runs agreed, and looking
    changed nothing that reaches the logits. Where they do not, a second capture and a second plain run tell which of the two it
    is: an engine that repeats itself both with and without capture, and differs between them, is changed by looking. A capture
    without logits of every position is repeated, and nothing can be said of looking.

    Args:
        engine: that made the capture.
        tokens: that it ran.
        capture: complete or not.
        side: `subject` or `oracle`.
        twice: makes the second capture in any case and compares every stage of it. That costs another pass, and also finds
            what goes wrong between an engine and its capture without ever reaching the logits.

    Raises:
        OracleError, UnusableInput: the engine failed.
    """
    if isinstance(engine, Recorded):
        reason = f"{engine.folder} is a recording, and the engine that made it is not here"
        return [Gate(side, DETERMINISTIC, None, reason), Gate(side, HARMLESS, None, reason)]
    positions = f"{len(tokens)} positions"
    head = capture.stages.get(_HEAD)
    whole = head is not None and len(head) == len(tokens)
    differing = _first_that_differs(capture, engine.capture(tokens)) if twice or not whole else None
    if head is None or not whole:
        unseen = "the capture has no logits of every position to hold against a plain run"
        what = f"{len(capture.stages)} stages of two captures"
        return [_determinism(side, differing, what, positions, agreed=True), Gate(side, HARMLESS, None, unseen)]
    plain = engine.logits(tokens)
    if same_bits(plain, head):
        what = "logits with and without capture"
        same = Gate(side, HARMLESS, True, f"{what} are the same bits at {positions}")
        if twice:
            what = f"{len(capture.stages)} stages of two captures"
        return [_determinism(side, differing, what, positions, agreed=True), same]
    if not twice:
        differing = _first_that_differs(capture, engine.capture(tokens))
    repeats = differing is None and same_bits(plain, engine.logits(tokens))
    what = "logits of two plain runs" if differing is None else f"{len(capture.stages)} stages of two captures"
    apart = _how_far(plain, head)
    harmless = (
        Gate(side, HARMLESS, False, f"looking changes the result: with and without capture {apart}")
        if repeats
        else Gate(side, HARMLESS, None, f"cannot be told from chance, since two runs differ anyway: {apart}")
    )
    return [_determinism(side, differing, what, positions, agreed=repeats), harmless]


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays have the same dtype, shape and bits; NaN is equal to itself, and 0 is not -0."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    whole = f"u{a.dtype.itemsize}"
    return bool(np.array_equal(np.ascontiguousarray(a).view(whole), np.ascontiguousarray(b).view(whole)))


def _determinism(side: str, differing: str | None, what: str, positions: str, *, agreed: bool) -> Gate:
    if differing is not None:
        return Gate(side, DETERMINISTIC, False, f"two captures of the same tokens differ, first in {differing}")
    how = "are the same bits" if agreed else "differ"
    return Gate(side, DETERMINISTIC, agreed, f"{what} {how} at {positions}")


def _first_that_differs(a: Capture, b: Capture) -> str | None:
    """The first stage, in forward order, that is not the same in both; None where all are."""
    for key in sorted({*a.stages, *b.stages}, key=lambda key: key.order):
        if key not in a.stages or key not in b.stages or not same_bits(a[key], b[key]):
            return str(key)
    return None


def _how_far(plain: Array, head: Array) -> str:
    if plain.shape != head.shape:
        return f"the logits have shapes {list(head.shape)} and {list(plain.shape)}"
    if plain.dtype != head.dtype:
        return f"the logits are {head.dtype} and {plain.dtype}"
    rows = np.flatnonzero([not same_bits(a, b) for a, b in zip(plain, head, strict=True)])
    where = f", first at position {rows[0]}" if len(rows) else ""
    return f"logits differ at {len(rows)} of {len(plain)} positions{where}"
