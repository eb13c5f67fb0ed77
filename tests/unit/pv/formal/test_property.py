from __future__ import annotations

from typing import Any

import pytest
import yaml

from pv.formal.language import FormalError
from pv.formal.property import Property, equations_of, is_executable, property_of

EQUATIONS = """
equations:
  softmax:
    formal: w / sum(w)
    let: {w: exp(x - max(x))}
    domain: {m: 1..4, x: {dtype: f32, shape: [m, n], n: 1..8, range: [-9, 9]}, t: {dtype: f64, range: [0, 1]}}
    kernel: softmax(x)
  prose: {formula: f(x) = x, domain: x is a vector}
"""


def obligation(text: str) -> Property:
    return property_of(equations_of(yaml.safe_load(EQUATIONS)), "softmax", yaml.safe_load(text))


def test_only_equations_with_a_mapping_for_domain_are_executable() -> None:
    data = yaml.safe_load(EQUATIONS)
    assert list(equations_of(data)) == ["softmax"]
    assert not is_executable(data["equations"]["prose"])
    assert not is_executable(None)


def test_a_kernel_is_called_with_the_inputs_in_order_unless_it_says_how() -> None:
    data = yaml.safe_load(EQUATIONS)
    del data["equations"]["softmax"]["kernel"]
    assert equations_of(data)["softmax"].kernel.text == "softmax(x, t)"
    named = equations_of(yaml.safe_load(EQUATIONS))["softmax"]
    assert (named.function, named.dtypes) == ("softmax", ["f32"])


def test_an_equivalence_is_with_the_equation_unless_it_says_with_what() -> None:
    assert obligation("{type: equivalence}").expressions["to"].text == "w / sum(w)"
    assert obligation("{type: equivalence, to: x}").expressions["to"].text == "x"
    assert "to" not in obligation("{type: equivalence, oracle: scipy}").expressions


def test_forall_adds_to_the_domain_and_narrows_it() -> None:
    found = obligation("{type: invariant, formal: y <= c, forall: {c: {dtype: f32, range: [1, 2]}, m: 1..2}}")
    assert [one.name for one in found.domain.entries] == ["m", "n", "x", "t", "c"]
    high = found.domain.sizes["m"].high
    assert high is not None
    assert high.text == "2"


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("{type: invariant}", (), "needs 'formal'"),
        ("{type: termination}", ("type",), "nothing executes an obligation of type 'termination'"),
        ("{type: bound}", (), "needs 'between'"),
        ("{type: bound, between: [0]}", ("between",), "a list of two"),
        ("{type: bound, between: [0, z]}", ("between", 1), "nothing is called 'z'"),
        ("{type: invariant, formal: y < z}", ("formal",), "nothing is called 'z'"),
        ("{type: invariant, formal: y < 1, tolerance: 1e-3}", ("tolerance",), "takes no 'tolerance'"),
        ("{type: equivalence, tolerence: 1}", ("tolerence",), "did you mean 'tolerance'?"),
        ("{type: symmetry}", (), "needs 'under'"),
        ("{type: symmetry, under: mirror}", ("under",), "cannot be 'mirror'"),
        ("{type: symmetry, under: shift, in: z}", ("in",), "no input 'z'"),
        ("{type: symmetry, under: shift, in: []}", ("in",), "names an input"),
        ("{type: symmetry, under: shift, axis: last}", ("axis",), "whole number"),
        ("{type: symmetry, under: shift, result: even}", ("result",), "cannot be 'even'"),
        ("{type: monotonicity, direction: up}", ("direction",), "cannot be 'up'"),
        ("{type: independence, along: x}", ("along",), "names a size: m, n"),
        ("{type: independence}", (), "needs 'along'"),
        ("{type: equivalence, oracle: 3}", ("oracle",), "names a subject"),
        ("{type: invariant, formal: 'true', alpha: 2}", ("alpha",), "a probability"),
        ("{type: invariant, formal: y < alpha}", ("formal",), "nothing is called 'alpha'"),
        ("{type: invariant, formal: v < 1, let: {v: q}}", ("let", "v"), "nothing is called 'q'"),
        ("{type: invariant, formal: y < 1, let: {x: y}}", ("let", "x"), "cannot be a new name"),
        ("{type: invariant, formal: y < 1, let: [1]}", ("let",), "a mapping"),
        ("{type: invariant, formal: y < 1, forall: [1]}", ("forall",), "a mapping"),
        ("{type: invariant, formal: y < 1, forall: {c: {dtype: f3}}}", ("forall", "c", "dtype"), "did you mean"),
        ("{type: equivalence, tolerance: d}", ("tolerance",), "nothing is called 'd'"),
    ],
)
def test_what_cannot_be_executed_is_refused_at_its_place(text: str, path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(FormalError) as caught:
        obligation(text)
    assert says in caught.value.message
    assert caught.value.path == path


def test_names_of_a_type_stand_in_its_tolerance_alone() -> None:
    assert obligation("{type: linearity, tolerance: abs(a) + abs(z) + f}").expressions["tolerance"].names == {
        "a",
        "z",
        "f",
    }
    with pytest.raises(FormalError):
        obligation("{type: idempotency, tolerance: abs(a)}")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kernel": "x + 1"}, ("equations", "softmax", "kernel")),
        ({"kernel": "exp(x)"}, ("equations", "softmax", "kernel")),
        ({"kernel": "softmax(q)"}, ("equations", "softmax", "kernel")),
        ({"formal": "q"}, ("equations", "softmax", "formal")),
        ({"formal": "y + 1"}, ("equations", "softmax", "formal")),
        ({"domain": {"x": {"dtype": "f3"}}}, ("equations", "softmax", "domain", "x", "dtype")),
    ],
)
def test_an_equation_that_cannot_be_executed_is_refused_at_its_place(
    change: dict[str, Any], path: tuple[Any, ...]
) -> None:
    data = yaml.safe_load(EQUATIONS)
    data["equations"]["softmax"].update(change)
    with pytest.raises(FormalError) as caught:
        equations_of(data)
    assert caught.value.path == path
