"""A badge: how many claims came out as declared, in the colour of the whole; as SVG, or as data for a server that draws it."""

from __future__ import annotations

import json
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.report.summary import State, headline, state

if TYPE_CHECKING:
    from pv.status import Report

_LABEL = "contracts"
# white letters on these have a contrast above 4.5 to 1
_COLOURS = {State.WRONG: "#b3261e", State.OPEN: "#8a5a00", State.GOOD: "#1a7f4b", State.NOTHING: "#5a6576"}
_LABEL_COLOUR = "#3b424d"
# what a letter takes at most, in pixels at 11 px; `textLength` makes faces that are narrower fill it
_NARROW, _NARROW_WIDTH, _WIDTH, _PADDING, _HEIGHT = frozenset("/ilftrj1., "), 4.6, 6.9, 6, 20


def message(report: Report) -> str:
    """What stands on the right: `161/169 discharged`, and what is wrong, if anything is."""
    total = len(report.claims)
    if state(report) is State.NOTHING:
        return f"0/{total} measured"
    count = Counter(one.outcome for one in report.claims if one.as_expected)
    text = f"{count[Outcome.DISCHARGED]}/{total} discharged"
    if count[Outcome.REFUTED]:
        text += f", {count[Outcome.REFUTED]} refuted as expected"
    against = sum(one.contradicts for one in report.claims)
    overstated = sum(one.overstated for one in report.contracts)
    if against:
        return f"{text}, {against} wrong"
    return f"{text}, {overstated} overstated" if overstated else text


def as_svg(report: Report) -> str:
    """A flat badge as SVG, readable to screen readers, with no reference to anything outside."""
    right = message(report)
    widths = [_wide(_LABEL), _wide(right)]
    whole = sum(widths)
    colour = _COLOURS[state(report)]
    title = escape(f"{_LABEL}: {right} ({state(report)}). {headline(report.claims)}")
    short = escape(f"{_LABEL}: {right}")
    texts = "".join(
        f'<text x="{x:g}" y="14" textLength="{width - 2 * _PADDING:g}">{escape(text)}</text>'
        for x, width, text in ((widths[0] / 2, widths[0], _LABEL), (widths[0] + widths[1] / 2, widths[1], right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole:g}" height="{_HEIGHT}" role="img" aria-label="{short}">'
        f"<title>{title}</title>"
        f'<rect width="{whole:g}" height="{_HEIGHT}" rx="3" fill="{_LABEL_COLOUR}"/>'
        f'<rect x="{widths[0]:g}" width="{widths[1]:g}" height="{_HEIGHT}" rx="3" fill="{colour}"/>'
        f'<rect x="{widths[0]:g}" width="4" height="{_HEIGHT}" fill="{colour}"/>'  # square where the two meet
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">{texts}</g>'
        "</svg>"
    )


def as_endpoint(report: Report) -> str:
    """The same in the schema of Shields' endpoint badges (https://shields.io/badges/endpoint-badge)."""
    found = state(report)
    content = {
        "schemaVersion": 1,
        "label": _LABEL,
        "message": message(report),
        "color": _COLOURS[found].removeprefix("#"),
        "isError": found is State.WRONG,
    }
    return json.dumps(content)


def _wide(text: str) -> float:
    return round(sum(_NARROW_WIDTH if letter in _NARROW else _WIDTH for letter in text)) + 2 * _PADDING
