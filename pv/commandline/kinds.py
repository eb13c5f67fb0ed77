"""What the text of a `test:` is: a reference to a test, a command, or prose that nobody can run."""

from __future__ import annotations

import functools
import re
from enum import StrEnum

from pv.commandline.programs import BUILDERS, CARGO, ENGLISH, PROGRAMS, STACK, STOP_WORDS, TARGETS
from pv.commandline.tokens import REDIRECTIONS, Token, tokenize
from pv.pattern import lazy

_MAX = 20_000  # characters; nobody tests with a longer text, and a rule has to be fast


class TestKind(StrEnum):
    """What a `test:` text is, in words that a report can show."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    NONE = "none"
    PROSE = "prose (not runnable)"
    PROPTEST = "prose of a property test (not runnable)"
    NAME = "name of a test"
    RUST_PATH = "Rust path"
    PYTEST = "pytest node id"
    FALSIFIER = "falsifier"
    CLAIM = "claim in a contract"
    FILE = "path of a script or test file"
    CARGO = "cargo command"
    STACK = "command of the stack"
    SHELL = "shell command"

    @property
    def is_command(self) -> bool:
        """Whether a shell could be given the text."""
        return self in {TestKind.CARGO, TestKind.STACK, TestKind.SHELL}

    @property
    def is_prose(self) -> bool:
        """Whether the text tells a reader what to do, and no program."""
        return self in {TestKind.PROSE, TestKind.PROPTEST}


_PREPARES = frozenset(("set", "cd", "export", "mkdir", "source"))
_BEFORE = frozenset(("!", "(", "{", "if", "while", "then", "do", "sudo", "env", "time", "exec", "nohup"))
_PROPTEST = lazy(r"prop\s?test\b", re.IGNORECASE)
# what no name of a test, and no command, does without: most texts are prose, and are soon told
_MAYBE_A_NAME = lazy(r"`?[\w./@+-]*?(?:::|\.\w|_|[a-z][A-Z]|/|test\w)")
_MAYBE_A_COMMAND = lazy(
    r"\A(?:[^\s\w]|\w+=)|\s--?[A-Za-z]|\A\S*/|\A(?:"
    + "|".join(sorted(map(re.escape, PROGRAMS | _PREPARES | _BEFORE)))
    + r")(?!\w)"
)
_REMARK = lazy(r"\s+(?:[—\u2013(#]|--\s).*\Z", re.DOTALL)  # what may follow a reference
_NAME = lazy(r"(?=\w*[a-z])(?:\w*_\w*|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|test\w+)(?:\(\))?")
_PATH = lazy(r"(?:\.{0,2}/)?(?:[\w.@+-]+/)*[\w.@+-]*\.(?:py|sh|bash|rs|rb|js|ts|mjs|go|yml|yaml|bats|lean|v|R)")
_RUST = lazy(r"[A-Za-z_][\w<>]*(?:::[\w<>*-]+)+(?:\(\))?")
_NODE = lazy(r"(?:\.{0,2}/)?[\w./@+-]+\.py(?:::[\w.]+)+(?:\[.*\])?")
_CLAIM = lazy(r"[\w./@+-]+\.ya?ml::[\w.+-]+(?:\[.*\])?")
_DOTTED = lazy(r"falsifiers(?:\.[A-Za-z_]\w*)+(?:[.:][A-Za-z_]\w*)")
_OPTION = lazy(r"--?[A-Za-z][\w-]*(?:=.*)?")
_ASSIGNMENT = lazy(r"[A-Za-z_]\w*=")
_PROGRAM = lazy(r"[a-z][a-z0-9_.+-]*")
_JOINS = REDIRECTIONS | {"&&", "||", "|"}


@functools.lru_cache(maxsize=4096)  # several rules ask about the same texts
def kind_of(text: str | None) -> TestKind:
    """The kind of a `test:` text; any text has one."""
    plain = (text or "").strip()
    if not plain:
        return TestKind.NONE
    if re.match(r"prop\s?test\b", plain, re.IGNORECASE) and not re.match(r"proptest_\w", plain):
        return TestKind.PROPTEST
    return _reference(plain[:_MAX]) or _command(plain[:_MAX]) or TestKind.PROSE


def references(text: str) -> list[str]:
    """The names in a text that names one test or several; without the remark that may stand behind them."""
    return _names(_REMARK.sub("", " ".join(text.split())))


def _names(text: str) -> list[str]:
    return re.split(r"\s*,\s*|\s+(?:and|or)\s+", text.strip("`"))


def _reference(plain: str) -> TestKind | None:
    """The kind of a text that names a test, or several of one kind, and perhaps says something about it behind it."""
    if len(plain) > _MAX:
        return None
    plain = " ".join(plain.split())
    for names in (_names(plain), references(plain)):
        for pattern, kind in (
            (_NODE, TestKind.PYTEST),
            (_CLAIM, TestKind.CLAIM),
            (_DOTTED, TestKind.FALSIFIER),
            (_RUST, TestKind.RUST_PATH),
            (_PATH, TestKind.FILE),
            (_NAME, TestKind.NAME),
        ):
            if all(pattern.fullmatch(name) for name in names):
                below = names[0].removeprefix("./").startswith("falsifiers/")
                return TestKind.FALSIFIER if below and kind in {TestKind.PYTEST, TestKind.FILE} else kind
    return None


def _command(plain: str) -> TestKind | None:
    tokens = tokenize(plain).items
    first = _first(tokens)
    if first is None:
        return None
    program = first.text.rpartition("/")[2]
    rest = [one for one in tokens if one.at > first.at]
    if program in PROGRAMS:
        said = _looks_told(program, rest)
    else:  # an unknown program is believed only with an option, and no word of a sentence
        said = not (_runs_like_a_program(first, rest) and not _stop_words(rest))
    if said:
        return None
    if program in CARGO:
        return TestKind.CARGO
    return TestKind.STACK if program in STACK else TestKind.SHELL


def _first(tokens: tuple[Token, ...]) -> Token | None:
    """The word that names the first program, behind what prepares for it and what may stand before a command."""
    prepares: Token | None = None  # `set -e`, `cd …`: what follows it tells
    for index, token in enumerate(tokens):
        if prepares is not None:
            prepares = None if token.operator and token.text in {";", "\n", "&&"} else prepares
        elif token.operator:
            if token.text not in {"(", "\n", ";"}:
                return None
        elif _ASSIGNMENT.match(token.raw):
            if token.inner:  # x=$(cmd …): the command inside tells
                return next((one for one in tokenize(token.inner[0]).items if not one.operator), None)
        elif token.text in _PREPARES:
            prepares = token
        elif token.text not in _BEFORE or index + 1 == len(tokens):
            return token
    return prepares if prepares is not None and prepares.text == "mkdir" else None


def _looks_told(program: str, rest: list[Token]) -> bool:
    """Whether what begins with the name of a known program goes on as a sentence."""
    words = [one for one in rest if not one.operator]
    if program in ENGLISH and not any(_is_evidence(one) for one in rest):
        return not _is_whole(program, [one.raw for one in rest])
    option = any(_OPTION.fullmatch(one.raw) for one in words)
    joined = any(one.operator and one.text in _JOINS for one in rest)
    return _stop_words(rest) >= 2 + 2 * option + 2 * joined


def _is_whole(program: str, arguments: list[str]) -> bool:
    """Whether so few words are a command all the same: `true`, `exit 1`, `echo PASS`, `make test-all`."""
    if program in {"true", "false"}:
        return not arguments
    if program == "exit":
        return all(map(str.isdigit, arguments)) and len(arguments) <= 1
    if program in {"echo", "printf"}:
        return len(arguments) == 1 and (arguments[0].isupper() or arguments[0][0] in "'\"")
    targets = [set(re.split(r"[-_:./]", one)) & TARGETS for one in arguments]
    return program in BUILDERS and bool(targets) and all(targets)


def _is_evidence(token: Token) -> bool:
    """Whether a sentence would hardly have this."""
    if token.operator:
        return token.text in _JOINS or token.text == "\n"
    raw = token.raw
    return bool(
        _OPTION.fullmatch(raw) or raw.startswith(("$", '"$', "/", "./", "~/")) or re.search(r"\w/\w|\.\w+$", raw)
    )


def _runs_like_a_program(first: Token, rest: list[Token]) -> bool:
    path = re.fullmatch(r"(?:\.{0,2}/|~/)?(?:[\w.${}-]+/)+[\w.-]+", first.raw) is not None
    option = any(not one.operator and _OPTION.fullmatch(one.raw) for one in rest)
    return path or (option and _PROGRAM.fullmatch(first.raw) is not None)


def _stop_words(rest: list[Token]) -> int:
    """How many words of a sentence there are; the first argument of a program may be any word (`apr check`)."""
    found, first = 0, True
    for one in rest:
        found += not first and not one.operator and one.raw.rstrip(",.;") in STOP_WORDS
        first = one.operator
    return found
