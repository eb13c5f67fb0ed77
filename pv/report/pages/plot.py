"""Pictures as SVG within the page: no script, colours of the page in light and dark, the same text on every machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pv.report.html.frame import markup
from pv.report.pages.ticks import Axis, label, widened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pv.report.pages.curves import Picture

_WIDTH, _HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 26.0, 14.0, 40.0
_BAR, _GAP = 20.0, 10.0  # height of a bar, and what is between two
_LETTER = 7.2  # width of a letter, more or less


def svg(picture: Picture, name: str) -> str:
    """A picture; `name` tells it from others of the same page.

    What is not finite, or cannot stand on a logarithmic axis, is left out: a curve breaks there.
    """
    inside, height = _bars(picture) if picture.bars else _curves(picture)
    words = markup(picture.title or ", ".join((picture.curves or picture.bars).keys()))
    return (
        f'<svg class="plot" viewBox="0 0 {_n(_WIDTH)} {_n(height)}" role="img" aria-labelledby="{name}">\n'
        f'<title id="{name}">{words}</title>\n{inside}</svg>\n'
    )


def _curves(picture: Picture) -> tuple[str, float]:
    log_y = "y" in picture.log
    across = Axis(picture.points[0], picture.points[-1], _LEFT, _WIDTH - _RIGHT, log="x" in picture.log)
    shown = [value for curve in picture.curves.values() for value in curve if _can_stand(value, log=log_y)]
    low, high = widened(min(shown), max(shown), log=log_y) if shown else (1.0, 10.0)
    up = Axis(low, high, _HEIGHT - _BOTTOM, _TOP, log=log_y)
    out = [*_grid_up(up), *_grid_across(across, picture.axis)]
    for at, curve in enumerate(picture.curves.values()):
        for part in _parts(picture.points, curve, log=log_y):
            path = " ".join(f"{_n(across.place(x))},{_n(up.place(y))}" for x, y in part)
            out.append(f'<polyline class="curve c{at % 8}" points="{path}"/>\n')
            if picture.steps and len(part) <= 40:
                out += [
                    f'<circle class="dot c{at % 8}" cx="{_n(across.place(x))}" cy="{_n(up.place(y))}" r="2.5"/>\n'
                    for x, y in part
                ]
    legend, lines = _legend(list(picture.curves))
    return "".join([*out, *legend]), _HEIGHT + lines * 20.0


def _bars(picture: Picture) -> tuple[str, float]:
    log = bool(picture.log)
    left = min(220.0, 20.0 + _LETTER * max(map(len, picture.bars)))
    shown = [value for value in picture.bars.values() if _can_stand(value, log=log)]
    bottom = _TOP + len(picture.bars) * (_BAR + _GAP)
    if log:
        low, high = widened(min(shown, default=1.0), max(shown, default=10.0), log=True)
    else:
        low, high = min(0.0, *shown, 0.0), max(0.0, *shown, 0.0)
        low, high = (low, high) if low < high else (0.0, 1.0)
    across = Axis(low, high, left, _WIDTH - 76.0, log=log)
    base = across.place(low if log else 0.0)
    out = []
    for tick in across.ticks():
        x = _n(across.place(tick))
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_n(_TOP)}" y2="{_n(bottom)}"/>\n')
        out.append(_text(across.place(tick), bottom + 18, label(tick, log=log), "middle"))
    for at, (name, value) in enumerate(picture.bars.items()):
        y = _TOP + at * (_BAR + _GAP)
        end = across.place(value) if _can_stand(value, log=log) else base
        out.append(
            f'<rect class="bar c0" x="{_n(min(base, end))}" y="{_n(y)}" width="{_n(abs(end - base))}" height="{_n(_BAR)}"/>\n'
        )
        out.append(_text(left - 8, y + 15, name, "end"))
        out.append(_text(max(base, end) + 6, y + 15, f"{value:.3g}".replace("-", "\u2212"), "start", "value"))
    return "".join(out), bottom + 28


def _grid_up(up: Axis) -> Iterable[str]:
    right = _n(_WIDTH - _RIGHT)
    for tick in up.ticks():
        kind = "zero" if tick == 0 else "grid"
        y = _n(up.place(tick))
        yield f'<line class="{kind}" x1="{_n(_LEFT)}" x2="{right}" y1="{y}" y2="{y}"/>\n'
        yield _text(_LEFT - 8, up.place(tick) + 4, label(tick, log=up.log), "end")


def _grid_across(across: Axis, name: str) -> Iterable[str]:
    bottom = _HEIGHT - _BOTTOM
    for tick in across.ticks():
        kind = "zero" if tick == 0 else "grid"
        x = _n(across.place(tick))
        yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_n(_TOP)}" y2="{_n(bottom)}"/>\n'
        yield _text(across.place(tick), bottom + 18, label(tick, log=across.log), "middle")
    yield _text(_WIDTH - _RIGHT, bottom + 34, name, "end", "name")


def _legend(names: Sequence[str]) -> tuple[list[str], int]:
    """A stroke and a name a curve, in as many lines as they need; and how many lines beyond the picture."""
    out, x, line = [], _LEFT, 0
    for at, name in enumerate(names):
        width = 34.0 + _LETTER * len(name)
        if x > _LEFT and x + width > _WIDTH - _RIGHT:
            x, line = _LEFT, line + 1
        y = _HEIGHT + 4 + line * 20.0
        out.append(f'<line class="curve c{at % 8}" x1="{_n(x)}" x2="{_n(x + 20)}" y1="{_n(y)}" y2="{_n(y)}"/>\n')
        out.append(_text(x + 26, y + 4, name, "start"))
        x += width + 12.0
    return out, line + 1


def _parts(points: Sequence[float], values: Sequence[float], *, log: bool) -> Iterable[list[tuple[float, float]]]:
    """The stretches of a curve between what cannot be shown."""
    part: list[tuple[float, float]] = []
    for x, y in zip(points, values, strict=True):
        if _can_stand(y, log=log):
            part.append((x, y))
        elif part:
            yield part
            part = []
    if part:
        yield part


def _can_stand(value: float, *, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{markup(words)}</text>\n'


def _n(value: float) -> str:
    """A place with two decimals at most, the same wherever it is computed."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
