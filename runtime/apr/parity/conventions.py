"""Whether a capture means by its stages what everybody here means: which axis positions are on, and what a residual stage holds.

Checked before anything is compared: a stage that means something else is not a stage that is wrong. What is asked for is plain in
every layer; a fault in one of them is for the comparison to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.errors import NotComparable
from apr.stages import StageKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Array, Capture
    from apr.models import Model

# residual stages, and the branch that is added there; what is added to is the stage's other input
_BRANCHES = {"post_attn_residual": "attn_out", "post_ffn_residual": "ffn"}
# Nearer than this in relative RMS two arrays hold the same numbers. A stage that is its branch has the branch's bits, so 0; the sum that
# is carried along in float64 here was rounded twice a layer there, sqrt(2 layers) u, 5e-7 for 30 layers, and a norm adds as little.
# What is left is for cancellation. Too tight, it would leave a convention to be called a missing term; too loose, it cannot
# refuse a sound run, whose residual would have to be 1e-4 of what is added to it in every layer.
_SAME = 1e-4


def check_conventions(capture: Capture, model: Model, name: str) -> None:
    """Refuses a capture whose stages mean something else.

    Args:
        capture: of one side.
        model: of the same file, in float64.
        name: of the side, for the message.

    Raises:
        NotComparable: positions are not on the first axis, or the residual is left out of the stages that are named after it.
    """
    _layout(capture, model, name)
    _residuals(capture, model, name)


def _layout(capture: Capture, model: Model, name: str) -> None:
    """The embedding is known from the tokens alone, so it shows how numbers are laid out."""
    key = StageKey("embedding", 0)
    seen = capture.stages.get(key)
    tokens = capture.provenance.tokens
    if seen is None or len(tokens) < 2 or seen.size != len(tokens) * model.config.hidden:
        return
    expected = model.compute(key, np.asarray(tokens, np.intp), np.arange(len(tokens)), {})
    turned = np.asarray(seen).reshape(-1).reshape(model.config.hidden, len(tokens)).T
    if not _same(np.asarray(seen).reshape(expected.shape), expected) and _same(turned, expected):
        raise NotComparable(
            f"not comparable: the {name}'s stages have channels on the first axis and positions on the second"
        )


def _residuals(capture: Capture, model: Model, name: str) -> None:
    """A residual stage that equals its branch in every layer, while the run goes on with the sum, leaves the residual out."""
    tokens = np.asarray(capture.provenance.tokens, np.intp)
    left_out = set(_BRANCHES)
    trunk = capture.stages.get(StageKey("embedding", 0))
    for layer in range(model.config.n_layers):
        for stage, parameter in _BRANCHES.items():
            branch, after = model.source(parameter, layer), _norm_after(model, stage, layer)
            added, seen, normed = (capture.stages.get(key) for key in (branch, StageKey(stage, layer), after))
            if trunk is None or added is None or seen is None or normed is None or added.shape != trunk.shape:
                return
            trunk = np.asarray(trunk, np.float64) + added
            if not _same(seen, added):
                left_out.discard(stage)
            if not left_out or not _goes_on_with(model, after, tokens, trunk, normed):
                return
    for stage in sorted(left_out):
        raise NotComparable(
            f"not comparable: the {name}'s {stage} is the added branch alone in all {model.config.n_layers} layers, and its run goes "
            "on with the sum: it leaves the residual out of the stage"
        )


def _goes_on_with(model: Model, after: StageKey, tokens: NDArray[np.intp], trunk: Array, normed: Array) -> bool:
    """Whether the norm that comes next was computed from the sum."""
    (source,) = model.sources(after)
    return _same(normed, model.compute(after, tokens, np.arange(len(tokens)), {source: trunk}))


def _norm_after(model: Model, stage: str, layer: int) -> StageKey:
    """The norm that reads what a residual stage stands for."""
    if stage == "post_attn_residual":
        return StageKey("ffn_norm", layer)
    return StageKey("final_norm", None) if layer == model.config.n_layers - 1 else StageKey("attn_norm", layer + 1)


def _same(a: Array, b: Array) -> bool:
    """Nearly equal as a whole; NaN is equal to nothing."""
    if a.shape != b.shape:
        return False
    wide = np.asarray(b, np.float64)
    with np.errstate(all="ignore"):  # what is not finite makes NaN
        size = float(np.sqrt((wide * wide).mean()))
        return float(np.sqrt(np.square(np.asarray(a, np.float64) - wide).mean())) <= _SAME * size
