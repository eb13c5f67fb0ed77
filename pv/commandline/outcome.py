"""Which exit statuses a shell text can have, and where one is thrown away.

A program that is not known may end well or badly; what is worked out is never narrower than what may happen, so a text of
which only one outcome is left has only that one.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pv.commandline.programs import PASSES_ON
from pv.commandline.roles import first_words, is_check
from pv.commandline.shell import Chain, Command, Group, If, Loop, Pipeline, Script, Simple, parse
from pv.commandline.state import BAD, EITHER, GOOD, NONE, State, Statuses

if TYPE_CHECKING:
    from pv.commandline.tokens import Token

_MAX_NESTED = 6
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh"))
_DECLARES = frozenset(("export", "local", "readonly", "declare", "typeset"))
_SETS_VARIABLES = frozenset(("read", "let", "unset", "mapfile", "readarray", "getopts", "eval", "source", "."))
_FIXED = {**dict.fromkeys(("true", ":", "echo", "printf"), GOOD), "false": BAD}


class Loss(Enum):
    """How an exit status comes to nothing."""

    CONSTANT = "constant"  # $? is read where it is always 0
    PIPED = "piped"  # the last command of a pipeline ends well whatever the others do
    UNREAD = "unread"  # a check is followed by another command, and nothing stops


class Lost(NamedTuple):
    """A place in the text where an exit status is thrown away, and the program that it is about."""

    loss: Loss
    at: int
    what: str


class Outcome(NamedTuple):
    """The statuses that a text can have, and what is lost on the way."""

    statuses: Statuses
    lost: tuple[Lost, ...] = ()

    @property
    def cannot_fail(self) -> bool:
        """Whether it always ends well."""
        return self.statuses == GOOD

    @property
    def cannot_pass(self) -> bool:
        """Whether it never ends well."""
        return self.statuses == BAD


@functools.lru_cache(maxsize=1024)
def outcome(text: str) -> Outcome | None:
    """What can come out of running `text`; None where its structure is not understood."""
    script = parse(text)
    if not script:
        return None
    run = _Run()
    statuses = run.script(script, result=True) | run.exits
    if run.state.constant_read:
        run.lost.insert(0, Lost(Loss.CONSTANT, max(0, text.find("$?")), "$?"))
    return Outcome(statuses, () if "pipestatus" in text.lower() else tuple(run.lost))


@dataclass
class _Run:
    """A shell that runs commands of which it only knows what they may return; `result` marks what decides how all ends."""

    state: State = field(default_factory=State)
    exits: Statuses = NONE  # with what it may have been left
    nested: int = 0
    substituted: bool = False
    lost: list[Lost] = field(default_factory=list)

    def script(self, script: Script, *, result: bool = False) -> Statuses:
        falls = GOOD
        for index, chain in enumerate(script):
            final = index == len(script) - 1
            if not final and self.state.errexit is False:
                self._unread(chain, script[index + 1])
            falls = self._chain(chain, result=result and final)
            if not falls:
                break
        return falls

    def apart(self, work: Script | Command) -> Statuses:
        """What a shell that this one starts returns: to leave it is to return."""
        shell = _Run(self.state.copy(), nested=self.nested + 1, substituted=self.substituted)
        falls = shell.command(work) if isinstance(work, (Simple, Group, If, Loop)) else shell.script(work)
        self.state.constant_read |= shell.state.constant_read
        return falls | shell.exits

    def command(self, command: Command, *, result: bool = False) -> Statuses:
        if isinstance(command, Simple):
            return self._assign(command.assignments) if not command.words else self._simple(command)
        if isinstance(command, If):
            return self._if(command, result=result)
        if isinstance(command, Loop):
            return self._loop(command)
        return self.apart(command.body) if command.subshell else self.script(command.body, result=result)

    def _chain(self, chain: Chain, *, result: bool) -> Statuses:
        state = self.state
        asked = bool(chain.rest) and chain.rest[0][0] == "||"
        falls = self._pipeline(chain.first, result=asked or (result and not chain.rest))
        for index, (operator, pipeline) in enumerate(chain.rest):
            wanted = GOOD if operator == "&&" else BAD
            if not falls & wanted:
                continue
            stays, before = falls - wanted, state.copy()
            state.last, state.in_order = falls & wanted, False
            after = self._pipeline(pipeline, result=result and index == len(chain.rest) - 1)
            if stays and after:
                state.join(before)
            elif stays:
                state.restore(before)
            falls = stays | after
        if chain.background:
            falls = GOOD
        if state.errexit is not False and 1 in falls and not chain.first.negated:
            self.exits |= BAD
            falls = falls & GOOD if state.errexit and not chain.rest else falls
        state.last, state.in_order = falls or state.last, True
        return falls

    def _pipeline(self, pipeline: Pipeline, *, result: bool) -> Statuses:
        if len(pipeline.parts) == 1:
            falls = self.command(pipeline.parts[0], result=result and not pipeline.negated)
        else:
            each = [self.apart(part) for part in pipeline.parts]
            falls, end = each[-1], pipeline.parts[-1]
            if self.state.pipefail is not False:
                good = GOOD if all(0 in one for one in each) else NONE
                strict = good | (BAD if any(1 in one for one in each) else NONE)
                falls = strict if self.state.pipefail else strict | falls
            else:
                program = end.program if isinstance(end, Simple) else ""
                hides = program in PASSES_ON and any(1 in one for one in each[:-1])
                if hides and result and not self.substituted:
                    self.lost.append(Lost(Loss.PIPED, pipeline.at, program))
        return frozenset(1 - one for one in falls) if pipeline.negated else falls

    def _if(self, command: If, *, result: bool) -> Statuses:
        state, statuses, goes_on = self.state, NONE, True
        before = state.copy()
        for asked, body in command.branches:
            errexit, state.errexit = state.errexit, False
            answer = self.script(asked)
            state.errexit = errexit
            if 0 in answer:
                state.last, state.in_order = GOOD, False
                statuses |= self.script(body, result=result)
            goes_on = 1 in answer
            if not goes_on:
                break
            state.last = BAD
        if goes_on:
            statuses |= GOOD if command.otherwise is None else self.script(command.otherwise, result=result)
        state.join(before)
        state.variables = dict.fromkeys(state.variables, EITHER)
        return statuses

    def _loop(self, command: Loop) -> Statuses:
        before = self.state.copy()
        self.state.variables.clear()
        self.script(command.asked)
        falls = GOOD | self.script(command.body)
        self.state.join(before)
        self.state.variables.clear()
        return falls

    def _simple(self, command: Simple) -> Statuses:
        program, words, falls = command.program, command.words, EITHER
        if program in {"exit", "return"}:
            falls = NONE
            self.exits |= self.state.last if len(words) == 1 else self.state.known(words[1].raw) or EITHER
        elif program == "set":
            self.state.set_options(words[1:])
            falls = GOOD
        elif program in _DECLARES:
            self._assign(words[1:])
            falls = GOOD
        elif program in {"[", "[[", "test"}:
            falls = self.state.compare(words)
        elif program in _SHELLS:
            falls = self._shell(words)
        elif program in _SETS_VARIABLES:
            self.state.variables.clear()
        else:
            falls = _FIXED.get(program, EITHER)
        return falls

    def _assign(self, assignments: tuple[Token, ...]) -> Statuses:
        falls = GOOD
        for token in assignments:
            name, _, value = token.raw.partition("=")
            if token.inner:
                falls = self._substitute(token.inner[-1])
            adds = name.endswith("+") or bool(token.inner)
            self.state.remember(name.rstrip("+"), None if adds else self.state.known(value))
        return falls

    def _substitute(self, text: str) -> Statuses:
        script = parse(text) if self.nested < _MAX_NESTED else None
        if not script:
            return EITHER
        held, self.substituted = self.substituted, True
        falls = self.apart(script)
        self.substituted = held
        return falls

    def _shell(self, words: tuple[Token, ...]) -> Statuses:
        options = [word.text for word in words[1:]]
        place = next((n for n, one in enumerate(options) if re.fullmatch(r"-[a-z]*c", one)), None)
        script = None
        if place is not None and place + 1 < len(options) and self.nested < _MAX_NESTED:
            script = parse(options[place + 1])
        if not script:
            return EITHER
        shell = _Run(nested=self.nested + 1)
        shell.state.set_options(words[1 : (place or 0) + 2])
        return shell.script(script) | shell.exits

    def _unread(self, chain: Chain, following: Chain) -> None:
        """Remember a check that is followed by something that does not ask how it went."""
        if chain.rest or chain.background or len(chain.first.parts) > 1 or chain.first.negated or self.substituted:
            return
        only = chain.first.parts[0]
        asked = any("$?" in word.raw or "${?}" in word.raw for word in first_words(following))
        if isinstance(only, Simple) and is_check(only) and not only.into_file and not asked:
            self.lost.append(Lost(Loss.UNREAD, chain.first.at, only.program))
