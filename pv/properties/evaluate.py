"""Expressions of the language computed on arrays, by walking their trees."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import float_name, wide
from pv.properties.functions import COMPUTED, STRUCTURAL, roundings, ulps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pv.formal.language import Expression
    from pv.formal.property import Let

_CONSTANTS = {"pi": np.pi, "inf": np.inf, "nan": np.nan, "true": True, "false": False}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.MatMult: np.matmul,
    # in float64 always: whole numbers would overflow without a word
    ast.Pow: lambda a, b: np.power(np.asarray(a, np.float64), np.asarray(b, np.float64)),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


class Unusable(Exception):
    """An expression cannot be computed on what it was given: shapes that do not fit, an index that is not there."""


class Scope:
    """The values that expressions are computed with.

    Args:
        values: by name: arrays as the kernel gets and gives them, Python's numbers.
        let: named parts, computed when they are first asked for.
        call: calls a kernel by name with positional and keyword arguments.
    """

    def __init__(self, values: Mapping[str, Any], let: Let = (), call: Callable[..., Any] | None = None) -> None:
        self._values = dict(values)
        self._let = dict(let)
        self._call = call
        self._made: dict[str, Any] = {}

    def with_values(self, **values: Any) -> Scope:
        """The same with further values; named parts are computed anew."""
        return Scope({**self._values, **values}, tuple(self._let.items()), self._call)

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._made:
            return self._made[name]
        if name in self._let:
            self._made[name] = self.value(self._let[name].tree)
            return self._made[name]
        if name in ("u", "tiny", "smallest"):
            return self.roundings[("u", "tiny", "smallest").index(name)]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise Unusable(f"nothing is called {name!r} here")

    @property
    def roundings(self) -> tuple[float, float, float]:
        """Those of y's dtype; float32's where there is no y yet."""
        if "_roundings" in self._values:
            given: tuple[float, float, float] = self._values["_roundings"]
            return given
        return roundings(self._values["y"]) if "y" in self._values else (2.0**-24, 2.0**-126, 2.0**-149)

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression: an array, a number, or what a kernel gave.

        Raises:
            Unusable: it cannot be computed.
        """
        with np.errstate(all="ignore"):
            try:
                return self.value(expression.tree)
            except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError, MemoryError) as problem:
                raise Unusable(f"{expression.text}: {problem}") from None

    def value(self, node: ast.expr) -> Any:  # noqa: C901, PLR0911  one kind of node, one return
        """The value of a node."""
        if isinstance(node, ast.Name):
            return self[node.id]
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.BinOp):
            return _BINARY[type(node.op)](wide(self.value(node.left)), wide(self.value(node.right)))
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.BoolOp):
            together = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            value = np.asarray(self.value(node.values[0]), bool)
            for other in node.values[1:]:
                value = together(value, np.asarray(self.value(other), bool))
            return value
        if isinstance(node, ast.IfExp):
            return np.where(self.value(node.test), self.value(node.body), self.value(node.orelse))
        if isinstance(node, (ast.Tuple, ast.List)):
            return [_item(self.value(one)) for one in node.elts]
        if isinstance(node, ast.Subscript):
            whole = self.value(node.value)
            return whole[self._index(node.slice) if not isinstance(whole, tuple) else int(self.value(node.slice))]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._called(node, node.func.id)
        raise Unusable(f"{type(node).__name__} is not of the language")

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return np.logical_not(np.asarray(value, bool))
        # the sign of zero counts, so it is not `0 - x`
        return operator.neg(wide(value)) if isinstance(node.op, ast.USub) else wide(value)

    def _compare(self, node: ast.Compare) -> Any:
        left, result = wide(self.value(node.left)), None
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right = wide(self.value(right_node))
            held = _COMPARE[type(comparison)](left, right)
            result = held if result is None else np.logical_and(result, held)
            left = right
        return result

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self._index(one) for one in node.elts)
        if isinstance(node, ast.Slice):
            return slice(
                *(None if one is None else int(self.value(one)) for one in (node.lower, node.upper, node.step))
            )
        if isinstance(node, ast.Constant) and (node.value is Ellipsis or node.value is None):
            return node.value
        value = self.value(node)
        return int(value) if np.ndim(value) == 0 else np.asarray(value)

    def _called(self, node: ast.Call, name: str) -> Any:
        given = [self.value(one) for one in node.args]
        named = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        if name in STRUCTURAL:
            return STRUCTURAL[name](*given, **named)
        if name in COMPUTED:
            return COMPUTED[name](*map(wide, given), **named)
        if name == "implies":
            return np.logical_or(np.logical_not(given[0]), given[1])
        if name == "gamma":
            unit = self.roundings[0]
            return np.multiply(given[0], unit) / (1 - np.multiply(given[0], unit))
        if name == "ulps":
            y = self._values.get("y")
            dtype = float_name(np.asarray(y[0] if isinstance(y, tuple) else y)) if y is not None else "f32"
            return ulps(given[0], given[1], self._values.get("_dtype", dtype))
        if self._call is None:
            raise Unusable(f"there is no function {name!r} here")
        return self._call(name, given, named)


def _item(value: Any) -> Any:
    """A number of an array's scalar, so that lists of them are shapes and axes."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and np.ndim(value) == 0 else value
