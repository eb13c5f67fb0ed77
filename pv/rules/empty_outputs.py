"""Two outputs compared that may both be empty (PV410).

`[ "$(one)" = "$(other)" ]` holds where neither prints anything: because the program is missing, was called wrongly, or failed. The
comparison has to ask first that there is something to compare, or stop where a command fails.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: two runs give the same tokens
        if_fails: sampling depends on the clock
        test: |
          first=$(apr run model.apr --seed 0)
          second=$(apr run model.apr --seed 0)
          [ "$first" = "$second" ]

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: two runs give the same tokens
        if_fails: sampling depends on the clock
        test: |
          first=$(apr run model.apr --seed 0)
          second=$(apr run model.apr --seed 0)
          [ -n "$first" ] && [ "$first" = "$second" ]

Not flagged: outputs of which one is asked for something else as well; scripts that stop at the first failure (`set -e`).

Upstream: none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.commandline.roles import commands as commands_of
from pv.commandline.shell import Script, Simple, parse
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.tokens import Token
    from pv.parse import Contract

CODE = "PV410"
SEVERITY = Severity.WARNING

_WHOLE = lazy(r'"?\$\(.*\)"?|"?`.*`"?', re.DOTALL)
_VARIABLE = lazy(r'"?\$\{?(\w+)\}?"?')


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each comparison of outputs that holds where there are none."""
    for one in commands(contract):
        script = parse(one.text) or ()
        every = list(commands_of(script))
        if any(command.program == "set" and "e" in word.text for command in every for word in command.words[1:2]):
            continue
        taken = _taken(script) - _asked(every)
        for command in every:
            left, right = _compared(command)
            if left and right and _may_be_empty(left, taken) and _may_be_empty(right, taken):
                message = f"in the {one.name}, {left.raw} and {right.raw} are the same where both are empty"
                remedy = "ask before that one is not: [ -n … ] && …; or begin with 'set -e'"
                yield Problem(contract.document.value_span(*one.path), message, remedy)
                break


def _taken(script: Script) -> set[str]:
    """The variables that hold what a command printed, where nothing asks whether it failed."""
    alone = [chain.first.parts[0] for chain in script if not chain.rest and len(chain.first.parts) == 1]
    found = [
        token for command in alone if isinstance(command, Simple) and not command.words for token in command.assignments
    ]
    pairs = [token.raw.partition("=") for token in found if token.inner]
    return {name for name, _, value in pairs if _WHOLE.fullmatch(value)}


def _asked(every: list[Simple]) -> set[str]:
    """The variables of which something is asked that an empty one does not pass, or that something else reads."""
    found: set[str] = set()
    for command in every:
        if not all(_compared(command)):
            found.update(name for word in command.words for name in re.findall(r"\$\{?(\w+)", word.raw))
    return found


def _compared(command: Simple) -> tuple[Token | None, Token | None]:
    """Both sides of `[ one = other ]`; nothing where the command is another."""
    words = command.words[1 : None if command.program == "test" else -1]
    if command.program in {"[", "[[", "test"} and len(words) == 3 and words[1].text in {"=", "=="}:
        return words[0], words[2]
    return None, None


def _may_be_empty(side: Token, taken: set[str]) -> bool:
    variable = _VARIABLE.fullmatch(side.raw)
    return variable[1] in taken if variable else bool(side.inner) and _WHOLE.fullmatch(side.raw) is not None
