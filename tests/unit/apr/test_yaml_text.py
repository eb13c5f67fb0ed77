"""Hand-written YAML: plain data, or one line that says what and where; nothing costs more than its size says."""

from __future__ import annotations

import pytest
import yaml

from apr.errors import UnusableInput
from apr.yaml_text import MAX_BYTES, MAX_DEPTH, MAX_VALUES, parse_yaml


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', 2.5, null, true]\nc: {d: 2026-01-02}\n",
        "base: &b {k: 1}\nmore: {<<: *b, l: 2}\nagain: *b\n",
        "",
        "- a\n- ! 1\n",
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    ],
)
def test_plain_data_is_what_the_safe_loader_reads(text: str) -> None:
    assert parse_yaml(text, "f") == yaml.safe_load(text)


DOUBLED = "".join(f"b{n + 1}: &b{n + 1} {{<<: [*b{n}, *b{n}]}}\n" for n in range(40))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "f:"),
        ("a: 1\na: 2\n", "f:2:1: is no YAML: the key 'a' is there twice"),
        ("1: a\n0x1: b\n", "f:2:1: is no YAML: the key '0x1' is there twice"),
        ("x: {k: 1, 'k': 2}\n", "f:1:11: is no YAML: the key 'k' is there twice"),
        ("a: !!bool ''\n", "the tag 'tag:yaml.org,2002:bool' is not read here"),
        ("a: !!timestamp x\n", "the tag 'tag:yaml.org,2002:timestamp' is not read here"),
        ("!!python/object/apply:os.system [true]\n", "is not read here: write the plain value"),
        ("a: 2026-02-30\n", "is no YAML: day is out of range"),
        ("a: \x1b\n", "f: is no YAML: "),
        ("a: 1\r\n\ufeff#b: 2\n", "f:2:1: is no YAML: a byte order mark in the middle"),
        ("a: &a [*a]\n", "alias *a contains itself"),
        ("? [a]\n: 1\n", "is no YAML: found unhashable key"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH} levels"),
        ("[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        ("- a\n" * MAX_VALUES, f"holds more than {MAX_VALUES} values"),
        ("b0: &b0 {k: 1}\n" + DOUBLED, f"holds more than {MAX_VALUES} values"),
        ("#" * (MAX_BYTES + 1), f"has {MAX_BYTES + 1} bytes, at most {MAX_BYTES} are read"),
        ("a: 1\n---\nb: 2\n", "is no YAML: but found another document, expected a single document"),
    ],
)
def test_everything_else_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UnusableInput) as refusal:
        parse_yaml(text, "f")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "\x1b" not in str(refusal.value)
