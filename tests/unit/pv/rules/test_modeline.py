"""The comment by which an editor finds the schema; asked for only where the project keeps a copy of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.corpus import read_text
from pv.source import Source
from pv.types import Fix, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.types import Diagnostic
    from tests.unit.pv.rules.conftest import Tried

    Find = Callable[[str], list[Diagnostic]]

CODE = "PV108"
LINE = "# yaml-language-server: $schema="
RIGHT = "../schema/c%20s.json"
REST = "metadata: {version: '1', description: d, references: [r]}\n"


@pytest.fixture
def find(rule: Tried) -> Find:
    """What is found in a text that stands in a/b.yaml, in a project whose schema is `schema/c s.json`."""
    for folder in ("a", "schema"):
        (rule.folder / folder).mkdir()
    rule.index.schema = rule.folder / "schema" / "c s.json"
    rule.index.schema.write_text("{}")

    def found(text: str) -> list[Diagnostic]:
        reading = read_text(rule.folder / "a" / "b.yaml", Source("a/b.yaml", text), index=rule.index)
        return [one for one in reading.findings if one.code == CODE]

    return found


@pytest.mark.parametrize(
    "head",
    [
        f"{LINE}{RIGHT}\n",
        f"---\n  #yaml-language-server : and $schema={RIGHT} \n",
        f"{LINE}https://example.org/s.json\n",
        f"{LINE}../schema/../schema/c%20s.json\r\n",
    ],
)
def test_good(find: Find, head: str) -> None:
    assert find(head + REST) == []


def test_a_path_from_the_root_leads_to_the_file_as_well(find: Find, rule: Tried) -> None:
    path = str(rule.index.schema).replace(" ", "%20")
    assert find(f"{LINE}{path}\n{REST}") == find(f"{LINE}file://{path}\n{REST}") == []


def test_nothing_is_asked_for_where_the_project_keeps_no_schema(find: Find, rule: Tried) -> None:
    assert find(REST)
    rule.index.schema = None
    assert find(REST) == []
    assert find(f"{LINE}gone.json\n{REST}") == []


@pytest.mark.parametrize(("head", "newline"), [("", "\n"), ("---\r\n", "\r\n"), ("# a comment\r", "\r")])
def test_none(find: Find, head: str, newline: str) -> None:
    (found,) = find(head + REST)
    assert found.span == Span(1, 1)
    assert found.fix == Fix(Span(1, 1, 0), f"{LINE}{RIGHT}{newline}")


@pytest.mark.parametrize("name", ["", "gone.json", "../schema", "c%20s.json", "file:///gone.json", "a" * 5000])
def test_one_that_leads_nowhere(find: Find, name: str) -> None:
    (found,) = find(f"---\n{LINE}{name}\n{REST}")
    assert found.span.line == 2
    assert found.fix == Fix(Span(2, len(LINE) + 1, len(name)), RIGHT)


def test_one_without_a_schema_is_left_to_a_person(find: Find) -> None:
    (found,) = find(f"# yaml-language-server: $Schema={RIGHT}\n{REST}")
    assert "names no schema" in found.message
    assert found.fix is None


def test_no_path_is_offered_that_leads_nowhere_either(find: Find, rule: Tried) -> None:
    assert rule.index.schema is not None
    rule.index.schema.unlink()
    (found,) = find(REST)
    assert found.fix is None
    assert "`pv schema` prints" in str(found.help)


def test_the_examples_on_the_page(rule: Tried) -> None:
    page = (rule.rule.__doc__ or "").replace("\n    ", "\n")
    bad, good = (part.split("\n\n")[1] for part in page.split("Bad:")[1].split("Good:"))
    rule.index.schema = rule.folder / "contract.schema.json"
    rule.index.schema.write_text("{}")
    assert [one.code for one in rule.read(good).errors] == []
    assert rule.found(good) == []
    assert "gone.schema.json" in rule.found(bad)[0].message
