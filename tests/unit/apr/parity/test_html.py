"""The HTML report as a file: whole without a script and without a network, foreign text harmless, numbers true."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from apr.errors import UsageError
from apr.parity.histogram import honest
from apr.parity.html import page, write_report
from apr.parity.html.data import DIGITS, MOST_POINTS, profile, report_data, short
from apr.parity.result import VIEWS, Kind, Measurement, Party, Verdict
from apr.parity.summary import bounded, rows
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

REPLAY = "apr parity llama.cpp --against numpy:ggml 'a b.gguf' --tokens 1,2"


class Page(HTMLParser):
    """Elements, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts.setdefault(tag, []).append(data)

    def text(self, tag: str) -> str:
        return "".join(self.texts.get(tag, []))


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


def test_the_page_says_the_verdict_and_every_stage_without_a_script(builders: ModuleType) -> None:
    made = builders.measurement()
    text = page(made, builders.verdict(made), REPLAY)
    parsed = Page(text)
    assert "The sides part at attn_out, layer 1, position 5, channel 17: gain" in parsed.text("h1")
    assert REPLAY in parsed.text("pre")
    table = parsed.text("noscript")
    for key in made.expected:
        assert key.stage in table
    assert table.count("inherits") == 23
    said = parsed.text("main")
    for needed in ("ab" * 32, "cd" * 32, "numpy 2.4.6", "avx2, fma, f16c", "0,1,2,3,4,5,6,7", "Once upon a time"):
        assert needed in said


def test_nothing_is_loaded_from_anywhere_and_only_our_script_may_run(builders: ModuleType) -> None:
    made = builders.measurement()
    text = page(made, builders.verdict(made), REPLAY)
    parsed = Page(text)
    for tag, attributes in parsed.tags:
        assert "src" not in attributes, tag
        assert attributes.get("href", "data:,") == "data:,", tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "style" not in attributes, tag
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    (policy,) = [a["content"] or "" for tag, a in parsed.tags if tag == "meta" and "http-equiv" in a]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy


def test_foreign_text_is_text_wherever_it_stands(builders: ModuleType) -> None:
    hostile = builders.HOSTILE
    made = builders.measurement(model=hostile)
    made.subject = replace(made.subject, spec=f"cmd:{hostile}", engine=hostile, build=hostile, arithmetic=hostile)
    made.origin = replace(made.origin, prompts=(hostile,), versions={hostile: hostile}, machine=hostile)
    made.notes.append(hostile)
    made.missing.append((hostile, StageKey("ffn_up", 0), hostile))
    made.cells = [
        replace(cell, because=(hostile,), kind=Kind(hostile, hostile, 0.5) if cell.kind else None)
        for cell in made.cells
    ]
    made.votes = {place: replace(vote, because=hostile, distances={hostile: 1.0}) for place, vote in made.votes.items()}
    text = page(made, replace(builders.verdict(made), reason=hostile), hostile)
    parsed = Page(text)
    # ours: the data and the script; one more would be theirs
    assert [tag for tag, _ in parsed.tags].count("script") == 2
    assert "window.hacked" not in re.sub(
        r"&lt;script&gt;window.hacked=1&lt;/script&gt;|\\u003cscript>window.hacked", "", text
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    json.dumps(data_of(text))


def test_the_numbers_in_the_page_are_those_of_the_measurement(builders: ModuleType) -> None:
    made = builders.measurement(prompts=2)
    verdict = builders.verdict(made)
    data = data_of(page(made, verdict))
    assert len(data["rows"]) == 2 * len(made.expected)
    assert data["layers"] == [0, 1, 2]
    assert data["prompts"] == [8, 8]
    assert data["first"] == [0, "attn_out", 1]
    shown = {(row["prompt"], row["stage"], row["layer"]): row for row in data["rows"]}
    for row in rows(made, verdict):
        packed = shown[row.prompt, row.key.stage, row.key.layer]
        for name in ("isolated", "accumulated", "gain", "excess", "bound"):
            assert packed[name] == pytest.approx(getattr(row, name), rel=1e-3), (row.key, name)
        assert packed["state"] == row.state
        assert [content["view"] for content in packed["cells"]] == [view for view in VIEWS if view in row.cells]
        for content in packed["cells"]:
            cell = row.cells[content["view"]]
            of = cell.difference
            distances = (of.relative_rms, of.max_abs_diff, of.rms_diff, of.nmse, 1 - of.cosine)
            assert content["numbers"][:5] == pytest.approx(distances, rel=1e-3)
            assert content["numbers"][5:7] == [cell.difference.n_different, cell.difference.count]
            assert content["numbers"][9] == cell.difference.worst_position
            tests = content.get("tests", [])
            assert [test[0] for test in tests] == [one.test.name for one in bounded(cell, verdict)]
            assert [test[2] for test in tests] == pytest.approx([one.bound for one in bounded(cell, verdict)], rel=1e-3)
    assert data["honest"] == pytest.approx(honest(1), rel=1e-3)
    (vote,) = data["votes"]
    assert (vote["stage"], vote["culprit"], len(vote["distances"])) == ("attn_out", "subject", 3)
    (ladder,) = data["ladders"]
    assert [rung[0] for rung in ladder["rungs"]] == ["activation rounding", "operation"]


def unpacked(text: str) -> list[float]:
    codes = [DIGITS.index(high) * 64 + DIGITS.index(low) for high, low in zip(text[::2], text[1::2], strict=True)]
    return [0.0 if code == 0 else math.inf if code == 4095 else 10 ** ((code - 1) / 4093 * 40 - 20) for code in codes]


def test_a_profile_takes_two_characters_and_keeps_a_hundredth_of_a_decade() -> None:
    values = [0.0, 1e-20, 3.3e-9, 0.5, 1.0, 7e12, 1e20]
    assert len(profile(values)) == 2 * len(values)
    assert unpacked(profile(values)) == pytest.approx(values, rel=0.012)
    assert unpacked(profile([math.nan, math.inf, 1e-40, 1e40])) == pytest.approx([math.inf, math.inf, 1e-20, 1e20])


def test_of_a_long_profile_the_worst_of_neighbours_stays() -> None:
    values = [1e-6] * 5000
    values[3210], values[4999] = 0.5, math.nan
    found = unpacked(profile(values))
    assert len(found) <= MOST_POINTS
    assert [value for value in found if value > 1e-3] == [pytest.approx(0.5, rel=0.012), math.inf]


def test_numbers_are_short_and_json() -> None:
    assert [short(value) for value in (1.23456789e-7, 0.0, None, 12345678, math.nan, -math.inf)] == [
        1.235e-7,
        0.0,
        None,
        12345678,
        "nan",
        "-inf",
    ]


def test_what_was_not_compared_still_has_its_place(builders: ModuleType) -> None:
    made = builders.measurement(fault=None)
    gone = StageKey("ffn_up", 1)
    made.cells = [cell for cell in made.cells if cell.key != gone]
    made.missing.append(("subject", gone, "was not written"))
    (row,) = [
        row
        for row in report_data(made, builders.verdict(made, None))["rows"]
        if (row["stage"], row["layer"]) == ("ffn_up", 1)
    ]
    assert (row["state"], row["isolated"], row["cells"]) == ("missing", None, [])
    assert row["missing"] == ["subject: was not written"]


def test_why_something_is_missing_is_harmless_text(builders: ModuleType) -> None:
    made = builders.measurement(fault=None)
    gone = StageKey("ffn_up", 1)
    made.missing.append(("subject", gone, "line\x1b[31m\u202eone"))
    data = report_data(made, builders.verdict(made, None))
    (told,) = [row["missing"] for row in data["rows"] if row["missing"]]
    assert told == [r"subject: line\x1b[31m\u202eone"]


def test_ids_are_marked_as_such(builders: ModuleType) -> None:
    made = builders.measurement(fault=None)
    made.cells[0] = replace(made.cells[0], difference=replace(made.cells[0].difference, integers=True))
    cells = [cell for row in report_data(made, builders.verdict(made, None))["rows"] for cell in row["cells"]]
    assert [cell.get("ids", False) for cell in cells] == [True] + [False] * (len(cells) - 1)


def test_an_incomparable_pair_has_a_page_too() -> None:
    refused = Measurement(Party("a", "a", "", "f32"), Party("b", "b", "", "f32"), incomparable="7 tokens and 1 token")
    verdict = Verdict("incomparable", "7 tokens and 1 token", comparable=False, complete=False, alpha=1e-6)
    text = page(refused, verdict)
    assert Page(text).text("h1") == "7 tokens and 1 token."
    assert data_of(text)["rows"] == []


def test_a_large_run_stays_moderate(builders: ModuleType) -> None:
    made = builders.measurement(layers=30, positions=16)
    size = len(page(made, builders.verdict(made)))
    assert size < 2_500 * len(made.expected), "bytes a stage"


def test_a_report_that_cannot_be_written_is_one_message_and_leaves_nothing(
    builders: ModuleType, tmp_path: Path
) -> None:
    made = builders.measurement(layers=2)
    verdict = builders.verdict(made)
    write_report(tmp_path / "r.html", made, verdict, REPLAY)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page(made, verdict, REPLAY)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(UsageError, match="nowhere"):
        write_report(tmp_path / "nowhere" / "r.html", made, verdict)
