"""What a run counts, leaves out and says of itself."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pv.properties import profiles
from pv.properties.subjects import Subject
from pv.signals import Refuted
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

THREE = "{x: {dtype: f32, shape: [3], range: [-1, 9]}}"


def test_every_element_of_every_example_is_counted(held: Callable[..., Any]) -> None:
    told = held("equivalence", "", THREE, lambda x: x).as_dict()
    assert told["compared"]["values"] == 3 * told["reported"]["examples"]
    told = held("invariant", "formal: y == x", THREE, lambda x: x).as_dict()
    assert told["compared"]["values"] == 3 * told["reported"]["examples"]


def test_of_arrays_without_elements_nothing_is_compared(held: Callable[..., Any]) -> None:
    assert held("equivalence", "tolerance: 1", "{x: {dtype: f32, shape: [0], range: [0, 1]}}", lambda x: x).total == 0


def test_where_is_true_of_every_element_or_the_example_is_left_out(held: Callable[..., Any]) -> None:
    told = held("invariant", "formal: y >= 0, where: x >= 0", THREE, lambda x: x).as_dict()
    (skipped,) = told["skipped"]
    assert skipped["what"] == "examples"
    assert skipped["n"] + told["reported"]["examples"] >= profiles.EXAMPLES
    assert told["compared"]["values"] == 3 * told["reported"]["examples"]  # those left out are not among them


def test_what_where_never_holds_for_compares_nothing(held: Callable[..., Any]) -> None:
    assert held("invariant", "formal: y >= 0, where: min(x) > 9", THREE, lambda x: x).total == 0


def test_tests_that_hold_too_few_examples_are_followed_by_others(
    held: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_tests", lambda _each: 1)
    assert held("equivalence", "", THREE, lambda x: x).as_dict()["reported"]["examples"] >= profiles.EXAMPLES


@pytest.mark.parametrize("level", [Level.ALGORITHM, Level.INDEPENDENT])
def test_an_oracle_makes_evidence_independent_only_where_the_claim_asks(held: Callable[..., Any], level: Level) -> None:
    told = held("equivalence", "oracle: other", THREE, np.abs, level=level, other=np.abs).as_dict()
    assert told["level"] == level


def test_an_argument_that_was_computed_has_the_dtype_of_its_parameter(held: Callable[..., Any]) -> None:
    seen: set[Any] = set()

    def kernel(x: Any, t: Any) -> Any:
        seen.add(x.dtype)
        if not isinstance(t, float) or float(np.float32(t)) != t:
            raise TypeError(f"{t!r} is no float32")
        return x

    domain = "{x: {dtype: f32, shape: [3], range: [-1, 9]}, t: {dtype: f32, range: [0.1, 2]}}"
    held("invariant", "formal: 'kernel(x * 2, t / 3) == f32(2 * y)'", domain, kernel)
    assert seen == {np.dtype(np.float32)}


def subject(planted: Any = None, **functions: Any) -> Subject:
    module = ModuleType("some")
    vars(module).update(functions)
    return Subject("kernels", module, planted=planted)


def test_a_fault_takes_the_place_of_its_own_function_alone() -> None:
    one = subject(SimpleNamespace(function="f", call=abs), f=round, g=len)
    assert one.function("f") is abs
    assert one.function("g") is len


def test_what_a_subject_of_another_namespace_writes_to_is_a_copy() -> None:
    def writing(x: Any) -> Any:
        x[0] = 7
        return x

    given = np.zeros(2)
    assert subject(xp=np, f=writing).function("f")(given)[0] == 7
    assert given[0] == 0


def test_evidence_rests_on_the_whole_package_where_it_is_the_projects_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    package = tmp_path / "packaged_kernels_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("def f(x): return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("packaged_kernels_of_a_test.inner")
    assert Subject("kernels", module).sources(tmp_path) == [package]
    assert Subject("kernels", module).sources(tmp_path / "elsewhere") == [package / "inner.py"]


def test_a_kernel_that_differs_by_more_than_its_tolerance_says_by_how_much(held: Callable[..., Any]) -> None:
    with pytest.raises(Refuted) as caught:
        held("equivalence", "to: x, tolerance: 1", THREE, lambda x: x + np.float32(1.5))
    assert "1.5 apart, 1 = 1 at most" in caught.value.message


def test_a_kernel_that_is_another_one_each_time_is_refuted(held: Callable[..., Any]) -> None:
    """What was false may be true when it is computed once more, to be told with its numbers."""
    calls = [0]

    def kernel(x: Any) -> Any:
        calls[0] += 1
        return x + np.float32(calls[0] == 2)

    with pytest.raises(Refuted, match="true when it is computed again"):
        held("invariant", "formal: kernel(x) == y", THREE, kernel)
