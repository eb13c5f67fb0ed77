"""What is quoted of the pages of rules."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pv.corpus import read_text
from pv.index import Index
from pv.report.manual import FAMILIES, body, family, ignorable, mends, page, title, titles
from pv.rules import all_rules, codes
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.rules import Rule

RULES = all_rules()


def test_every_rule_has_a_title_a_body_and_a_family() -> None:
    assert list(titles()) == codes()
    for rule in RULES:
        assert title(rule)
        assert rule.CODE not in title(rule)
        assert "Upstream:" in body(rule)
        assert family(rule.CODE) in FAMILIES.values()
    assert (family("PV241"), family("PV208"), family("XX1")) == (
        "predictions, and what is executable",
        "structure",
        "others",
    )


def test_a_page_is_as_wide_as_asked_for_but_its_examples() -> None:
    text = "T (PV101).\n\n" + "word " * 50 + "\n\nBad:\n\n    " + "x" * 90 + "\n\n- " + "item " * 30
    rule = cast("Rule", SimpleNamespace(__doc__=text, CODE="PV101", SEVERITY="error"))
    for columns in (50, 80):
        lines = page(rule, columns).splitlines()
        assert max(len(line) for line in lines if not line.startswith((" ", "-"))) <= columns
        assert "    " + "x" * 90 in lines
        assert "- " + ("item " * 30).strip() in lines


def test_only_what_is_read_at_all_can_be_ignored() -> None:
    assert [rule.CODE for rule in RULES if not ignorable(rule)] == [f"PV00{number}" for number in range(1, 9)]


@pytest.mark.parametrize("rule", [rule for rule in RULES if mends(rule)], ids=lambda rule: rule.CODE)
def test_a_rule_that_says_so_has_a_fix(rule: Any) -> None:
    names = {"Fix", "renamed", "quoted"} & set(vars(rule))
    assert names, f"{rule.CODE} says that `pv fix` mends it, and makes no fix"


def test_a_rule_with_a_fix_says_so(whole_of: Callable[[str], str]) -> None:
    told = set()
    for rule in RULES:
        found = re.search(r"^Bad:\n\n((?:    .*\n|\n)+)", rule.__doc__ or "", re.MULTILINE)
        text = whole_of(re.sub("^    ", "", found[1], flags=re.MULTILINE)) if found else ""
        reading = read_text(Path("base-v1.yaml"), Source("base-v1.yaml", text), index=Index(list, str))
        told |= {one.code for one in reading.findings if one.fix}
    assert told
    assert told <= {rule.CODE for rule in RULES if mends(rule)}
