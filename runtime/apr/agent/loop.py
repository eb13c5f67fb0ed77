"""The loop: a prompt, a turn, the tools it asks for, the next turn, until the model ends it.

A session tells its observers what happens when it happens, and keeps nothing of its own about it: the trace is what an
observer made of the same events that a user saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apr.agent.events import Answered, Ended, Prompted, Ran, Skilled, Started
from apr.agent.hooks import Hooks
from apr.agent.messages import ERROR, Asked, Call, Remark, Returned
from apr.agent.tools.outcome import Outcome
from apr.agent.undisturbed import undisturbed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apr.agent.events import Event, Observer
    from apr.agent.messages import Message, Turn
    from apr.agent.skills import Skill


class Driver(Protocol):
    """What answers."""

    @property
    def model(self) -> str:
        """Names what answers."""

    def answer(self, conversation: Sequence[Message], instructions: str) -> Turn:
        """The next turn.

        Args:
            conversation: all that was said so far; the last of it is not an answer.
            instructions: for the model, beside what the tools need; may be empty.

        Raises:
            AprError: there is none; the session ends with an error.
        """

    def finish(self) -> None:
        """Is called when the model has ended the session.

        Raises:
            AprError: it should not have ended here; the session ends with an error.
        """


class Tools(Protocol):
    """What runs tool calls; see `apr.agent.tools.Toolbox`."""

    def call(self, name: str, given: Mapping[str, object]) -> Outcome:
        """What became of a call; never raises for what a model may ask."""


@dataclass(frozen=True)
class Ending:
    """How a session ended.

    Attributes:
        turns: of the model.
        stop_reason: of the session.
        text: of the last turn.
        tokens_in, tokens_out: of all turns.
        problem: why it is an error; nothing where it is none.
    """

    turns: int
    stop_reason: str
    text: str
    tokens_in: int
    tokens_out: int
    problem: str = ""


@dataclass
class Session:
    """One session; `run` is called once.

    Attributes:
        driver: what answers.
        tools: what runs calls.
        observers: told of each event, in order.
        max_turns: of the model.
        hooks: what else runs when something happens.
        skill: that the prompt uses.
    """

    driver: Driver
    tools: Tools
    observers: Sequence[Observer]
    max_turns: int
    hooks: Hooks = field(default_factory=Hooks)
    skill: Skill | None = None
    _turns: int = 0
    _reached: int = 1  # the turn of the last event
    _prompted: bool = False
    _last: str = ""
    _tokens: tuple[int, int] = (0, 0)
    _said: list[Message] = field(default_factory=list)

    def run(self, prompt: str) -> Ending:
        """Answers a prompt.

        Raises:
            AprError: of the driver, a hook or an observer; the session has ended with an error then, as it has for whatever else
                ends it.
        """
        try:
            self._tell(Started(self.driver.model))
            ending = self._begin(prompt) or self._until_the_end()
            self._end(ending.stop_reason)
        except BaseException:  # an interrupt too: what happened so far is told to its end
            with undisturbed():
                if not self._prompted:
                    self._prompt(prompt)
                self._end(ERROR)
            raise
        return ending

    def so_far(self, problem: str) -> Ending:
        """What there is of a session that ended with an error."""
        return self._ending(ERROR, problem)

    def _begin(self, prompt: str) -> Ending | None:
        """Hands over the prompt; an ending where a hook would not have it."""
        blocked = self._blocked("SessionStart", 0, {})
        self._prompt(prompt)
        if blocked is None:
            blocked = self._blocked("UserPromptSubmit", 0, {"prompt": prompt})
        if blocked is not None:
            return self._ending(ERROR, f"a hook blocked the session: {blocked or 'it said nothing'}")
        if self.skill is not None:
            self._tell(Skilled(0, self.skill.name, "user_invoked", instructions_injected=True))
        self._said.append(Asked(prompt))
        return None

    def _prompt(self, prompt: str) -> None:
        self._prompted = True
        self._tell(Prompted(0, prompt))

    def _until_the_end(self) -> Ending:
        instructions = "" if self.skill is None else self.skill.instructions
        while True:
            turn = self.driver.answer(tuple(self._said), instructions)
            self._turns += 1
            self._last = turn.text
            self._tokens = (self._tokens[0] + turn.tokens_in, self._tokens[1] + turn.tokens_out)
            self._tell(Answered(self._turns, turn))
            self._said.append(turn)
            remarks = list(turn.remarks)
            if not turn.calls and not remarks:
                kept_going = self._blocked("Stop", self._turns, {"stop_reason": turn.stop_reason})
                if kept_going is None:
                    self.driver.finish()
                    return self._ending(turn.stop_reason)
                remarks.append(kept_going or "A hook of the user wants you to go on.")
            if self._turns == self.max_turns:
                problem = f"the model wanted to go on after {self.max_turns} turns, which is the limit (--max-turns)"
                return self._ending(ERROR, problem)
            for call in turn.calls:
                remarks += self._run(call)
            self._said += [Remark(remark) for remark in remarks]

    def _run(self, call: Call) -> list[str]:
        """Runs a call, or has it blocked; what a hook has to say of what is done already."""
        turn, asked = self._turns + 1, {"tool": call.name, "input": dict(call.input)}
        blocked = self._blocked("PreToolUse", turn, asked, call.name)
        if blocked is None:
            became = self.tools.call(call.name, call.input)
        else:
            became = Outcome.refused(f"A hook of the user blocked this call: {blocked or 'it said nothing'}")
        content = _speakable(became.content)
        read, written = (tuple(map(_speakable, paths)) for paths in (became.files_read, became.files_written))
        self._tell(Ran(turn, call, became.ok, content, read, written, became.exit_code))
        self._said.append(Returned(call, became.ok, content))
        if blocked is not None:
            return []
        said = self._blocked("PostToolUse", turn, asked | {"ok": became.ok, "content": content}, call.name)
        return [said] if said else []

    def _blocked(self, event: str, turn: int, about: Mapping[str, object], tool: str | None = None) -> str | None:
        """Runs hooks; what the one said that blocked, or None."""
        for ran in self.hooks.run(event, turn, about, tool):
            self._tell(ran)
            if ran.decision == "block":
                return ran.output
        return None

    def _ending(self, stop_reason: str, problem: str = "") -> Ending:
        return Ending(self._turns, stop_reason, self._last, *self._tokens, problem)

    def _end(self, stop_reason: str) -> None:
        self._tell(Ended(self._reached, stop_reason, *self._tokens))

    def _tell(self, event: Event) -> None:
        if isinstance(event, Answered):
            self._reached = event.number
        elif not isinstance(event, Started):
            self._reached = max(self._reached, event.turn)
        for observer in self.observers:
            observer(event)


def _speakable(text: str) -> str:
    """Text that a tokenizer and a trace can carry: file names on Linux may be no Unicode."""
    return text.encode("utf-8", "replace").decode() if any("\ud800" <= char <= "\udfff" for char in text) else text
