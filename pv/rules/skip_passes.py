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
_MISSING = frozenset(("-e", "-f", "-d", "-x", "-s", "-r", "-n"))


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
    if len(chain.rest) == 1 and chain.rest[0][0] == "||" and not chain.first.negated:
        return _asked(chain.first) if _leaves_well(((Chain(chain.rest[0][1])),)) else ""
    only = chain.first.parts[0]
    if isinstance(only, If) and not chain.rest and only.otherwise is None:
        asked, body = only.branches[0]
        if len(asked) == 1 and asked[0].first.negated and not asked[0].rest and _leaves_well(body):
            return _asked(asked[0].first)
    return ""


def _asked(pipeline: Pipeline) -> str:
    """The command, if it asks whether something is there."""
    command = pipeline.parts[0]
    if len(pipeline.parts) > 1 or not isinstance(command, Simple):
        return ""
    words = [word.text for word in command.words]
    found = command.program in _FINDS or (command.program in _TESTS and len(words) > 1 and words[1] in _MISSING)
    return " ".join(words) if found else ""


def _leaves_well(script: Script) -> bool:
    return any(
        command.program in {"exit", "return"} and [word.text for word in command.words[1:]] == ["0"]
        for command in commands_of(script)
    )
