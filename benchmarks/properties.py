"""What an example of an executable claim costs, and what of that drawing it in other ways would cost; ratios of one run.

python benchmarks/properties.py [--examples 2000] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as extra

from apr.kernels import softmax
from figures import Sheet, told
from pv.formal.property import Property, equations_of, property_of
from pv.properties import choices
from pv.properties.builders import builder
from pv.properties.choices import made
from pv.properties.draw import values_of
from pv.properties.evaluate import Scope
from pv.properties.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = """
equations:
  softmax:
    formal: exp(x - max(x)) / sum(exp(x - max(x)))
    domain: {m: 1..4, n: 1..96, x: {dtype: f32, shape: [m, n], range: [-1.0e+3, 1.0e+3]}}
"""
ROUNDS = 5
TOGETHER = 16


def the_property() -> Property:
    """Softmax held against its formula."""
    tolerance = "(n + 14 + 2 * (max(x) - min(x))) * u * f + 2 * tiny"
    return property_of(
        equations_of(yaml.safe_load(CONTRACT)), "softmax", {"type": "equivalence", "tolerance": tolerance}
    )


def seconds(run: Callable[[], None]) -> float:
    """The least of a few runs: what else the machine did is in the others."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def quietly(examples: int) -> settings:
    """Generating alone."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def hold(prop: Property, values: dict[str, Any]) -> None:
    """One example: the kernel, the formula, the comparison."""
    kernels: Any = lambda _name, given_, _named: softmax(*given_)  # noqa: E731  as short as a kernel's call is
    builder(prop).check(Trial(prop, values, kernels))


def together(prop: Property, count: int) -> None:
    """As claims are run: several examples a test."""

    @quietly(count // TOGETHER)
    @given(made(lambda one: one.repeated(lambda each: values_of(each, prop.domain), TOGETHER)))
    def holds(drawn: list[dict[str, Any]]) -> None:
        for values in drawn:
            hold(prop, values)

    holds()


def single(prop: Property, count: int) -> None:
    """An example a test."""

    @quietly(count)
    @given(made(lambda one: values_of(one, prop.domain)))
    def holds(values: dict[str, Any]) -> None:
        hold(prop, values)

    holds()


def public(prop: Property, count: int) -> None:
    """The same choices, by strategies that are public."""
    known = choices._engine_is_known  # noqa: SLF001  what is measured is what it chooses
    choices._engine_is_known = lambda: False  # type: ignore[assignment]  # noqa: SLF001  as above
    try:
        single(prop, count)
    finally:
        choices._engine_is_known = known  # noqa: SLF001  as above


def by_element(prop: Property, count: int) -> None:
    """An element a choice."""

    @st.composite
    def drawn(draw: Any) -> dict[str, Any]:
        m, n = draw(st.integers(1, 4)), draw(st.integers(1, 96))
        numbers = st.floats(-1000, 1000, width=32)
        return {"m": m, "n": n, "x": draw(extra.arrays(np.float32, (m, n), elements=numbers))}

    @quietly(count)
    @given(drawn())
    def holds(values: dict[str, Any]) -> None:
        hold(prop, values)

    holds()


def nothing(_prop: Property, count: int) -> None:
    """Hypothesis alone."""

    @quietly(count)
    @given(st.integers(0, 255))
    def holds(_number: int) -> None:
        pass

    holds()


def formula(prop: Property, count: int) -> None:
    """The equation, on the largest input."""
    scope, expression = Scope({"x": np.zeros((4, 96), np.float32)}), prop.expressions["to"]
    for _ in range(count):
        scope.evaluate(expression)


WAYS = {
    "single": ("one a test", single),
    "public": ("one a test, by public strategies", public),
    "extra": ("one a test, hypothesis.extra.numpy.arrays", by_element),
    "nothing": ("Hypothesis alone, a whole number and no kernel", nothing),
    "formula": ("the formula alone, on 4 rows of 96", formula),
}


def main(sheet: Sheet) -> None:
    """Print the cost of an example, and of others as multiples of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=200 if sheet.quick else 2000)
    count = parser.parse_args().examples
    prop = the_property()
    with np.errstate(all="ignore"):
        base = seconds(lambda: together(prop, count))
        print(f"{count} examples of softmax against its formula, {TOGETHER} a test: {base * 1e3 / count:.3f} ms each")
        for name, (what, way) in WAYS.items():
            taken = seconds(functools.partial(way, prop, count))
            print(f"  {what}: {taken / base:.2f} times that")
            ours, peer = base * 1e3 / count, (what, taken * 1e3 / count)
            sheet.add(name, f"an example of softmax, {TOGETHER} a test", ours, "ms", against=peer)


if __name__ == "__main__":
    sys.exit(told(main))
