"""The blanks of a shell command: which of them say nothing.

Between the words of a command bash takes any number of blanks and tabs for one, and a `;` behind the last command for nothing.
Elsewhere blanks mean what they are: in quotes, in `${…}`, in arithmetic, in here-documents. A comment is kept because it is part of
what was said, a newline because it ends a command. Wherever this reader of bash's grammar is not sure, it leaves the whole command
as it is: then two commands are the same only to the letter. In doubt are quotes and parentheses that do not close, `case` patterns,
extended patterns, `=~`, subscripts with blanks, quotes in backquotes.

Nothing is read by the locale: a no-break space is a letter, as it is to bash.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# what nothing but a blank before it can change
_ORDINARY = re.compile(r"""[^ \t\n\\'"`$()<>;&|\[#=@?*+!{\0]+""")
_DELIMITER = re.compile(r"""[ \t]*(?:'([^'\n]+)'|"([^"$`\\\n]+)"|\\?([\w.+-]+))(?=[ \t\n;&|<>()]|\Z)""")
_SUBSCRIPT = re.compile(r"[^\] \t\n]{0,200}(?=\]|\n|\Z)")
_CASE = re.compile(r"\bcase\b")
_DEEPEST = 40  # substitutions in one another


class _Doubt(Exception):
    """The reader is not sure."""


class _HereDocument(NamedTuple):
    delimiter: str
    tabs: bool  # may stand before the delimiter
    quoted: bool


def normalise(command: str) -> str:
    """A command without the blanks, and the last `;`, that bash does not see.

    Args:
        command: as it is given to `bash -c`.

    Returns:
        The same command. What comes out stays as it is when it is put in again.
    """
    if "  " not in command and "\t" not in command and not command.startswith(" ") and not command.endswith((" ", ";")):
        return command
    try:
        reader = _Reader(command, 0, 0)
        reader.read(inner=False)
        return reader.squeezed()
    except _Doubt:
        return command


class _Reader:
    """Reads commands from a place in a text on."""

    def __init__(self, text: str, start: int, level: int) -> None:
        if level > _DEEPEST:
            raise _Doubt
        self.text, self.at, self.level = text, start, level
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
            _Doubt: see the head of this module.
        """
        text, start = self.text, self.at
        while self.at < len(text):
            letter = text[self.at]
            if letter in " \t":
                self._gap = self._new_word = True
                self.at += 1
            elif inner and letter == ")" and not self._open:
                # a pattern of `case` ends with a parenthesis that nobody opened
                if self._waiting or _CASE.search(text, start, self.at):
                    raise _Doubt
                return self.at
            else:
                self._token(letter)
        if inner or self._waiting or self._open:
            raise _Doubt
        return self.at

    def _token(self, letter: str) -> None:
        text, at = self.text, self.at
        if letter == "\n":
            self._newline()
        elif letter == "#" and self._new_word:
            end = text.find("\n", at)
            self._put(len(text) if end < 0 else end, "w")
        elif letter == "\\":
            self._escaped()
        elif letter in "'\"`":
            self._put(self._quoted(at), "w")
        elif letter == "$":
            self._dollar()
        elif letter in "(<>;&|)":
            self._operator(letter)
        elif letter == "[":
            self._bracket()
        else:
            self._letters(letter)

    def _letters(self, letter: str) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        extended = letter in "@?*+!" and following == "("
        matching = letter == "=" and following == "~" and self._new_word
        if letter == "\0" or extended or matching:
            raise _Doubt
        run = _ORDINARY.match(self.text, self.at)
        self._put(run.end() if run else self.at + 1, "{" if letter == "{" and self._new_word else "w")

    def _put(self, end: int, kind: str) -> None:
        """Puts down what stands before `end`, with one blank before it where there were any."""
        gap = self._gap and bool(self._pieces)
        if gap:
            self._pieces.append(" ")
        if kind == ";":
            self._final = (len(self._pieces), self._last, gap)
        self._pieces.append(self.text[self.at : end])
        self._gap, self._new_word, self._last, self.at = False, kind not in {"w", "{"}, kind, end

    def _newline(self) -> None:
        end = self.at + 1
        for document in self._waiting:
            end = self._past(document, end)
        self._waiting = []
        self._put(end, "\n")

    def _past(self, document: _HereDocument, start: int) -> int:
        """Where the line behind a here-document begins."""
        text = self.text
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            line = text[start:end]
            if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
                return min(end + 1, len(text))
            if not document.quoted and line.endswith("\\"):
                raise _Doubt  # the next line may belong to this one
            start = end + 1
        raise _Doubt

    def _escaped(self) -> None:
        text, at = self.text, self.at
        if at + 1 == len(text):
            raise _Doubt
        if text[at + 1] != "\n":
            self._put(at + 2, "w")
            return
        new_word, last = self._new_word, self._last  # bash does not see the two at all
        self._put(at + 2, "w")
        self._new_word, self._last = new_word, last

    def _dollar(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "(" and self.text[self.at + 2 : self.at + 3] != "(":
            self._open += 1
            self._put(self.at + 2, "(")
        else:
            self._put(self._expansion(self.at), "w")

    def _operator(self, letter: str) -> None:
        text, at = self.text, self.at
        if letter == "(" and text.startswith("((", at):
            self._put(self._arithmetic(at), "w")
            return
        if letter in "<>" and text.startswith("(", at + 1):
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
            raise _Doubt
        self._put(at + 1, letter)

    def _announce(self, at: int, *, tabs: bool) -> None:
        found = _DELIMITER.match(self.text, at)
        if found is None:
            raise _Doubt
        plain = found[3] is not None and not found[0].lstrip(" \t").startswith("\\")
        self._waiting.append(_HereDocument(found[1] or found[2] or found[3], tabs, not plain))

    def _bracket(self) -> None:
        text, at = self.text, self.at
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
            raise _Doubt

    def _quoted(self, at: int) -> int:
        """Where what is quoted from `at` on ends."""
        if self.text[at] == "'":
            return self._behind("'", at + 1)
        return self._double(at + 1) if self.text[at] == '"' else self._backquoted(at + 1)

    def _behind(self, letter: str, at: int) -> int:
        end = self.text.find(letter, at)
        if end < 0:
            raise _Doubt
        return end + 1

    def _double(self, at: int) -> int:
        text = self.text
        while at < len(text):
            letter = text[at]
            if letter == '"':
                return at + 1
            if letter == "\\":
                at += 2
            elif letter == "`":
                at = self._backquoted(at + 1)
            elif letter == "$" and text[at + 1 : at + 2] in {"(", "{", "["}:
                at = self._expansion(at, quoted=True)
            else:
                at += 1
        raise _Doubt

    def _backquoted(self, at: int) -> int:
        text = self.text
        while at < len(text) and text[at] != "`":
            if text[at] in "'\"#" or text.startswith("<<", at):
                raise _Doubt
            at += 2 if text[at] == "\\" else 1
        if at >= len(text):
            raise _Doubt
        return at + 1

    def _expansion(self, at: int, *, quoted: bool = False) -> int:
        """Where what a `$` at `at` begins ends."""
        text = self.text
        following = text[at + 1 : at + 2]
        if text.startswith("((", at + 1):
            return self._arithmetic(at + 1)
        if following == "(":
            return _Reader(text, at + 2, self.level + 1).read(inner=True) + 1
        if following == "{":
            return self._braced(at + 2, quoted=quoted)
        if following == "[":
            raise _Doubt  # arithmetic of old
        if following == '"' and not quoted:
            return self._double(at + 2)
        if following == "'" and not quoted:
            at += 2
            while text[at : at + 1] not in {"'", ""}:
                at += 2 if text[at] == "\\" else 1
            return self._behind("'", at)
        return at + 2 if following == "$" else at + 1

    def _braced(self, at: int, *, quoted: bool) -> int:
        text = self.text
        if text[at : at + 1] in {" ", "\t", "\n", "|"}:
            raise _Doubt  # commands, in newer versions of bash
        inner = _Reader(text, at, self.level + 1)
        while at < len(text):
            letter = text[at]
            if letter == "}":
                return at + 1
            if letter == "\\":
                at += 2
            elif letter == "'" and quoted:
                raise _Doubt  # a quote in some operators, a letter in others
            elif letter in "'\"`":
                at = inner._quoted(at)
            elif letter == "$":
                at = inner._expansion(at, quoted=quoted)
            else:
                at += 1
        raise _Doubt

    def _arithmetic(self, at: int) -> int:
        """Where what two parentheses at `at` begin ends: arithmetic, or commands in two shells, which are left as they are."""
        text, start, depth = self.text, at, 0
        while at < len(text):
            letter = text[at]
            if letter in "'\"`\\" or (letter == "#" and text[at - 1] in " \t\n;&|("):
                raise _Doubt
            if text.startswith("${", at):
                at = self._braced(at + 2, quoted=True)
                continue
            depth += {"(": 1, ")": -1}.get(letter, 0)
            at += 1
            if not depth:
                # a shift, or a here-document whose text comes later
                documents = text.find("<<", start, at) >= 0 and "\n" in text[start:]
                if documents or _CASE.search(text, start, at):
                    raise _Doubt
                return at
        raise _Doubt
