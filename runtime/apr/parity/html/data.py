"""The numbers of a report, packed for the script in the page.

Numbers have four significant digits, which is more than a screen shows; what JSON lacks is "nan", "inf" or "-inf". Profiles over
positions, the bulk of a large report, take two characters a position.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from apr.console import escape
from apr.parity.codec import encode
from apr.parity.histogram import EDGES, honest
from apr.parity.result import VIEWS
from apr.parity.summary import bounded, rows
from apr.stages import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.parity.result import Cell, Measurement, Verdict

# two digits of base 64, for log10 from -20 to 20 in 4094 steps: 2.3 % apart. 0 is a zero, the last one is no finite number.
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DECADES, _STEPS = 20, 4094
# of a longer profile each point shows the worst of several positions
MOST_POINTS = 512


def report_data(measurement: Measurement, verdict: Verdict) -> dict[str, Any]:
    """What the page's script reads, as values that JSON has."""
    shown = rows(measurement, verdict)
    stages = [stage for stage in CANONICAL if any(row.key.stage == stage for row in shown)]
    layers = sorted({row.key.layer for row in shown if row.key.layer is not None})
    reasons = _Words()
    return {
        "stages": stages,
        "layers": layers,
        "prompts": [len(tokens) for tokens in measurement.prompts],
        "first": None
        if verdict.first is None
        else [verdict.first.prompt, verdict.first.key.stage, verdict.first.key.layer],
        "edges": [short(edge) for edge in EDGES],
        "honest": [short(share) for share in honest(1)],
        "rows": [
            {
                "prompt": row.prompt,
                "stage": row.key.stage,
                "layer": row.key.layer,
                "state": row.state,
                "isolated": short(row.isolated),
                "accumulated": short(row.accumulated),
                "gain": short(row.gain),
                "excess": short(row.excess),
                "bound": short(row.bound),
                "position": row.position,
                "cells": [_cell(row.cells[view], verdict, reasons) for view in VIEWS if view in row.cells],
                "missing": [f"{side}: {escape(reason)}" for side, key, reason in measurement.missing if key == row.key],
            }
            for row in shown
        ],
        "because": reasons.words,
        "votes": [
            {
                "prompt": prompt,
                "stage": key.stage,
                "layer": key.layer,
                "culprit": vote.culprit,
                "because": escape(vote.because),
                "distances": [[escape(pair), short(distance)] for pair, distance in vote.distances.items()],
            }
            for (prompt, key), vote in measurement.votes.items()
        ],
        "ladders": [
            {
                "side": escape(side),
                "prompt": prompt,
                "stage": key.stage,
                "layer": key.layer,
                "rungs": [[escape(rung.name), short(rung.share), short(rung.relative_rms)] for rung in rungs],
            }
            for (side, prompt, key), rungs in measurement.ladders.items()
        ],
    }


class _Words:
    """Numbers the few texts that thousands of cells share."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._index: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if text not in self._index:
            self._index[text] = len(self.words)
            self.words.append(escape(text))
        return self._index[text]


def _cell(cell: Cell, verdict: Verdict, reasons: _Words) -> dict[str, Any]:
    difference = cell.difference
    content: dict[str, Any] = {
        "view": cell.view,
        "numbers": [
            short(value)
            for value in (
                difference.relative_rms,
                difference.max_abs_diff,
                difference.rms_diff,
                difference.nmse,
                1 - difference.cosine,
                difference.n_different,
                difference.count,
                difference.nonfinite_mismatches,
                difference.max_ulp,
                difference.worst_position,
                difference.worst_position_relative_rms,
                difference.worst_channel,
                difference.worst_channel_relative_rms,
                cell.positions[0] if cell.positions else None,
            )
        ],
        "profile": profile(cell.positions),
        "points": len(cell.positions),
        "from": cell.first_position,
    }
    if cell.tests:
        content["tests"] = [
            [
                one.test.name,
                short(one.test.value),
                short(one.bound),
                short(one.excess),
                one.test.position,
                one.test.channel,
                short(one.test.unit),
            ]
            for one in bounded(cell, verdict)
        ]
        content["because"] = [reasons(text) for text in cell.because]
    if difference.integers:
        content["ids"] = True
    if cell.kind is not None:
        content["kind"] = [escape(cell.kind.name), escape(cell.kind.detail), short(cell.kind.explains)]
    if cell.predictions is not None:
        said = cell.predictions
        content["predictions"] = {
            "kl": profile(said.kl),
            "worst": short(max(said.kl, key=lambda kl: math.inf if math.isnan(kl) else kl, default=None)),
            "differs": list(said.argmax_differs),
            "gap": short(said.argmax_gap),
            "shared": {escape(k): short(share) for k, share in said.shared.items()},
        }
    if cell.histogram is not None:
        content["histogram"] = list(cell.histogram.counts)
        content["zeros"] = cell.histogram.zeros
    return content


def short(value: float | None) -> Any:
    """A number with four significant digits; whole numbers as they are."""
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}")
    return encode(value)


def profile(positions: Sequence[float]) -> str:
    """Relative RMS by position, two characters each; of more than `MOST_POINTS` positions the worst of each group of neighbours."""
    if len(positions) > MOST_POINTS:
        group = math.ceil(len(positions) / MOST_POINTS)
        positions = [
            max(positions[start : start + group], key=lambda value: math.inf if math.isnan(value) else value)
            for start in range(0, len(positions), group)
        ]
    return "".join(map(_two_digits, positions))


def _two_digits(value: float) -> str:
    if value == 0:
        code = 0
    elif not math.isfinite(value):
        code = _STEPS + 1
    else:
        code = 1 + round((math.log10(abs(value)) + _DECADES) / (2 * _DECADES) * (_STEPS - 1))
        code = min(max(code, 1), _STEPS)
    return DIGITS[code >> 6] + DIGITS[code & 63]
