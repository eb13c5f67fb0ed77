"""A bare word that other readers take for something else (PV107).

Contracts are read here by YAML 1.2: `2026-01-02`, `no` and `1:30` are text. Readers of YAML 1.1, PyYAML among them, make a day, a
truth value and the number 90 of them, and `010` is 8 to them and 10 here. A `version` is text that looks like a number: without
quotes `1.10` is 1.1 to most readers, and to this one. Quotes say what is meant to all of them.

A word or number that somebody reads as another value is a warning. A day, and a version such as `1.0` that survives, are notes.

Bad:

    metadata:
      version: 1.10
      created: 2026-01-02
      description: softmax
      references: [a]

Good:

    metadata:
      version: "1.10"
      created: "2026-01-02"
      description: softmax
      references: [a]

Fix: `pv fix` puts the quotes. Not where a number (`1_000`, `010`) or a truth value in a block of one's own may be meant.

Not flagged: `1e-6`, a number here and text to PyYAML: 75 of 1,466 real claims write their tolerance so, and upstream reads a number
as well; `1.0.0`, which is text to everybody; keys that hold truth values, where PV103 asks for `true` or `false`.

Upstream: none; all of these are text to their parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.notation import quoted
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._written import plain_at, written
from pv.types import Fix, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.load import Document
    from pv.parse import Contract

CODE = "PV107"
SEVERITY = Severity.WARNING

Path = tuple[str | int, ...]

_DAY = r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?"
_TRUTH = r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
_SIXTIES = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,20}(?:\.[0-9_]*)?"  # bounded, for each of a long row is tried
_NUMBER = r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F]*_[0-9a-fA-F_]*|[0-9]+_[0-9_]*(?:\.[0-9_]*)?)"
_OCTAL = r"[-+]?0[0-7]+"
_KINDS = {
    name: lazy(pattern)
    for name, pattern in (
        ("day", _DAY),
        ("truth", _TRUTH),
        ("sixties", _SIXTIES),
        ("number", _NUMBER),
        ("octal", _OCTAL),
    )
}
# Whether a text may hold any of them: a search of the text costs far less than a walk through its values. It begins with a set
# of characters, which `re` finds fastest, and looks back from there: first for what can stand before a value, then for one.
_ANY = f"{_DAY}|{_TRUTH}|{_SIXTIES}|{_NUMBER}|{_OCTAL}"
_MAYBE = lazy(rf"[-+0-9yYnNoO](?<=[\s,\[{{:].)(?<=(?=(?:{_ANY})[ \t]*(?:[,\]}}:#\n\r\x85\u2028\u2029]|\Z)).)")
_FIRST = frozenset("-+0123456789yYnNoO")
_LONGEST = 64
# Keys whose values are truth values; `no` there is an error of its own.
_TRUTHS = frozenset({"registry", "ship_blocking", "actually_verified"})
# Blocks whose texts pv knows, so that a truth value is surely not meant.
_KNOWN = frozenset(
    {
        "metadata", "equations", "proof_obligations", "falsification_tests", "falsification_conditions", "invariants",
        "kani_harnesses", "enforcement", "qa_gate", "status", "status_history", "version", "name", "title",
    }
)  # fmt: skip


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each value or key without quotes that others read otherwise, once where aliases repeat it."""
    document = contract.document
    yield from _versions(document)
    if not _MAYBE.search("\n" + document.source.text):
        return
    seen: set[Span] = set()
    for path, value, span in _scalars(document):
        if span not in seen:
            seen.add(span)
            yield from _judged(document, path, value, span)


def _judged(document: Document, path: Path, value: str | int, span: Span) -> Iterator[Problem]:
    text = value if isinstance(value, str) else written(document, span).rpartition(" ")[2]
    if text[:1] not in _FIRST or len(text) > _LONGEST:
        return
    kind = next((name for name, pattern in _KINDS.items() if pattern.fullmatch(text)), None)
    place = plain_at(document, span, text)
    if kind is None or place is None or (kind == "octal") is isinstance(value, str):
        return
    quote = Fix(place, quoted(text))
    says = f"quote it: {quoted(text)}"
    if kind == "day":
        yield Problem(place, f"{text} is text here, and a day to other readers", says, Severity.NOTE, quote)
    elif kind == "truth" and path[-1] not in _TRUTHS:
        fix, advice = (
            (quote, says) if path[0] in _KNOWN else (None, f"write true or false, or quote it: {quoted(text)}")
        )
        yield Problem(place, f"{text} is text here, and a truth value to other readers", advice, fix=fix)
    elif kind == "sixties":
        yield Problem(place, f"{text} is text here, and a number to base sixty to other readers", says, fix=quote)
    elif kind == "number":
        yield Problem(place, f"{text} is text here, and a number to other readers", f"write the number out, or {says}")
    elif kind == "octal" and _octal(text) != value:
        advice = f"write {value}, or {says}"
        yield Problem(place, f"{text} is {value} here, and {_octal(text)} to other readers", advice)


def _versions(document: Document) -> Iterator[Problem]:
    data = document.data
    history = data.get("status_history")
    owners: list[tuple[Path, Any]] = [(("metadata",), data.get("metadata")), ((), data)]
    owners += [
        (("status_history", index), entry) for index, entry in enumerate(history if isinstance(history, list) else ())
    ]
    for owner, entry in owners:
        value = entry.get("version") if isinstance(entry, dict) else None
        if not isinstance(value, float):
            continue
        path = (*owner, "version")
        span = document.value_span(*path)
        text = written(document, span).rpartition(" ")[2]
        place = plain_at(document, span, text)
        if place is None:
            continue
        same = str(value) == text
        message = f"{text} is a number here" + ("" if same else f", {value}") + "; a version is text"
        yield Problem(
            place, message, f"quote it: {quoted(text)}", Severity.NOTE if same else None, Fix(place, quoted(text))
        )


def _scalars(document: Document) -> Iterator[tuple[Path, str | int, Span]]:
    """Every key and value that may be written so: whole numbers, and text that begins like one, in the order of the file."""
    waiting: list[tuple[Path, Any]] = [((), document.data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += reversed([((*path, key), below) for key, below in value.items()])
            for key in value:
                if key[:1] in _FIRST:
                    yield (*path, key), key, document.key_span(*path, key)
        elif isinstance(value, list):
            waiting += reversed([((*path, index), below) for index, below in enumerate(value)])
        elif isinstance(value, str):
            if value[:1] in _FIRST and len(value) <= _LONGEST:
                yield path, value, document.value_span(*path)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield path, value, document.value_span(*path)


def _octal(text: str) -> int:
    return int(text[0] + text[1:], 8) if text[0] in "+-" else int(text, 8)
