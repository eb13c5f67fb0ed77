"""The pages of docs/reference that are written out of the code."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import KEYS, VALIDATE
from pv.policy import SEVERITIES
from pv.report.finding_formats import FINDING_FORMATS
from pv.report.manual import mends
from pv.rules import all_rules

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """docs/make.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_what_the_code_says(make: ModuleType) -> None:
    assert make.outdated() == [], "run `make docs`"


def test_a_page_that_is_not_is_named_and_written(
    make: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["make.py", "--check"])
    assert make.main() == 1
    assert capsys.readouterr().out.count("out of date; run `make docs`") == len(make.PAGES)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(sys, "argv", ["make.py"])
    assert make.main() == 0
    assert make.outdated() == []
    (tmp_path / "rules.md").write_bytes((tmp_path / "rules.md").read_bytes().replace(b"\n", b"\r\n"))
    assert make.outdated() == ["rules.md"]


def test_the_pages_depend_on_no_terminal(make: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [write() for write in make.PAGES.values()]
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert [write() for write in make.PAGES.values()] == before


def test_nothing_is_left_out(make: ModuleType) -> None:
    rules, validate = make.rules_page(), make.validate_page()
    for rule in all_rules():
        assert rules.count(f"\n### {rule.CODE}\n") == rules.count(f"| [{rule.CODE}](#{rule.CODE.lower()}) |") == 1
    for word in (*FINDING_FORMATS, *KEYS, *VALIDATE, *SEVERITIES):
        assert f"| `{word}` | " in validate
    for option in ("--stdin-filename PATH", "--diff", "--check", "--force", "--dry-run", "--write"):
        assert f"`{option}`" in validate
    assert all(
        f"\n## pv {name}\n" in validate for name in ("validate", "fix", "init", "new", "missing", "list", "show")
    )


def test_every_command_stands_in_the_reference_and_says_how_it_ends(make: ModuleType) -> None:
    page = make.PAGES["cli.md"]()
    sections = {one.partition("\n")[0]: one for one in page.split("\n## ")[1:]}
    from apr.ccpa.cli import CCPA
    from apr.cli import APR
    from pv.arguments import parser

    (below,) = (one.choices for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    known = {f"pv {name}" for name in below} | {f"{of.name} {name}" for of in (APR, CCPA) for name in of.commands}
    assert known == {name for name in sections if name.count(" ") == 1}
    for name, text in sections.items():
        if name != "pv pin":
            assert re.search(r"[Ee]xit codes?: .*\b0 .*\b2 ", text, re.DOTALL), name
    assert "`--tokens IDS`" in sections["apr parity"]
    assert (
        "`--max-findings N` | show so many of a file, and say how many more there are (100 if"
        in sections["ccpa validate"]
    )
    assert "%(" not in page


def test_a_word_that_nobody_described_is_no_page(make: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from docs import vocabulary

    assert "`mislocalised`" in make.PAGES["words.md"]()
    assert "`--subject NAME=MODULE`" in make.PAGES["pytest.md"]()
    assert "--pv-again" not in make.PAGES["pytest.md"]()  # hidden options stay hidden
    monkeypatch.setattr(vocabulary, "_LEVELS", {"algorithm": "made-up input"})
    with pytest.raises(ValueError, match="level: the code has algorithm, authored"):
        make.PAGES["words.md"]()


def test_examples_stay_and_prose_holds_no_markup(make: ModuleType) -> None:
    page = make._markdown("a <b> `<c|d>` *e* [f]\n\n    <g>: *h")
    assert page == "a \\<b> `<c|d>` \\*e\\* \\[f\\]\n\n    <g>: *h"
    assert make._table(("x",), [("a|b",)]) == "| x |\n| --- |\n| a\\|b |"


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.CODE)
def test_a_page_says_so_where_there_is_a_fix(rule: Any) -> None:
    source = inspect.getsource(rule)
    assert mends(rule) is ("Fix(" in source or "renamed(" in source)
