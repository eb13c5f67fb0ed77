"""Files of rows: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from apr.errors import UnusableInput
from apr.meter.rows import Feature, Row, load_rows

CORPUS = Path(__file__).resolve().parents[4] / "fixtures" / "action-traces"
ROW = "rows:\n  - {id: a, about: does a, status: SHIPPED, "


def load(folder: Path, text: str) -> list[Row]:
    path = folder / "rows.yaml"
    path.write_bytes(text.encode())
    return load_rows(path)


def test_features_of_every_kind(tmp_path: Path) -> None:
    (row,) = load(
        tmp_path,
        """\
rows:
  - id: all
    about: everything
    status: PARTIAL
    feature:
      - {tool: "mcp__*"}
      - {tool: Read, field: offset, where: {file_path: "*.md"}}
      - {hook: PreToolUse, field: decision}
      - {skill: "*", where: {source: user_invoked}}
      - {result: exit_code}
      - {course: true}
      - {files: true}
""",
    )
    assert row.features == (
        Feature("tool", "mcp__*"),
        Feature("tool", "Read", "offset", {"file_path": "*.md"}),
        Feature("hook", "PreToolUse", "decision"),
        Feature("skill", "*", None, {"source": "user_invoked"}),
        Feature("result", "exit_code"),
        Feature("course"),
        Feature("files"),
    )
    assert [str(feature) for feature in row.features] == [
        "tool mcp__*",
        "tool Read.offset where file_path is *.md",
        "hook PreToolUse.decision",
        "skill * where source is user_invoked",
        "result exit_code",
        "course",
        "files",
    ]


def test_what_has_to_be_covered(tmp_path: Path) -> None:
    rows = load(
        tmp_path,
        """\
rows:
  - {id: a, about: shipped, status: SHIPPED, feature: {tool: Bash}}
  - {id: b, about: partly, status: PARTIAL, feature: {tool: Read}}
  - {id: c, about: not there, status: MISSING}
  - {id: d, about: not there but known, status: MISSING, feature: {tool: Monitor}}
  - {id: e, about: not to be seen, status: SHIPPED, out_of_scope: keys leave no trace}
""",
    )
    assert [row.id for row in rows if row.wanted] == ["a", "b"]
    assert rows[4].out_of_scope == "keys leave no trace"


def test_the_packaged_matrix() -> None:
    rows = {row.id: row for row in load_rows(CORPUS / "rows.yaml")}
    assert sum(row.wanted for row in rows.values()) == 21
    assert {name for name, row in rows.items() if row.out_of_scope} == {"keyboard-shortcuts", "status-line"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "should hold `rows:`"),
        ("[]", "should hold `rows:`"),
        ("rows: {a: 1}", "should hold `rows:`"),
        ("rows: []\nmore: 1", "should hold `rows:`"),
        ("rows: []", "no row has to be covered"),
        ("rows: [{id: a, about: b, status: MISSING}]", "no row has to be covered"),
        ("rows: [{id: a, about: b, status: SHIPPED, out_of_scope: because}]", "no row has to be covered"),
        ("rows: [a]", "row 1: should map keys"),
        (ROW + "feature: {tool: Bash}, oos: true}", "unknown key 'oos'"),
        (ROW + "1: 2, feature: {tool: Bash}}", "unknown key '1'"),
        ("rows: [{about: b, status: SHIPPED}]", "row 1: id should be text"),
        ("rows: [{id: 7, about: b, status: SHIPPED}]", "row 1: id should be text"),
        ("rows: [{id: a, about: ' ', status: SHIPPED}]", "about should be text"),
        ("rows: [{id: a, about: b, status: shipped}]", "'shipped' is none of SHIPPED, PARTIAL, MISSING"),
        (ROW + "out_of_scope: ''}", "out_of_scope should be text"),
        (ROW + "out_of_scope: true}", "out_of_scope should be text"),
        (ROW + "out_of_scope: because, feature: {tool: Bash}}", "is out of scope and has a feature"),
        (ROW + "}", "has to be covered and has no feature"),
        (ROW + "feature: []}", "has to be covered and has no feature"),
        (ROW + "feature: Bash}", "a feature should be like"),
        (ROW + "feature: null}", "a feature should be like"),
        (ROW + "feature: {}}", "a feature is of one kind, not none"),
        (ROW + "feature: {name: Bash}}", "a feature is of one kind, not none"),
        (ROW + "feature: {tool: Bash, hook: Stop}}", "a feature is of one kind, not tool and hook"),
        (ROW + "feature: {tool: ''}}", "tool should be text"),
        (ROW + "feature: {tool: Bash, fields: a}}", "a feature of kind tool has no key 'fields'"),
        (ROW + "feature: {tool: Bash, field: 3}}", "field should be text"),
        (ROW + "feature: {tool: Bash, where: {command: 3}}}", "where should map fields to patterns"),
        (ROW + "feature: {tool: Bash, where: x}}", "where should map fields to patterns"),
        (ROW + "feature: {hook: Stop, field: exit_code}}", "a hook has no 'exit_code' that could be altered"),
        (ROW + "feature: {skill: a, field: turn}}", "a skill has no 'turn' that could be altered"),
        (ROW + "feature: {result: files_read}}", "a result has no 'files_read' that could be altered"),
        (ROW + "feature: {result: ok, field: ok}}", "a feature of kind result has no key 'field'"),
        (ROW + "feature: {course: yes please}}", "course should be true"),
        (ROW + "feature: {files: false}}", "files should be true"),
        ("rows:\n  - id: a\n    id: b\n", "rows.yaml:3:5: is no YAML: the key 'id' is there twice"),
        ("rows: [", "is no YAML"),
        ("rows: [{[a]: 1}]", "is no YAML: found unhashable key"),
        ("rows: 2026-02-30", "is no YAML"),
        ("[" * 20_000, "is no YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UnusableInput) as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)
    assert str(tmp_path / "rows.yaml") in str(caught.value)


def test_rows_of_one_name(tmp_path: Path) -> None:
    one = "{id: a, about: b, status: SHIPPED, feature: {tool: Bash}}"
    with pytest.raises(UnusableInput, match=r"rows.yaml: row 2: the row 'a' is there twice"):
        load(tmp_path, f"rows: [{one}, {one}]")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="No such file"):
        load_rows(tmp_path / "rows.yaml")
    with pytest.raises(UnusableInput, match="is a folder"):
        load_rows(tmp_path)
    (tmp_path / "rows.yaml").write_bytes(b"rows: \xff")
    with pytest.raises(UnusableInput, match="is not UTF-8"):
        load_rows(tmp_path / "rows.yaml")
