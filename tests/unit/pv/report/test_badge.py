from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from pv.report.badge import as_endpoint, as_svg, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.status import Report

SVG = "{http://www.w3.org/2000/svg}"
RED, YELLOW, GREEN, GREY = "#b3261e", "#8a5a00", "#1a7f4b", "#5a6576"


@pytest.fixture
def reports(maker: Any) -> dict[str, Report]:
    low = maker.format.replace("PARTIAL_ALGORITHM_LEVEL", "PROPOSED")
    return {
        "good": maker.report(maker.status(maker.format, "x-v1")),
        "open": maker.report(maker.status(low, "x-v1", {"FORMAT-001": {"stale": "changed"}})),
        "refuted": maker.report(maker.status(low, "x-v1", {"FORMAT-001": {"verdict": "refuted"}})),
        "overstated": maker.report(
            maker.status(maker.format.replace("PARTIAL", "ACTIVE"), "x-v1", {"FORMAT-001": {"stale": "changed"}})
        ),
        "nothing": maker.report(maker.status(low, "x-v1", {"*": None})),
        "unusable": maker.report(maker.status(low, "x-v1"), unusable=("y.yaml",)),
    }


@pytest.mark.parametrize(
    ("name", "colour", "words"),
    [
        ("good", GREEN, "2/2 discharged"),
        ("open", YELLOW, "1/2 discharged"),
        ("refuted", RED, "1/2 discharged, 1 wrong"),
        ("overstated", RED, "1/2 discharged, 1 overstated"),
        ("nothing", GREY, "0/2 measured"),
        ("unusable", YELLOW, "2/2 discharged"),
    ],
)
def test_colour_and_words_follow_the_state(reports: dict[str, Report], name: str, colour: str, words: str) -> None:
    root = ET.fromstring(as_svg(reports[name]))  # noqa: S314  our own text
    assert colour in [one.get("fill") for one in root.iter(f"{SVG}rect")]
    assert [one.text for one in root.iter(f"{SVG}text")] == ["contracts", words]
    assert root.get("aria-label") == f"contracts: {words}"
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert words in (title.text or "")
    endpoint = json.loads(as_endpoint(reports[name]))
    assert endpoint == {
        "schemaVersion": 1,
        "label": "contracts",
        "message": words,
        "color": colour[1:],
        "isError": colour == RED,
    }


def test_expected_refutations_are_told_so_that_the_rest_does_not_look_missing(of_rows: Callable[..., Report]) -> None:
    assert message(of_rows({"*": {"level": "independent"}})) == "2/3 discharged, 1 refuted as expected"


def test_texts_lie_within_their_boxes(reports: dict[str, Report]) -> None:
    for report in reports.values():
        root = ET.fromstring(as_svg(report))  # noqa: S314  our own text
        whole, right, _ = root.iter(f"{SVG}rect")
        middle, end = float(right.get("x", "")), float(root.get("width", ""))
        assert float(whole.get("width", "")) == middle + float(right.get("width", "")) == end
        for (left, to), text in zip(((0.0, middle), (middle, end)), root.iter(f"{SVG}text"), strict=True):
            at, length = float(text.get("x", "")), float(text.get("textLength", ""))
            assert left < at - length / 2
            assert at + length / 2 < to


def test_white_letters_can_be_read_on_every_colour() -> None:
    from pv.report import badge

    for colour in (*badge._COLOURS.values(), badge._LABEL_COLOUR):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        light = sum(v * w for v, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
        assert 1.05 / (light + 0.05) >= 4.5, colour
