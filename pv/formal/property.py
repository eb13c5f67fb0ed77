"""From an obligation of a contract to the property that is run: every expression read, every name checked."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.formal.domain import FLOATS, Domain, Input, read
from pv.formal.functions import FUNCTIONS
from pv.formal.language import ROUNDING, Expression, FormalError, parse
from pv.formal.obligation import DIRECTIONS, KEYS, KINDS, PROSE, RESULTS, SHARED, UNDER
from pv.words import SUBJECT, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# types that say something of an array as a whole
_OF_ARRAYS = ("monotonicity", "idempotency", "involution", "roundtrip", "associativity", "linearity", "symmetry")

Let = tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class ExecutableEquation:
    """An equation whose domain is a mapping.

    Attributes:
        name: of the equation.
        kernel: how the subject is called.
        domain: what is drawn.
        formal: the equation in the language; None where it has none.
        let: named parts.
    """

    name: str
    kernel: Expression
    domain: Domain
    formal: Expression | None = None
    let: Let = ()

    @functools.cached_property
    def function(self) -> str:
        """The name of the kernel."""
        call = self.kernel.tree
        return call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else self.name

    @functools.cached_property
    def dtype(self) -> str | None:
        """The finest float dtype among the arrays of the domain; None where none of them is a float."""
        found = [one.dtype for one in self.domain.inputs.values() if one.shape is not None and one.dtype in FLOATS]
        return max(found, key=FLOATS.index, default=None)

    @functools.cached_property
    def dtypes(self) -> list[str | None]:
        """The dtype of each positional argument of the kernel that is an input; None for other arguments."""
        call, inputs = self.kernel.tree, self.domain.inputs
        arguments = call.args if isinstance(call, ast.Call) else []
        named = [inputs.get(one.id) if isinstance(one, ast.Name) else None for one in arguments]
        return [one.dtype if one else None for one in named]


@dataclass(frozen=True)
class Property:
    """What a claim says of a kernel, ready to be run.

    Attributes:
        subject: whose functions are meant.
        id: of the obligation; empty where it has none.
        type: one of `pv.formal.obligation.KINDS`.
        text: what it says, for people.
        equation: that it applies to.
        equations: all executable ones of the contract, by name.
        domain: of the equation, with what `forall` adds or narrows.
        expressions: those of `formal`, `to`, `tolerance`, `where`, `through` that are there.
        between: two bounds, each possibly None.
        let: named parts, those of the equation first.
        keys: the plain values of `in`, `direction`, `under`, `axis`, `result`, `along`, `oracle`, `alpha`.
    """

    subject: str
    id: str
    type: str
    text: str
    equation: ExecutableEquation
    equations: Mapping[str, ExecutableEquation] = field(repr=False)
    domain: Domain
    expressions: Mapping[str, Expression]
    between: tuple[Expression | None, Expression | None] | None = None
    let: Let = ()
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_predicate(self) -> bool:
        """Whether an expression of its own is tested, whatever the type says."""
        return "formal" in self.expressions

    def inputs(self) -> list[Input]:
        """The inputs that `in` names, or the first array."""
        named = self.keys.get("in")
        inputs = self.domain.inputs
        if named is None:
            return [next(one for one in inputs.values() if one.shape is not None)]
        return [inputs[name] for name in ([named] if isinstance(named, str) else named)]


def is_executable(equation: Any) -> bool:
    """Whether an equation of a contract is meant to be executed: its domain is a mapping."""
    return isinstance(equation, dict) and isinstance(equation.get("domain"), dict)


def equation_of(name: str, data: Mapping[str, Any]) -> ExecutableEquation:
    """The equation that an entry of `equations` says.

    Raises:
        FormalError: it cannot be executed; `path` leads from the entry to what is wrong.
    """
    domain = _below("domain", read, data["domain"])
    kernel = _below("kernel", parse, data.get("kernel") or f"{name}({', '.join(domain.inputs)})")
    if not (isinstance(kernel.tree, ast.Call) and isinstance(kernel.tree.func, ast.Name)):
        raise FormalError("a kernel is a call: name(x, …)", 0, ("kernel",))
    if kernel.tree.func.id in FUNCTIONS:
        raise FormalError(f"{kernel.tree.func.id!r} is a function of the language, no kernel", 0, ("kernel",))
    names = set(domain.names)
    _below("kernel", kernel.check, names)
    let = _let(data.get("let"), names, ("let",))
    names |= {one for one, _ in let}
    formal = None
    if data.get("formal") is not None:
        formal = _below("formal", parse, data["formal"])
        _below("formal", formal.check, {*names, *ROUNDING})
    return ExecutableEquation(name, kernel, domain, formal, let)


def equations_of(data: Mapping[str, Any]) -> dict[str, ExecutableEquation]:
    """The executable equations of a contract, by name.

    Raises:
        FormalError: one of them cannot be executed; `path` leads from the contract to what is wrong.
    """
    block = data.get("equations")
    found = {}
    for name, entry in block.items() if isinstance(block, dict) else ():
        if is_executable(entry):
            try:
                found[str(name)] = equation_of(str(name), entry)
            except FormalError as problem:
                raise problem.below("equations", name) from None
    return found


def property_of(
    equations: Mapping[str, ExecutableEquation], name: str, entry: Mapping[str, Any], subject: str = SUBJECT
) -> Property:
    """The property that an obligation says of the equation `name`.

    Args:
        equations: the executable equations of the contract.
        name: of the one that the obligation applies to.
        entry: the obligation.
        subject: whose functions the contract means.

    Raises:
        FormalError: it cannot be executed; `path` leads from the obligation to what is wrong.
    """
    equation = equations[name]
    type_ = str(entry.get("type") or "invariant")
    kind = KINDS.get(type_)
    if kind is None and entry.get("formal") is None:
        raise FormalError(f"nothing executes an obligation of type {type_!r} without 'formal'", path=("type",))
    _check_keys(type_, entry)
    domain = equation.domain
    if entry.get("forall") is not None:
        if not isinstance(entry["forall"], dict):
            raise FormalError("forall is a mapping, as a domain is", path=("forall",))
        domain = domain.with_entries(_below("forall", lambda given: read(given, domain), entry["forall"]))
    names = {*domain.names, *(one for one, _ in equation.let), *ROUNDING, "y"}
    if entry.get("alpha") is not None:
        names.add("alpha")
    let = _let(entry.get("let"), names, ("let",))
    names |= {one for one, _ in let}
    expressions = _expressions(entry, names, kind.names if kind is not None else ())
    between = _between(entry, names)
    if type_ == "equivalence" and not {"formal", "to"} & set(expressions) and "oracle" not in entry:
        if equation.formal is None:
            raise FormalError(f"say what y is held against: 'to', 'oracle', or 'formal' of the equation {name!r}")
        expressions["to"] = equation.formal
    keys = {
        key: entry[key]
        for key in ("in", "direction", "under", "axis", "result", "along", "oracle", "alpha")
        if key in entry
    }
    _check_values(keys, domain)
    array = any(one.shape is not None for one in domain.inputs.values())
    if type_ in _OF_ARRAYS and "formal" not in expressions and not array:
        raise FormalError(f"an obligation of type {type_} is about an array, and there is none")
    text = " ".join(str(entry.get("property") or entry.get("statement") or "").split())
    whole = (*equation.let, *let)
    return Property(
        subject, str(entry.get("id") or ""), type_, text, equation, equations, domain, expressions, between, whole, keys
    )


def _expressions(entry: Mapping[str, Any], names: Collection[str], own: Collection[str]) -> dict[str, Expression]:
    """The expressions of an obligation; those that compare may also speak of what the type draws."""
    found = {}
    for key in ("formal", "to", "tolerance", "where", "through"):
        if entry.get(key) is not None:
            found[key] = _below(key, parse, entry[key])
            _below(key, found[key].check, {*names, *(own if key in ("tolerance", "formal") else ())})
    return found


def _check_keys(type_: str, entry: Mapping[str, Any]) -> None:
    kind = KINDS.get(type_)
    takes = {*SHARED, *(kind.takes if kind else ())}
    for key in entry:
        if key not in takes and key not in PROSE and not str(key).startswith("x-"):
            if key in KEYS:
                raise FormalError(f"an obligation of type {type_} takes no {key!r}", path=(str(key),))
            fix = did_you_mean(str(key), [*takes, *PROSE]) or f"it takes {', '.join(sorted(takes))}"
            raise FormalError(f"unknown key {key!r}; {fix}", path=(str(key),))
    if entry.get("formal") is not None:
        return
    for need in kind.needs if kind else ():
        if entry.get(str(need)) is None:
            raise FormalError(f"an obligation of type {type_} needs {need!r}: {(KEYS | SHARED)[str(need)]}")


def _check_values(keys: Mapping[str, Any], domain: Domain) -> None:
    for key, words in (("under", UNDER), ("result", RESULTS), ("direction", DIRECTIONS)):
        if key in keys and keys[key] not in words:
            fix = did_you_mean(str(keys[key]), words) or f"one of {', '.join(words)}"
            raise FormalError(f"{key} cannot be {keys[key]!r}; {fix}", path=(key,))
    fits: dict[str, tuple[Callable[[Any], object], str]] = {
        "axis": (lambda value: isinstance(value, int) and not isinstance(value, bool), "is a whole number"),
        "alpha": (lambda value: isinstance(value, float) and 0 < value < 1, "is a probability, as 1.0e-6"),
        "oracle": (lambda value: isinstance(value, str) and _NAME.fullmatch(value), "names a subject"),
        "along": (
            lambda value: isinstance(value, str) and value in domain.sizes,
            f"names a size: {', '.join(domain.sizes) or 'there is none'}",
        ),
    }
    for key, (fit, otherwise) in fits.items():
        if key in keys and not fit(keys[key]):
            raise FormalError(f"{key} {otherwise}", path=(key,))
    _check_in(keys.get("in"), domain)


def _check_in(named: Any, domain: Domain) -> None:
    if named is None:
        return
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or not listed:
        raise FormalError("in names an input, or a list of them", path=("in",))
    for one in listed:
        if not isinstance(one, str) or one not in domain.inputs:
            fix = did_you_mean(str(one), domain.inputs) or f"one of {', '.join(domain.inputs)}"
            raise FormalError(f"there is no input {one!r}; {fix}", path=("in",))


def _between(entry: Mapping[str, Any], names: Collection[str]) -> tuple[Expression | None, Expression | None] | None:
    value = entry.get("between")
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or value == [None, None]:
        raise FormalError("between is a list of two, as [0, 1]", path=("between",))
    bounds = []
    for place, one in enumerate(value):
        bound = None if one is None else _below(("between", place), parse, one)
        if bound is not None:
            _below(("between", place), bound.check, names)
        bounds.append(bound)
    return bounds[0], bounds[1]


def _let(value: Any, names: Collection[str], path: tuple[str, ...]) -> Let:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise FormalError("let is a mapping of names to expressions", path=path)
    known, parts = {*names, *ROUNDING, "y"}, []
    for name, text in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in FUNCTIONS or name in known:
            raise FormalError(f"{name!r} cannot be a new name here", path=(*path, str(name)))
        expression = _below((*path, name), parse, text)
        _below((*path, name), expression.check, known)
        known.add(name)
        parts.append((name, expression))
    return tuple(parts)


def _below(path: str | tuple[str | int, ...], function: Any, *given: Any) -> Any:
    """What a function gives; what it refuses is told with the way to it."""
    try:
        return function(*given)
    except FormalError as problem:
        raise problem.below(*((path,) if isinstance(path, str) else path)) from None
