"""The pages in a real browser: formulas are laid out, nothing is asked for, light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.report.pages import made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from tests.unit.pv.report.conftest import Maker

TEXT = """\
metadata: {version: "1", created: "2026-01-01", author: a, description: d, references: [r]}
status: PROPOSED
equations:
  softmax:
    formal: exp(x - max(x)) / sum(exp(x - max(x)))
    domain: {m: 1..4, n: 1..8, x: {dtype: f32, shape: [m, n], range: [-1e3, 1e3]}}
    plot: {x: [-6, 6], curves: {one: 1 / (1 + exp(-x)), two: x / 6}}
  long:
    formal: LONG
    domain: {n: 1..8, x: {dtype: f32, shape: [n], range: [-1, 1]}}
proof_obligations:
  - {id: o, type: conservation, property: p, applies_to: softmax, formal: abs(sum(y) - 1) <= n * u, where: LONG > 0}
falsification_tests:
  - {id: S-1, obligation: o, rule: r, prediction: p, if_fails: q, binds_to: softmax, mutants: [{id: m, stage: softmax}]}
""".replace("LONG", " + ".join(f"x ** {power}" for power in range(2, 40)))
BOX = "document.querySelector({!r}).getBoundingClientRect()"


@pytest.fixture(scope="module")
def path(maker: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    contract = maker.contract(TEXT, "softmax-v1")
    config = Config(folder, (folder,), (folder,), folder / "ledger.jsonl")
    for name, text in made([contract], [contract], folder, config).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "softmax-v1.html"


@pytest.fixture(scope="module")
def started(browser: ModuleType) -> Iterator[Any]:
    with browser.Browser() as page:
        yield page


@pytest.fixture
def page(started: Any, path: Path) -> Iterator[Any]:
    started.errors.clear()
    started.requests.clear()
    started.prefer("light")
    started.resize(1280, 900)
    started.open(path)
    yield started
    assert started.errors == []
    assert [one for one in started.requests if not one.startswith(("file://", "data:"))] == []


def box(page: Any, selector: str) -> dict[str, float]:
    found: dict[str, float] = page.run(
        f"(() => {{ const b = {BOX.format(selector)}; return {{top: b.top, bottom: b.bottom, left: b.left, right: b.right}} }})()"
    )
    return found


def test_a_fraction_has_its_numerator_above(page: Any) -> None:
    above, below = box(page, ".formula mfrac > :nth-child(1)"), box(page, ".formula mfrac > :nth-child(2)")
    assert above["bottom"] <= below["top"] + 3
    base, index = box(page, ".formula msub > :nth-child(1)"), box(page, ".formula msub > :nth-child(2)")
    assert index["top"] > base["top"]
    assert index["left"] >= base["right"] - 1


def test_bars_are_as_high_as_what_they_enclose(page: Any) -> None:
    bar, inside = box(page, ".claim .formula math > mrow > mrow > mo"), box(page, ".claim munder")
    assert bar["top"] <= inside["top"] + 2
    assert bar["bottom"] >= inside["bottom"] - 2


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(page: Any, width: int) -> None:
    page.resize(width, 900)
    assert page.run("document.documentElement.scrollWidth") <= width
    long = "[...document.querySelectorAll('.formula')].find(one => one.scrollWidth > one.clientWidth)"
    assert page.run(f"!!{long}")  # a formula that is wider scrolls by itself
    assert page.run(f"(() => {{ const one = {long}; one.scrollLeft = 1e6; return one.scrollLeft > 0 }})()")
    left = page.run(
        f"(() => {{ const one = {long}; one.scrollLeft = 0; return one.querySelector('mi').getBoundingClientRect().left - one.getBoundingClientRect().left }})()"
    )
    assert left >= 0  # and its beginning can be reached


def test_light_and_dark_differ_and_both_can_be_read(page: Any, path: Path) -> None:
    colours = "(() => [document.body, document.querySelector('.curve')].map(one => { const s = getComputedStyle(one); return [s.backgroundColor, s.color, s.stroke] }).flat().join())()"
    light = page.run(colours)
    page.prefer("dark")
    page.open(path)
    assert page.run(colours) != light


def test_links_lead_between_the_pages(page: Any) -> None:
    assert page.run("document.querySelector('a.home').getAttribute('href')") == "index.html"
    names = page.run("[...document.querySelectorAll('nav a')].map(one => one.innerText)")
    assert names == ["Equations", "Claims", "Kill matrix", "Signs", "References"]
    page.run("document.querySelector('nav a:nth-child(3)').click()")
    assert page.run("document.querySelector('#kill-matrix').getBoundingClientRect().top") < 900
    page.run("document.querySelector('.claim h3 a').click()")
    assert page.run("location.hash") == "#S-1"
    page.run("document.querySelector('table.matrix a').click()")
    assert page.run("!!document.querySelector('.claim:target')")


def test_whoever_uses_the_keyboard_alone_can_scroll_a_formula(page: Any) -> None:
    assert page.run("[...document.querySelectorAll('.formula, .scroll')].every(one => one.tabIndex === 0)")
    assert page.run("document.querySelector('svg').getAttribute('role')") == "img"
    assert page.run(
        "document.getElementById(document.querySelector('svg').getAttribute('aria-labelledby')).textContent"
    )
