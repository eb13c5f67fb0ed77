"""A runner told to pass without a test (PV409).

A runner that was given a filter which matches nothing must not pass: nothing was tried. pytest ends with status 5 then, others
have an option that makes them refuse. Here the opposite was asked for, or the runner was told to list or to build tests only.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the router picks the k largest
        if_fails: another expert is asked
        test: pytest tests/router -k largest || [ $? -eq 5 ]

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the router picks the k largest
        if_fails: another expert is asked
        test: pytest tests/router -k largest

Not flagged: `cargo test name`, which passes where no test has that name. The text cannot tell; `cargo nextest run` refuses it.

Upstream: none as a rule; their runs count tests and refuse zero.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.commandline.roles import argv, runs_tests
from pv.commandline.roles import commands as commands_of
from pv.commandline.shell import Simple, parse
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.shell import Script
    from pv.parse import Contract

CODE = "PV409"
SEVERITY = Severity.WARNING

_NONE_IS_FINE = lazy(
    r"--no-tests=(?:pass|warn|ignore)|--pass-?with-?no-?tests|--suppress-no-test-exit-code", re.IGNORECASE
)
_RUNS_NONE = {
    "cargo": frozenset(("--no-run", "--list")),
    "pytest": frozenset(("--collect-only", "--co")),
    "ctest": frozenset(("-N", "--show-only")),
}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each runner that was told to pass without having run a test."""
    for one in commands(contract):
        script = parse(one.text) or ()
        option = next(filter(None, map(_option, commands_of(script))), None)
        why = f"{option!r} lets it pass without a test" if option else None
        if not why and _takes_five(script):
            why = "pytest's status 5, no test was run, counts as good"
        if why:
            message = f"in the {one.name}, {why}"
            yield Problem(
                contract.document.value_span(*one.path), message, "let the runner fail where it finds no test"
            )


def _option(command: Simple) -> str | None:
    words = argv(command)
    if not words:
        return None
    if runs_tests(command):
        idle = _RUNS_NONE.get(words[0], frozenset())
        return next((word for word in words[1:] if word in idle or _NONE_IS_FINE.fullmatch(word)), None)
    return None


def _takes_five(script: Script) -> bool:
    """Whether `pytest … || [ $? -eq 5 ]`, or a later test of a kept status, makes a pass of it."""
    for chain in script:
        first = chain.first.parts[-1]
        if isinstance(first, Simple) and argv(first)[:1] in {("pytest",), ("py.test",)}:
            for operator, pipeline in chain.rest:
                asked = pipeline.parts[0]
                if operator == "||" and isinstance(asked, Simple):
                    words = [word.text for word in asked.words if word.text not in {"[", "[[", "]", "]]", "test"}]
                    if words in (["$?", "-eq", "5"], ["$?", "=", "5"], ["$?", "==", "5"]):
                        return True
    return False
