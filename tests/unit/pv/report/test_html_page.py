"""The HTML report as text: what it holds, and what it must not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from pv.report.html.page import as_html

if TYPE_CHECKING:
    from pv.status import Report


class Reader(HTMLParser):
    """The tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def data_of(report: Report) -> Any:
    return json.loads(Reader(as_html(report)).scripts[0])


def test_it_asks_for_nothing_and_only_its_own_script_may_run(sample: Report) -> None:
    page = Reader(as_html(sample))
    outside = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset") and value and not value.startswith(("#", "data:"))
    ]
    assert outside == []
    assert not re.search(r"@import|url\(", as_html(sample))
    (policy,) = [str(one["content"]) for tag, one in page.tags if one.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert len(page.scripts) == 2


def test_hostile_texts_open_no_tag_and_end_no_script(maker: Any, sample: Report) -> None:
    harmless = maker.report(maker.status(maker.format, "x-v1"))
    allowed = {tag for tag, _ in Reader(as_html(harmless)).tags} | {"ul", "li", "br"}
    page = Reader(as_html(sample))
    assert {tag for tag, _ in page.tags} <= allowed
    assert not [one for _, one in page.tags if any(name.startswith("on") for name in one)]
    (hostile,) = [one for one in json.loads(page.scripts[0])["contracts"] if one["name"] == "hostile-v1"]
    assert hostile["claims"][0]["id"] == "<img src=x onerror=window.hacked=1>"
    assert "</script><img src=x" in hostile["claims"][1]["detail"]
    assert "\\u{202e}gnp.exe\\u{1b}[2J" in hostile["claims"][1]["detail"]
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", as_html(sample))


def test_the_data_holds_what_the_pages_show(sample: Report) -> None:
    data = data_of(sample)
    by_name = {one["name"]: one for one in data["contracts"]}
    bad = by_name["bad-v1"]
    assert (bad["state"], bad["declared"], bad["effective"]) == ("wrong", "ACTIVE_RUNTIME", "REFUTED")
    assert bad["lacks"][1] == ["PARITY-002", ["refuted: off by 3.1 % at lm_head"]]
    assert bad["remarks"] == [["history", "an entry was rewritten", "", True, False, 18, "put it back as it was"]]
    assert bad["equations"][0] == ["rope", "q'(m) = R(m) q"]
    assert bad["history"][0] == [
        "2026-11-01",
        "PROPOSED",
        "PARTIAL_ALGORITHM_LEVEL",
        "first claims run",
        [["version", "0.9.0"]],
    ]
    claim = bad["claims"][0]
    assert claim["mutants"][1] == ["norm-gain[16]", "survived", "attn_norm", "not refuted", ""]
    label, verdict, compared, level, when, commit, engines, environment, line, id_, seconds = claim["evidence"][0]
    assert (label, verdict, compared, level, when) == ("16", "discharged", "576 values", "measured", "2026-11-21 10:00")
    assert [data["words"][one] for one in (commit, engines, environment)] == [
        "fedcba987654",
        "subject numpy 2.4",
        "aabbccddeeff0011",
    ]
    assert (line, id_, seconds) == (7, "0123456789ab", 0.25)
    assert by_name["stale-v1"]["claims"][0]["evidence"][0][1] == "stale"
    assert by_name["good-v1"]["claims"][0]["worst"] == "2e-07 of 1e-06 at stage q_rope, layer 3"


def test_contracts_of_one_name_are_told_apart(maker: Any) -> None:
    from dataclasses import replace

    one = maker.status(maker.format, "x-v1")
    other = replace(one, contract=replace(one.contract, path="more/x-v1.yaml"))
    assert [each["name"] for each in data_of(maker.report(one, other))["contracts"]] == [
        "contracts/x-v1.yaml",
        "more/x-v1.yaml",
    ]


def test_thousands_of_contracts_make_a_page_of_some_megabytes(maker: Any) -> None:
    small, large = (len(as_html(maker.many(number))) for number in (20, 100))
    each = (large - small) / 80
    # with ten claims, ten mutants and twenty pieces of evidence: 2,000 of them stay below 25 MB
    assert each < 12_500


def test_without_scripts_everything_is_on_one_long_page(sample: Report) -> None:
    text = as_html(sample)
    static = text[text.index("<noscript>") : text.index("</noscript>")]
    for one in sample.contracts:
        assert f"<h2>{one.contract.name}</h2>" in static
    assert "1 mutant survived: norm-gain" in static
    assert "PARITY-002: refuted: off by 3.1 % at lm_head" in static
    assert static.count("<details open>") == sum(
        one.contract.name not in ("good-v1", "format-v1") for one in sample.contracts
    )
