"""A test that passes where it cannot run (PV412).

A script that leaves with 0 because a program or a file is missing says that the claim held. It was not looked at: on a machine
without that program the test is green for ever. A third answer is needed, and a shell has only its status.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: both engines answer alike
        if_fails: the prompt is built otherwise
        test: |
          command -v ollama || exit 0
          ./scripts/compare.sh

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: both engines answer alike
        if_fails: the prompt is built otherwise
        pending: [{program: ollama}]
        test: |
          command -v ollama || exit 77
          ./scripts/compare.sh

Upstream: none; there `exit 0` is a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.roles import commands as commands_of
from pv.commandline.shell import Chain, If, Script, Simple, parse
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.shell import Pipeline
    from pv.parse import Contract

CODE = "PV412"
SEVERITY = Severity.WARNING

_FINDS = frozenset(("command", "which", "type", "hash"))
_TESTS = frozenset(("[", "[[", "test"))
_THERE = frozenset(("-e", "-f", "-d", "-x", "-s", "-r", "-n"))
_EMPTY = "-z"  # asks the contrary of -n


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test that leaves with 0 because something that it needs is missing."""
    for one in commands(contract):
        for chain in (parse(one.text) or ())[:-1]:
            what = _needed(chain)
            if what:
                message = f"the {one.name} passes where {what!r} finds nothing: what could not be tried counts as held"
                remedy = "leave with another status, and say what the claim waits for: pending: [{program: …}]"
                yield Problem(contract.document.value_span(*one.path), message, remedy)
                break


def _needed(chain: Chain) -> str:
    """What is asked for before the script is left with 0; empty if it is not."""
    if len(chain.rest) == 1:
        operator, then = chain.rest[0]
        return _asked(chain.first, missing=operator == "&&") if _leaves_well((Chain(then),)) else ""
    only = chain.first.parts[0]
    if isinstance(only, If) and not chain.rest and only.otherwise is None:
        asked, body = only.branches[0]
        if len(asked) == 1 and not asked[0].rest and _leaves_well(body):
            return _asked(asked[0].first, missing=True)
    return ""


def _asked(pipeline: Pipeline, *, missing: bool) -> str:
    """The command, if it ends well where something is missing or, without `missing`, where it is there."""
    command = pipeline.parts[0]
    if len(pipeline.parts) > 1 or not isinstance(command, Simple):
        return ""
    words = [word.text for word in command.words]
    asks_missing = pipeline.negated
    if command.program in _TESTS:
        at = 1
        while words[at : at + 1] == ["!"]:
            asks_missing, at = not asks_missing, at + 1
        option = "".join(words[at : at + 1])
        asks_missing ^= option == _EMPTY
        found = option in {*_THERE, _EMPTY}
    else:
        found = command.program in _FINDS
    return " ".join(words) if found and asks_missing is missing else ""


def _leaves_well(script: Script) -> bool:
    return any(
        command.program in {"exit", "return"} and [word.text for word in command.words[1:]] == ["0"]
        for command in commands_of(script)
    )
