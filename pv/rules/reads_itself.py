"""A test that only looks whether something is written (PV405).

A `grep` in the contract's own file, or a `test -f`, shows that words or a file are there. It would go on passing if what they
speak of were wrong: it falsifies presence, not behaviour.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: logits are finite for every input
        if_fails: the softmax overflows
        test: grep -q finite contracts/base-v1.yaml

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: logits are finite for every input
        if_fails: the softmax overflows
        test: cargo test -p model --test finite

Not flagged: a `grep` in source code. That a word must not stand there, an `unwrap` or a catch-all, is a claim of its own.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.programs import LOOKS
from pv.commandline.roles import argv
from pv.commandline.roles import commands as commands_of
from pv.commandline.shell import parse
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.shell import Script, Simple
    from pv.parse import Contract

CODE = "PV405"
SEVERITY = Severity.WARNING

_FILE = lazy(r"[\w./~${}*+-]*(?:/[\w.*-]+|\.[A-Za-z]\w{0,6})")
_PATTERN_FIRST = frozenset(("grep", "egrep", "fgrep", "rg", "ag", "jq", "yq"))
_EXISTS = lazy(r"-[defrswxL]")
_MAX_NESTED = 4


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test of which all commands look at the contract's own file, or whether files exist."""
    own = {f"{contract.name}.yaml", f"{contract.name}.yml"}
    for one in commands(contract):
        found = list(_all(parse(one.text) or (), 0))
        if not found or any(argv(command)[:1] and argv(command)[0] not in LOOKS for command in found):
            continue
        files = [file for command in found for file in _files(command)]
        span = contract.document.value_span(*one.path)
        remedy = "name a test that drives what the claim speaks of, or bind a falsifier to the claim"
        if files and all(file.rpartition("/")[2] in own for file in files):
            yield Problem(
                span, f"the {one.name} reads nothing but its own contract: it shows that words are there", remedy
            )
        elif files and all(_asks_for_a_file(command) for command in found):
            yield Problem(span, f"the {one.name} only asks whether a file exists, not what is in it", remedy)


def _all(script: Script, depth: int) -> Iterator[Simple]:
    """Every command of a script, those in substitutions as well."""
    for command in commands_of(script):
        yield command
        for word in (*command.words, *command.assignments):
            for text in word.inner if depth < _MAX_NESTED else ():
                yield from _all(parse(text) or (), depth + 1)


def _files(command: Simple) -> Iterator[str]:
    """The arguments that name files."""
    words = command.words[1:]
    if command.program in _PATTERN_FIRST:
        pattern = next((n for n, word in enumerate(words) if not word.text.startswith("-")), None)
        given = any(word.text in {"-e", "-f"} or word.text.startswith("--regexp") for word in words)
        words = words if given or pattern is None else words[:pattern] + words[pattern + 1 :]
    for word in words:
        if not word.text.startswith("-") and not word.inner and _FILE.fullmatch(word.text):
            yield word.text


def _asks_for_a_file(command: Simple) -> bool:
    """Whether a command does no more than to ask whether a file is there, or says how that went."""
    words = argv(command)
    if not words or words[0] in {"echo", "printf", "true", "false", "exit", "set", ":", "ls", "stat", "file"}:
        return True
    return words[0] in {"test", "[", "[["} and any(_EXISTS.fullmatch(word) for word in words[1:3])
