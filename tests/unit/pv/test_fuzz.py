"""Whatever stands in a file: no exception, no case over two seconds, every finding in its place, every format written.

Real contracts are taken apart and put together wrongly. 5,600 cases by default, the same each time, each written in one format:
writing all of them takes twice the time of everything else. PV_FUZZ=200000 tries as many others, in all formats.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET
from zlib import crc32

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from pv.corpus import read_text
from pv.index import Index
from pv.load import Document, load
from pv.report.finding_formats import FINDING_FORMATS, writer
from pv.report.findings import Asked, Tally
from pv.rules._schema import schema
from pv.rules._valid import compiled
from pv.source import Source, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.types import Diagnostic

ROOT = Path(__file__).parents[3]
OURS = sorted((ROOT / "contracts").glob("*.yaml"))
THEIRS = sorted((ROOT.parent / "shared" / "corpus").rglob("*.yaml"))  # they are not in every checkout
LARGEST = 5_000  # bytes of a contract that is mutated: a larger one shows the same at a higher price
SEEDS = [text for path in OURS + THEIRS if len(text := path.read_text("utf-8")) <= LARGEST]
ASKED = int(os.environ.get("PV_FUZZ") or 0)
SECONDS = 2
INDEX = Index(lambda: OURS, lambda path: path.name)


def cases(share: int) -> Callable[[Any], Any]:
    """So many cases of 5,600, or that part of those asked for."""
    return settings(
        max_examples=ASKED * share // 5_600 or share,
        derandomize=not ASKED,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# what is put in: words that mean something in YAML, to us, or to a terminal
ODD = st.sampled_from(
    [
        *"-:#&*!|>%@`'\"{}[],?~\t \n\r\\\0\x07\x1b\x7f\x85\ufeff\u2028\u202e\ud7ff\U0001f642",
        *("<<: *a", "&a ", "*a", "!!int ", "---\n", "...\n", "\r\n", "# pv: ignore[PV999] x", "# pv: ignore", "null"),
        *("1e-6", "-.inf", ".nan", "0x10", "9" * 400, "2026-02-30", "x-", "${A}", "]]>", "</a>", "::error::", "%0A"),
        *("(" * 30, "é" * 200),
    ]
)
PLACE = st.floats(0, 1, exclude_max=True)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | ODD | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD | st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def at(parts: list[Any], place: float) -> int:
    return int(place * len(parts))


def cut(text: str, operation: str, here: float, there: float, odd: str) -> str:
    """One change of a text."""
    first, last = sorted((int(here * len(text)), int(there * len(text))))
    spans = {
        "insert": text[:first] + odd + text[first:],
        "delete span": text[:first] + text[min(last, first + 40) :],
        "repeat span": text[:first] + text[first:last][:200] * 2 + text[last:],
        "cut off": text[:first],
        "line ends": text.replace("\n", "\r\n"),
    }
    return spans[operation] if operation in spans else cut_lines(text, operation, here, there)


def cut_lines(text: str, operation: str, here: float, there: float) -> str:
    lines = text.splitlines(keepends=True) or [""]
    one, other = at(lines, here), at(lines, there)
    if operation == "delete line":
        del lines[one]
    elif operation == "repeat line":
        lines.insert(other, lines[one])
    elif operation == "swap lines":
        lines[one], lines[other] = lines[other], lines[one]
    elif operation == "indent":
        lines[one] = " " * (1 + one % 3) + lines[one]
    elif operation == "outdent":
        lines[one] = lines[one][1:]
    return "".join(lines)


CUTS = ["insert", "insert", "delete span", "repeat span", "cut off", "line ends"]
CUTS += ["delete line", "repeat line", "swap lines", "indent", "outdent"]


@functools.cache
def data_of(seed: str) -> Any:
    document = load(Source("seed", seed))
    assert isinstance(document, Document)
    return document.data


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every value of the data as its owner and the key or index there."""
    found, waiting = [], [data]
    while waiting:
        owner = waiting.pop()
        for key in owner if isinstance(owner, dict) else range(len(owner)):
            found.append((owner, key))
            if isinstance(owner[key], (dict, list)):
                waiting.append(owner[key])
    return found


def change(data: Any, operation: str, here: float, there: float, value: Any) -> None:
    """One change of the data."""
    known = places(data)
    if not known:
        return
    owner, key = known[at(known, here)]
    other, other_key = known[at(known, there)]
    if operation == "replace":
        owner[key] = value
    elif operation == "drop":
        del owner[key]
    elif operation == "copy":
        owner[key] = copy.deepcopy(other[other_key])
    elif operation == "rename" and isinstance(owner, dict):
        owner[f"{key}{value}"[:30] if there < 0.5 else str(other_key)] = owner.pop(key)
    elif operation == "add" and isinstance(owner, list):
        owner.insert(key, value)
    elif operation == "add":
        owner[str(other_key)] = value


CHANGES = ["replace", "replace", "drop", "copy", "rename", "add"]


@st.composite
def mutated_data(draw: st.DrawFn) -> Any:
    data = copy.deepcopy(data_of(draw(st.sampled_from(SEEDS))))
    for operation in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        change(data, operation, draw(PLACE), draw(PLACE), draw(VALUES))
    return data


@st.composite
def mutated_text(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SEEDS))
    for operation in draw(st.lists(st.sampled_from(CUTS), min_size=1, max_size=4)):
        text = cut(text, operation, draw(PLACE), draw(PLACE), draw(ODD))
    return text


def hold(source: Source | Diagnostic, shown: Source) -> None:
    """Read, check and report one file; `shown` is its text as far as it is text."""
    begun = time.process_time()
    reading = read_text(ROOT / "contracts" / "fuzzed-v1.yaml", source, index=INDEX)
    told = {name: report(name, source, reading) for name in formats(shown.text)}
    assert time.process_time() - begun < SECONDS
    for found in reading.findings:
        line = shown.line(found.span.line)
        assert 1 <= found.span.line <= len(shown.lines), found
        assert 1 <= found.span.col <= len(line) + 1, found
        assert found.span.width >= 1, found
        assert found.message, found
        assert found.code.startswith("PV"), found
    for name, text in told.items():
        if name in ("json", "sarif"):
            json.loads(text)
        if name in ("junit", "checkstyle"):
            ET.fromstring(text)  # noqa: S314  we wrote it
    assert not any("\x1b" in text or "\0" in text for text in told.values())


def formats(text: str) -> list[str]:
    """Those that a case is written in: one, by its own text, so that some hundreds of cases fall to each."""
    every = sorted(FINDING_FORMATS)
    return every if ASKED else [every[crc32(text.encode("utf-8", "surrogatepass")) % len(every)]]


def report(name: str, source: Source | Diagnostic, reading: Any) -> str:
    """All that a format writes about one file."""
    out, tally = writer(name, Asked(loudness=1)), Tally()
    tally.add(reading)
    text = out.begin() + out.file(reading, source if isinstance(source, Source) else None)
    return text + out.end(tally)


@cases(2_000)
@given(mutated_text())
def test_mutated_text(text: str) -> None:
    source = Source("fuzzed-v1.yaml", text)
    hold(source, source)


def dumped(data: Any) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the first is ten times as fast
    return str(yaml.dump(data, Dumper=dumper, allow_unicode=True, sort_keys=False))


@cases(1_000)
@given(mutated_data(), st.booleans())
def test_mutated_data(data: Any, block: bool) -> None:
    text = dumped(data) if block else json.dumps(data, ensure_ascii=False, indent=1)
    source = Source("fuzzed-v1.yaml", text)
    hold(source, source)


@cases(1_400)
@given(
    st.binary(max_size=300)
    | st.tuples(st.binary(max_size=8), st.sampled_from(SEEDS)).map(lambda two: two[0] + two[1].encode())
)
def test_bytes(raw: bytes) -> None:
    hold(decode(raw, "fuzzed-v1.yaml"), Source("", raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")))


@functools.cache
def validators() -> tuple[Callable[[Any], bool], Any]:
    return compiled(schema()), Draft7Validator(schema())


@cases(1_200)
@given(mutated_data())
def test_both_halves_of_validation_agree(data: Any) -> None:
    quick, whole = validators()
    assert quick(data) is whole.is_valid(data)


@pytest.mark.parametrize("size", [10_000, 100_000])
@pytest.mark.parametrize(
    "text",
    [
        "[",
        "{",
        "- ",
        "a: ",
        "? ",
        "&a ",
        "*a ",
        "!",
        "'",
        '"',
        "|\n",
        "#",
        "%",
        "\n",
        "\t",
        "a:\n",
        "- a\n",
        "[a,",
        "{a: ",
        "a b ",
    ],
)
def test_the_same_again_and_again(text: str, size: int) -> None:
    source = Source("fuzzed-v1.yaml", (text * size)[:size])
    hold(source, source)
