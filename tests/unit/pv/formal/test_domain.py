from __future__ import annotations

from typing import Any

import pytest
import yaml

from pv.formal.domain import Domain, Input, Size, read
from pv.formal.language import FormalError


def domain(text: str) -> Domain:
    return read(yaml.safe_load(text))


def test_sizes_and_inputs_are_read_in_order() -> None:
    found = domain(
        "{m: 1..4, k: [32, 64], one: 7, x: {dtype: f32, shape: [m, 2 * n], n: 1..m, range: [-1e3, 1e3]}, e: {dtype: f64, values: [1e-6, 1]}}"
    )
    assert [one.name for one in found.entries] == ["m", "k", "one", "n", "x", "e"]
    assert found.sizes["k"] == Size("k", choices=(32, 64))
    assert found.sizes["one"].choices == (7,)
    x = found.inputs["x"]
    assert [axis.text for axis in x.shape or ()] == ["m", "2 * n"]
    assert (x.low and x.low.text, x.high and x.high.text) == ("-1e3", "1e3")
    assert found.inputs["e"] == Input("e", "f64", values=(1e-6, 1))


def test_another_domain_adds_and_narrows() -> None:
    outer = domain("{n: 1..4, x: {dtype: f32, shape: [n], range: [0, 1]}}")
    inner = read(
        yaml.safe_load("{x: {dtype: f32, shape: [n], range: [0.5, 1]}, c: {dtype: f32, range: [0, n]}}"), outer
    )
    both = outer.with_entries(inner)
    assert [one.name for one in both.entries] == ["n", "x", "c"]
    low = both.inputs["x"].low
    assert low is not None
    assert low.text == "0.5"


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("{x: {dtype: f23, range: [0, 1]}}", ("x", "dtype"), "did you mean 'f32'?"),
        ("{x: {range: [0, 1]}}", ("x",), "needs a dtype"),
        ("{x: {dtype: f32}}", ("x",), "needs a range, values, or bits"),
        ("{x: {dtype: f32, range: [1, 0]}}", ("x", "range"), "nothing lies between 1 and 0"),
        ("{x: {dtype: f32, range: [1]}}", ("x", "range"), "a list of two"),
        ("{x: {dtype: f32, range: [0, 1], values: [1]}}", ("x", "values"), "exclude each other"),
        ("{x: {dtype: f32, values: []}}", ("x", "values"), "list of numbers"),
        ("{x: {dtype: f32, shape: n, range: [0, 1]}}", ("x", "shape"), "a shape is a list"),
        ("{x: {dtype: f32, shape: [k], range: [0, 1]}}", ("x", "shape", 0), "nothing is called 'k'"),
        ("{x: {dtype: f32, shape: [1], range: [0, k]}}", ("x", "range", 1), "nothing is called 'k'"),
        ("{x: {dtype: f32, shape: [n], n: 4..1, range: [0, 1]}}", ("x", "n"), "no size lies in 4..1"),
        ("{n: -2..4, x: {dtype: bool, shape: [n]}}", ("n",), "no size lies in -2..4"),
        ("{n: many, x: {dtype: bool}}", ("n",), "a size is"),
        ("{n: [1, -2], x: {dtype: bool}}", ("n",), "a size is"),
        ("{n: true, x: {dtype: bool}}", ("n",), "a size is"),
        ("{n: 1..k, x: {dtype: bool}}", ("n",), "nothing is called 'k'"),
        ("{u: 1..2}", ("u",), "means something in the language"),
        ("{sum: 1..2}", ("sum",), "means something in the language"),
        ("{x y: 1..2}", ("x y",), "is no name"),
        ("{3: 1..2}", (), "3 is no name"),
        ("{x: {dtype: f32, shpe: [1], range: [0, 1]}}", ("x", "shpe"), "did you mean 'shape'?"),
        ("{x: {dtype: i32, range: [0, 1], nonfinite: true}}", ("x", "nonfinite"), "only floats"),
        ("{x: {dtype: f32, range: [0, 1], nonfinite: 1}}", ("x", "nonfinite"), "true or false"),
        ("{x: {dtype: f32, shape: [2], bits: some}}", ("x", "bits"), "`any`"),
        ("{x: {dtype: f32, bits: any}}", ("x", "bits"), "needs a shape"),
        ("{n: 1..2, x: {dtype: f32, shape: [n], n: 1..3, range: [0, 1]}}", ("n",), "said twice"),
        ("{}", (), "at least one input"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(FormalError) as caught:
        domain(text)
    assert says in caught.value.message
    assert caught.value.path == path


def test_a_name_that_is_unknown_in_an_upper_bound_is_told_at_its_character() -> None:
    with pytest.raises(FormalError) as caught:
        domain("{n: 1..2 * k, x: {dtype: bool}}")
    assert caught.value.offset == len("1..2 * ")
