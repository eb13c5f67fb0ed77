"""The site of the documentation: it builds without a warning, every link leads somewhere, and nothing is asked of another host."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
OF_THE_BROWSER = {("link", "canonical"), ("a", "")}  # what a browser does not fetch by itself

pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'pv-falsify[docs]'")


class Reading(HTMLParser):
    """What a page links to, what it fetches, and the anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        address = given.get("href") or given.get("src")
        if not address or address.startswith("data:"):
            return
        self.links.append(address)
        if (tag, given.get("rel", "") if tag == "link" else "") not in OF_THE_BROWSER:
            self.fetched.append(address)


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def read(site: Path) -> dict[Path, Reading]:
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = Reading()
        pages[path].feed(path.read_text("utf-8"))
    return pages


def broken(site: Path, pages: dict[Path, Reading]) -> list[str]:
    """Every link that leads nowhere, as `page -> link`."""
    found = []
    for path, page in pages.items():
        for link in page.links:
            where, anchor = urldefrag(link)
            if urlsplit(where).scheme or where.startswith("//") or path.name == "404.html":
                continue  # other hosts; and the page for what is not there, whose links are those of a server
            target = (path.parent / unquote(where)).resolve() if where else path
            there = target.is_file() and target.is_relative_to(site)
            if not there or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                found.append(f"{path.relative_to(site)} -> {link}")
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", target)
    assert done.returncode == 0, done.stderr
    return target


def test_every_link_leads_somewhere_and_nothing_is_fetched_elsewhere(site: Path) -> None:
    pages = read(site)
    known = {path.relative_to(site).with_suffix(".md") for path in pages}
    documents = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert documents <= known  # every page is there
    assert {path.name for path in (ROOT / "docs/contracts").glob("*.html")} <= {path.name for path in pages}
    assert broken(site, pages) == []
    for path, page in pages.items():
        assert not [one for one in page.fetched if urlsplit(one).scheme or one.startswith("//")], path


def test_a_page_with_a_link_to_nothing_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# A\n\n[b](b.md)\n")
    settings = (ROOT / "mkdocs.yml").read_text().replace("hooks: [docs/site_hooks.py]", "")
    (tmp_path / "mkdocs.yml").write_text(settings.replace("extra_css: [site.css]", ""))
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 1
    assert "contains a link 'b.md', but the target is not found" in done.stderr


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html">b</a><a href="#y">y</a><a href="#x">x</a>')
    assert broken(tmp_path, read(tmp_path)) == ["a.html -> b.html", "a.html -> #y"]


def test_no_page_is_wider_than_the_window(site: Path, browser: ModuleType) -> None:
    pages = (
        *("index", "tutorial/your-own-engine", "reference/cli", "reference/versioning"),
        *("decisions/0013-bounds-are-derived", "contracts/softmax-v1"),
    )
    with browser.Browser() as page:
        for theme, width in (("light", 1280), ("dark", 390)):
            page.prefer(theme)
            page.resize(width, 844)
            page.open(site / "index.html")
            page.run("localStorage.clear()")  # the theme that was chosen last wins over what the system prefers
            for name in pages:
                page.open(site / f"{name}.html")
                assert page.run("document.documentElement.scrollWidth") <= width, (name, width)
                if not name.startswith("contracts"):
                    scheme = page.run("document.body.getAttribute('data-md-color-scheme')")
                    assert scheme == {"light": "default", "dark": "slate"}[theme]
        assert page.errors == []
        assert not [one for one in page.requests if not one.startswith(("file:", "data:", "about:", "blob:"))]
