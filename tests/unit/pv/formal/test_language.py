from __future__ import annotations

import pytest

from pv.formal.functions import FUNCTIONS
from pv.formal.language import LARGEST, LONGEST, FormalError, parse


@pytest.mark.parametrize(
    ("text", "names", "calls"),
    [
        ("x", {"x"}, set()),
        ("exp(x - max(x)) / sum(exp(x - max(x)))", {"x"}, {"exp", "max", "sum"}),
        ("0 <= y <= 1 and not isnan(y)", {"y"}, {"isnan"}),
        ("x[..., :k] @ transpose(w)[0]", {"x", "k", "w"}, {"transpose"}),
        ("a if c else softmax(x, axis=-1)", {"a", "c", "x"}, {"softmax"}),
        ("full([m, 2 * n], 1.5)", {"m", "n"}, {"full"}),
        ("x +\n  1", {"x"}, set()),
        (3, set(), set()),
        (1e-6, set(), set()),
    ],
)
def test_an_expression_has_names_and_calls(text: object, names: set[str], calls: set[str]) -> None:
    found = parse(text)
    assert (set(found.names), set(found.calls)) == (names, calls)


@pytest.mark.parametrize(
    ("text", "offset", "says"),
    [
        ("x.shape", 0, "no attributes"),
        ("  x.shape", 2, "no attributes"),
        ("x + (lambda: 1)", 5, "no functions of its own"),
        ("[i for i in x]", 0, "ListComp"),
        ("x ^ 2", 0, "powers as"),
        ("x & y", 0, "'and'"),
        ("~x", 0, "'not'"),
        ("x if", 4, "not an expression"),
        ("f(x)(y)", 0, "by their names"),
        ("f(**x)", 0, "** arguments"),
        ("f(*x)", 2, "starred"),
        ("x is y", 0, "no 'is'"),
        ("1j", 0, "complex"),
        ("'text'", 0, "'"),
        ("x # y", 2, "comment"),
        ("é + 1", 0, "ASCII"),
        ("1 + _x", 4, "begins with a letter"),
        ("x; y", 1, "';'"),
        ("exp(x, y)", 0, "takes 1 argument: exp(x)"),
        ("sum(x, to=1)", 7, "no argument 'to'"),
        (f"{LARGEST + 1}", 0, "not exact"),
        ("a" * (LONGEST + 1), None, "longest"),
        ("(" * 80 + "x" + ")" * 80 + " + " + "-" * 80 + "x", None, "deep"),
        ("", None, "empty"),
        (None, None, "a text or a number"),
        (True, None, "a text or a number"),
        ([1], None, "a text or a number"),
    ],
)
def test_what_is_not_of_the_language_is_refused_at_its_place(text: object, offset: int | None, says: str) -> None:
    with pytest.raises(FormalError) as caught:
        parse(text)
    assert says in caught.value.message
    assert offset is None or caught.value.offset == offset


def test_whole_numbers_up_to_the_largest_are_read() -> None:
    assert parse(str(LARGEST)).text == str(LARGEST)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y + z", "nothing is called 'z'"),
        ("axx + 1", "did you mean 'axe'?"),
        ("exp + 1", "'exp' is a function: call it"),
        ("softmx(y)", "did you mean 'softmax'?"),
    ],
)
def test_names_that_stand_for_nothing_are_refused(text: str, says: str) -> None:
    with pytest.raises(FormalError, match="^.*" + says.replace("?", r"\?").replace("(", r"\(")):
        parse(text).check({"y", "axe"}, {"softmax"})


def test_constants_and_functions_need_no_names() -> None:
    parse("sum(pi * y) < inf").check({"y"}, ())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_how_it_is_called(name: str) -> None:
    one = FUNCTIONS[name]
    assert one.usage.startswith(f"{name}(")
    assert one.meaning
    assert one.most is None or one.least <= one.most
    parse(one.usage)
