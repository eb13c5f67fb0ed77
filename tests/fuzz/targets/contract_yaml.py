"""A contract's YAML, `pv.load`: what it accepts PyYAML reads too, with no key twice and the same data by YAML 1.2."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import yaml

from pv.load import MAX_DEPTH, Document, load
from pv.source import Source, decode
from tests.fuzz.given import contracts
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"<<: *a",
        b"&a ",
        b"*a",
        b"!!int ",
        b"! ",
        b"---\n",
        b"...\n",
        b"- ",
        b"? ",
        b": ",
        b"|\n",
        b">-\n",
        b"#",
        b"%YAML 1.1\n",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"'",
        b'"',
        b".inf",
        b".nan",
        b"0o17",
        b"0x1F",
        b"~",
        b"no",
        b"True",
        b"1e-6",
        b".5",
        b"-",
    ),
)
_LONG = 5_000  # characters: the reader in Python takes a second for a hundred times as many


def _seeds() -> list[bytes]:
    return [b"a: 1\nb: [x, {c: d}]\n", b"k: &a {x: 1}\nl: *a\n", b'"q": |\n  text\n\n', *contracts(6_000, 4)]


def _check(data: bytes, _folder: Path) -> bool:
    source = decode(data, "fuzzed.yaml")
    document = load(source) if isinstance(source, Source) else source
    if not isinstance(document, Document):
        lines = source.lines if isinstance(source, Source) else data.decode("utf-8-sig", "replace").splitlines() or [""]
        expect(document.message and document.code.startswith("PV00"), f"a refusal without words: {document}")
        expect(1 <= document.span.line <= len(lines) + 1, f"a refusal outside of the file: {document}")
        return False
    assert isinstance(source, Source)
    node = _composed(source.text)
    _compare(node, document.data, 0)
    return True


def _composed(text: str) -> yaml.Node | None:
    """The nodes of PyYAML's own composer; None where it has no opinion of weight."""
    if text.startswith("\ufeff"):
        return None  # a second mark: libyaml leaves it out, the reader in Python takes it for text
    errors = []
    for loader in (
        (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if len(text) < _LONG else (yaml.CSafeLoader,)
    ):
        try:
            return yaml.compose(text, loader)
        except yaml.YAMLError as problem:
            errors.append(str(problem))
    # YAML 1.2 lets an anchor be named again; in other places the two readers differ, and only what both refuse was wrongly read
    expect("duplicate anchor" in errors[-1], f"PyYAML refuses what was read: {errors[-1]}")
    return None


def _compare(node: yaml.Node | None, data: Any, depth: int) -> None:
    expect(depth <= MAX_DEPTH, "nested deeper than allowed")
    if node is None:
        return
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        expect(all(isinstance(key, yaml.ScalarNode) for key, _ in node.value), "a key that is no scalar")
        expect(len(set(keys)) == len(keys), f"a key stands twice: {keys}")
        expect(isinstance(data, dict) and list(data) == keys, f"other keys: {keys}")
        for key, inner in node.value:
            _compare(inner, data[key.value], depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        expect(isinstance(data, list) and len(data) == len(node.value), "another list")
        for inner, one in zip(node.value, data, strict=True):
            _compare(inner, one, depth + 1)
    else:
        assert isinstance(node, yaml.ScalarNode)
        plain = not node.style  # None in Python, empty in C
        expect(type(data) in (str, int, float, bool, type(None)), f"a scalar became {type(data)}")
        expect(isinstance(data, str) or plain, f"a text in quotes became {data!r}")
        expect(_as_said(node.value, data), f"{node.value!r} became: {data!r}")


def _as_said(text: str, data: Any) -> bool:
    """Whether a scalar's value is what YAML 1.2's core schema makes of its text."""
    if isinstance(data, str):
        return data == text
    if data is None or isinstance(data, bool):
        return text.lower() in {None: ("", "~", "null"), True: ("true",), False: ("false",)}[data]
    if isinstance(data, int):
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        return data == int(text, base)
    word = text.lower().lstrip("+-").lstrip(".")
    if word in ("inf", "nan"):
        return math.isinf(data) if word == "inf" else math.isnan(data)
    return bool(data == float(text))


TARGET = Target(_check, functools.cache(_seeds), "yaml", _TOKENS)
