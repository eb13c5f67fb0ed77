"""One example of a property: what was drawn, what the kernel made of it, and how the two are compared."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.formal import domain
from pv.properties.arrays import FLOATS, cast, float_name, wide
from pv.properties.evaluate import Scope
from pv.properties.functions import same
from pv.properties.substitute import failing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pv.formal.language import Expression
    from pv.formal.property import Property
    from pv.properties.arrays import Array
    from pv.properties.kernels import Kernels


class Failed(Exception):
    """The property does not hold for an example.

    Attributes:
        said: what was to be true, and what is.
        distance, bound: how far apart the worst element is and may be, as multiples of the bound where there is one.
    """

    def __init__(self, said: str, distance: float | None = None, bound: float | None = None) -> None:
        super().__init__(said)
        self.said, self.distance, self.bound = said, distance, bound


@dataclass
class Outcome:
    """What was compared, and how close to its bound the worst came (None where there is no bound)."""

    compared: int
    worst: float | None = None


class Trial:
    """One example of a property."""

    def __init__(
        self, prop: Property, values: Mapping[str, Any], kernels: Kernels, oracle: Kernels | None = None
    ) -> None:
        self.property, self.values, self.kernels, self._oracle = prop, dict(values), kernels, oracle
        self.scope = Scope(self.values, prop.let, kernels)

    @property
    def oracle(self) -> Callable[[Expression], Any] | None:
        """Computes an expression with the oracle's kernels; None where there is no oracle."""
        if self._oracle is None:
            return None
        return Scope(self.values, self.property.let, self._oracle).evaluate

    def run(self, **changed: Any) -> Any:
        """What the kernel gives for the example with some of its values changed; those are cast as their inputs are."""
        inputs = self.property.domain.inputs
        given = {
            name: cast(value, inputs[name].dtype) if name in inputs and np.ndim(value) else value
            for name, value in changed.items()
        }
        return Scope({**self.values, **given}, self.property.let, self.kernels).evaluate(self.property.equation.kernel)

    def with_y(self, y: Any, **more: Any) -> Scope:
        """The scope in which expressions about a result are computed."""
        dtype = self.dtype_of(y[0] if isinstance(y, tuple) else y)
        extra = {"_roundings": FLOATS[dtype], "_dtype": dtype}
        return Scope({**self.values, **more, "y": y, **extra}, self.property.let, self.kernels)

    def dtype_of(self, result: Any) -> str:
        """The float dtype that a result is judged as: its own, but never a coarser one than the arrays have that it was made of.

        So a kernel that computes in less precision than it was given has no wider bounds for it.
        """
        own, given = float_name(np.asarray(result)), self.property.equation.dtype
        if given is None:
            return own
        if given == "bf16":  # which numpy has not: it stands in float32
            return "bf16" if own == "f32" else own
        return max(own, given, key=domain.FLOATS.index)

    def hold(self, expression: Expression, scope: Scope) -> Outcome:
        """Hold a predicate against an example.

        Raises:
            Failed: it is false somewhere.
        """
        truth = np.asarray(scope.evaluate(expression))
        if truth.dtype != np.bool_:
            truth = truth != 0
        if not truth.all():
            raise Failed(failing(expression, scope))
        return Outcome(_compared(expression, scope, truth))

    def close(
        self,
        got: Any,
        wanted: Any,
        scope: Scope,
        what: str,
        tolerance: Expression | None = None,
    ) -> Outcome:
        """Hold two results against one another, element by element.

        Args:
            got: an array, or a tuple of them.
            wanted: the like.
            scope: with what a tolerance speaks of.
            what: the comparison in words, as `y against f`.
            tolerance: how far apart they may be; None for equal in every bit.

        Raises:
            Failed: they are further apart somewhere.
        """
        if isinstance(got, tuple) or isinstance(wanted, tuple):
            return self._close_each(got, wanted, scope, what, tolerance)
        left, right = np.asarray(got), np.asarray(wanted)
        try:
            shape = np.broadcast_shapes(left.shape, right.shape)
        except ValueError:
            raise Failed(f"{what}: shapes {left.shape} and {right.shape}") from None
        if shape != left.shape and left.size != 1:
            raise Failed(f"{what}: shapes {left.shape} and {right.shape}")
        if tolerance is None:
            rounded = right if right.dtype.kind != "f" or left.dtype.kind != "f" else cast(right, self.dtype_of(left))
            return self._same(left, rounded, what)
        allowed = np.broadcast_to(np.asarray(wide(scope.evaluate(tolerance)), np.float64), shape)
        return _within(np.broadcast_to(left, shape), np.broadcast_to(right, shape), allowed, what, tolerance.text)

    def _close_each(self, got: Any, wanted: Any, scope: Scope, what: str, tolerance: Expression | None) -> Outcome:
        if not (isinstance(got, tuple) and isinstance(wanted, tuple) and len(got) == len(wanted)):
            raise Failed(f"{what}: {_many(got)} against {_many(wanted)}")
        parts = [
            self.close(a, b, scope, f"{what}[{number}]", tolerance)
            for number, (a, b) in enumerate(zip(got, wanted, strict=True))
        ]
        worst = [one.worst for one in parts if one.worst is not None]
        return Outcome(sum(one.compared for one in parts), max(worst) if worst else None)

    def _same(self, left: Array, right: Array, what: str) -> Outcome:
        equal = np.asarray(same(left, right))
        if not equal.all():
            at = first(~equal)
            raise Failed(
                f"{what}{place(at)}: {number(_at(left, at))} is not {number(_at(right, at))}, of which it should have every bit"
            )
        return Outcome(equal.size)


def _within(left: Array, right: Array, allowed: Array, what: str, text: str) -> Outcome:
    a, b = np.asarray(wide(left), np.float64), np.asarray(wide(right), np.float64)
    with np.errstate(all="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        apart = np.where(np.isnan(apart), np.inf, apart)
        share = np.where(apart == 0, 0.0, apart / allowed)
    share = np.where(np.isnan(share), np.inf, share)
    if not (share <= 1).all():
        at = first(~(share <= 1)) if share.size else ()
        worst = float(np.nanmax(share))
        raise Failed(
            f"{what}{place(at)}: {number(_at(left, at))} and {number(_at(right, at))} are {number(_at(apart, at))} apart, "
            f"{text} = {number(_at(allowed, at))} at most",
            worst,
            1.0,
        )
    return Outcome(share.size, float(share.max()) if share.size else None)


def _compared(expression: Expression, scope: Scope, truth: Array) -> int:
    """How many values a predicate compared: of an implication, those where its condition holds."""
    tree = expression.tree
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "implies":
        held = np.broadcast_to(np.asarray(scope.value(tree.args[0]), bool), truth.shape)
        return int(held.sum())
    return int(truth.size)


def first(wrong: Array) -> tuple[int, ...]:
    """The place of the first true element."""
    return tuple(int(one) for one in np.argwhere(wrong)[0]) if wrong.ndim else ()


def place(at: tuple[int, ...]) -> str:
    """A place as reports show it."""
    return f"[{', '.join(map(str, at))}]" if at else ""


def number(value: Any) -> str:
    """A number in as few digits as tell it from its neighbours."""
    plain = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    if isinstance(plain, float) and isinstance(value, (np.float32, np.float16)):
        return str(value)
    return f"{plain:.9g}" if isinstance(plain, float) else str(plain)


def _at(array: Array, at: tuple[int, ...]) -> Any:
    return array[at] if array.ndim else array[()]


def _many(value: Any) -> str:
    return f"{len(value)} results" if isinstance(value, tuple) else "one result"
