"""What would be run of a text: an argument vector where its words say all, a shell where one is needed."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, NamedTuple

from pv.commandline.kinds import TestKind, kind_of
from pv.commandline.outcome import outcome
from pv.commandline.programs import BUILDERS, CARGO
from pv.commandline.roles import argv as argv_of
from pv.commandline.roles import commands, runs_tests
from pv.commandline.shell import Simple, parse
from pv.commandline.tokens import tokenize
from pv.pattern import lazy
from pv.signals import Inconclusive

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "PV_PROJECT"  # the variable that holds the project's folder

_SHELLS = ("bash", "sh")  # contracts are written for the first; the other does where it is missing
# what a shell does itself, and no program does
_WORDS = """
    . : [[ alias bg builtin cd command declare eval exec exit export fg getopts hash jobs let local mapfile popd pushd pwd read
    readonly return set shift shopt source time trap type typeset ulimit umask unset wait
"""
_BUILTIN = frozenset(_WORDS.split())
_LITERAL = lazy(r"""[\w@%+=:,./-]+|'[^'\0]*'|"[^"$`\\!\0]*\"""", re.ASCII)  # words that a shell leaves as they are
_LOOKS_HERE = CARGO | BUILDERS | {"git", "ls", "find"}  # programs that look at the folder that they are run in


class Plan(NamedTuple):
    """The argument vector, and which shell reads the text; empty where none does."""

    argv: tuple[str, ...]
    shell: str = ""


def plan_of(text: str, project: Path, path: str) -> Plan:
    """How `text` is run, in an empty folder; the program is looked up in `path`.

    Raises:
        Inconclusive: it would say nothing: no program of that name, no way to fail, or it means the project's folder and does not go there.
    """
    if not kind_of(text).is_command:
        raise Inconclusive("unbound", f"its test is no command but a {kind_of(text)}")
    found = outcome(text)
    if found is not None and found.cannot_fail:
        raise Inconclusive("vacuous", "its command ends well whatever it finds")
    here = _means_the_project(text, project)
    if here:
        raise Inconclusive(
            "not runnable",
            f'{here}, and commands are run in an empty folder; write cd "${PROJECT}" && … or "${PROJECT}/…"',
        )
    words = _literal(text)
    if words:
        if shutil.which(words[0], path=path) is None:
            raise Inconclusive("no program", f"there is no program {words[0]!r} here")
        return Plan(words)
    for name in _SHELLS:
        shell = shutil.which(name, path=path)
        if shell is not None:
            return Plan((shell, "-c", text), name)
    raise Inconclusive("no program", "it needs a shell, and there is none here")


def _literal(text: str) -> tuple[str, ...]:
    """The words of a text that is one program with arguments as they stand; none where a shell has anything to do."""
    tokens = tokenize(text.strip())
    if tokens.broken or any(one.operator or not _LITERAL.fullmatch(one.raw) for one in tokens.items):
        return ()
    words = tuple(one.text for one in tokens.items)
    return () if not words or words[0] in _BUILTIN or "=" in words[0] else words


def _means_the_project(text: str, project: Path) -> str:
    """What in a text only makes sense in the project's folder, if it does not go there itself."""
    if PROJECT in text:
        return ""
    script = parse(text)
    for command in commands(script) if script else ():
        if (argv_of(command) or ("",))[0] in _LOOKS_HERE or runs_tests(command):
            return f"{_name(command)} looks at the folder that it is run in"
    for token in tokenize(text).items:
        word = token.text.partition("::")[0]
        if not token.operator and re.search(r"[/.]", word) and not word.startswith("/") and _is_there(project, word):
            return f"{word!r} is a path in the project"
    return "it is a command of cargo's" if script is None and kind_of(text) is TestKind.CARGO else ""


def _name(command: Simple) -> str:
    return " ".join(argv_of(command)[:2])


def _is_there(project: Path, word: str) -> bool:
    try:
        return word.strip("./") != "" and (project / word).exists()
    except (OSError, ValueError):  # no name that a file can have
        return False
