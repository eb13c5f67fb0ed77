"""Whatever is found, wherever: every format is written, and can be read."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pv.report.finding_formats import FINDING_FORMATS, by_end
from pv.shapes import Shape
from pv.types import Diagnostic, Fix, Severity, Span

# with halves of surrogate pairs, which is how Python reads names that are not UTF-8
texts = st.text(max_size=40) | st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=4)
spans = st.builds(Span, st.integers(1, 9), st.integers(1, 300), st.integers(0, 300))
diagnostics = st.builds(
    Diagnostic,
    st.just("replaced"),
    spans,
    st.sampled_from(["PV101", "PV003", "PV998"]),
    st.sampled_from(Severity),
    texts,
    st.none() | texts,
    st.none() | st.builds(Fix, spans, texts),
)
contents = st.sampled_from(["metadata: {}\n", "a: [", "", "\t\u3000\x85\u2028x"]) | st.text(max_size=200)


@settings(deadline=None)  # the first case loads every format
@given(st.lists(diagnostics, max_size=5), texts, contents, st.integers(-2, 2), st.booleans())
def test_every_format_holds_anything(
    findings: Any, found: list[Diagnostic], name: str, text: str, loudness: int, strict: bool
) -> None:
    file = findings.file(*(found or [findings.found()]), name=name, text=text, shape=Shape.OTHER)
    for format_ in FINDING_FORMATS:
        written = findings.write(format_, file, file, loudness=loudness, strict=strict)
        assert written.encode("utf-8")
        if format_ in ("json", "sarif"):
            assert json.dumps(json.loads(written), ensure_ascii=False).encode("utf-8")
        elif format_ in ("junit", "checkstyle"):
            ET.fromstring(written)  # noqa: S314  our own
        else:
            assert not {"\x1b", "\r", "\u202e"} & set(written)


@pytest.mark.parametrize(
    ("path", "name"),
    [("a.json", "json"), ("a.sarif", "sarif"), ("a.SARIF.json", "sarif"), ("a.xml", "junit"), ("a", "text")],
)
def test_the_end_of_a_name_tells_the_format(path: str, name: str) -> None:
    assert by_end(path) == name
