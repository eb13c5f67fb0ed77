"""Faults of the null models themselves: they forget a source of honest differences, count too many as independent, or boast."""

from __future__ import annotations

import dataclasses
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class NullMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: what the claim that finds it names as the place.
        module: where it is planted.
        attribute: what is replaced there.
        change: makes the faulty one from the sound one.
        layer: of the stage.
    """

    name: str
    fault: str
    stage: str
    module: str
    attribute: str
    change: Callable[[Any], Any]
    layer: int | None = None

    def planted(self) -> tuple[Any, str, Any]:
        """Module, attribute and what to put there."""
        module = importlib.import_module(self.module)
        return module, self.attribute, self.change(getattr(module, self.attribute))


def _one_level(levels: Callable[..., float]) -> Callable[..., float]:
    return lambda *arguments, **options: min(levels(*arguments, **options), 1.0)


def _zeros(variance: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: np.zeros_like(variance(*arguments))


def _ones(top: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: np.ones_like(top(*arguments))


def _single_trial(limit: Callable[..., float]) -> Callable[..., float]:
    return lambda test, alpha_each: limit(dataclasses.replace(test, trials=1), alpha_each)


def _own_count(limit: Callable[..., float]) -> Callable[..., float]:
    """As if the mean of squares of a few errors were as steady as that of thousands."""
    return lambda test, alpha_each: limit(dataclasses.replace(test, count=max(test.count, 4096)), alpha_each)


def _half(power: Callable[..., Any]) -> Callable[..., Any]:
    def boasting(tests: Any, alpha_each: float) -> Any:
        found = power(tests, alpha_each)
        return type(found)(*(value / 2 for value in dataclasses.astuple(found)))

    return boasting


_NULL = "apr.parity.null"
_ALL = [
    NullMutant("offset-forgotten", "lanes that hold more than their part of the sum", "TQ2_0", f"{_NULL}.sums", "_OFFSETS", lambda _: {}),
    NullMutant("activations-forgotten", "rounded activations count as exact", "TQ2_0", f"{_NULL}.sums", "_variance_of_activations", _zeros),
    NullMutant("depth-forgotten", "a sum counts as one rounding", "in_order", f"{_NULL}.sums", "levels", _one_level),
    NullMutant("rank-ignored", "outputs that share their inputs' errors count as independent", "alike", "apr.parity.honest", "spread_of_rows", _ones),
    NullMutant("repeats-ignored", "the same row again counts as another one", "repeated", f"{_NULL}.testing", "repeats", _ones),
    NullMutant("angles-forgotten", "frequencies in float64 and in float32 count as the same", "q_post_rope", f"{_NULL}.rotation", "angles_apart", lambda _: lambda *_: None, 0),
    NullMutant("trials-forgotten", "the worst of many is judged as one", "element", f"{_NULL}.limits", "limit", _single_trial),
    NullMutant("count-forgotten", "few errors are judged as many", "position", f"{_NULL}.limits", "limit", _own_count),
    NullMutant("power-boasts", "half of the smallest error that is caught", "gain", f"{_NULL}.limits", "power", _half),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
