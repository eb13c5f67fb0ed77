"""docs/reference/action-trace-v1.md: its sample is valid, every rule is on it as the code has it, and every bad example is bad."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from apr.actions.reading import walk
from apr.actions.rules import RULES
from apr.actions.schema import schema
from apr.actions.trace import Finding

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reference" / "action-trace-v1.md").read_text(encoding="utf-8")
SAMPLE = re.findall(r"```jsonl\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
EXAMPLES = [
    (rule, int(line), raw)
    for rule, section in SECTIONS.items()
    for line, raw in re.findall(r"Bad, line (\d+):\n\n```json\n(.*?)\n```", section)
]


def rules_of(lines: list[str]) -> set[str]:
    found = walk(io.BytesIO("\n".join(lines).encode()), "page")
    return {one.rule for one in found if isinstance(one, Finding)}


def test_the_sample_is_valid() -> None:
    assert len(SAMPLE) == 7
    assert rules_of(SAMPLE) == set()


def test_every_rule_has_its_section() -> None:
    assert list(SECTIONS) == list(RULES)
    for rule, text in RULES.items():
        assert f"\n{text[0].upper()}{text[1:]}.\n" in SECTIONS[rule]
    assert RULES.keys() - {rule for rule, _, _ in EXAMPLES} == {"record-size"}  # 16 MiB are too much for a page


@pytest.mark.parametrize(("rule", "line", "raw"), EXAMPLES)
def test_every_bad_example_breaks_its_rule(rule: str, line: int, raw: str) -> None:
    assert rule in rules_of([*SAMPLE[: line - 1], raw, *SAMPLE[line:]])


def test_the_table_has_every_field_of_the_schema() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE))
    definitions = schema()["definitions"]
    assert rows.keys() == {one["$ref"].rpartition("/")[2] for one in schema()["oneOf"]}
    for kind, fields in rows.items():
        definition = definitions[kind]
        expected = [
            name + ("" if name in definition["required"] else "?")
            for name in definition["properties"]
            if name not in {"v", "kind"}
        ]
        assert fields.split(", ") == expected, kind
    assert json.loads(SAMPLE[0])["v"] == 1
