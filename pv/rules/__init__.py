"""The rules. One module a rule: its docstring is the manual page, `CODE` and `SEVERITY` name it, `check` yields problems.

A module whose name begins with an underscore is no rule. The modules are the registry: there is no list to keep in step.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

from pv.types import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._problem import Problem


class Rule(Protocol):
    """What each module of this package is."""

    CODE: str
    SEVERITY: Severity
    __doc__: str | None

    @staticmethod
    def check(contract: Contract) -> Iterator[Problem]:
        """Yield what is wrong with `contract`."""


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the codes."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(sorted((cast("Rule", module) for module in modules), key=lambda rule: rule.CODE))


def check(contract: Contract) -> list[Diagnostic]:
    """Everything that any rule finds in `contract`, in the order of the file."""
    findings = [
        Diagnostic(
            contract.path, problem.span, rule.CODE, problem.severity or rule.SEVERITY, problem.message, problem.help
        )
        for rule in all_rules()
        for problem in rule.check(contract)
    ]
    return sorted(findings, key=lambda found: (found.span.line, found.span.col, found.code))


def page(code: str) -> str | None:
    """The manual page of a code; None if there is no such rule."""
    from pv.rules import _reading  # noqa: PLC0415  the page is wanted only here

    if code in _reading.CODES:
        return _reading.__doc__
    return next((rule.__doc__ for rule in all_rules() if code == rule.CODE), None)


def codes() -> list[str]:
    """Every code that has a manual page."""
    from pv.rules import _reading  # noqa: PLC0415  the codes are wanted only here

    return [*_reading.CODES, *(rule.CODE for rule in all_rules())]
