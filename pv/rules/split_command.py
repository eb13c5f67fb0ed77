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

import itertools
import re
from typing import TYPE_CHECKING

from pv.commandline.roles import runs_tests
from pv.commandline.shell import Chain, Simple, parse
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV403"
SEVERITY = Severity.ERROR

_PATH = re.compile(r"\w+(?:::\w+)+")
_NAME = re.compile(r"[a-z]\w*_\w*")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test with a line that is no command, but the rest of the one before."""
    for one in commands(contract):
        if "\n" not in one.text.strip():
            continue
        for before, after in itertools.pairwise(parse(one.text) or ()):
            word = _rest(before, after)
            if word:
                message = f"in the {one.name}, the line break before {word!r} ends the command"
                remedy = r"write 'test: >' instead of 'test: |', or end the line before it with '\'"
                yield Problem(contract.document.value_span(*one.path), message, remedy)
                break


def _rest(before: Chain, after: Chain) -> str:
    """The word with which a line goes on that is no command of its own; empty if it may be one."""
    first, last = after.first.parts[0], (before.rest[-1][1] if before.rest else before.first).parts[-1]
    if not (before.ends_line and isinstance(first, Simple) and isinstance(last, Simple) and first.words):
        return ""
    word, alone = first.words[0].raw, all(one.raw.startswith("-") for one in first.words[1:])
    goes_on = re.match(r"--?[A-Za-z]|--$", word) is not None
    name = alone and (_PATH.fullmatch(word) or (runs_tests(last) and _NAME.fullmatch(word)))
    return word if goes_on or name else ""
