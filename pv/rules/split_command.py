"""A command that a line break cuts in two (PV403).

A block written with `|` keeps its line breaks, and to a shell a line break ends a command. An option or the name of a test on
the next line is then a command of its own: the runner runs everything, and the rest is "command not found".

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the nibbles of a block come in ggml's order
        if_fails: every second weight is another one
        test: |
          cargo test -p reader --lib
            nibbles_in_order

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the nibbles of a block come in ggml's order
        if_fails: every second weight is another one
        test: >
          cargo test -p reader --lib
          nibbles_in_order

Upstream: none; PV-VER-001 calls such a test bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.roles import goes_on_with
from pv.commandline.shell import parse
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV403"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test with a line that is no command, but the rest of the one before."""
    for one in commands(contract):
        word = goes_on_with(parse(one.text) or ())
        if word:
            message = f"in the {one.name}, the line break before {word!r} ends the command"
            remedy = r"write 'test: >' instead of 'test: |', or end the line before it with '\'"
            yield Problem(contract.document.value_span(*one.path), message, remedy)
