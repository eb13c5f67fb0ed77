"""Expressions drawn as MathML: well formed, and read by the eye as Python reads them."""

from __future__ import annotations

import ast
import math as m
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pv.formal.domain import read
from pv.formal.functions import FUNCTIONS
from pv.formal.language import parse
from pv.formal.mathml import Sign, Space, last_axis, math, named, operators, rows

if TYPE_CHECKING:
    from collections.abc import Callable

ARITY = {"mfrac": 2, "msup": 2, "msub": 2, "munder": 2, "mtd": None, "mtr": None}
LEAVES = frozenset({"mi", "mn", "mo", "mtext", "mspace"})
DOMAIN = {
    "m": "1..4",
    "n": "1..9",
    "k": "1..n",
    "x": {"dtype": "f32", "shape": ["m", "n"], "range": [-1, 1]},
    "w": {"dtype": "f32", "shape": ["n"], "range": [-1, 1]},
    "g": {"dtype": "f32", "shape": ["m", "k"], "range": [-1, 1]},
    "c": {"dtype": "f32", "shape": ["m", 1], "range": [-1, 1]},
    "t": {"dtype": "i32", "shape": ["m", 1], "range": [0, "n - 1"]},
    "eps": {"dtype": "f32", "range": [0, 1]},
}
SPACE = Space.of(read(DOMAIN)).with_axis("y", "n")


def checked(text: str) -> ET.Element:
    """The `math` element, each of whose elements has as many children as MathML wants of it."""
    root = ET.fromstring(text)  # noqa: S314  our own output
    for one in root.iter():
        want = ARITY.get(one.tag)
        assert want is None or len(one) == want, f"{one.tag} has {len(one)} children: {text}"
        assert (len(one) == 0) == (one.tag in LEAVES or (one.tag == "mrow" and not len(one))), one.tag
        assert one.tag in LEAVES or not (one.text or "").strip(), one.tag
    return root


def said(element: ET.Element) -> str:
    """A formula on one line, as one would read it out: no group is told but by the signs that are drawn."""
    parts = [said(one) for one in element]
    match element.tag:
        case "mfrac":
            return f"[{parts[0]}]/[{parts[1]}]"
        case "msup":
            return f"{parts[0]}^[{parts[1]}]"
        case "msub" | "munder":
            return f"{parts[0]}_[{parts[1]}]"
        case "msqrt":
            return f"root[{''.join(parts)}]"
        case "mtr":
            return f"{parts[0]} {parts[1]};"
    return (element.text or "").replace("\u2061", "") + "".join(parts)


PLAIN = str.maketrans({"\u2212": "-", "\u22a4": "T", "\u03b3": "g", "\u2228": "|", "\u2062": " ", "\u00a0": " "})


def drawn(text: str, space: Space = SPACE) -> str:
    return said(checked(math(parse(text), space))).translate(PLAIN)


@pytest.mark.parametrize(
    ("text", "read_out"),
    [
        ("exp(x - max(x)) / sum(exp(x - max(x)))", "[e^[x_[i]-max_[j]x_[j]]]/[∑_[j]e^[x_[j]-max_[l]x_[l]]]"),
        ("x / sqrt(mean(x ** 2) + eps) * w", "[x_[i]]/[root[[1]/[n]∑_[j]x_[j]^[2]+ε]] w_[i]"),
        ("log(sum(exp(x))) - gather(x, t)", "ln(∑_[i]e^[x_[i]])-x_[t]"),
        ("abs(sum(y) - 1) <= (n + 3) * u", "|∑_[i]y_[i]-1|≤(n+3) u"),
        ("sum(x + c) * w", "(∑_[j](x_[j]+c)) w_[i]"),
        ("norm(x)", "‖x_[i]‖_[i]"),
        ("max(x) - min(x)", "max_[i]x_[i]-min_[i]x_[i]"),
        ("x @ transpose(w) * eps", "(xw^[T]) ε"),
        ("(x @ w) * (x + w)", "(xw)⊙(x+w)"),
        ("x[..., :k] + x[..., 0] - y[1:k:2]", "x_[:k]+x_[0]-y_[1:k:2]"),
        ("where(x > 0, x, where(x < -1, 0, nan))", "{x_[i] if x_[i]>0;0 if x_[i]<-1;NaN otherwise;"),
        ("1 if eps == 0 else (2 if eps > 1 else 3)", "{1 if ε=0;2 if ε>1;3 otherwise;"),
        ("x // 2 % 3", "⌊[x_[i]]/[2]⌋mod3"),
        ("floor(x) + ceil(x)", "⌊x_[i]⌋+⌈x_[i]⌉"),
        ("log2(1 + x) + log1p(-x) + expm1(x)", "log_[2](1+x_[i])+ln(1+(-x_[i]))+e^[x_[i]]-1"),
        ("exp(-(x / 2))", "exp(-[x_[i]]/[2])"),
        ("eps ** (2 / k)", "ε^[2/k]"),
        ("eps ** ((n - 1) / 2) / 3", "[ε^[(n-1)/2]]/[3]"),
        ("x[..., n // 2:] / gamma(n / (2 * k))", "[x_[⌊n/2⌋:]]/[g_[n/(2 k)]]"),
        ("gamma(2 * n + 1) * tiny", "g_[2 n+1]⋅tiny"),
        ("same(y, x) and not (isnan(x) or x != c)", "y_[i]≡x_[i]∧¬(x_[i] is NaN|x_[i]≠c)"),
        ("implies(x > 0, 0 < y <= inf)", "x_[i]>0⟹0<y_[i]≤∞"),
        ("all(isfinite(x)) or any(x > c)", "∀_[i]x_[i] is finite|∃_[i]x_[i]>c"),
        ("sum(x, axis=0)", "∑_[axis 0]x"),
        ("concat(x, w, axis=-1)", "concat(x,w)"),
        ("flip(x, axis=0)", "flip(x,axis=0)"),
        ("dot(x, w + 1)", "∑_[i]x_[i]⋅(w_[i]+1)"),
        ("total(x * w)", "∑_[all]x w"),
        ("minimum(x, 1) + sign(w) + erf(x)", "min(x_[i],1)+sgn(w_[i])+erf(x_[i])"),
        ("eye(n) + arange(n)", "I_[n]+(0,…,n-1)"),
        ("1e-6 * x + 2.5e8 + 0.125 + 1e3", "10^[-6] x_[i]+2.5⋅10^[8]+0.125+1000"),
        ("pi * inf", "π ∞"),
        ("1e-320 + 12345678.9 + 1000000", "10^[-320]+1.23456789⋅10^[7]+1000000"),
        ("x[None, 0] + True", "x_[None,0]+True"),
        ("softmax(x + c)", "softmax(x+c)"),
        ("reshape(x, [m * n, 1])", "reshape(x,(m n,1))"),
        ("-x ** 2 + (-x) ** 2", "-x_[i]^[2]+(-x_[i])^[2]"),
        ("f32(x) - f16(eps)", "f32(x_[i])-f16(ε)"),
    ],
)
def test_what_is_drawn(text: str, read_out: str) -> None:
    assert drawn(text) == read_out


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("theta", "θ"),
        ("theta_0", "θ_[0]"),
        ("w1", "w_[1]"),
        ("x_max", "x_[max]"),
        ("beta2_t", "β_[2,t]"),
        ("kv_heads", "kv_heads"),
        ("width", "width"),
        ("lambda_", "λ"),
        ("x_", "x_"),
        ("x__", "x__"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert drawn(name, Space()) == shown


def test_a_name_with_a_subscript_takes_its_index_beside_it() -> None:
    space = Space({"w_k": "n", "p": "n"})
    assert drawn("w_k + p", space) == "w_[k,i]+p_[i]"


def test_kernels_have_an_index_where_their_equation_says_along_what() -> None:
    space = Space({"x": "n", "y": "n"}, {"softmax": "n", "loss": "1"})
    assert drawn("y - softmax(x + 1) * loss(x)", space) == "y_[i]-softmax(x+1)_[i]⋅loss(x)"
    assert drawn("y - other(x)", space) == "y-other(x)"  # nobody knows along what it runs


def test_an_index_is_no_letter_of_the_contract() -> None:
    taken = Space({"x": "n"}, letters=frozenset("ijkl"))
    assert drawn("x - max(x)", taken) == "x_[p]-max_[q]x_[q]"
    assert drawn("x", Space({"x": "n"}, letters=frozenset("ijklpqrst"))) == "x_[\u03b9]"


def test_arrays_along_different_axes_are_written_whole() -> None:
    assert last_axis(parse("x + g").tree, SPACE) is None
    assert drawn("x + g") == "x+g"
    assert drawn("x + c") == "x_[i]+c"  # one element a row fits everywhere


def test_a_name_and_what_it_stands_for() -> None:
    assert said(checked(named("p", parse("exp(x)"), SPACE))) == "p_[i]=e^[x_[i]]"
    assert said(checked(named("p", parse("sum(x)"), SPACE))) == "p=∑_[i]x_[i]"
    assert said(checked(named("p", parse("x @ w"), SPACE))) == "p=xw"


def test_what_and_joins_stands_on_lines_of_its_own() -> None:
    lines = rows(parse("x > 0 and (y < 1 or x < 1) and eps == 0"), SPACE)
    assert [said(checked(one)).translate(PLAIN) for one in lines] == ["x_[i]>0", "y_[i]<1|x_[i]<1", "ε=0"]
    assert len(rows(parse("x > 0"), SPACE)) == 1


def test_signs_that_need_a_word_are_noted() -> None:
    seen: set[Sign] = set()
    math(parse("same(y, x @ w * x) or ulps(y, f32(x)) <= gamma(2) * u + tiny + round(x[..., 0])"), SPACE, seen=seen)
    assert seen == {
        Sign.SAME,
        Sign.PRODUCT,
        Sign.ULPS,
        Sign.CAST,
        Sign.GAMMA,
        Sign.ROUNDOFF,
        Sign.TINY,
        Sign.NEAREST,
        Sign.RESULT,
    }
    seen.clear()
    math(parse("sum(x[:k])"), SPACE, seen=seen)
    assert seen == {Sign.WHOLE, Sign.PARTS}


def test_whoever_cannot_see_it_hears_the_text() -> None:
    assert ET.fromstring(math(parse("x <= 1"), SPACE)).get("alttext") == "x <= 1"  # noqa: S314  our own output


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_is_drawn(function: str) -> None:
    signature = FUNCTIONS[function]
    arguments = {
        "reshape": "x, [n, m]",
        "permute": "x, [1, 0]",
        "full": "[m, n], 0",
        "eye": "n",
        "gamma": "n",
        "arange": "n",
    }
    given = arguments.get(function, ", ".join(["x > 0" if function == "where" else "x", "w", "w"][: signature.least]))
    for text in (f"{function}({given})", f"1 + {function}({given}) * 2", f"x @ {function}({given})"):
        found = drawn(text)
        assert "x" in found or "n" in found or "m" in found


# what is drawn, read by its signs alone, must come to the same number as the expression

NUMBERS = {"a": 1.25, "b": -0.75, "c": 2.5, "eps": 0.375}
SIGNS = {
    "⋅": "*",
    "\u2062": "*",
    "\u2212": "-",
    "≤": "<=",
    "≥": ">=",
    "=": "==",
    "≠": "!=",
    "∧": " and ",
    "\u2228": " or ",
}
SIGNS |= {"¬": " not ", "(": "(", ")": ")", "\u2061": "", "mod": "%"}
FENCES = {
    ("|", 0): "abs(",
    ("|", 1): ")",
    ("⌊", 0): "floor(",
    ("⌋", 1): ")",
}  # the first of a row opens, the last one closes
WORDS = {"ε": "eps", "ln": "log", "NaN": "nan"}


def as_python(element: ET.Element, place: int = 0) -> str:
    """A drawn formula as Python, without one parenthesis that is not drawn."""
    parts = [as_python(one, at) for at, one in enumerate(element)]
    match element.tag:
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"{parts[0]}**({parts[1]})"
        case "msqrt":
            return f"sqrt({''.join(parts)})"
        case "mo":
            text = element.text or ""
            return FENCES.get((text, int(place > 0)), SIGNS.get(text, text))
        case "mi" | "mn":
            return WORDS.get(element.text or "", element.text or "")
    return "".join(parts)


def number(text: str) -> Any:
    """What Python makes of a text; no number where it has none."""
    names = {**NUMBERS, "sqrt": m.sqrt, "floor": m.floor, "log": m.log, "e": m.e, "exp": m.exp, "abs": abs}
    try:
        return eval(compile(ast.parse(text.strip(), mode="eval"), "drawn", "eval"), {"__builtins__": {}}, names)  # noqa: S307  made here
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        return None


def joined(deeper: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(deeper, deeper)
    signs = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
    calls = st.sampled_from(["abs({})", "sqrt({})", "floor({})", "exp({})", "log({})", "-({})", "({}) ** 2"])
    compared = st.builds(
        lambda pair, sign: f"(({pair[0]}) {sign} ({pair[1]}))", two, st.sampled_from(["<", "<=", "==", "!="])
    )
    return st.one_of(
        st.builds(lambda pair, sign: f"(({pair[0]}) {sign} ({pair[1]}))", two, signs),
        st.builds(lambda one, call: call.format(one), deeper, calls),
        st.builds(
            lambda pair, word: f"(({pair[0]}) {word} ({pair[1]}))",
            st.tuples(compared, compared),
            st.sampled_from(["and", "or"]),
        ),
        st.builds(lambda one: f"(not ({one}))", compared),
    )


EXPRESSIONS = st.recursive(st.sampled_from([*NUMBERS, "2", "3", "0.5"]), joined, max_leaves=8)


def misread(text: str) -> bool:
    """Whether what is drawn would be read as something else."""
    expected, element = number(text), checked(math(parse(text), Space()))
    found = number(as_python(element))
    if expected is None or isinstance(expected, complex):
        return False
    same = isinstance(found, (int, float)) and m.isclose(found, expected, rel_tol=1e-9)
    return not (same or (expected != expected and found != found))  # noqa: PLR0124  NaN


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(EXPRESSIONS)
def test_it_is_read_as_python_reads_it(text: str) -> None:
    assert not misread(text), f"{text} is drawn as {as_python(checked(math(parse(text), Space())))}"


@pytest.mark.parametrize(
    "text", ["(a + b) * c", "a - (b - c)", "a - (b + c)", "a * (-b) ** 2", "(a * c) ** b", "a - -b"]
)
def test_a_missing_parenthesis_would_be_seen(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not misread(text)
    nothing: Callable[[Any], Any] = lambda piece: piece  # noqa: E731  stands in for `parenthesised`
    monkeypatch.setattr(operators, "parenthesised", nothing)
    monkeypatch.setattr("pv.formal.mathml.draw.parenthesised", nothing)
    found = as_python(checked(math(parse(text), Space())))
    assert misread(text) or "--" in found  # which Python reads, and nobody else
