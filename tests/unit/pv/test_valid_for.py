"""How long evidence counts: spans of time, and rows that are too old, too new, or of no time at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pv.durations import duration, in_words


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(days=14)),
        ("P30D", timedelta(days=30)),
        ("P2W", timedelta(days=14)),
        ("PT12H", timedelta(hours=12)),
        ("P1DT6H30M5S", timedelta(days=1, hours=6, minutes=30, seconds=5)),
    ],
)
def test_spans_of_time(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize(
    "text",
    ["", "30", "d", "30m", "30D", "0d", "PT0S", "P", "PT", "P1DT", "P1Y", "P1M", "P1W2D", "-1d", "1.5d", "30 d", "٣d",
     "9999999d", "30d\n"],
)  # fmt: skip
def test_what_is_no_span_of_time(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=41, hours=5), "41 d"),
        (timedelta(hours=36), "36 h"),
        (timedelta(days=1), "1 d"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(seconds=-61), "61 s"),
    ],
)
def test_a_span_in_words(span: timedelta, words: str) -> None:
    assert in_words(span) == words
