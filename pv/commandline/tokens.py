"""A shell text cut into words and operators, with quotes, substitutions and comments; any text comes out as something."""

from __future__ import annotations

import re
from typing import NamedTuple

from pv.pattern import lazy

_OPERATOR = lazy(
    r"(?:[0-9]{1,2}(?=[<>]))?(&>>|&>|<<<|<<-|<<|>>|>&|<&|>\||<>|>|<)|(&&|\|\||;;|\|&|[|&;()\n])"  # redirections, and the rest
)
_PLAIN = lazy(r"[^ \t\r\n|&;()<>\\'\"$`]+")
REDIRECTIONS = frozenset(("&>>", "&>", "<<<", "<<-", "<<", ">>", ">&", "<&", ">|", "<>", ">", "<"))
_ENDS_WORD = frozenset(" \t\r\n|&;()<>")


class Token(NamedTuple):
    """A word, its quotes taken away, or an operator; `raw` is as it stands, `inner` the texts of `$(…)` and backticks in it."""

    text: str
    raw: str
    at: int
    operator: bool = False
    inner: tuple[str, ...] = ()

    @property
    def quoted(self) -> bool:
        """Whether any of it is quoted or escaped."""
        return self.raw != self.text


class Tokens(NamedTuple):
    """The tokens of a text; `broken` where a quote or a substitution has no end."""

    items: tuple[Token, ...]
    broken: bool = False


def tokenize(text: str) -> Tokens:
    """Cut `text` as a shell would; what stands in a here-document is left out."""
    return _Cutter(text).cut()


class _Cutter:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.broken = text, 0, False
        self.tokens: list[Token] = []
        self.awaited: list[str] = []  # the words that end here-documents whose text begins at the next line

    def cut(self) -> Tokens:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                self._to_end_of_line()
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char in " \t\r":
                self.at += 1
            elif not self._operator():
                self._word()
        return Tokens(tuple(self.tokens), self.broken)

    def _to_end_of_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _operator(self) -> bool:
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            return False
        found = match[1] or match[2]
        self.tokens.append(Token(found, match[0], self.at, operator=True))
        self.at = match.end()
        if found == "\n" and self.awaited:
            self._skip_documents()
        return True

    def _skip_documents(self) -> None:
        for word in self.awaited:
            end = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*$", re.MULTILINE).search(self.text, self.at)
            self.broken |= end is None
            self.at = end.end() if end else len(self.text)
        self.awaited.clear()

    def _word(self) -> None:
        start = self.at
        parts: list[str] = []
        inner: list[str] = []
        while self.at < len(self.text) and self.text[self.at] not in _ENDS_WORD:
            char = self.text[self.at]
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif char == "\\":
                if not self.text.startswith("\\\n", self.at):
                    parts.append(self.text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "'":
                end = self._find("'", self.at + 1)
                parts.append(self.text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self._double(parts, inner)
            elif not self._substitution(parts, inner):
                parts.append(char)
                self.at += 1
        self.at = min(self.at, len(self.text))
        token = Token("".join(parts), self.text[start : self.at], start, inner=tuple(inner))
        if self.tokens and self.tokens[-1].operator and self.tokens[-1].text in ("<<", "<<-"):
            self.awaited.append(token.text)
        self.tokens.append(token)

    def _double(self, parts: list[str], inner: list[str]) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in tuple('"\\$`'):
                parts.append(self.text[self.at + 1])
                self.at += 2
            elif not self._substitution(parts, inner):
                parts.append(self.text[self.at])
                self.at += 1
        self.broken |= self.at >= len(self.text)
        self.at += 1

    def _substitution(self, parts: list[str], inner: list[str]) -> bool:
        start = self.at
        if self.text.startswith("$((", start):
            self.at = self._close(start + 1, "(", ")") + 1
        elif self.text.startswith("$(", start):
            end = self._close(start + 1, "(", ")")
            inner.append(self.text[start + 2 : end])
            self.at = end + 1
        elif self.text.startswith("${", start):
            self.at = self._close(start + 1, "{", "}") + 1
        elif self.text[start] == "`":
            end = self._find("`", start + 1)
            inner.append(self.text[start + 1 : end])
            self.at = end + 1
        else:
            return False
        parts.append(self.text[start : self.at])
        return True

    def _find(self, char: str, start: int) -> int:
        end = self.text.find(char, start)
        self.broken |= end < 0
        return len(self.text) if end < 0 else end

    def _close(self, start: int, opens: str, closes: str) -> int:
        """Where the bracket that opens at `start` is closed, quotes respected."""
        depth, at = 0, start
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char == "'":
                at = self.text.find("'", at + 1)
                if at < 0:
                    break
            elif char == '"':
                at += 1
                while at < len(self.text) and self.text[at] != '"':
                    at += 2 if self.text[at] == "\\" else 1
            elif char == opens:
                depth += 1
            elif char == closes:
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        self.broken = True
        return len(self.text)
