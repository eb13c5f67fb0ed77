"""Pictures of contracts: what is computed, where it stands, and what is refused."""

from __future__ import annotations

import math
import re
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from pv.report.pages.curves import POINTS, Picture, can_compute, picture
from pv.report.pages.plot import svg
from pv.report.pages.ticks import Axis, label, widened
from pv.types import UsageProblem


def drawn(given: dict[str, Any]) -> ET.Element:
    return ET.fromstring(svg(picture(given, "x.yaml: equation f"), "p"))  # noqa: S314  our own output


def kinds(root: ET.Element, tag: str, kind: str) -> list[ET.Element]:
    return [one for one in root.iter(tag) if kind in (one.get("class") or "").split()]


def corners(line: ET.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in str(line.get("points")).split())]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-6.0, 6.0, [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0]),
        (-0.3, 7.4, [0.0, 2.0, 4.0, 6.0]),
        (1e-9, 5e-9, [1e-9, 2e-9, 3e-9, 4e-9, 5e-9]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(low, high, 0, 100).ticks() == pytest.approx(ticks)


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten() -> None:
    assert Axis(0.02, 2000.0, 0, 1, log=True).ticks() == pytest.approx([0.1, 1, 10, 100, 1000])
    many = Axis(1e-30, 1.0, 0, 1, log=True).ticks()
    assert 4 <= len(many) <= 8
    assert many[0] == pytest.approx(1e-30)


def test_an_axis_may_run_upwards_and_logarithmically() -> None:
    assert [Axis(0, 10, 260, 14).place(value) for value in (0, 5, 10)] == [260, 137, 14]
    assert Axis(1, 100, 0, 10, log=True).place(10) == pytest.approx(5)


@pytest.mark.parametrize(
    ("value", "log", "shown"),
    [
        (0.0, False, "0"),
        (-2.5, False, "\u22122.5"),
        (0.1 + 0.2, False, "0.3"),
        (1e-9, False, "10⁻⁹"),
        (-2e6, False, "\u22122·10⁶"),
        (100.0, True, "100"),
        (1e-6, True, "10⁻⁶"),
    ],
)
def test_numbers_beside_ticks(value: float, log: bool, shown: str) -> None:
    assert label(value, log=log) == shown


def test_room_is_left_around_a_curve() -> None:
    assert widened(0.0, 10.0, log=False) == pytest.approx((-0.6, 10.6))
    assert widened(3.0, 3.0, log=False) == (1.5, 4.5)
    assert widened(0.0, 0.0, log=False) == (-0.5, 0.5)
    low, high = widened(1.0, 10.0, log=True)
    assert 0 < low < 1
    assert high > 10


def test_a_curve_runs_through_its_points() -> None:
    found = picture({"x": [-2, 2], "curves": {"square": "x ** 2"}}, "f")
    assert (len(found.points), found.points[0], found.points[-1]) == (POINTS, -2.0, 2.0)
    assert found.curves["square"] == pytest.approx([x * x for x in found.points])
    root = drawn({"x": [-2, 2], "curves": {"square": "x ** 2"}})
    (line,) = kinds(root, "polyline", "curve")
    points = corners(line)
    assert points[0][1] == points[-1][1] < points[POINTS // 2][1]  # upwards is less
    assert points[0][0] < points[-1][0]


def test_every_number_has_two_decimals_at_most() -> None:
    text = svg(picture({"x": [0, 1], "curves": {"a": "exp(x) / 3", "b": "sin(7 * x)"}}, "f"), "p")
    assert not re.search(r"\d\.\d{3}", text)
    assert text == svg(picture({"x": [0, 1], "curves": {"a": "exp(x) / 3", "b": "sin(7 * x)"}}, "f"), "p")


def test_each_point_is_a_row_of_its_own() -> None:
    found = picture(
        {"x": [0, 4], "curves": {"softmax": "exp(x) / sum(exp(concat(x, 0 * x)))", "flat": "max(0 * x) + 1"}}, "f"
    )
    assert found.curves["softmax"][0] == pytest.approx(0.5)
    assert found.curves["softmax"][-1] == pytest.approx(math.exp(4) / (math.exp(4) + 1))
    assert set(found.curves["flat"]) == {1.0}


def test_a_curve_breaks_where_it_is_not_finite() -> None:
    root = drawn({"x": [-1, 1], "curves": {"inverse": "1 / x"}})
    assert len(kinds(root, "polyline", "curve")) == 2
    root = drawn({"x": [-1, 1], "curves": {"line": "x"}, "log": ["y"]})
    (line,) = kinds(root, "polyline", "curve")
    assert len(corners(line)) == POINTS // 2  # only what is above 0 stands on a logarithmic axis


def test_nothing_finite_is_an_empty_picture() -> None:
    root = drawn({"x": [-1, 1], "curves": {"none": "x + nan"}})
    assert kinds(root, "polyline", "curve") == []
    assert kinds(root, "line", "grid")


def test_whole_numbers_have_dots_where_there_are_few() -> None:
    root = drawn({"n": "1..8", "curves": {"half": "1 / n"}})
    assert len(kinds(root, "circle", "dot")) == 8
    assert kinds(drawn({"n": "1..64", "curves": {"half": "1 / n"}}), "circle", "dot") == []
    assert len(picture({"n": "1..100000", "curves": {"half": "1 / n"}}, "f").points) <= POINTS


def test_a_logarithmic_axis_has_its_points_evenly() -> None:
    found = picture({"x": [1, 10000], "log": ["x"], "curves": {"x": "x"}}, "f")
    assert found.points[POINTS // 2] == pytest.approx(100)


def test_a_constant_is_a_line() -> None:
    assert set(picture({"x": [0, 1], "curves": {"one": 1}}, "f").curves["one"]) == {1.0}


def test_bars_are_as_long_as_their_values() -> None:
    root = drawn({"bars": {"a": 1, "b": "2 ** 2", "none": "0"}})
    widths = [float(str(one.get("width"))) for one in kinds(root, "rect", "bar")]
    assert widths[1] == pytest.approx(4 * widths[0], abs=0.02)
    assert widths[2] == 0
    assert {"1", "4", "0"} <= {one.text for one in kinds(root, "text", "value")}
    below = drawn({"bars": {"a": -1, "b": 1}})
    left, right = (float(str(one.get("x"))) for one in kinds(below, "rect", "bar"))
    assert left < right


def test_bars_on_a_logarithmic_axis() -> None:
    root = drawn({"bars": {"a": 1e-6, "b": 1e-3, "c": 0}, "log": ["x"]})
    widths = [float(str(one.get("width"))) for one in kinds(root, "rect", "bar")]
    assert widths[0] < widths[1] / 5
    assert widths[2] == 0


def test_many_names_need_more_lines() -> None:
    few, many = ({"x": [0, 1], "curves": {f"a long name, number {at}": "x" for at in range(count)}} for count in (1, 9))
    heights = [float(str(drawn(given).get("viewBox")).split()[3]) for given in (few, many)]
    assert heights[1] > heights[0]


def test_names_are_text() -> None:
    text = svg(Picture("<b>", "", "x", (0.0, 1.0), {"<i>&": (0.0, 1.0)}, {}, frozenset()), "p")
    assert "&lt;i&gt;&amp;" in text
    assert "&lt;b&gt;" in text
    ET.fromstring(text)  # noqa: S314  our own output


@pytest.mark.parametrize(
    ("plot", "said"),
    [
        ({"curves": {"a": "x"}}, "plot: either `bars`, or `curves` and one name"),
        ({"x": [0, 1], "y": [0, 1], "curves": {"a": "x"}}, "plot: either `bars`, or `curves` and one name"),
        ({"x": [0, 1], "bars": {"a": 1}}, "plot: either `bars`, or `curves` and one name"),
        ({"x": [1, 0], "curves": {"a": "x"}}, "plot.x: the smaller number first"),
        ({"x": [0, 1], "log": ["x"], "curves": {"a": "x"}}, "plot.x: the smaller number first, and both above 0"),
        ({"x": [0, 1], "log": "y", "curves": {"a": "x"}}, "plot.log: a list of x and y"),
        ({"x": "1..0", "curves": {"a": "x"}}, "plot.x: two whole numbers"),
        ({"x": "0.5..2", "curves": {"a": "x"}}, "plot.x: two whole numbers"),
        ({"x": 5, "curves": {"a": "x"}}, "plot.x: what it runs over"),
        ({"x": ["one", 2], "curves": {"a": "x"}}, "plot.x: cannot be computed"),
        ({"x": [0, 1], "curves": {"a": "x +"}}, "plot.curves.a: not an expression"),
        ({"x": [0, 1], "curves": {"a": "z"}}, "plot.curves.a: nothing is called 'z'"),
        ({"x": [0, 1], "curves": {"a": "softmax(x)"}}, "plot.curves.a: there is no function 'softmax'"),
        (
            {"x": [0, 1], "curves": {"a": "arange(7)"}},
            "plot.curves.a: gives 7 numbers a picture instead of one a point",
        ),
        ({"x": [0, 1], "curves": {"a": "reshape(x, [7])"}}, "plot.curves.a: cannot be computed"),
        ({"x": [0, 1], "curves": {str(at): "x" for at in range(13)}}, "plot.curves: a mapping of labels"),
        ({"bars": {"a": "z"}}, "plot.bars.a: nothing is called 'z'"),
        ({"bars": ["a"]}, "plot.bars: a mapping of labels"),
    ],
)
def test_what_cannot_be_drawn_is_told(plot: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        picture(plot, "x.yaml: equation f")
    assert str(problem.value).startswith(f"x.yaml: equation f: {said}")


def test_what_needs_numpy_finds_it() -> None:
    assert can_compute()


def test_the_examples_of_the_how_to_are_drawn() -> None:
    page = (Path(__file__).parents[4] / "docs/how-to/contract-pages.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(textwrap.dedent(one)) for one in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    plots = [one.get("plot") or one["equations"]["silu"]["plot"] for one in blocks]
    assert [
        len(kinds(drawn(one), tag, kind))
        for one, tag, kind in zip(plots, ("polyline", "rect"), ("curve", "bar"), strict=True)
    ] == [2, 2]
    least = min(picture(plots[0], "f").curves["silu"])
    assert f"{least:.3f}" in plots[0]["caption"]
