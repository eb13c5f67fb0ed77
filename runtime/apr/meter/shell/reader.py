"""Reads commands of bash, and puts them down again with one blank where there were several."""

from __future__ import annotations

import re
from typing import NamedTuple

from apr.meter.shell.quotes import Doubt, Ends

# what nothing but a blank before it can change
_ORDINARY = re.compile(r"""[^ \t\n\\'"`$()<>;&|\[#=@?*+!{\0]+""")
_DELIMITER = re.compile(r"""[ \t]*(?:'([^'\n]+)'|"([^"$`\\\n]+)"|\\?([\w.+-]+))(?=[ \t\n;&|<>()]|\Z)""")
_SUBSCRIPT = re.compile(r"[^\] \t\n]{0,200}(?=\]|\n|\Z)")


_CASE = re.compile(r"\bcase\b")


class _HereDocument(NamedTuple):
    delimiter: str
    tabs: bool  # may stand before the delimiter
    quoted: bool


class Reader:
    """Reads commands from a place in a text on.

    Args:
        text: what bash is given.
        start: where to begin.
        level: in how many expansions that is.
    """

    def __init__(self, text: str, start: int = 0, level: int = 0) -> None:
        self._text, self._at = text, start
        self._ends = Ends(text, level, lambda at, deeper: Reader(text, at, deeper).read(inner=True))
        self._pieces: list[str] = []
        self._gap = False  # blanks were read and not yet put down
        self._new_word = True  # the next letter begins one
        self._last = "\n"  # what the last piece was: a letter of bash's own, or "w" for a word
        self._final: tuple[int, str, bool] | None = (
            None  # of the last `;`: the place of its piece, what was before it, a gap?
        )
        self._waiting: list[_HereDocument] = []
        self._open = 0

    def squeezed(self) -> str:
        """What was read."""
        pieces = self._pieces
        if self._final is not None:
            place, before, gap = self._final
            if place == len(pieces) - 1 and before in {"w", ")"}:
                pieces = pieces[: place - gap]
        return "".join(pieces)

    def read(self, *, inner: bool) -> int:
        """Reads to the end of the text, or of the command substitution that was opened before.

        Returns:
            Where the closing parenthesis is.

        Raises:
            Doubt: it is not sure what bash would read.
        """
        text, start = self._text, self._at
        while self._at < len(text):
            letter = text[self._at]
            if letter in " \t":
                self._gap = self._new_word = True
                self._at += 1
            elif inner and letter == ")" and not self._open:
                # a pattern of `case` ends with a parenthesis that nobody opened
                if self._waiting or _CASE.search(text, start, self._at):
                    raise Doubt
                return self._at
            else:
                self._token(letter)
        if inner or self._waiting or self._open:
            raise Doubt
        return self._at

    def _token(self, letter: str) -> None:
        text, at = self._text, self._at
        if letter == "\n":
            self._newline()
        elif letter == "#" and self._new_word:
            end = text.find("\n", at)
            self._put(len(text) if end < 0 else end, "w")
        elif letter == "\\":
            self._escaped()
        elif letter in "'\"`":
            self._put(self._ends.quoted(at), "w")
        elif letter == "$":
            self._dollar()
        elif letter in "(<>;&|)":
            self._operator(letter)
        elif letter == "[":
            self._bracket()
        else:
            self._letters(letter)

    def _letters(self, letter: str) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        extended = letter in "@?*+!" and following == "("
        matching = letter == "=" and following == "~" and self._new_word
        if letter == "\0" or extended or matching:
            raise Doubt
        run = _ORDINARY.match(self._text, self._at)
        self._put(run.end() if run else self._at + 1, "{" if letter == "{" and self._new_word else "w")

    def _put(self, end: int, kind: str) -> None:
        """Puts down what stands before `end`, with one blank before it where there were any."""
        gap = self._gap and bool(self._pieces)
        if gap:
            self._pieces.append(" ")
        if kind == ";":
            self._final = (len(self._pieces), self._last, gap)
        self._pieces.append(self._text[self._at : end])
        self._gap, self._new_word, self._last, self._at = False, kind not in {"w", "{"}, kind, end

    def _newline(self) -> None:
        end = self._at + 1
        for document in self._waiting:
            end = self._past(document, end)
        self._waiting = []
        self._put(end, "\n")

    def _past(self, document: _HereDocument, start: int) -> int:
        """Where the line behind a here-document begins."""
        text = self._text
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            line = text[start:end]
            if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
                return min(end + 1, len(text))
            if not document.quoted and line.endswith("\\"):
                raise Doubt  # the next line may belong to this one
            start = end + 1
        raise Doubt

    def _escaped(self) -> None:
        text, at = self._text, self._at
        if at + 1 == len(text):
            raise Doubt
        if text[at + 1] != "\n":
            self._put(at + 2, "w")
            return
        new_word, last = self._new_word, self._last  # bash does not see the two at all
        self._put(at + 2, "w")
        self._new_word, self._last = new_word, last

    def _dollar(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "(" and self._text[self._at + 2 : self._at + 3] != "(":
            self._open += 1
            self._put(self._at + 2, "(")
        else:
            self._put(self._ends.expansion(self._at), "w")

    def _operator(self, letter: str) -> None:
        text, at = self._text, self._at
        if letter == "(" and text.startswith("((", at):
            self._put(self._ends.arithmetic(at), "w")
            return
        if letter in "<>" and text.startswith("(", at + 1):
            if text.startswith("(", at + 2):
                raise Doubt
            self._open += 1
            self._put(at + 2, "(")
            return
        if text.startswith("<<<", at):
            self._put(at + 3, "<")
            return
        if text.startswith("<<", at):
            tabs = text.startswith("-", at + 2)
            self._announce(at + 2 + tabs, tabs=tabs)
            self._put(at + 2 + tabs, "<")
            return
        self._open += {"(": 1, ")": -1}.get(letter, 0)
        if self._open < 0 or (letter == ")" and self._waiting):
            raise Doubt
        self._put(at + 1, letter)

    def _announce(self, at: int, *, tabs: bool) -> None:
        found = _DELIMITER.match(self._text, at)
        if found is None:
            raise Doubt
        plain = found[3] is not None and not found[0].lstrip(" \t").startswith("\\")
        self._waiting.append(_HereDocument(found[1] or found[2] or found[3], tabs, not plain))

    def _bracket(self) -> None:
        text, at = self._text, self._at
        following = text[at + 1 : at + 2]
        if (
            self._new_word
            and not text.startswith("(", at - 1)
            and (following in {" ", "\t"} or text.startswith("[ ", at + 1))
        ):
            self._put(at + (2 if following == "[" else 1), "w")
        elif _SUBSCRIPT.match(text, at + 1):
            self._put(at + 1, "w")
        else:
            raise Doubt
