"""Texts that nobody means well by: one message each, nothing executed, no time lost."""

from __future__ import annotations

import ast
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pv.formal import domain, language
from pv.formal.language import LONGEST, FormalError, parse
from pv.formal.property import equation_of, property_of

if TYPE_CHECKING:
    from collections.abc import Callable

# Python that does something, or is slow or deep, in all the ways in which a text can be made to
HOSTILE = [
    "__import__('os').system('touch owned')",
    "__import__(x)",
    "x.__class__.__bases__[0].__subclasses__()",
    "(lambda: [].append(1))()",
    "[i for i in range(10**9)]",
    "{i for i in x}",
    "{i: i for i in x}",
    "(i for i in x)",
    "(x := 1)",
    "f'{x!r:>{y}}'",
    "b'bytes'",
    "'text' * 9",
    '"""text"""',
    "yield x",
    "await x",
    "*x",
    "f(*x)",
    "f(**x)",
    "f(x)(y)",
    "(f or g)(x)",
    "x[0](1)",
    "f(a=1, a=2)",
    "import os",
    "x; import os",
    "x\nimport os",
    "x = 1",
    "del x",
    "x if",
    "print x",
    "`x`",
    "x <> y",
    "x ** ",
    "-",
    "not",
    "1j",
    "0777",
    "1e400",
    "9" * 400,
    "0x" + "f" * 300,
    "...",
    "None",
    "x + ...",
    "f(None)",
    "(" * 90 + "x" + ")" * 90 + "y",
    "(" * (LONGEST // 2),
    "[" * 199 + "]" * 199,
    "-" * 1990 + "x",
    "~" * 1990 + "x",
    "not " * 490 + "x",
    " + ".join("x" * 600),
    "x or " * 390 + "(y and " + "x or " * 5 + "_z)",
    "1 if 1 else " * 160 + "1",
    "f(" * 300 + ")" * 300,
    "x[" * 300 + "0" + "]" * 300,
    "x" * (LONGEST + 1),
    " " * LONGEST + "x",
    "",
    " \t\n",
    "x\0y",
    "\\\nx",
    "x\\u0041",
    "\U0001d465 + 1",  # an identifier to Python, which takes it for x
    "x\u202e + y",
    "\ud800",
    "\ufb01",
    "\u0661 + \u0661",
    "x \u2013 1",
    "x # y",
    "_",
    "__builtins__",
    "x @= y",
    "x << 3",
    "x in y",
    "x is not y",
    "x & y",
    "@x",
    "a;b",
    "a:b",
    "$x",
    "x?",
    "!x",
]
# of the language, however odd
ODD = [
    "9**9**9**9",
    "x[..., None]",
    "x[()]",
    "(x,)",
    "True",
    "1_000 + 0b11",
    "x < y < z == 1",
    "x @ y @ z",
    "1e308 * 10",
    "- - x",
]


def tried(function: Callable[..., Any], *given: Any) -> tuple[Any, FormalError | None]:
    """What a function gives, or with what it refuses."""
    try:
        return function(*given), None
    except FormalError as problem:
        return None, problem


def refused(text: object) -> str | None:
    """The message with which a text is refused; None if it is of the language."""
    _, problem = tried(parse, text)
    if problem is None:
        return None
    assert problem.offset is None or 0 <= problem.offset <= len(str(text))
    return problem.message


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_gets_one_message(text: str) -> None:
    before, begun = set(sys.modules), time.process_time()
    message = refused(text)
    assert message
    assert "\n" not in message
    assert len(message) < 400
    assert time.process_time() - begun < 2  # deep, not slow: nothing here takes a tenth of a second
    assert set(sys.modules) - before == set()


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_of_the_language_is_read(text: str) -> None:
    assert refused(text) is None


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, b"x", 1j, 10**900, -(10**20)])
def test_a_value_that_is_no_text_gets_one_message_too(value: object) -> None:
    assert refused(value)


_PIECES = [
    "x",
    "y",
    "n",
    "1",
    "0.5",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "...",
    "+",
    "-",
    "**",
    "//",
    "@",
    "<",
    "==",
    " and ",
    " not ",
]
_PIECES += [
    "if",
    " else ",
    "lambda",
    "sum(",
    "exp(",
    "where(",
    "f(",
    "=",
    ".",
    "_",
    "'",
    "{",
    "\n",
    " ",
    "é",
    "None",
    "for",
    "await ",
]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))


@given(TEXTS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_is_read_or_refused(text: str) -> None:
    found, problem = tried(parse, text)
    if problem is not None:
        assert problem.message
        assert "\n" not in problem.message
        assert problem.offset is None or 0 <= problem.offset <= len(text)
        return
    assert not {name for name in found.names | found.calls if name.startswith("_")}
    assert all(type(node) in (*language._NODES, *language._OPERATORS, ast.Load) for node in ast.walk(found.tree))


SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), TEXTS),
    st.sampled_from(
        ["f32", "f16", "bool", "1..4", "1..n", "n..m", "..", "1..", "1...4", "any", "9**9**9..n", "x", "[n]"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.sampled_from([*domain.KEYS, "n", "m", "x", "x-note", "_", "y"]), TEXTS), inner, max_size=5
        ),
    ),
    max_leaves=12,
)
DOMAINS = st.dictionaries(st.one_of(st.sampled_from(["x", "n", "m", "y", "sum", "_z", ""]), TEXTS), VALUES, max_size=5)


@given(DOMAINS)
@settings(max_examples=250, deadline=None, derandomize=True)
def test_any_domain_is_read_or_refused_at_a_place_within_it(given_domain: dict[str, Any]) -> None:
    found, problem = tried(domain.read, given_domain)
    if problem is not None:
        assert problem.message
        _follow(given_domain, problem.path)
        return
    assert found.entries
    assert not found.names & {"y", "sum", "pi", "u"}


def _follow(value: Any, path: tuple[str | int, ...]) -> None:
    """Every step of a path leads to something, so that a message can be put there."""
    for step in path:
        assert step in value if isinstance(value, dict) else isinstance(step, int), (value, path)
        value = value[step]


KEYS = [
    "type",
    "formal",
    "let",
    "forall",
    "where",
    "between",
    "to",
    "oracle",
    "tolerance",
    "in",
    "direction",
    "through",
    "under",
]
KEYS += ["axis", "result", "along", "alpha", "property", "id", "x-mine", "formall"]
TYPES = [
    "invariant",
    "bound",
    "equivalence",
    "symmetry",
    "roundtrip",
    "independence",
    "frame",
    "linearity",
    "termination",
]
OBLIGATIONS = st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(KEYS[1:], VALUES))


@given(OBLIGATIONS)
@settings(max_examples=250, deadline=None, derandomize=True)
def test_any_obligation_is_read_or_refused_at_a_place_within_it(entry: dict[str, Any]) -> None:
    equation = equation_of(
        "f", {"domain": {"n": "1..4", "x": {"dtype": "f32", "shape": ["n"], "range": [0, 1]}}, "formal": "x"}
    )
    found, problem = tried(property_of, {"f": equation}, "f", entry, "kernels")
    if problem is not None:
        assert problem.message
        _follow(entry, problem.path)
        return
    assert found.type == entry["type"]


EQUATIONS = st.fixed_dictionaries(
    {"domain": st.one_of(DOMAINS, st.just({"x": {"dtype": "f32", "range": [0, 1]}}))},
    optional={"formal": VALUES, "kernel": VALUES, "let": VALUES},
)


@given(EQUATIONS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_equation_is_read_or_refused_at_a_place_within_it(data: dict[str, Any]) -> None:
    found, problem = tried(equation_of, "f", data)
    if problem is not None:
        assert problem.message
        _follow(data, problem.path)
        return
    assert found.function


@pytest.mark.parametrize("text", ["9**9**9", "9**9**9 * 0", "-(9**9**9) // 3", "2**53 * 2**53", "1 / 0", "0 / 0 % 0"])
def test_what_is_huge_is_computed_as_floats_are(text: str) -> None:
    import numpy as np  # the language itself needs none

    from pv.properties.evaluate import Scope

    begun = time.process_time()
    with np.errstate(all="ignore"):  # as it is wherever a property is run
        value = np.asarray(Scope({}).evaluate(parse(text)))
    assert value.dtype.kind == "f"
    assert time.process_time() - begun < 2
