"""What a shell knows of exit statuses: the last one, those that variables hold, and which options are set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pv.pattern import lazy

if TYPE_CHECKING:
    from pv.commandline.tokens import Token

Statuses = frozenset[int]  # 0, and 1 for every other number
NONE: Statuses = frozenset()
GOOD: Statuses = frozenset((0,))
BAD: Statuses = frozenset((1,))
EITHER: Statuses = frozenset((0, 1))
_VARIABLE = lazy(r'"?\$(?:\{(\w+|\?)\}|(\w+|\?))"?')
_NUMBER = lazy(r"[\"']?(\d{1,5})[\"']?")
# how two numbers are compared: whether the comparison holds where they are the same
_COMPARES = {"-eq": True, "=": True, "==": True, "-ne": False, "!=": False, "-gt": False}


@dataclass
class State:
    """The statuses known at one point of a script; what is not known may be anything."""

    last: Statuses = GOOD
    # whether `last` is that of whatever ran before, and was not chosen by && or || or `if`
    in_order: bool = True
    variables: dict[str, Statuses] = field(default_factory=dict)
    errexit: bool | None = False  # None: set or not, by what happened before
    pipefail: bool | None = False
    constant_read: bool = False  # whether `$?` was read where it is always 0

    def copy(self) -> State:
        """The state of a shell that this one starts."""
        return State(self.last, self.in_order, dict(self.variables), self.errexit, self.pipefail)

    def known(self, raw: str) -> Statuses | None:
        """What a word stands for if it is a status: `$?`, a variable that holds one, or a whole number; else None."""
        found = _VARIABLE.fullmatch(raw)
        if found:
            name = found[1] or found[2]
            if name == "?":
                self.constant_read |= self.last == GOOD and self.in_order
                return self.last
            return self.variables.get(name)
        number = _NUMBER.fullmatch(raw)
        return None if number is None else GOOD if int(number[1]) == 0 else BAD

    def remember(self, name: str, held: Statuses | None) -> None:
        """A variable is given a value; None stands for one that is not known."""
        if held is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = held

    def join(self, other: State) -> None:
        """Either of two things happened: what is known after the one and after the other is what both leave possible."""
        both = self.variables.keys() & other.variables.keys()
        self.variables = {name: self.variables[name] | other.variables[name] for name in both}
        self.errexit = self.errexit if self.errexit is other.errexit else None
        self.pipefail = self.pipefail if self.pipefail is other.pipefail else None

    def restore(self, other: State) -> None:
        """What was done does not count: the shell was left."""
        self.variables, self.errexit, self.pipefail = other.variables, other.errexit, other.pipefail

    def set_options(self, words: tuple[Token, ...]) -> None:
        """Take in the arguments of `set`, or of a shell that is started."""
        texts = [word.text for word in words]
        on = not any(text.startswith("+") for text in texts)
        for text in texts:
            if re.fullmatch(r"[-+][a-zA-Z]*e[a-zA-Z]*", text):
                self.errexit = text.startswith("-")
            elif text == "errexit":
                self.errexit = on
            elif text == "pipefail":
                self.pipefail = on

    def compare(self, words: tuple[Token, ...]) -> Statuses:
        """What `[`, `[[` or `test` returns; certain only where a known status is compared with a number."""
        inside = words[1 : None if words[0].text == "test" else -1]
        if len(inside) != 3 or not _VARIABLE.fullmatch(inside[0].raw):
            return EITHER
        left, operator, right = self.known(inside[0].raw), inside[1].text, _NUMBER.fullmatch(inside[2].raw)
        same = _COMPARES.get(operator)
        if left is None or right is None or same is None:
            return EITHER
        if int(right[1]) == 0:
            return frozenset(0 if (one == 0) is same else 1 for one in left)
        if operator == "-gt":
            return BAD if left == GOOD else EITHER
        if left == GOOD:  # it is never that number
            return BAD if same else GOOD
        return EITHER
