"""A word of prose, or of mathematics, behind a command (PV404).

`AND`, `OR` and `THEN` are no operators of a shell: they and all that follows are arguments of the first command, and the second
one never runs. No more are `==` or `→` behind a command: `grep -c word file == 3` looks for the word in files named `==` and `3`.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: both sides read the file
        if_fails: one of them reads another layout
        test: cargo test -p reader AND apr check model.apr

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: both sides read the file
        if_fails: one of them reads another layout
        test: cargo test -p reader && apr check model.apr

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.programs import ENGLISH, PROGRAMS
from pv.commandline.roles import commands as commands_of
from pv.commandline.shell import parse
from pv.rules._problem import Problem
from pv.rules._tests import commands, place
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.shell import Simple
    from pv.commandline.tokens import Token
    from pv.parse import Contract

CODE = "PV404"
SEVERITY = Severity.ERROR

_MEANT = {"and": "&&", "then": "&&", "or": "||"}
_COMPARES = frozenset(("==", "===", "!=", "≥", "≤", "≈", "→", "=>", "⇒"))
_TAKES_WORDS = frozenset(("echo", "printf", "git", "gh", "for"))  # programs whose arguments may be a sentence
_TAKES_SIGNS = frozenset(("[", "[[", "test", "expr", "let", "bc", "find", "awk"))


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each word that stands for an operator."""
    for one in commands(contract):
        for command in commands_of(parse(one.text) or ()):
            word = _operator(command)
            if word:
                message = f"in the {one.name}, {word.raw!r} is no operator but an argument of {command.program!r}"
                span = place(contract.document, one, word.at, len(word.raw))
                meant = _MEANT.get(word.raw.lower())
                remedy = f"write {meant!r}" if meant else 'compare what it prints: [ "$(…)" -eq 3 ]'
                yield Problem(span, message, remedy)
                break


def _operator(command: Simple) -> Token | None:
    if command.program in _TAKES_WORDS:
        return None
    argued = False  # whether an argument came before; the first one may be what is looked for
    for word, following in zip(command.words[1:], command.words[2:], strict=False):
        known = following.raw in PROGRAMS - ENGLISH or following.raw == command.words[0].raw
        if word.raw.lower() in _MEANT and (known or (word.raw.isupper() and not following.raw.startswith("-"))):
            return word
        if argued and word.raw in _COMPARES and command.program not in _TAKES_SIGNS:
            return word
        argued |= not word.raw.startswith("-")
    return None
