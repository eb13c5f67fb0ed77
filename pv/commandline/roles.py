"""What the commands of a test are for: to run tests, to check something, to look at files."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from pv.commandline.shell import Chain, Group, If, Loop, Script, Simple
from pv.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.commandline.tokens import Token

_WRAPPERS = frozenset(
    (
        "command",
        "env",
        "exec",
        "nice",
        "nohup",
        "sudo",
        "time",
        "timeout",
        "uv",
        "poetry",
        "run",
        "stdbuf",
        "npx",
        "bunx",
    )
)
_TEST_WORDS = {
    "cargo": frozenset(("test", "t", "nextest", "llvm-cov", "mutants", "kani")),
    "go": frozenset(("test",)),
    "npm": frozenset(("test", "t")),
    "yarn": frozenset(("test",)),
    "pnpm": frozenset(("test",)),
    "make": frozenset(("test", "check")),
    "pv": frozenset(("validate", "lint", "gate")),
}
_RUNNERS = frozenset(("pytest", "py.test", "ctest", "tox", "nox", "bats", "jest", "vitest"))
_OPTION = lazy(r"--?[A-Za-z]|--$")
_RUST_PATH = lazy(r"\w+(?:::\w+)+")
_TEST_NAME = lazy(r"[a-z]\w*_\w*")
_ANSWERS = frozenset(("grep", "egrep", "fgrep", "rg", "test", "[", "[[", "diff", "cmp", "sha256sum", "md5sum"))


def unwrapped(command: Simple) -> tuple[str, ...]:
    """The program as it is called, and its arguments, without what only wraps it (`timeout 60`, `uv run`, `env A=1`)."""
    words = [word.text for word in command.words]
    while len(words) > 1 and words[0] in _WRAPPERS:
        words = words[1:]
        while words and re.fullmatch(r"-.*|\d+[smh]?|\w+=.*", words[0]):
            words = words[1:]
    if len(words) > 2 and re.fullmatch(r"python[\d.]*", words[0].rpartition("/")[2]) and words[1] == "-m":
        words = words[2:]
    return tuple(words)


def argv(command: Simple) -> tuple[str, ...]:
    """The same, the program without its folder."""
    words = unwrapped(command)
    return (words[0].rpartition("/")[2] or words[0], *words[1:]) if words else ()


def runs_tests(command: Simple) -> bool:
    """Whether the command is a runner of tests."""
    words = argv(command)
    if not words:
        return False
    first = next((word for word in words[1:] if not word.startswith(("-", "+"))), "")
    return words[0] in _RUNNERS or first in _TEST_WORDS.get(words[0], ())


def is_check(command: Simple) -> bool:
    """Whether the command's exit status is what it is there for."""
    words = argv(command)
    if not words:
        return False
    return (
        runs_tests(command)
        or words[0] in _ANSWERS
        or (words[0] == "jq" and any(re.fullmatch(r"-[a-zA-Z]*e[a-zA-Z]*|--exit-status", word) for word in words[1:]))
    )


def commands(script: Script) -> Iterator[Simple]:
    """Every command of a script, in order; those inside substitutions are left out."""
    for chain in script:
        yield from _of_chain(chain)


def goes_on_with(script: Script) -> str:
    """The word with which a line begins that is no command but the rest of the line before; empty if there is none."""
    for before, after in itertools.pairwise(script):
        first, last = after.first.parts[0], (before.rest[-1][1] if before.rest else before.first).parts[-1]
        if before.ends_line and isinstance(first, Simple) and isinstance(last, Simple) and first.words:
            word, alone = first.words[0].raw, all(one.raw.startswith("-") for one in first.words[1:])
            name = _RUST_PATH.fullmatch(word) or (runs_tests(last) and _TEST_NAME.fullmatch(word))
            if _OPTION.match(word) or (alone and name):
                return word
    return ""


def _of_chain(chain: Chain) -> Iterator[Simple]:
    for pipeline in (chain.first, *(one for _, one in chain.rest)):
        for part in pipeline.parts:
            if isinstance(part, Simple):
                yield part
            elif isinstance(part, If):
                for asked, body in part.branches:
                    yield from commands(asked + body)
                yield from commands(part.otherwise or ())
            elif isinstance(part, Loop):
                yield from commands(part.asked + part.body)
            else:
                yield from commands(part.body)


def first_words(chain: Chain) -> Iterator[Token]:
    """The words of the first commands of a chain, and of what an `if` there asks."""
    for part in chain.first.parts:
        if isinstance(part, Simple):
            yield from (*part.words, *part.assignments)
        elif isinstance(part, (If, Group)):
            inner = part.branches[0][0] if isinstance(part, If) else part.body
            for one in inner[:1]:
                yield from first_words(one)
