"""The reference page says what the code does: every key, every category, every bound that it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from apr.meter.align import _LARGE, BOUND
from apr.meter.compare import Settings
from apr.meter.corpus import CorpusReport
from apr.meter.drift import MEANINGS, Category, Drift
from apr.meter.report import Producer, Report

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reference" / "ccpa-diff-v1.md").read_text(encoding="utf-8")
NOBODY = Producer("claude-code", "m", "s")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def keys(table: str) -> list[str]:
    """What stands in the first column."""
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [key for row in rows for key in re.findall(r"`([^`]+)`", row)]


def test_every_key_of_both_reports_is_explained() -> None:
    drift = Drift(Category.MISSING_TOOL_CALL, 0, None, "Bash")
    assert keys(section("`ccpa diff --json`")) == list(Report(NOBODY, NOBODY).as_json())
    assert keys(section("A drift"))[: len(drift.as_json())] == list(drift.as_json())
    assert [key for key in keys(section("`ccpa corpus --json`")) if key != "expect"] == list(
        CorpusReport((), Settings()).as_json()
    )


def test_the_table_of_categories_is_the_code_s() -> None:
    def cell(name: str | None) -> str:
        return f"`{name}`" if name else "-"

    def rows() -> Iterable[str]:
        for category, meaning in MEANINGS.items():
            yield f"| `{category.value}` | {meaning.text} | {cell(meaning.code)} | {cell(meaning.contract)} |"

    told = [line for line in section("A drift").splitlines() if re.match(r"\| `\w+_\w+` \|", line)]
    assert told == list(rows())
    assert set(MEANINGS) == set(Category)


def test_the_bounds_of_exact_alignment_are_the_code_s() -> None:
    assert f"at most {BOUND} actions" in PAGE
    assert _LARGE == 2**32
    assert "2<sup>32</sup>" in PAGE
