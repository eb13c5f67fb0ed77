"""A test that cannot pass (PV408).

A command that ends badly whatever happened refutes its claim without having looked. Most often the status that it asks for was
thrown away before: after `out=$(… || true)` the status `$?` is 0, so a test that wants it to be something else never passes.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: an unknown name is refused
        if_fails: it is taken for another one
        test: |
          out=$(apr pull no-such-model 2>&1 || true)
          status=$?
          [ "$status" -ne 0 ] || exit 1
          echo "$out" | grep -q unknown

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: an unknown name is refused
        if_fails: it is taken for another one
        test: |
          out=$(apr pull no-such-model 2>&1)
          status=$?
          [ "$status" -ne 0 ] || exit 1
          echo "$out" | grep -q unknown

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.outcome import Loss, outcome
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV408"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test whose command can only end badly."""
    for one in commands(contract):
        found = outcome(one.text)
        if found is not None and found.cannot_pass:
            constant = any(lost.loss is Loss.CONSTANT for lost in found.lost)
            why = ", because '$?' is always 0 where it is read" if constant else ""
            remedy = "read '$?' right behind the command, and leave out '|| true' there" if constant else None
            message = f"the {one.name} cannot pass: its exit status is never 0{why}"
            yield Problem(contract.document.value_span(*one.path), message, remedy)
