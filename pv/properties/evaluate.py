"""Expressions of the language computed on arrays.

Whoever computes says what becomes of overflow and of division by zero: nothing is said of them within `numpy.errstate(all="ignore")`.
"""

from __future__ import annotations

import ast
import functools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import float_name, wide
from pv.properties.functions import COMPUTED, STRUCTURAL, roundings, ulps
from pv.types import UsageProblem

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


class Unusable(UsageProblem):
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
        try:
            return _built(expression)(self)
        except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError, MemoryError) as problem:
            raise Unusable(f"{expression.text}: {problem}") from None

    def value(self, node: ast.expr) -> Any:
        """The value of a node of an expression."""
        return _build(node)(self)

    def call(self, name: str, given: list[Any], named: dict[str, Any]) -> Any:
        """What a kernel gives.

        Raises:
            Unusable: there are no kernels here.
        """
        if self._call is None:
            raise Unusable(f"there is no function {name!r} here")
        return self._call(name, given, named)

    @property
    def dtype(self) -> str:
        """The float dtype of y, in whose numbers distances are counted."""
        y = self._values.get("y")
        if "_dtype" in self._values or y is None:
            return str(self._values.get("_dtype", "f32"))
        return float_name(np.asarray(y[0] if isinstance(y, tuple) else y))


@functools.lru_cache(maxsize=4096)
def _built(expression: Expression) -> Callable[[Scope], Any]:
    """An expression as a chain of functions, built once: it is computed thousands of times."""
    return _build(expression.tree)


def _build(node: ast.expr) -> Callable[[Scope], Any]:
    """The function that computes a node."""
    return _BUILD[type(node)](node)


def _name(node: ast.Name) -> Callable[[Scope], Any]:
    name = node.id
    return lambda scope: scope[name]


def _constant(node: ast.Constant) -> Callable[[Scope], Any]:
    constant = node.value
    return lambda _scope: constant


def _binary(node: ast.BinOp) -> Callable[[Scope], Any]:
    operation, left, right = _BINARY[type(node.op)], _build(node.left), _build(node.right)
    return lambda scope: operation(wide(left(scope)), wide(right(scope)))


def _unary(node: ast.UnaryOp) -> Callable[[Scope], Any]:
    operand = _build(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda scope: np.logical_not(np.asarray(operand(scope), bool))
    if isinstance(node.op, ast.USub):  # the sign of zero counts, so it is not `0 - x`
        return lambda scope: operator.neg(wide(operand(scope)))
    return lambda scope: wide(operand(scope))


def _compare(node: ast.Compare) -> Callable[[Scope], Any]:
    sides = [_build(one) for one in (node.left, *node.comparators)]
    tests = [_COMPARE[type(one)] for one in node.ops]

    def compare(scope: Scope) -> Any:
        values = [wide(side(scope)) for side in sides]
        held = tests[0](values[0], values[1])
        for number, test in enumerate(tests[1:], 1):
            held = np.logical_and(held, test(values[number], values[number + 1]))
        return held

    return compare


def _joined(node: ast.BoolOp) -> Callable[[Scope], Any]:
    together = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
    parts = [_build(one) for one in node.values]
    return lambda scope: functools.reduce(together, (np.asarray(part(scope), bool) for part in parts))


def _choice(node: ast.IfExp) -> Callable[[Scope], Any]:
    test, body, other = _build(node.test), _build(node.body), _build(node.orelse)
    return lambda scope: np.where(test(scope), body(scope), other(scope))


def _listed(node: ast.Tuple | ast.List) -> Callable[[Scope], Any]:
    parts = [_build(one) for one in node.elts]
    return lambda scope: [_item(part(scope)) for part in parts]


def _subscript(node: ast.Subscript) -> Callable[[Scope], Any]:
    whole, index = _build(node.value), _index(node.slice)

    def take(scope: Scope) -> Any:
        value, place = whole(scope), index(scope)
        return value[int(place)] if isinstance(value, tuple) else value[place]

    return take


def _index(node: ast.expr) -> Callable[[Scope], Any]:
    """What stands between the brackets: whole numbers, slices, arrays of places."""
    if isinstance(node, ast.Tuple):
        parts = [_index(one) for one in node.elts]
        return lambda scope: tuple(part(scope) for part in parts)
    if isinstance(node, ast.Slice):
        ends = [None if one is None else _build(one) for one in (node.lower, node.upper, node.step)]
        return lambda scope: slice(*(None if end is None else int(end(scope)) for end in ends))
    if isinstance(node, ast.Constant) and (node.value is Ellipsis or node.value is None):
        return _constant(node)
    place = _build(node)

    def places(scope: Scope) -> Any:
        value = place(scope)
        return int(value) if np.ndim(value) == 0 else np.asarray(value)

    return places


def _called(node: ast.Call) -> Callable[[Scope], Any]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    given = [_build(one) for one in node.args]
    named = {str(keyword.arg): _build(keyword.value) for keyword in node.keywords}
    if name in COMPUTED or name in STRUCTURAL:
        function, prepared = (COMPUTED[name], wide) if name in COMPUTED else (STRUCTURAL[name], _as_it_is)
        return lambda scope: function(
            *(prepared(one(scope)) for one in given), **{key: one(scope) for key, one in named.items()}
        )
    if name in _OF_SCOPE:
        special = _OF_SCOPE[name]
        return lambda scope: special(scope, *(one(scope) for one in given))
    return lambda scope: scope.call(name, [one(scope) for one in given], {k: one(scope) for k, one in named.items()})


def _as_it_is(value: Any) -> Any:
    return value


def _implies(_scope: Scope, condition: Any, conclusion: Any) -> Any:
    return np.logical_or(np.logical_not(condition), conclusion)


def _gamma(scope: Scope, n: Any) -> Any:
    many = np.multiply(n, scope.roundings[0])
    return many / (1 - many)


def _ulps(scope: Scope, a: Any, b: Any) -> Any:
    return ulps(a, b, scope.dtype)


_OF_SCOPE: dict[str, Callable[..., Any]] = {"implies": _implies, "gamma": _gamma, "ulps": _ulps}
_BUILD: dict[type[ast.expr], Callable[[Any], Callable[[Scope], Any]]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _joined,
    ast.IfExp: _choice,
    ast.Tuple: _listed,
    ast.List: _listed,
    ast.Subscript: _subscript,
    ast.Call: _called,
}


def _item(value: Any) -> Any:
    """A number of an array's scalar, so that lists of them are shapes and axes."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and np.ndim(value) == 0 else value
