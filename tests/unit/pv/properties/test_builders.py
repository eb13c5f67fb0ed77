"""Each type of obligation lets a sound kernel through and refutes the fault it is there for."""

from __future__ import annotations

import math
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from pv.config import SubjectSpec
from pv.evidence import Evidence
from pv.formal.obligation import KINDS
from pv.formal.property import equations_of, property_of
from pv.properties import profiles
from pv.properties.builders import BUILDERS
from pv.properties.evaluate import Unusable
from pv.properties.falsifier import refute
from pv.properties.subjects import Subject, Subjects
from pv.signals import Inconclusive, Refuted
from pv.types import UsageProblem
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

F32 = np.float32
VECTOR = "{m: 1..3, n: 1..6, x: {dtype: f32, shape: [m, n], range: [-100, 100]}}"
PAIR = "{n: 1..6, x: {dtype: f32, shape: [n], range: [-100, 100]}, z2: {dtype: f32, shape: [n], range: [-100, 100]}}"
COUNTER = {"calls": 0}


EXAMPLES = 150


@pytest.fixture(autouse=True)
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faults here are plain ones."""
    monkeypatch.setattr(profiles, "EXAMPLES", EXAMPLES)


def counting(x: Array) -> Array:
    COUNTER["calls"] += 1
    return x + F32(COUNTER["calls"] % 7 == 0)


def by_memory(x: Array) -> Array:
    return x + F32(not x.flags.c_contiguous)


def writing(x: Array) -> Array:
    x[..., -1] += F32(1)
    return x * F32(2)


def halving(x: Array) -> Array:
    return (x * F32(0.5)).astype(np.float16).astype(F32)


def softmax(x: Array) -> Array:
    weights = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


# type, further keys, domain, a sound kernel, a faulty one, where the fault is seen
CASES: list[tuple[str, str, str, Callable[..., Any], Callable[..., Any]]] = [
    ("invariant", "formal: y == abs(x)", VECTOR, np.abs, lambda x: np.where(x == -3, x, np.abs(x))),
    ("conservation", "formal: abs(sum(y) - 1) <= 12 * u", VECTOR, softmax, lambda x: np.exp(x - x.max(-1, keepdims=True))),
    ("ordering", "formal: 'implies(x[..., None, :] < x[..., None], y[..., None, :] <= y[..., None])'", VECTOR, np.exp, np.cos),
    ("completeness", "formal: all(isfinite(y))", VECTOR, np.tanh, lambda x: np.where(x > 99, np.inf, x)),
    ("soundness", "formal: sort(y) == sort(x)", VECTOR, lambda x: x[..., ::-1], lambda x: np.repeat(x[..., :1], x.shape[-1], -1)),
    ("postcondition", "formal: y >= x", VECTOR, lambda x: np.maximum(x, 0), lambda x: np.minimum(x, 50)),
    ("classification", "formal: y == -1 or y == 0 or y == 1", VECTOR, np.sign, lambda x: np.sign(x) * 1.5),
    ("bound", "between: [-1, 1]", VECTOR, np.tanh, lambda x: np.tanh(x) * F32(1.0001)),
    ("bound", "between: [null, 50]", VECTOR, lambda x: np.minimum(x, 50), np.abs),
    ("bound", "between: [0, null]", VECTOR, np.abs, lambda x: np.where(x == 2, np.nan, np.abs(x))),
    ("equivalence", "{}", VECTOR, lambda x: x * x, lambda x: np.where(np.abs(x) < 1e-3, 0, x * x)),
    ("equivalence", "to: 2 * x, tolerance: 2 * u * abs(f)", VECTOR, lambda x: x + x, lambda x: x + x + F32(1e-3)),
    ("equivalence", "to: 2 * x, tolerance: 1e-3", VECTOR, lambda x: x + x, lambda x: (x + x)[..., :1]),
    ("equivalence", "to: 2 * x, tolerance: 1e-3", VECTOR, lambda x: x + x, lambda x: np.where(x == 100, np.nan, x + x)),
    ("monotonicity", "{}", VECTOR, np.tanh, lambda x: x / (1 + np.exp(-x))),
    ("monotonicity", "direction: decreasing", VECTOR, np.negative, np.abs),
    ("monotonicity", "tolerance: 0.3", VECTOR, lambda x: x / (1 + np.exp(-x)), lambda x: x - np.sign(x)),
    ("idempotency", "{}", VECTOR, np.rint, lambda x: np.rint(x) + (x >= 4)),
    ("involution", "{}", VECTOR, np.negative, lambda x: np.negative(x) + F32(0.5)),
    ("roundtrip", "through: f32(y * 2), tolerance: 1e-30", VECTOR, lambda x: x * F32(0.5), halving),
    ("associativity", "{}", PAIR, np.maximum, np.subtract),
    ("linearity", "tolerance: 1e-4 * (1 + abs(f))", VECTOR, lambda x: 3 * x, lambda x: 3 * x + 1),
    ("symmetry", "under: permutation, result: equivariant", VECTOR, np.exp, np.cumsum),
    ("symmetry", "under: permutation, tolerance: 1e-3", VECTOR, lambda x: x.sum(-1), lambda x: x[..., 0]),
    ("symmetry", "under: negation", VECTOR, np.abs, np.exp),
    ("symmetry", "under: negation, result: odd", VECTOR, np.tanh, np.abs),
    ("symmetry", "under: shift, tolerance: 1e-5", VECTOR, softmax, np.abs),
    ("symmetry", "under: scaling, result: equivariant", VECTOR, np.abs, lambda x: x * x),
    ("symmetry", "under: reversal, axis: 0, result: equivariant", VECTOR, np.abs, lambda x: np.cumsum(x, 0)),
    ("determinism", "{}", VECTOR, np.abs, counting),
    ("determinism", "{}", VECTOR, np.abs, by_memory),
    ("independence", "along: m", VECTOR, softmax, lambda x: x - x.max()),
    ("independence", "along: m", VECTOR, np.abs, lambda x: x + (np.arange(len(x), dtype=F32)[:, None] > 1)),
    ("frame", "{}", VECTOR, np.abs, writing),
]  # fmt: skip


def hold(tmp_path: Path, kind: str, keys: str, domain: str, kernel: Callable[..., Any], **modules: Any) -> Evidence:
    """Run one obligation against a kernel."""
    data = yaml.safe_load(f"equations: {{kernel: {{formal: x * x, domain: {domain}}}}}")
    more = yaml.safe_load(keys if keys == "{}" else f"{{{keys}}}")
    prop = property_of(equations_of(data), "kernel", {"type": kind, **more})
    subjects = Subjects({}, tmp_path)
    for name, function in {"kernels": kernel, **modules}.items():
        module = types.ModuleType(f"{name}_module")
        vars(module).update(kernel=lambda *given, _f=function: _f(*given), PRODUCER=name, BUILD="1")
        subjects._opened[name] = Subject(name, module)
    evidence = Evidence(tmp_path)
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    refute(claim, prop, None, evidence, subjects)
    return evidence


@pytest.mark.parametrize(("kind", "keys", "domain", "sound", "faulty"), CASES)
def test_a_sound_kernel_passes_and_a_faulty_one_does_not(
    tmp_path: Path, kind: str, keys: str, domain: str, sound: Callable[..., Any], faulty: Callable[..., Any]
) -> None:
    told = hold(tmp_path, kind, keys, domain, sound)
    assert told.total >= EXAMPLES
    assert told.as_dict()["reported"]["examples"] >= EXAMPLES
    with pytest.raises(Refuted) as caught:
        hold(tmp_path, kind, keys, domain, faulty)
    assert caught.value.where["stage"] == "kernel"


def test_every_type_has_a_builder_and_is_tried_here() -> None:
    assert set(BUILDERS) == set(KINDS) == {case[0] for case in CASES}


def test_an_oracle_is_another_producer(tmp_path: Path) -> None:
    told = hold(tmp_path, "equivalence", "oracle: other, tolerance: u * abs(f)", VECTOR, np.exp, other=np.exp)
    assert [(one["role"], one["producer"]) for one in told.as_dict()["engines"]] == [
        ("subject", "kernels"),
        ("oracle", "other"),
    ]
    with pytest.raises(Refuted, match="y against other"):
        hold(tmp_path, "equivalence", "oracle: other, tolerance: u * abs(f)", VECTOR, np.exp, other=np.exp2)


def test_the_worst_is_told_as_a_share_of_its_bound(tmp_path: Path) -> None:
    worst = hold(tmp_path, "equivalence", "tolerance: 2 * u * f + smallest", VECTOR, lambda x: x * x).as_dict()["worst"]
    assert worst["bound"] == 1
    assert 0.2 < worst["distance"] <= 0.51  # one rounding to nearest is half of two


def test_a_kernel_that_raises_is_refuted(tmp_path: Path) -> None:
    def raising(x: Array) -> Array:
        if x.size > 4:
            raise RuntimeError("too large")
        return x

    with pytest.raises(Refuted, match="kernel raised RuntimeError: too large"):
        hold(tmp_path, "frame", "{}", VECTOR, raising)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "kernel gave NoneType, no array of numbers"),
        ("no", "kernel gave str, no array of numbers"),
        ({"y": 1}, "kernel gave dict, no array of numbers"),
        (object(), "kernel gave object, no array of numbers"),
        ([1.0, None], "kernel gave NoneType, no array of numbers"),
        (1j * np.ones((1, 1)), "kernel gave complex, no array of numbers"),
    ],
)
@pytest.mark.parametrize("kind", ["equivalence", "determinism", "frame"])
def test_what_is_no_number_is_refuted(tmp_path: Path, kind: str, given: Any, said: str) -> None:
    with pytest.raises(Refuted, match=said):
        hold(tmp_path, kind, "{}", VECTOR, lambda _: given)


def test_a_kernel_that_ends_the_program_is_refuted(tmp_path: Path) -> None:
    def ending(_: Array) -> Array:
        raise SystemExit(3)

    with pytest.raises(Refuted, match="kernel raised SystemExit: 3"):
        hold(tmp_path, "equivalence", "{}", VECTOR, ending)


def test_an_axis_too_many_is_refuted(tmp_path: Path) -> None:
    with pytest.raises(Refuted, match=r"y against f: shapes \(1, 1, 1\) and \(1, 1\)"):
        hold(tmp_path, "equivalence", "{}", VECTOR, lambda x: (x * x)[None])
    hold(tmp_path, "equivalence", "to: 0, tolerance: 1e4", VECTOR, lambda x: x)  # a number is for every element


def test_a_formula_that_cannot_be_computed_comes_with_its_example(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    data = yaml.safe_load(f"equations: {{kernel: {{formal: x, domain: {VECTOR}}}}}")
    prop = property_of(equations_of(data), "kernel", {"type": "invariant", "formal": "abs(y) + zeros(m + 1) >= 0"})
    module = types.ModuleType("kernels_module")
    vars(module).update(kernel=lambda x: x)
    subjects = Subjects({}, tmp_path)
    subjects._opened["kernels"] = Subject("kernels", module)
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    with pytest.raises(UsageProblem, match="could not be broadcast"):
        refute(claim, prop, None, evidence, subjects)
    assert str(evidence.as_dict()["counterexample"]).startswith("m = ")


def test_a_formula_stands_for_what_its_type_says(tmp_path: Path) -> None:
    hold(tmp_path, "symmetry", "formal: y == kernel(-x)", VECTOR, np.abs)
    with pytest.raises(Refuted):
        hold(tmp_path, "symmetry", "formal: y == kernel(-x)", VECTOR, np.exp)


def test_only_what_where_says_is_tried(tmp_path: Path) -> None:
    hold(
        tmp_path,
        "invariant",
        "formal: y > 0, where: min(x) > 0",
        "{x: {dtype: f32, shape: [2], range: [-1, 9]}}",
        lambda x: x,
    )
    with pytest.raises(Refuted):
        hold(tmp_path, "invariant", "formal: y > 0", "{x: {dtype: f32, shape: [2], range: [-1, 9]}}", lambda x: x)


def test_an_implication_compares_only_where_its_condition_holds(tmp_path: Path) -> None:
    told = hold(tmp_path, "invariant", "formal: 'implies(x > 200, y < 0)'", VECTOR, np.abs)
    assert told.total == 0


def test_alpha_is_shared_among_the_examples(tmp_path: Path) -> None:
    seen: list[int] = []

    def counted(x: Array) -> Array:
        seen.append(x.size)
        return x

    formal = "formal: alpha * 150 < 1.5e-6 and alpha > 4e-9, alpha: 1.5e-6"
    told = hold(tmp_path, "invariant", formal, VECTOR, counted)
    assert told.as_dict()["reported"]["examples"] <= profiles.most_drawn(profiles.TOGETHER)
    assert len(seen) >= EXAMPLES


def test_a_function_that_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    data = yaml.safe_load(f"equations: {{other: {{formal: x, domain: {VECTOR}}}}}")
    prop = property_of(equations_of(data), "other", {"type": "frame"})
    subjects = Subjects({"kernels": SubjectSpec("math")}, tmp_path)
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    with pytest.raises(Inconclusive, match="math has no function 'other'"):
        refute(claim, prop, None, Evidence(tmp_path), subjects)
    assert math.pi > 3


def half(x: Array) -> Any:
    return (x * x).astype(np.float16)


@pytest.mark.parametrize(
    "keys", ["tolerance: 2 * u * abs(f) + smallest", "{}", "formal: abs(y - x * x) <= 2 * u * x * x + smallest"]
)
def test_a_result_in_less_precision_has_no_wider_bounds_for_it(tmp_path: Path, keys: str) -> None:
    hold(tmp_path, "equivalence", keys, VECTOR, lambda x: x * x)
    with pytest.raises(Refuted):
        hold(tmp_path, "equivalence", keys, VECTOR, half)


def test_what_is_too_large_to_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"x of shape \[70000, 70000\] has 4900000000 elements"):
        hold(tmp_path, "frame", "{}", "{x: {dtype: f32, shape: [n, n], n: 70000..70000, range: [0, 1]}}", np.abs)


def test_the_message_has_the_numbers_put_in(tmp_path: Path) -> None:
    with pytest.raises(Refuted) as caught:
        hold(tmp_path, "invariant", "formal: y <= abs(x) + 1", VECTOR, lambda x: x * x)
    assert caught.value.message == "y <= abs(x) + 1 is false at [0, 0]: 4.0 <= abs(2.0) + 1, that is 4.0 <= 3"


def test_the_counterexample_is_small_and_whole(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    data = yaml.safe_load(f"equations: {{kernel: {{formal: x, domain: {VECTOR}}}}}")
    prop = property_of(equations_of(data), "kernel", {"type": "invariant", "formal": "y <= 1"})
    module = types.ModuleType("kernels_module")
    vars(module).update(kernel=lambda x: x)
    subjects = Subjects({}, tmp_path)
    subjects._opened["kernels"] = Subject("kernels", module)
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    with pytest.raises(Refuted):
        refute(claim, prop, None, evidence, subjects)
    assert evidence.as_dict()["counterexample"] == "m = 1; n = 1; x = [[2.]] (float32)"


def test_arrays_come_in_the_namespace_that_a_subject_works_in(tmp_path: Path) -> None:
    class Other:
        """An array that is none of numpy's."""

        def __init__(self, values: Any) -> None:
            self.values = np.array(values)

        def __dlpack__(self, **options: Any) -> Any:
            return self.values.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return self.values.__dlpack_device__()

    module = types.ModuleType("elsewhere")
    vars(module).update(
        xp=types.SimpleNamespace(asarray=Other), kernel=lambda x: Other(x.values * 2) if isinstance(x, Other) else None
    )
    subject = Subject("kernels", module)
    data = yaml.safe_load(f"equations: {{kernel: {{formal: 2 * x, domain: {VECTOR}}}}}")
    prop = property_of(equations_of(data), "kernel", {"type": "equivalence"})
    subjects = Subjects({}, tmp_path)
    subjects._opened["kernels"] = subject
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    evidence = Evidence(tmp_path)
    refute(claim, prop, None, evidence, subjects)
    assert evidence.total > EXAMPLES
