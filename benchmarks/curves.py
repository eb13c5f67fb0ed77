"""The plot of the scaling curves: CPU time beyond a start over the size, both on logarithms, with the line that was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt  # once it is known that nothing is shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from scaling import Curve

# read on white as on near-black; nothing is told by colour alone
_INK, _TIME, _MEMORY = "#7d8590", "#3b82d6", "#c9822b"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "scaling",
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
}


def plot(curves: Sequence[Curve], path: Path) -> None:
    """One small plot a curve, as SVG with a transparent ground; the same bytes for the same figures."""
    rows = -(-len(curves) // 3)
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(rows, 3, figsize=(10.5, 3.1 * rows), squeeze=False, layout="constrained")
        for axis, curve in zip(axes.flat, curves, strict=False):
            _one(axis, curve)
        for axis in axes.flat[len(curves) :]:
            axis.set_visible(False)
        # a date would make every run's file another one
        figure.savefig(
            path, format=path.suffix[1:], transparent=True, metadata={"Date": None} if path.suffix == ".svg" else None
        )
        plt.close(figure)


def _one(axis: Axes, curve: Curve) -> None:
    line = curve.line
    axis.loglog(
        curve.sizes,
        [line.factor * (size - curve.smallest) ** line.exponent for size in curve.sizes],
        color=_TIME,
        linewidth=1,
    )
    axis.loglog(curve.sizes, curve.seconds, "o", color=_TIME, markersize=5)
    axis.set_xlabel(curve.job.name)
    axis.set_ylabel("CPU seconds")
    axis.set_title(f"{curve.job.about}\nexponent {line.exponent:.2f} ({line.low:.2f} to {line.high:.2f})", fontsize=9)
    memory = axis.twinx()
    memory.semilogx(curve.sizes, curve.megabytes, "s--", color=_MEMORY, markersize=3, linewidth=0.8)
    memory.set_ylim(bottom=0)
    memory.set_ylabel("peak MB (dashed)", color=_MEMORY)
    memory.tick_params(axis="y", colors=_MEMORY)
    # the twin has its own idea of the axis that both share, so this comes last
    axis.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes])
    for each in (axis, memory):
        each.minorticks_off()
