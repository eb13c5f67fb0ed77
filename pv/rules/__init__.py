"""The rules. One module a rule: its docstring is the manual page, `CODE` and `SEVERITY` name it, its checks yield problems.

A module has one of three functions, or none where the finding is made elsewhere (a file that cannot be read, an ignore that
hides nothing): `check(contract)` looks at one contract, `check_across(contract, index)` at what it says of others, and
`check_registry(document, index)` at a binding registry. Beside `check`, rules about kaizen have `check_record(document)`,
because such a record need not be a contract. A module whose name begins with an underscore is no rule. The modules are the
registry: there is no list to keep in step.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, Protocol, cast

from pv.types import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pv.index import Index
    from pv.load import Document
    from pv.parse import Contract
    from pv.rules._problem import Problem


class Rule(Protocol):
    """What each module of this package is."""

    __name__: str
    CODE: str
    SEVERITY: Severity
    __doc__: str | None


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the codes."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(sorted((cast("Rule", module) for module in modules), key=lambda rule: rule.CODE))


def check(contract: Contract, index: Index | None = None) -> list[Diagnostic]:
    """Everything that any rule finds in `contract`, in the order of the file; of other files only where `index` has them."""
    found = list(_told(contract.path, _having("check"), contract))
    if index is not None:
        found += _told(contract.path, _having("check_across"), contract, index)
    return _in_order(found)


def check_registry(document: Document, index: Index) -> list[Diagnostic]:
    """Everything that any rule finds in a binding registry, in the order of the file."""
    return _in_order(_told(document.source.name, _having("check_registry"), document, index))


def check_record(document: Document) -> list[Diagnostic]:
    """Everything that any rule finds in a kaizen record that is no contract, in the order of the file."""
    return _in_order(_told(document.source.name, _having("check_record"), document))


def page(code: str) -> str | None:
    """The manual page of a code; None if there is no such rule."""
    return next((rule.__doc__ for rule in all_rules() if code == rule.CODE), None)


def codes() -> list[str]:
    """Every code that has a manual page."""
    return [rule.CODE for rule in all_rules()]


@functools.cache
def _having(function: str) -> tuple[tuple[Rule, Callable[..., Iterator[Problem]]], ...]:
    return tuple((rule, getattr(rule, function)) for rule in all_rules() if hasattr(rule, function))


def _told(
    path: str, rules: Iterable[tuple[Rule, Callable[..., Iterator[Problem]]]], *arguments: Any
) -> Iterator[Diagnostic]:
    for rule, function in rules:
        for one in function(*arguments):
            yield Diagnostic(path, one.span, rule.CODE, one.severity or rule.SEVERITY, one.message, one.help, one.fix)


def _in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda one: (one.span.line, one.span.col, one.code))
