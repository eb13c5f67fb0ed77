"""The HTML report in a real browser: opened from disk, clicked, typed at, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.report.html.page import as_html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from pv.status import Report

NAMES = "[...document.querySelectorAll('#contracts tbody th')].map(one => one.innerText)"
SHOWN = "document.querySelector('#page').innerText"
FOCUS = "document.activeElement"
ENTER, ESCAPE, SLASH = ("Enter", 13), ("Escape", 27), ("/", 191)
RIGHT, DOWN = ("ArrowRight", 39), ("ArrowDown", 40)
SETTLED = "new Promise(done => setTimeout(done, 150))"  # the search waits until nobody types


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
def path(sample: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = tmp_path_factory.mktemp("report") / "a report #1.html"
    found.write_text(as_html(sample), encoding="utf-8")
    return found


def at(page: Any, path: Path, place: str = "#/") -> None:
    """Open the report at a place within it, as a link from elsewhere does."""
    page.open(path)
    page.run(f"(location.hash = {place!r}, {SETTLED})")


def find(page: Any, text: str) -> None:
    page.run(
        f"(() => {{ const s = document.querySelector('#search'); s.value = {text!r};"
        " s.dispatchEvent(new Event('input')) })()"
    )
    page.run(SETTLED)


def test_the_table_shows_every_contract_what_is_wrong_first(page: Any, path: Path, sample: Report) -> None:
    at(page, path)
    names = page.run(NAMES)
    assert sorted(names) == sorted(one.contract.name for one in sample.contracts)
    assert names[:5] == ["bad-v1", "capped-v1", "hostile-v1", "level-v1", "unrun-v1"]
    assert "23 claims: 10 discharged" in page.run("document.querySelector('h1').innerText")
    assert page.run("document.querySelector('.card').innerText.includes('newly refuted: bad-v1: PARITY-002')")
    assert "9 contracts" in page.run(SHOWN)


def test_search_finds_contracts_claims_and_mutants(page: Any, path: Path) -> None:
    at(page, path)
    find(page, "stale-v1")
    assert page.run(NAMES) == ["stale-v1"]
    find(page, "head-shifted LOGITS")  # a mutant and a word of the prediction of one claim
    assert "bad-v1" in page.run(NAMES)
    assert "stale-v1" not in page.run(NAMES)
    assert page.run("document.querySelector('.hits a').innerText") == "PARITY-002"
    find(page, "model absent")
    assert page.run(NAMES) == ["absent-v1"]
    assert page.run("document.querySelector('#found').innerText") == "1 contract, 2 claims found"
    find(page, "nothing of the kind")
    assert page.run(NAMES) == []
    assert "Nothing is found." in page.run(SHOWN)
    # the address holds the search, so that it can be handed on
    find(page, "stale-v1")
    assert page.run("location.hash") == "#/?q=stale-v1"
    at(page, path, "#/?q=unrun&state=wrong")
    assert page.run(NAMES) == ["unrun-v1"]
    assert page.run("document.querySelector('#search').value") == "unrun"


def test_states_filter_and_say_how_many_there_are(page: Any, path: Path) -> None:
    at(page, path)
    chips = "[...document.querySelectorAll('#states button')].map(one => one.innerText.replace(/\\s+/g, ' '))"
    assert page.run(chips) == ["all 9", "not as declared 5", "not all is known 2", "as declared 2"]
    page.click("#states [data-state=good]")
    assert page.run(NAMES) == ["format-v1", "good-v1"]
    page.press(*RIGHT)  # from the last to the first
    assert page.run(f"{FOCUS}.innerText.startsWith('all')")
    assert len(page.run(NAMES)) == 9
    page.press(*RIGHT)
    assert page.run("document.querySelector('#states [aria-checked=true]').dataset.state") == "wrong"
    find(page, "FORMAT-001")
    assert page.run(chips) == ["all 4", "not as declared 1", "not all is known 2", "as declared 1"]
    assert page.run(NAMES) == ["unrun-v1"]


def test_columns_sort_both_ways(page: Any, path: Path) -> None:
    at(page, path)
    page.click("#contracts th[data-name=contract] button")
    names = page.run(NAMES)
    assert names == sorted(names)
    assert page.run("document.querySelector('th[data-name=contract]').getAttribute('aria-sort')") == "ascending"
    page.click("#contracts th[data-name=contract] button")
    assert page.run(NAMES) == names[::-1]
    page.click("#contracts th[data-name=refuted] button")  # of a count the most comes first
    assert set(page.run(NAMES)[:2]) == {"bad-v1", "hostile-v1"}
    page.click("#contracts th[data-name=discharged] button")
    assert page.run(NAMES)[0] == "format-v1"  # 2/2 before 2/3


def test_a_deep_link_shows_a_contract_and_a_claim(page: Any, path: Path) -> None:
    at(page, path, "#/contract/bad-v1")
    shown = page.run(SHOWN)
    for needed in (
        "What it lacks to be ACTIVE_RUNTIME",
        "an entry was rewritten",
        "q'(m) = R(m) q",
        "Every stage is within its bound.\nIn isolation.",
        "measured reached, independent asked",
        "1/2 mutants killed",
        "off by 3.1 % at lm_head",
        "look at the head",
        "PARTIAL_ALGORITHM_LEVEL → ACTIVE_RUNTIME",
        "contracts/bad-v1.yaml:13",
        "discharged ↓1, refuted ↑1",
    ):
        assert needed in shown
    # what is not killed is open to see, the evidence a click away
    assert "not refuted" in shown
    assert "fedcba987654" not in shown
    page.click("[data-claim='PARITY-002'] details:last-child summary")
    for needed in ("fedcba987654", "aabbccddeeff0011", "subject numpy 2.4", "7 0123456789ab", "2026-11-21 10:00"):
        assert needed in page.run(SHOWN)
    at(page, path, "#/contract/bad-v1/PARITY-003")
    assert page.run(f"{FOCUS}.dataset.claim") == "PARITY-003"
    assert page.run("document.querySelector('.claim.target h3').innerText") == "PARITY-003"
    assert page.run("document.title") == "bad-v1: not as declared"
    at(page, path, "#/contract/good-v1/NONE-001")
    assert "This contract has no claim NONE-001." in page.run(SHOWN)
    at(page, path, "#/contract/none-v1")
    assert "This report holds no contract none-v1." in page.run(SHOWN)
    at(page, path, "#/contract/%E0%A4%A")
    assert "No such contract" in page.run(SHOWN)


def test_the_way_back_leads_to_the_search_one_came_from(page: Any, path: Path) -> None:
    at(page, path)
    find(page, "rope-halves")
    page.click("#contracts tbody a")
    page.run(SETTLED)
    assert page.run("document.body.dataset.page") == "contract"
    page.press(*ESCAPE)
    page.run(SETTLED)
    assert page.run("location.hash") == "#/?q=rope-halves"
    assert page.run("document.querySelector('#search').value") == "rope-halves"


def test_everything_can_be_done_with_the_keyboard(page: Any, path: Path) -> None:
    at(page, path)
    page.press(*SLASH)
    assert page.run(f"{FOCUS}.id") == "search"
    page.tell("Input.insertText", text="v1")
    page.run(SETTLED)
    assert len(page.run(NAMES)) == 9
    page.press(*ESCAPE)
    assert page.run("document.querySelector('#search').value") == ""
    page.run("document.querySelector('#contracts tbody a').focus()")
    page.press(*DOWN)
    assert page.run(f"{FOCUS}.innerText") == "capped-v1"
    page.press(*ENTER)
    page.run(SETTLED)
    assert page.run("location.hash") == "#/contract/capped-v1"
    assert "a bound was loosened" in page.run(SHOWN)
    assert page.run(f"{FOCUS}.id") == "main"  # so that the next key goes on from the top of the new page


def test_hypotheses_have_a_page_and_lead_to_their_claims(page: Any, maker: Any, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text(as_html(maker.with_hypotheses()), encoding="utf-8")
    at(page, tmp_path / "r.html")
    page.click("#card a")
    page.run(SETTLED)
    shown = page.run(SHOWN)
    assert "3 hypotheses: 1 refuted, 1 open, 1 moot" in shown
    assert "only the <b>biases</b> are" in shown
    assert page.run("document.querySelector('.tree .tree b').innerText") == "BIASES"
    assert "format-v1" not in shown
    page.click(".tree a")
    page.run(SETTLED)
    assert page.run("location.hash") == "#/contract/hypotheses-v1/PARITY-001"
    assert "the rotation is wrong" in page.run(SHOWN)  # the tree stands on the contract's own page, too
    page.resize(400, 800)
    at(page, tmp_path / "r.html", "#/hypotheses")
    assert page.run("document.documentElement.scrollWidth") <= 400


CONTRAST = """(() => {
  const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const element = document.querySelector('%s');
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(element.closest('section')).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()"""


def test_light_and_dark_follow_the_system_and_the_button(page: Any, path: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    at(page, path)
    page.run("localStorage.clear()")
    at(page, path)
    light = page.run(background)
    page.prefer("dark")
    at(page, path)
    assert page.run(background) != light
    page.click("#theme")
    assert page.run(background) == light
    page.open(path)
    assert page.run(background) == light  # it is remembered
    page.run("localStorage.clear()")
    for theme in ("light", "dark"):
        page.prefer(theme)
        at(page, path)
        for selector in (
            ".outcome",
            "h1",
            ".problems",
            "#found",
            "#contracts a",
            "#contracts .pill",
            "#contracts .bad",
        ):
            assert page.run(CONTRAST % selector) >= 4.5, (theme, selector)
        at(page, path, "#/contract/bad-v1")
        for selector in ("dt", "dd", ".pill.killed", ".pill.survived", ".lacks h3", ".note", ".plain thead th"):
            assert page.run(CONTRAST % selector) >= 4.5, (theme, selector)


@pytest.mark.parametrize("place", ["#/", "#/contract/bad-v1", "#/contract/hostile-v1"])
def test_on_a_telephone_nothing_sticks_out(page: Any, path: Path, place: str) -> None:
    page.resize(400, 800)
    at(page, path, place)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.run("document.documentElement.scrollWidth") <= 400


def test_hostile_texts_run_nothing(page: Any, path: Path) -> None:
    at(page, path)
    find(page, "<img")
    assert page.run("document.querySelector('.hits a').innerText") == "<img src=x onerror=window.hacked=1>"
    page.click(".hits a")
    page.run(SETTLED)
    assert page.run("document.querySelector('.claim.target h3').innerText") == "<img src=x onerror=window.hacked=1>"
    assert "</script><img src=x onerror='window.hacked=1'>" in page.run(SHOWN)
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    assert "\u202e" not in page.run("document.body.textContent")


def test_a_script_that_got_in_all_the_same_does_not_run(started: Any, path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(
        '<div id="page">', '<script>window.hacked = 1</script><div id="page">'
    )
    (tmp_path / "r.html").write_text(text, encoding="utf-8")
    started.errors.clear()
    started.open(tmp_path / "r.html")
    assert started.run("window.hacked") is None
    assert any("Content Security Policy" in error for error in started.errors)


def test_without_scripts_it_is_one_long_page(page: Any, path: Path) -> None:
    page.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(path)
    finally:
        page.tell("Emulation.setScriptExecutionDisabled", value=False)
    shown = page.run("document.querySelector('noscript').innerText")
    assert "PARITY-002: refuted: off by 3.1 % at lm_head" in shown
    assert "9 contracts" in shown
    assert page.run("getComputedStyle(document.querySelector('#theme')).display") == "none"


def test_of_many_contracts_few_are_drawn(page: Any, maker: Any, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text(as_html(maker.many(500)), encoding="utf-8")
    at(page, tmp_path / "r.html")
    assert len(page.run(NAMES)) == 400
    page.click("#more")
    assert len(page.run(NAMES)) == 500
    find(page, "contract-0456")
    assert page.run(NAMES) == ["contract-0456-v1"]
    page.click("#contracts tbody a")
    page.run(SETTLED)
    assert page.run("document.querySelectorAll('.claim').length") == 10
    assert page.run("document.querySelectorAll('#page *').length") < 3000  # the others are not there
