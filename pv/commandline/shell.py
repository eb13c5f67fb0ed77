"""The structure of a shell text: chains of pipelines of commands, as far as a test of one claim needs it."""

from __future__ import annotations

from typing import NamedTuple

from pv.commandline.tokens import REDIRECTIONS, Token, tokenize
from pv.pattern import lazy

_MAX_DEPTH = 24
_ASSIGNMENT = lazy(r"[A-Za-z_]\w*\+?=")
_LOOPS = frozenset(("for", "while", "until", "select"))
_CLOSERS = frozenset(("then", "elif", "else", "fi", "do", "done", "}", ")", "esac"))


class Simple(NamedTuple):
    """Assignments, then a program with its arguments; `into_file` where what it prints goes to a file."""

    at: int
    words: tuple[Token, ...] = ()
    assignments: tuple[Token, ...] = ()
    into_file: bool = False

    @property
    def program(self) -> str:
        """The program's name without its folder; empty where there are only assignments."""
        return self.words[0].text.rpartition("/")[2] or self.words[0].text if self.words else ""


class Group(NamedTuple):
    """Commands in brackets or braces."""

    at: int
    body: Script
    subshell: bool = False


class If(NamedTuple):
    """Conditions with what each leads to, and what is done where none holds."""

    at: int
    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None = None


class Loop(NamedTuple):
    """Commands that are run any number of times, and what is asked before each (nothing by `for`)."""

    at: int
    asked: Script
    body: Script


Command = Simple | Group | If | Loop


class Pipeline(NamedTuple):
    """Commands joined by `|`."""

    at: int
    parts: tuple[Command, ...]
    negated: bool = False


class Chain(NamedTuple):
    """Pipelines joined by `&&` and `||`."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...] = ()
    background: bool = False
    ends_line: bool = False


Script = tuple[Chain, ...]


class _NotUnderstood(Exception):
    pass


def parse(text: str) -> Script | None:
    """The structure of `text`; None where it has none that is understood here (functions, `case`, unbalanced quotes)."""
    tokens = tokenize(text)
    if tokens.broken:
        return None
    reader = _Reader(tokens.items)
    try:
        script = reader.script(0)
    except _NotUnderstood:
        return None
    return script if reader.at == len(reader.tokens) else None


class _Reader:
    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def operator(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.operator and token.text in texts

    def word(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and not token.operator and not token.quoted and token.text in texts

    def expect(self, text: str) -> None:
        if not (self.word(text) or self.operator(text)):
            raise _NotUnderstood
        self.at += 1

    def skip_newlines(self) -> None:
        while self.operator("\n"):
            self.at += 1

    def script(self, depth: int) -> Script:
        if depth > _MAX_DEPTH:
            raise _NotUnderstood
        chains: list[Chain] = []
        while True:
            while self.operator("\n", ";"):
                self.at += 1
            if self.peek() is None or self.word(*_CLOSERS) or self.operator(")"):
                return tuple(chains)
            chains.append(self.chain(depth))

    def chain(self, depth: int) -> Chain:
        first, rest = self.pipeline(depth), []
        while self.operator("&&", "||"):
            operator = self.tokens[self.at].text
            self.at += 1
            self.skip_newlines()
            rest.append((operator, self.pipeline(depth)))
        background, line = self.operator("&"), self.operator("\n")
        if self.operator("&", ";", "\n"):
            self.at += 1
        elif self.peek() is not None and not self.operator(")") and not self.word(*_CLOSERS):
            raise _NotUnderstood
        return Chain(first, tuple(rest), background, line)

    def pipeline(self, depth: int) -> Pipeline:
        token = self.peek()
        if token is None:
            raise _NotUnderstood
        negated = False
        while self.word("!"):
            negated = not negated
            self.at += 1
        parts = [self.command(depth)]
        while self.operator("|", "|&"):
            self.at += 1
            self.skip_newlines()
            parts.append(self.command(depth))
        return Pipeline(token.at, tuple(parts), negated)

    def command(self, depth: int) -> Command:
        token = self.peek()
        if token is None or self.word("case", "function", "coproc"):
            raise _NotUnderstood
        if self.operator("(") or self.word("{"):
            after = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            if token.operator and after is not None and after.raw == "(" and after.at == token.at + 1:
                raise _NotUnderstood  # ((…)) reckons, and may change any variable
            closes = ")" if token.operator else "}"
            self.at += 1
            body = self.script(depth + 1)
            self.expect(closes)
            self.redirections()
            return Group(token.at, body, subshell=closes == ")")
        if self.word("if"):
            return self.condition(token.at, depth + 1)
        if self.word(*_LOOPS):
            return self.loop(token.at, depth + 1)
        return self.simple(token.at)

    def condition(self, at: int, depth: int) -> If:
        branches, otherwise = [], None
        while self.word("if", "elif"):
            self.at += 1
            asked = self.script(depth)
            self.expect("then")
            branches.append((asked, self.script(depth)))
        if self.word("else"):
            self.at += 1
            otherwise = self.script(depth)
        self.expect("fi")
        self.redirections()
        return If(at, tuple(branches), otherwise)

    def loop(self, at: int, depth: int) -> Loop:
        asks = self.word("while", "until")
        self.at += 1
        before: Script = ()
        if asks:
            before = self.script(depth)
        else:
            while self.peek() is not None and not self.word("do"):
                self.at += 1
        self.expect("do")
        body = self.script(depth)
        self.expect("done")
        self.redirections()
        return Loop(at, before, body)

    def simple(self, at: int) -> Simple:
        words: list[Token] = []
        assignments: list[Token] = []
        into_file = False
        while (token := self.peek()) is not None:
            if token.operator and token.text in REDIRECTIONS:
                into_file |= self.redirections()
                continue
            inside = bool(words) and words[0].raw == "[[" and words[-1].raw != "]]"
            if token.operator and not inside:
                if token.text == "(" and (words or assignments):
                    raise _NotUnderstood  # a function, or an array
                break
            if not words and not token.operator and _ASSIGNMENT.match(token.raw):
                assignments.append(token)
            else:
                words.append(token)
            self.at += 1
        if not words and not assignments and not into_file:
            raise _NotUnderstood
        return Simple(at, tuple(words), tuple(assignments), into_file)

    def redirections(self) -> bool:
        """Step over redirections; whether one of them sends what is printed into a file."""
        into_file = False
        while (token := self.peek()) is not None and token.operator and token.text in REDIRECTIONS:
            target = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            if target is None or target.operator:
                raise _NotUnderstood
            away = target.text.startswith("/dev/") or token.raw.startswith("2")
            into_file |= token.text in {">", ">>", ">|", "&>", "&>>"} and not away
            self.at += 2
        return into_file
