"""One line of the ledger: how a row is written, what its id is, and how lines are chained."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "pv-ledger-v2"
OLDER = "pv-ledger-v1"
_NUMBERED = re.compile(r"pv-ledger-v([1-9][0-9]{0,5})")
_NUMBER = 2  # of SCHEMA
# The order of the first keys is fixed, so that one pattern finds the key of a case.
FIRST = ("schema", "kind", "run", "contract", "claim", "params", "mutant")
OF_CASES = ("begin", "case")
OF_RUNS = ("run", "environment", "end")
PREFIX = len('{"prev":"') + 64 + len('",')

_BEGINNING = b'{"prev":"'
_BEGUN = b'"schema":"pv-ledger-v2","kind":"begin","run":"'
# keys are sorted, so these three stand side by side
_DECIDED = re.compile(rb'"falsifier":\{[^{}]*\},"fingerprint":"[0-9a-f]{64}","inputs":\[[^][]*\]')
_OF_A_CASE = re.compile(rb'"schema":"pv-ledger-v2","kind":"(begin|case)","run":"([^"\\]*)"')
_VERDICT = re.compile(rb'"verdict":(?:"([a-z]+)")?')  # within a text its quotes would be escaped
_CHAINED = re.compile(rb'\{"prev":"([0-9a-f]{64})","schema":"pv-ledger-v2",')


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def write(row: Mapping[str, Any]) -> bytes:
    """The JSON text of a row, without what chains it to the one before and without the newline.

    Keys of `FIRST` stand first, the others sorted; there is no space between them and every character is ASCII, so that
    equal rows are equal bytes.

    Raises:
        ValueError: the row holds a number that JSON lacks.
        TypeError: it holds something that is no JSON data.
    """
    ordered = {"schema": SCHEMA}
    ordered |= {name: row[name] for name in FIRST[1:] if name in row}
    ordered |= {name: row[name] for name in sorted(row) if name not in ordered and name != "prev"}
    return text_of(ordered)


def text_of(value: Mapping[str, Any]) -> bytes:
    """JSON text in the way that all of ours is written, without sorting.

    Raises:
        ValueError: it holds a number that JSON lacks.
        TypeError: it holds something that is no JSON data.
    """
    return _ENCODER.encode(value).encode("ascii")


def chain(text: bytes, previous: str) -> bytes:
    """The line of a row's `text` whose predecessor has the hash `previous`; without its newline."""
    return b'{"prev":"%b",%b' % (previous.encode("ascii"), text[1:])


def link(line: bytes) -> str:
    """The hash by which the line after this one holds on to it (sha256, 64 hex digits)."""
    return hashlib.sha256(line).hexdigest()


def identity(line: bytes) -> str:
    """The id of a line: the sha256 of its row's text, which no merging of ledgers changes."""
    return hashlib.sha256(b"{" + line[PREFIX:]).hexdigest()


def environment_name(data: Mapping[str, Any]) -> str:
    """The name by which rows call the environment with this data: 16 hex digits of the sha256 of its JSON text."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def previous(line: bytes) -> str:
    """The hash that a line holds of what stands before it; empty if it has not the beginning of our lines."""
    found = _CHAINED.match(line)
    return found[1].decode("ascii") if found else ""


def begun_run(line: bytes) -> str | None:
    """The run of a line that only says that a case was begun, without parsing it; None of any other line."""
    if not line.startswith(_BEGUN, PREFIX):
        return None
    start = PREFIX + len(_BEGUN)
    return line[start : line.find(b'"', start)].decode("ascii", "replace")


def verdict(line: bytes) -> tuple[str, str, str] | None:
    """What a line says that its case came to, without parsing it: its kind, its run, the word.

    None of a line that is about no case, and where it has not exactly one word for that.
    """
    case, found = _OF_A_CASE.match(line, PREFIX), _VERDICT.findall(line)
    if case is None or len(found) != 1 or not found[0]:
        return None
    return str(case[1], "ascii"), str(case[2], "utf-8", "replace"), str(found[0], "ascii")


def decided(line: bytes) -> bytes | None:
    """The part of a line that says what decided about its case: falsifier, claim, inputs; without parsing it.

    None where the line has it not exactly once: of lines whose parts are equal bytes, the rows hold the same.
    """
    found = _DECIDED.findall(line)
    return found[0] if len(found) == 1 else None


def parse(line: bytes) -> dict[str, Any] | None:
    """The row that a whole line holds, without `prev`; None if it is none of ours: torn, or foreign."""
    if not _CHAINED.match(line):
        return None
    try:
        row = _DECODER.decode(str(line, "utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    del row["prev"]
    return row


def schema_of(line: bytes) -> str | None:
    """The schema that a line of another kind of JSON names, empty if it names none; None if it is not JSON."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    named = row.get("schema") if isinstance(row, dict) else None
    return named if isinstance(named, str) else ""


def newer(line: bytes) -> str:
    """The schema of a line that a newer pv has written; empty of any other line."""
    named = schema_of(line) or ""
    found = _NUMBERED.fullmatch(named)
    return named if found and int(found[1]) > _NUMBER else ""


def looks_torn(line: bytes) -> bool:
    """Whether a line that is none of ours begins like one of ours."""
    return line.startswith(_BEGINNING) or (line != b"" and _BEGINNING.startswith(line))
