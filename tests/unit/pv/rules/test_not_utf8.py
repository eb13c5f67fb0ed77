"""Bytes that are not UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.corpus import read

if TYPE_CHECKING:
    from pathlib import Path

CODE = "PV002"


@pytest.mark.parametrize("good", [b"a: \xc3\xa9\n", b"\xef\xbb\xbfa: 1\r\n", b""])
def test_good(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(good)
    assert CODE not in {one.code for one in read(tmp_path / "a.yaml").findings}


@pytest.mark.parametrize(
    ("bad", "line", "col", "words"),
    [
        (b"\xff", 1, 1, "byte offset 0 (0xff)"),
        (b"a: 1\nb: \xc3\xa9\xe9\n", 2, 5, "byte offset 10 (0xe9)"),
        (b"a: 1\r\nb: \xed\xa0\x80\n", 2, 4, "0xed"),  # half of a pair, which UTF-16 writes so
        (b"a: \xc3", 1, 4, "0xc3"),
        ("a: 1".encode("utf-16"), 1, 1, "0xff"),
    ],
)
def test_bad(tmp_path: Path, bad: bytes, line: int, col: int, words: str) -> None:
    (tmp_path / "a.yaml").write_bytes(bad)
    (found,) = read(tmp_path / "a.yaml").findings
    assert (found.code, found.span.line, found.span.col) == (CODE, line, col)
    assert words in found.message
