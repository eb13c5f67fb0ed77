"""Where what bash reads as one piece ends: quotes, expansions, substitutions, arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEPEST = 40  # pieces in one another


class Doubt(Exception):
    """The reader is not sure what bash would read."""


class Ends:
    """Finds ends in one text.

    Args:
        text: commands.
        level: in how many pieces the text's place already is.
        closing: finds the parenthesis that closes a command substitution, from the place behind the one that opened it, and the
            level of what is in it, on.

    All methods take the place where something begins, give the one behind its end, and raise `Doubt`.
    """

    def __init__(self, text: str, level: int, closing: Callable[[int, int], int]) -> None:
        self._text, self._level, self._closing = text, level, closing

    def quoted(self, at: int) -> int:
        """Where what is quoted from `at` on ends."""
        if self._text[at] == "'":
            return self._behind("'", at + 1)
        return self._double(at + 1) if self._text[at] == '"' else self._backquoted(at + 1)

    def _behind(self, letter: str, at: int) -> int:
        end = self._text.find(letter, at)
        if end < 0:
            raise Doubt
        return end + 1

    def _double(self, at: int) -> int:
        text = self._text
        while at < len(text):
            letter = text[at]
            if letter == '"':
                return at + 1
            if letter == "\\":
                at += 2
            elif letter == "`":
                at = self._backquoted(at + 1)
            elif letter == "$" and text[at + 1 : at + 2] in {"(", "{", "["}:
                at = self.expansion(at, quoted=True)
            else:
                at += 1
        raise Doubt

    def _backquoted(self, at: int) -> int:
        text = self._text
        while at < len(text) and text[at] != "`":
            if text[at] in "'\"#" or text.startswith("<<", at):
                raise Doubt
            at += 2 if text[at] == "\\" else 1
        if at >= len(text):
            raise Doubt
        return at + 1

    def expansion(self, at: int, *, quoted: bool = False) -> int:
        """Where what a `$` at `at` begins ends."""
        if self._level >= _DEEPEST:
            raise Doubt
        self._level += 1
        end = self._expanded(at, quoted=quoted)
        self._level -= 1
        return end

    def _expanded(self, at: int, *, quoted: bool) -> int:
        text = self._text
        following = text[at + 1 : at + 2]
        if text.startswith("((", at + 1):
            return self.arithmetic(at + 1)
        if following == "(":
            return self._closing(at + 2, self._level) + 1
        if following == "{":
            return self._braced(at + 2, quoted=quoted)
        if following == "[":
            raise Doubt  # arithmetic of old
        if following == '"' and not quoted:
            return self._double(at + 2)
        if following == "'" and not quoted:
            at += 2
            while text[at : at + 1] not in {"'", ""}:
                at += 2 if text[at] == "\\" else 1
            return self._behind("'", at)
        return at + 2 if following == "$" else at + 1

    def _braced(self, at: int, *, quoted: bool) -> int:
        text = self._text
        if text[at : at + 1] in {" ", "\t", "\n", "|"}:
            raise Doubt  # commands, in newer versions of bash
        while at < len(text):
            letter = text[at]
            if letter == "}":
                return at + 1
            if letter == "\\":
                at += 2
            elif letter == "'" and quoted:
                raise Doubt  # a quote in some operators, a letter in others
            elif letter in "'\"`":
                at = self.quoted(at)
            elif letter == "$":
                at = self.expansion(at, quoted=quoted)
            else:
                at += 1
        raise Doubt

    def arithmetic(self, at: int) -> int:
        """Where what two parentheses at `at` begin ends: arithmetic, or commands in two shells, which are left as they are."""
        text, start, depth = self._text, at, 0
        while at < len(text):
            letter = text[at]
            if letter in "'\"`\\" or (letter == "#" and text[at - 1] in " \t\n;&|("):
                raise Doubt
            if text.startswith("${", at):
                at = self._braced(at + 2, quoted=True)
                continue
            depth += {"(": 1, ")": -1}.get(letter, 0)
            at += 1
            if not depth:
                # a shift, or a here-document whose text comes later
                if "<<" in text[start:at] and "\n" in text[start:]:
                    raise Doubt
                return at
        raise Doubt
