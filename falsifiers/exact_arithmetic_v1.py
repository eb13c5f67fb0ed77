"""Falsifiers of `exact-arithmetic-v1`: free runs that must be llama.cpp's in every bit, and the functions they rest on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pv import Evidence

    Floats = NDArray[np.float32]

CONTRACT = "exact-arithmetic-v1"


def _hold_bit_identical(evidence: Evidence, stages: Iterator[tuple[Any, Floats, Floats]]) -> None:
    """Stage by stage, so that what is refuted first is the cause."""
    elements = 0
    for key, ours, theirs in stages:
        if ours.shape != theirs.shape:
            raise Refuted(f"{key} is {ours.shape}, llama.cpp's {theirs.shape}", stage=key.stage, layer=key.layer)
        different = np.ascontiguousarray(ours).view(np.uint32) != np.ascontiguousarray(theirs).view(np.uint32)
        if different.any():
            position, channel = (int(index) for index in np.argwhere(different)[0])
            raise Refuted(
                f"{int(different.sum())} of {different.size} elements of {key} differ, first at position {position}, channel "
                f"{channel}: {ours[position, channel]!r} against {theirs[position, channel]!r}",
                stage=key.stage,
                layer=key.layer,
            )
        elements += ours.size
    evidence.compared(elements, "elements")
    evidence.level("independent")


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-001")
def a_free_run_is_llama_cpps(evidence: Evidence, exact_real: Callable[[int], Any], tokens: int) -> None:
    """The real model."""
    _hold_bit_identical(evidence, exact_real(tokens))


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-002", "FALSIFY-EXACT-ARITHMETIC-003")
def so_are_those_of_every_architecture(
    evidence: Evidence, exact_small: Callable[[str, int], Any], model: str, tokens: int
) -> None:
    """Tiny models."""
    _hold_bit_identical(evidence, exact_small(model, tokens))


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-004")
def so_are_those_of_every_type(
    evidence: Evidence, exact_probe: Callable[[str, int], Any], model: str, tokens: int
) -> None:
    """Models whose matrices take the types in turn."""
    _hold_bit_identical(evidence, exact_probe(model, tokens))


def _random_triples(random: np.random.Generator, count: int) -> list[Floats]:
    """Of any size, mostly such that neither summand is lost."""
    size = random.integers(-70, 60, count)
    near = size + random.integers(-30, 31, count)
    exponents = (size // 2, size - size // 2, near)
    return [(random.uniform(-2, 2, count) * 2.0**exponent).astype(np.float32) for exponent in exponents]


def _subnormal_triples(random: np.random.Generator, count: int) -> list[Floats]:
    """Results that float32 holds with less than 24 bits, or not at all."""
    a = (random.uniform(-2, 2, count) * 2.0 ** random.integers(-80, -60, count)).astype(np.float32)
    b = (random.uniform(-2, 2, count) * 2.0 ** random.integers(-85, -60, count)).astype(np.float32)
    c = (random.integers(-40, 40, count) * 2.0**-149).astype(np.float32)
    return [a, b, c]


def _midpoint_triples(random: np.random.Generator, count: int) -> list[Floats]:
    """Such that the product is half of c's last place and next to nothing more or less: float64 rounds the rest away.

    (1 + x) (1 - x + x^2) is 1 and x^3 more, (1 + x) (1 - x) is 1 less x^2, 1 * 1 is the midpoint itself.
    """
    c = (1 + random.integers(0, 1 << 23, count) * 2.0**-23) * random.choice([-1.0, 1.0], count)
    kind = random.integers(0, 3, count)
    x = 2.0 ** -np.where(kind == 1, random.integers(15, 24, count), random.integers(10, 13, count))
    a = np.where(kind == 0, 1.0, 1 + x)
    b = np.select([kind == 0, kind == 1], [1.0, 1 - x], 1 - x + x * x)
    half = 2.0**-24 * random.choice([-1.0, 1.0], count)
    scale = 2.0 ** random.integers(-130, 60, count)
    return [part.astype(np.float32) for part in (a * half, b * scale, c * scale)]


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-005")
def the_fused_multiply_add_rounds_once(evidence: Evidence, exact_functions: Any) -> None:
    """Against C, and on triples where rounding twice is known to go wrong."""
    random = np.random.Generator(np.random.PCG64(5))
    kinds = (_random_triples(random, 40_000), _subnormal_triples(random, 40_000), _midpoint_triples(random, 40_000))
    a, b, c = (np.concatenate(parts) for parts in zip(*kinds, strict=True))
    twice = (a.astype(np.float64) * b + c).astype(np.float32)
    ours, theirs = exact_functions.fma(a, b, c)
    hard = int((twice.view(np.uint32) != theirs.view(np.uint32)).sum())
    evidence.report(rounding_twice_is_wrong_in=hard)
    if hard < 1000:
        raise Refuted(f"rounding twice is wrong in {hard} triples alone: they ask too little", stage="triples")
    _hold_same("fma", evidence, ours, theirs, [a, b, c])


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-006")
def the_exponential_is_the_librarys(evidence: Evidence, exact_functions: Any) -> None:
    """Every size of result, zero and infinity among them."""
    random = np.random.Generator(np.random.PCG64(6))
    x = np.concatenate(
        [
            random.uniform(-110, 0, 600_000),
            -random.exponential(1, 200_000),
            random.uniform(-1e-3, 1e-3, 100_000),
            random.uniform(0, 140, 99_992),
            [-np.inf, np.inf, 0.0, -0.0, -87.33655, -88.0, -103.97, 88.72284],
        ]
    ).astype(np.float32)
    ours, theirs = exact_functions.exponential(x)
    _hold_same("exponential", evidence, ours, theirs, [x])


def _hold_same(stage: str, evidence: Evidence, ours: Floats, theirs: Floats, given: list[Floats]) -> None:
    different = ours.view(np.uint32) != theirs.view(np.uint32)
    if different.any():
        at = int(np.argmax(different))
        arguments = ", ".join(float(part[at]).hex() for part in given)
        raise Refuted(
            f"{int(different.sum())} of {different.size} results differ, first of {arguments}: {float(ours[at]).hex()} against "
            f"{float(theirs[at]).hex()}",
            stage=stage,
        )
    evidence.compared(ours.size, "results")
    evidence.level("independent")


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-007", "FALSIFY-EXACT-ARITHMETIC-008")
def what_has_no_exact_kernel_is_refused(evidence: Evidence, exact_functions: Any, case: str) -> None:
    """By name."""
    said = exact_functions.refusal(case)
    stage = "angles" if case == "YaRN" else "linear"
    if said is None:
        raise Refuted(f"{case} is computed", stage=stage)
    if not re.search(rf"\b{re.escape(case)}\b", said) or "exact" not in said:
        raise Refuted(f"{case} is refused without its name: {said}", stage=stage)
    if re.search(r"\n|[.!?](\s|$)", said):
        raise Refuted(f"{case} is refused in more than a sentence: {said}", stage=stage)
    evidence.compared(1, "refusals")
    evidence.level("algorithm")  # no model runs


@falsifies(CONTRACT, "FALSIFY-EXACT-ARITHMETIC-009")
def a_library_with_other_kernels_is_refused(evidence: Evidence, exact_functions: Any) -> None:
    """Ours changed one by one, which to the self-test is the same as the library's."""
    said = exact_functions.self_test("none")
    if said is not None:
        raise Refuted(f"the self-test refuses the sound kernels: {said}", stage="library")
    strangers = exact_functions.strangers
    for stranger in strangers:
        said = exact_functions.self_test(stranger)
        if said is None:
            raise Refuted(f"the self-test does not notice {stranger}", stage="self-test")
        if "exact" not in said:
            raise Refuted(f"the refusal does not say what is refused: {said}", stage="self-test")
    evidence.compared(len(strangers), "other kernels")
    evidence.level("independent")
