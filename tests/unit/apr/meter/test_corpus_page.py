"""The page of a corpus: everything is in it, nothing foreign acts in it, and it can be read in every browser's window."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from apr.errors import AprError
from apr.meter.compare import Settings
from apr.meter.corpus import CorpusReport, Judged
from apr.meter.html import page, write_page
from apr.meter.meta import Meta
from apr.meter.pairs import Pair
from apr.meter.report import Report
from tests.unit.apr.meter.sessions import STUDENT, TEACHER, bash, read, report, used

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

EVIL = "<script>alert(1)</script>\x1b[31m\"'&"


def corpus(folder: Path) -> CorpusReport:
    many = [read(f"{number}.txt") for number in range(8)]
    reports = {
        "0001-same": report([bash("ls")], [bash("ls")]),
        f"0002-{EVIL.replace('/', '')}": report([bash(EVIL)], [bash("a  b"), used(EVIL)]),
        "0003-long": report([*many, bash("x" * 300)], [bash("y" * 300), *many]),
        "0004-vacuous": report([], []),
        "0005-incomparable": Report(TEACHER, STUDENT, f"prompt 1 differs: {EVIL}"),
    }
    meta = Meta(f"About {EVIL} {'w' * 200}", (), {}, {}, None, None)
    return CorpusReport(tuple(Judged(Pair(name, folder, meta), found) for name, found in reports.items()), Settings())


class Outline(HTMLParser):
    """Elements that are open and never closed, and everything that could fetch or act."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.acting: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "col"}:
            self.open.append(tag)
        self.acting += [(tag, *attr) for attr in attrs if attr[0].startswith("on") or attr[0] == "src"]
        self.acting += [tag] if tag in {"script", "iframe", "object", "form", "img"} else []
        self.acting += [
            value for name, value in attrs if name == "href" and value and not value.startswith(("#", "data:"))
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_all_is_there_and_nothing_acts(tmp_path: Path) -> None:
    found = corpus(tmp_path)
    text = page(found, f"corpus {EVIL}")
    outline = Outline()
    outline.feed(text)
    assert (outline.open, outline.acting) == ([], [])
    assert EVIL not in text
    assert "\x1b" not in text
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;\x1b[31m&quot;&#x27;&amp;" in text
    assert "<h1>mean 0.6" in text
    for one in found.judged:
        assert text.count(f'<span class="verdict {one.report.verdict}">') >= 1
    linked = re.findall(r'href="#(pair-\d+)"', text)
    assert linked == re.findall(r'id="(pair-\d+)"', text) == ["pair-1", "pair-2", "pair-3", "pair-4"]
    assert text.count('class="moved"') + text.count('class="other"') + text.count('class="extra"') >= 3
    assert text.count("<li><code>") == sum(len(one.report.drifts) for one in found.judged)
    assert page(found, f"corpus {EVIL}") == text


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", corpus(tmp_path), "x")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page(corpus(tmp_path), "x")
    with pytest.raises(AprError):
        write_page(tmp_path / "missing" / "page.html", corpus(tmp_path), "x")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_in_a_browser_wide_and_narrow_light_and_dark(tmp_path: Path, browser: ModuleType) -> None:
    path = tmp_path / "page.html"
    write_page(path, corpus(tmp_path), "x")
    colours = set()
    for width, theme in ((1280, "light"), (1280, "dark"), (400, "dark")):
        with browser.Browser(width, 900) as shown:
            shown.prefer(theme)
            shown.open(path)
            assert shown.errors == []
            assert shown.requests == [path.resolve().as_uri()]
            assert shown.run("document.documentElement.scrollWidth") <= width
            colours.add(shown.run("getComputedStyle(document.body).backgroundColor"))
            # blanks in a row are what some pairs differ in
            assert shown.run("getComputedStyle(document.querySelector('.beside code')).whiteSpace") == "pre-wrap"
    assert len(colours) == 2
