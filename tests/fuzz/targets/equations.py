"""Domains and obligations of executable contracts, `pv.formal`: refused with the way to what is wrong, or all names known."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from pv.formal.language import FormalError
from pv.formal.property import equations_of, property_of
from pv.load import Document, load
from pv.source import Source
from tests.fuzz.given import contracts
from tests.fuzz.jsonlike import Pairs, read_loosely, write_loosely
from tests.fuzz.target import Target, expect

_TOKENS = (
    *(
        b"domain",
        b"dtype",
        b"shape",
        b"range",
        b"values",
        b"bits",
        b"any",
        b"nonfinite",
        b"distinct",
        b"f32",
        b"bf16",
        b"i64",
        b"1..64",
    ),
    *(
        b"kernel",
        b"formal",
        b"let",
        b"forall",
        b"where",
        b"tolerance",
        b"between",
        b"to",
        b"oracle",
        b"in",
        b"alpha",
        b"axis",
        b"under",
    ),
    *(
        b"softmax(x)",
        b"x",
        b"y",
        b"n",
        b"n * 2",
        b"x[0]",
        b"inf",
        b"nan",
        b"type",
        b"invariant",
        b"monotonicity",
        b"equivalence",
    ),
    *(b"bound", b"along", b"result", b"direction", b"applies_to", b"1e400", b"64..1", b"..", b"-1..2", b"1..n"),
)


@functools.cache
def _seeds() -> list[bytes]:
    made = []
    for data in contracts(9_000, 100):
        document = load(Source("seed", data.decode()))
        content = document.data if isinstance(document, Document) else {}
        kept = {key: content.get(key) for key in ("equations", "proof_obligations") if content.get(key)}
        if len(kept) == 2 and equations_of(kept):
            made.append(write_loosely(_pairs(kept)))
    return [data for data in sorted(made, key=len) if _check(data, Path())][:12]


def _pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return Pairs((key, _pairs(one)) for key, one in value.items())
    return [_pairs(one) for one in value] if isinstance(value, list) else value


def _check(data: bytes, _folder: Path) -> bool:
    content = _plain(read_loosely(data))
    if not isinstance(content, dict):
        return False
    try:
        equations = equations_of(content)
    except FormalError as problem:
        _is_told(problem, content)
        return False
    accepted = bool(equations)
    entries = content.get("proof_obligations")
    for entry in entries if isinstance(entries, list) else ():
        for name in equations if isinstance(entry, dict) else ():
            try:
                made = property_of(equations, name, entry)
            except FormalError as problem:
                _is_told(problem, entry)
                accepted = False
                continue
            names = {*made.domain.names, *(one for one, _ in made.let)}
            expect(made.equation is equations[name] and names, "a property without names")
            if made.keys.get("in") is not None:
                expect(all(one in made.domain.inputs.values() for one in made.inputs()), "an input that is not drawn")
    for equation in equations.values():
        for one in equation.domain.sizes.values():
            expect(one.choices or (one.low is not None and one.high is not None), f"a size without an end: {one}")
    return accepted


def _plain(value: Any) -> Any:
    """Data as YAML gives it: the last of two equal keys."""
    if isinstance(value, Pairs):
        return {key: _plain(one) for key, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _is_told(problem: FormalError, content: Any) -> None:
    """A refusal has words, and its path leads into the data, or to what is missing at its end."""
    expect(problem.message, "a refusal without words")
    for step in problem.path[:-1]:
        if not isinstance(content, dict | list):
            return
        inside = step in content if isinstance(content, dict) else isinstance(step, int) and 0 <= step < len(content)
        expect(inside, f"a path that leads nowhere: {problem.path}")
        content = content[step]  # type: ignore[index]  # a step of a list is a number


TARGET = Target(_check, _seeds, "json", _TOKENS)
