"""The HTML report in a real browser: opened from disk, clicked, typed at, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apr.parity.html import write_report
from apr.parity.result import Measurement, Party, Verdict
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

DETAIL = "document.querySelector('#detail').innerText"
REPLAY = "apr parity llama.cpp --against numpy:ggml model.gguf --tokens 1,2"
ENTER, RIGHT, DOWN = ("Enter", 13), ("ArrowRight", 39), ("ArrowDown", 40)


def cell(stage: str, layer: int | None) -> str:
    """The selector of a cell of the map, as a person finds it: by row and column."""
    rows = "[...document.querySelectorAll('#cells tbody tr')]"
    head = "[...document.querySelectorAll('#cells thead tr > *')]"
    name = "model" if layer is None else layer
    return (
        f"{rows}.find(row => row.firstChild.innerText === '{stage}')"
        f".children[{head}.findIndex(one => one.innerText === '{name}')].firstChild"
    )


@pytest.fixture(scope="module")
def started(browser: ModuleType) -> Iterator[Any]:
    with browser.Browser() as page:
        yield page


@pytest.fixture
def page(started: Any) -> Iterator[Any]:
    """A browser as new, which must see no error and ask for nothing but the file."""
    started.prefer("light")
    started.resize(1280, 900)
    started.errors.clear()
    started.requests.clear()
    yield started
    assert started.errors == []
    assert [address for address in started.requests if not address.startswith(("file://", "data:"))] == []


@pytest.fixture(scope="module")
def report(builders: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("report") / "a report #1.html"
    made = builders.measurement(layers=4, prompts=2)
    made.cells = [one for one in made.cells if one.key != StageKey("ffn_up", 2)]
    made.missing.append(("subject", StageKey("ffn_up", 2), "was not written"))
    write_report(path, made, builders.verdict(made), REPLAY)
    return path


def click(page: Any, element: str) -> None:
    """Clicks on what a script expression finds."""
    page.run(f"{element}.setAttribute('data-target', '')")
    page.click("[data-target]")
    page.run("document.querySelector('[data-target]').removeAttribute('data-target')")


def test_clicking_a_cell_shows_its_detail(page: Any, report: Path) -> None:
    page.open(report)
    # the first divergence is open from the start
    shown = page.run(DETAIL)
    assert "attn_out, layer 1, prompt 0" in shown
    assert "1.0020 times the expected values" in shown
    assert "Who is wrong" in shown
    click(page, cell("ffn_gate", 3))
    shown = page.run(DETAIL)
    assert "ffn_gate, layer 3, prompt 0" in shown
    assert "inherited" in shown
    assert "Who is wrong" not in shown
    for needed in ("Over positions", "Differences in units of τ", "Distances", "Tests, in units of the null model"):
        assert needed in shown
    for name in ("element", "position", "stage", "gain", "relative RMS", "NMSE", "max |Δ|"):
        assert name in shown
    assert "sums of 18 blocks in float32; activations rounded to Q8_1" in shown
    # eight positions, drawn as points; and a column for every bin that holds something
    assert page.run("document.querySelectorAll('#detail svg circle').length") == 8
    assert page.run("document.querySelectorAll('#detail svg rect').length") > 5
    assert page.run("document.querySelectorAll('#cells [aria-pressed=true]').length") == 1
    click(page, cell("lm_head", None))
    shown = page.run(DETAIL)
    assert "lm_head, whole model" in shown
    assert "What 8 free-run predictions make of it" in shown
    assert "3.00e\u22124" in shown


def test_the_faulty_cell_has_differences_beyond_the_null_model_and_an_honest_one_has_none(
    page: Any, report: Path
) -> None:
    page.open(report)
    beyond = "document.querySelectorAll('#detail rect.beyond').length"
    assert page.run(beyond) > 0
    assert page.run("document.querySelectorAll('#detail tr.beyond').length") > 0
    click(page, cell("ffn_gate", 0))
    assert page.run(beyond) == 0
    assert page.run("document.querySelectorAll('#detail tr.beyond').length") == 0
    assert "none of 512 is beyond" in page.run(DETAIL)


def test_the_map_switches_between_its_four_views(page: Any, report: Path) -> None:
    page.open(report)
    colour = f"{cell('ffn_norm', 2)}.style.background"
    early = f"{cell('attn_norm', 0)}.style.background"
    seen = {}
    for index, name in enumerate(("Isolated", "Free run", "Gain", "Of bound")):
        page.click(f"#modes button:nth-child({index + 1})")
        assert page.run("document.querySelector('#modes [aria-checked=true]').innerText") == name
        assert name in page.run("document.querySelector('#keys').innerText")
        seen[name] = page.run(f"[{colour}, {early}, document.querySelector('#legend').innerText]")
    # a stage that only inherits looks like the others in isolation, and not in a free run
    assert seen["Isolated"][0] != seen["Free run"][0]
    assert seen["Gain"][0] != seen["Gain"][1]
    # one scale for both, so that their colours can be compared
    assert seen["Isolated"][2] == seen["Free run"][2] != seen["Gain"][2]


def test_born_cells_are_outlined_and_missing_ones_are_hatched(page: Any, report: Path) -> None:
    page.open(report)
    style = "getComputedStyle({}).{}"
    assert page.run(style.format(cell("attn_out", 1), "boxShadow")) != "none"
    assert page.run(style.format(cell("attn_out", 2), "boxShadow")) == "none"
    assert "repeating-linear-gradient" in page.run(style.format(cell("ffn_up", 2), "backgroundImage"))
    click(page, cell("ffn_up", 2))
    shown = page.run(DETAIL)
    assert "not compared" in shown
    assert "was not written" in shown
    assert page.run(f"{cell('attn_out', 1)}.getAttribute('aria-label')").startswith(
        "attn_out, layer 1; the sides part here first"
    )


def test_another_prompt_has_its_own_numbers(page: Any, report: Path) -> None:
    page.open(report)
    assert "beyond" in page.run("document.querySelector('#detail tr.beyond')?.className ?? ''")
    page.run(
        "(() => { const s = document.querySelector('#prompts select'); s.value = '1';"
        " s.dispatchEvent(new Event('change')) })()"
    )
    shown = page.run(DETAIL)
    assert "attn_out, layer 1, prompt 1" in shown  # where the fault is not
    assert "1.0020 times" not in shown
    assert page.run("document.querySelectorAll('#detail tr.beyond').length") == 0


def test_everything_can_be_done_with_the_keyboard(page: Any, report: Path) -> None:
    page.open(report)
    page.run("document.querySelector('#cells [aria-pressed=true]').focus()")
    assert page.run("document.querySelectorAll('#cells button[tabindex=\"0\"]').length") == 1
    page.press(*RIGHT)
    page.press(*DOWN)
    page.press(*ENTER)
    assert "post_attn_residual, layer 2" in page.run(DETAIL)
    page.run("document.querySelector('#modes [aria-checked=true]').focus()")
    page.press(*RIGHT)
    assert page.run("document.activeElement.innerText") == "Free run"
    assert page.run("document.querySelector('#modes [aria-checked=true]').innerText") == "Free run"


def test_light_and_dark_follow_the_system_and_the_button(page: Any, report: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    colour = f"{cell('attn_norm', 0)}.style.background"
    page.open(report)
    page.run("localStorage.clear()")
    page.open(report)
    light = page.run(f"[{background}, {colour}]")
    page.prefer("dark")
    page.open(report)
    dark = page.run(f"[{background}, {colour}]")
    assert light[0] != dark[0]
    assert light[1] != dark[1]  # the map's ramp turns round
    page.click("#theme")
    assert page.run(f"[{background}, {colour}]") == light
    page.run("localStorage.clear()")
    # every text of the card stands out: WCAG asks for 4.5 to 1
    for theme in ("light", "dark"):
        page.prefer(theme)
        page.open(report)
        for selector in (".card dd", ".card dt", ".card h1", ".card .outcome", ".note", "#keys", ".state"):
            assert page.run(CONTRAST % selector) >= 4.5, (theme, selector)


CONTRAST = """(() => {
  const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const element = document.querySelector('%s');
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(element.closest('section')).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()"""


def test_on_a_telephone_nothing_sticks_out(page: Any, report: Path) -> None:
    page.resize(400, 800)
    page.open(report)
    assert page.run("document.documentElement.scrollWidth") <= 400
    click(page, cell("ffn_out", 3))
    assert "ffn_out, layer 3" in page.run(DETAIL)
    assert page.run("document.documentElement.scrollWidth") <= 400


def test_hostile_names_run_nothing(page: Any, builders: ModuleType, tmp_path: Path) -> None:
    made = builders.measurement(model=builders.HOSTILE)
    made.votes = {
        place: type(vote)("subject", "<img src=x onerror='window.hacked=1'>", {builders.HOSTILE: 1.0})
        for place, vote in made.votes.items()
    }
    write_report(tmp_path / "r.html", made, builders.verdict(made), builders.HOSTILE)
    page.open(tmp_path / "r.html")
    assert page.run("window.hacked") is None
    assert "<img src=x" in page.run(DETAIL)
    assert page.run("document.querySelectorAll('#detail img').length") == 0


def test_a_script_that_got_in_all_the_same_does_not_run(started: Any, report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8").replace("<main>", "<main><script>window.hacked = 1</script>", 1)
    (tmp_path / "r.html").write_text(text, encoding="utf-8")
    started.errors.clear()
    started.open(tmp_path / "r.html")
    assert started.run("window.hacked") is None
    assert any("Content Security Policy" in error for error in started.errors)


def test_without_scripts_the_card_and_the_table_are_there(page: Any, report: Path) -> None:
    page.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(report)
    finally:
        page.tell("Emulation.setScriptExecutionDisabled", value=False)
    shown = page.run("document.body.innerText")
    assert "The sides part at attn_out" in shown
    assert "post_attn_residual, layer 1" in shown
    assert page.run("getComputedStyle(document.querySelector('#map')).display") == "none"


def test_an_incomparable_pair_has_a_page_without_a_map(page: Any, tmp_path: Path) -> None:
    refused = Measurement(Party("a", "a", "", "f32"), Party("b", "b", "", "f32"), incomparable="7 tokens and 1 token")
    verdict = Verdict("incomparable", "7 tokens and 1 token", comparable=False, complete=False, alpha=1e-6)
    write_report(tmp_path / "r.html", refused, verdict)
    page.open(tmp_path / "r.html")
    assert "7 tokens and 1 token" in page.run("document.body.innerText")
    assert page.run("document.querySelector('#map').hidden") is True


def test_a_run_with_nan_infinity_and_equal_stages_is_drawn(page: Any, builders: ModuleType, tmp_path: Path) -> None:
    from dataclasses import replace

    made = builders.measurement(layers=2, positions=700)
    made.cells = [
        replace(
            one,
            difference=replace(one.difference, relative_rms=float("nan"), nmse=float("inf")),
            positions=(float("nan"), *one.positions[1:]),
        )
        if one.key == StageKey("ffn_out", 1)
        else replace(one, difference=replace(one.difference, relative_rms=0.0), positions=(0.0,) * 700)
        if one.key.layer == 0
        else one
        for one in made.cells
    ]
    write_report(tmp_path / "r.html", made, builders.verdict(made))
    page.open(tmp_path / "r.html")
    click(page, cell("ffn_out", 1))
    assert "NaN" in page.run(DETAIL)
    assert "equal" in page.run(f"{cell('attn_norm', 0)}.className")
    click(page, cell("attn_norm", 0))
    # worst of two neighbours: 350 points for 700 positions, of which only the worst is a dot
    click(page, cell("attn_out", 1))
    assert page.run("document.querySelector('#detail polyline.series').getAttribute('points').split(' ').length") == 350
    assert "699" in page.run(DETAIL)


def test_positions_that_are_infinite_or_nan_are_drawn_above_all_others_and_only_zeros_are_equal(
    page: Any, builders: ModuleType, tmp_path: Path
) -> None:
    from dataclasses import replace

    inf, nan = float("inf"), float("nan")
    profiles = {
        StageKey("ffn_gate", 0): (inf, nan, *[inf] * 6),
        StageKey("ffn_up", 0): (0.0, inf, 1e-7, nan, *[9.8e-7] * 4),  # up to the top of its decade
        StageKey("ffn_out", 0): (0.0,) * 8,
        StageKey("ffn_norm", 0): (0.0, inf, *[0.0] * 5, nan),
    }
    free = {"isolated": 0.0, "subject": 0.0, "oracle": 0.0, "accumulated": 3e-7}
    made = builders.measurement(layers=2, fault=None)
    made.cells = [
        replace(
            one,
            positions=profiles[one.key],
            tests=(),
            difference=replace(one.difference, relative_rms=inf if inf in profiles[one.key] else free[one.view]),
        )
        if one.key in profiles
        else one
        for one in made.cells
    ]
    write_report(tmp_path / "r.html", made, builders.verdict(made, None))
    page.open(tmp_path / "r.html")
    marks = "[...document.querySelectorAll('#detail circle.infinite')]"
    heights = f"{marks}.map(mark => Number(mark.getAttribute('cy')))"
    others = (
        "[...document.querySelectorAll('#detail circle:not(.infinite)')].map(dot => Number(dot.getAttribute('cy')))"
    )
    for stage, infinite in (("ffn_gate", 8), ("ffn_up", 2), ("ffn_norm", 2)):
        click(page, cell(stage, 0))
        shown = page.run(DETAIL)
        assert "equal" not in shown.split("Over positions")[1].split("Distances")[0], stage
        assert "\u221e, NaN" in page.run("document.querySelector('#detail svg').textContent"), stage
        assert page.run(f"{marks}.length") == infinite, stage
        assert page.run(f"{marks}[0].textContent").endswith("infinite or NaN"), stage
        assert max(page.run(heights)) + 10 < min([*page.run(others), 1000]), stage
        # infinite over infinite is no number of times
        assert "After free runs it is \u221e off." in shown
        assert "times that" not in shown
    click(page, cell("ffn_out", 0))
    shown = page.run(DETAIL)
    assert "Every position is equal." in shown
    assert page.run(f"{marks}.length") == 0
    # something over nothing is no number of times, either
    assert "After free runs it is 3.00e\u22127 off." in shown


def test_ids_that_differ_are_counted(page: Any, builders: ModuleType, tmp_path: Path) -> None:
    from dataclasses import replace

    made = builders.measurement(layers=2, fault=None)
    made.cells = [
        replace(
            one,
            positions=(float("inf"),) * 8,
            difference=replace(
                one.difference, relative_rms=float("inf"), n_different=9, count=24, integers=True, bit_identical=False
            ),
        )
        if one.key == StageKey("ffn_up", 0)
        else one
        for one in made.cells
    ]
    write_report(tmp_path / "r.html", made, builders.verdict(made, None))
    page.open(tmp_path / "r.html")
    click(page, cell("ffn_up", 0))
    shown = page.run(DETAIL)
    assert "By its own operation 9 of 24 ids differ; every one must agree. After free runs 9 of 24 ids differ." in shown
