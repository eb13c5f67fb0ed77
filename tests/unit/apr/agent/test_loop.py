"""The loop: turns, tools, hooks, ends and interrupts, by the events that it tells; and that these always make a valid trace."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apr.actions.reading import read_trace
from apr.actions.writing import TraceWriter
from apr.agent.emission import Emission
from apr.agent.events import Answered, Ended, Hooked, Prompted, Ran, Skilled, Started
from apr.agent.hooks import Hook, Hooks
from apr.agent.loop import Session
from apr.agent.messages import Asked, Call, CallIds, Remark, Returned, Text, Thinking, Turn
from apr.agent.skills import Skill
from apr.agent.tools import Outcome, Toolbox
from apr.errors import AprError
from tests.action_traces import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from apr.agent.events import Event
    from apr.agent.messages import Message

SAYS = Turn((Text("done"),), "end_turn", 5, 2)


class Script:
    """Gives turns one after the other; an exception among them is raised. Remembers what it was asked."""

    model = "script"

    def __init__(self, *turns: Turn | BaseException) -> None:
        self.turns, self.instructions = list(turns), ""
        self.heard: list[tuple[Message, ...]] = []

    def answer(self, conversation: Sequence[Message], instructions: str) -> Turn:
        self.heard.append(tuple(conversation))
        self.instructions = instructions
        turn = self.turns.pop(0)
        if isinstance(turn, BaseException):
            raise turn
        return turn

    def finish(self) -> None:
        """It may end whenever it does."""


def calls(*named: tuple[str, dict[str, Any]], say: str = "", remarks: tuple[str, ...] = ()) -> Turn:
    ids = [f"id-{number}-{name}-{arguments}" for number, (name, arguments) in enumerate(named)]
    blocks = [Call(one, name, arguments) for one, (name, arguments) in zip(ids, named, strict=True)]
    return Turn((*([Text(say)] if say else []), *blocks), "tool_use", 7, 3, remarks)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Toolbox]:
    (tmp_path / "work").mkdir()
    toolbox = Toolbox(tmp_path / "work", ["Read", "Write", "Edit"], allow_bash=False)
    yield toolbox
    toolbox.close()


def told(session: Session, prompt: str = "do it") -> tuple[Any, list[Event]]:
    events: list[Event] = []
    session.observers = [events.append]
    return session.run(prompt), events


def test_tools_really_run_and_the_model_hears_what_became_of_them(box: Toolbox) -> None:
    write = ("Write", {"file_path": "a.txt", "content": "one\n"})
    script = Script(calls(write, ("Read", {"file_path": "a.txt"}), say="I write."), calls(("Edit", {"file_path": "a.txt", "old_string": "one", "new_string": "two"})), SAYS)  # fmt: skip
    ending, events = told(Session(script, box, [], 9))
    assert (box.room.root / "a.txt").read_text() == "two\n"
    assert (ending.turns, ending.stop_reason, ending.text, ending.problem) == (3, "end_turn", "done", "")
    assert (ending.tokens_in, ending.tokens_out) == (19, 8)
    assert [type(event) for event in events] == [Started, Prompted, Answered, Ran, Ran, Answered, Ran, Answered, Ended]
    wrote, read, edited = (event for event in events if isinstance(event, Ran))
    assert (wrote.turn, wrote.ok, wrote.files_written) == (2, True, ("a.txt",))
    assert (read.turn, read.files_read) == (2, ("a.txt",))
    assert "one" in read.content
    assert edited.turn == 3
    assert events[-1] == Ended(3, "end_turn", 19, 8)
    asked, first, *results = script.heard[1]
    assert (asked, first) == (Asked("do it"), calls(write, ("Read", {"file_path": "a.txt"}), say="I write."))
    assert [(one.ok, one.content) for one in results if isinstance(one, Returned)] == [
        (True, wrote.content),
        (True, read.content),
    ]


def test_what_may_not_be_is_refused_and_told(box: Toolbox) -> None:
    outside = ("Write", {"file_path": "../out.txt", "content": "x"})
    script = Script(calls(outside, ("Bash", {"command": "touch x"}), ("Fly", {})), SAYS)
    _, events = told(Session(script, box, [], 9))
    assert [event.ok for event in events if isinstance(event, Ran)] == [False, False, False]
    assert list(box.room.root.iterdir()) == []
    assert not (box.room.root.parent / "out.txt").exists()
    assert all(isinstance(one, Returned) and one.content for one in script.heard[1][2:])


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "stop_sequence"])
def test_a_session_stops_for_the_reason_of_its_last_turn(box: Toolbox, stop: str) -> None:
    ending, events = told(Session(Script(Turn((Text("x"),), stop)), box, [], 1))
    assert (ending.stop_reason, ending.problem) == (stop, "")
    assert events[-1] == Ended(1, stop, 0, 0)


def test_the_limit_of_turns_is_an_error_and_the_last_calls_do_not_run(box: Toolbox) -> None:
    again = ("Write", {"file_path": "b.txt", "content": "x"})
    script = Script(calls(("Read", {"file_path": "a.txt"})), calls(again), SAYS)
    ending, events = told(Session(script, box, [], 2))
    assert (ending.turns, ending.stop_reason) == (2, "error")
    assert "2 turns" in ending.problem
    assert not (box.room.root / "b.txt").exists()
    assert events[-1] == Ended(2, "error", 14, 6)


def test_a_call_that_cannot_be_read_is_told_to_the_model(box: Toolbox) -> None:
    script = Script(Turn((Text("<tool_call>{"),), "end_turn", remarks=("it is cut off",)), SAYS)
    ending, events = told(Session(script, box, [], 9))
    assert ending.turns == 2
    assert script.heard[1][-1] == Remark("it is cut off")
    assert [type(event) for event in events] == [Started, Prompted, Answered, Answered, Ended]


@pytest.mark.parametrize("error", [AprError("the engine crashed"), KeyboardInterrupt(), MemoryError()])
def test_whatever_ends_a_session_it_has_an_end(box: Toolbox, error: BaseException) -> None:
    events: list[Event] = []
    session = Session(Script(calls(("Read", {"file_path": "a"})), error), box, [events.append], 9)
    with pytest.raises(type(error)):
        session.run("do it")
    assert events[-1] == Ended(2, "error", 7, 3)  # the result was of turn 2
    assert session.so_far("x").stop_reason == "error"


def test_names_that_are_no_unicode_do_not_end_a_session(box: Toolbox) -> None:
    class Odd:
        def call(self, _name: str, _given: object) -> Outcome:
            return Outcome(True, "a\udcff", ("b\udcff",))

    _, events = told(Session(Script(calls(("Read", {})), SAYS), Odd(), [], 9))
    ran = next(event for event in events if isinstance(event, Ran))
    assert (ran.content, ran.files_read) == ("a?", ("b?",))
    assert box.names  # the real one was not asked


# hooks and skills


def hooks(box: Toolbox, *named: tuple[str, str, str]) -> Hooks:
    return Hooks(tuple(Hook(event, command, frozenset({tool} - {""})) for event, tool, command in named), box.room.root)


def test_a_hook_blocks_a_call_and_nothing_is_done(box: Toolbox) -> None:
    write = ("Write", {"file_path": "a.txt", "content": "x"})
    blocking = hooks(
        box,
        ("PreToolUse", "Read", "exit 2"),
        ("PreToolUse", "Write", 'cat "$APR_HOOK_INPUT" > seen.json; echo not now; exit 2'),
        ("PreToolUse", "Write", "touch never; exit 0"),
        ("PostToolUse", "", "touch never; exit 0"),
    )  # fmt: skip
    _, events = told(Session(Script(calls(write), SAYS), box, [], 9, blocking))
    assert sorted(path.name for path in box.room.root.iterdir()) == ["seen.json"]
    assert '"file_path": "a.txt"' in (box.room.root / "seen.json").read_text()
    assert [event for event in events if isinstance(event, Hooked)] == [
        Hooked(2, "PreToolUse", "Write", "block", 2, "not now")
    ]
    ran = next(event for event in events if isinstance(event, Ran))
    assert not ran.ok
    assert "not now" in ran.content


def test_hooks_of_every_event_run_in_their_place(box: Toolbox) -> None:
    script = Script(calls(("Write", {"file_path": "a", "content": "x"})), SAYS)
    all_of_them = hooks(
        box,
        ("SessionStart", "", "exit 0"),
        ("UserPromptSubmit", "", "exit 1"),
        ("PreToolUse", "", "exit 0"),
        ("PostToolUse", "", "echo look again; exit 2"),
        ("Stop", "", "test -e once && exit 0; touch once; echo more; exit 2"),
    )
    script.turns.append(SAYS)
    ending, events = told(Session(script, box, [], 9, all_of_them))
    ran = [(event.event, event.turn, event.decision) for event in events if isinstance(event, Hooked)]
    assert ran == [
        ("SessionStart", 0, "allow"),
        ("UserPromptSubmit", 0, "warn"),
        ("PreToolUse", 2, "allow"),
        ("PostToolUse", 2, "block"),
        ("Stop", 2, "block"),
        ("Stop", 3, "allow"),
    ]
    assert script.heard[1][-1] == Remark("look again")
    assert script.heard[2][-1] == Remark("more")
    assert ending.turns == 3


@pytest.mark.parametrize("event", ["SessionStart", "UserPromptSubmit"])
def test_a_hook_can_block_the_prompt(box: Toolbox, event: str) -> None:
    script = Script(SAYS)
    ending, events = told(Session(script, box, [], 9, hooks(box, (event, "", "echo no; exit 2"))))
    assert script.heard == []
    assert (ending.turns, ending.stop_reason) == (0, "error")
    assert "no" in ending.problem
    assert events[-1] == Ended(1, "error", 0, 0)


def test_a_hook_that_leaves_with_another_code_ends_the_session(box: Toolbox) -> None:
    events: list[Event] = []
    session = Session(Script(SAYS), box, [events.append], 9, hooks(box, ("Stop", "", "echo oh; exit 3")))
    with pytest.raises(AprError, match="left with 3: oh"):
        session.run("do it")
    assert events[-1] == Ended(1, "error", 5, 2)


def test_a_skill_is_told_to_the_model_and_to_the_record(box: Toolbox) -> None:
    script = Script(SAYS)
    _, events = told(Session(script, box, [], 9, skill=Skill("tidy", "Be tidy.")), "/tidy a")
    assert script.instructions == "Be tidy."
    assert events[2] == Skilled(0, "tidy", "user_invoked", instructions_injected=True)
    assert script.heard == [(Asked("/tidy a"),)]


# what was told makes a valid trace, however it went

NAMES = st.sampled_from(["Read", "Write", "Edit", "Bash", "Fly", ""])
VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)  # fmt: skip
INPUTS = st.dictionaries(st.sampled_from(["file_path", "content", "x"]), VALUES, max_size=3)


@st.composite
def turns(draw: st.DrawFn) -> list[Turn | BaseException]:
    ids = CallIds()
    made: list[Turn | BaseException] = []
    for _ in range(draw(st.integers(0, 4))):
        blocks: list[Any] = [Thinking(draw(st.text(max_size=5)))] if draw(st.booleans()) else []
        blocks += [Text(draw(st.text(max_size=5)))] if draw(st.booleans()) else []
        named = draw(st.lists(st.tuples(NAMES, INPUTS), max_size=3))
        blocks += [Call(ids(), name, given) for name, given in named]
        remarks = ("?",) if not named or draw(st.booleans()) else ()
        stop = "tool_use" if named else draw(st.sampled_from(["end_turn", "max_tokens"]))
        made.append(Turn(tuple(blocks) or (Text(""),), stop, draw(st.integers(0, 9)), draw(st.integers(0, 9)), remarks))
    last = draw(st.sampled_from(["end_turn", "max_tokens", "stop_sequence", "crash", "interrupt"]))
    errors: dict[str, BaseException] = {"crash": AprError("crashed"), "interrupt": KeyboardInterrupt()}
    made.append(errors.get(last) or Turn((Text(draw(st.text(max_size=5))),), last))
    return made


class AnyHooks(Hooks):
    """Hooks that were not run: each event has as many, of as many decisions, as the list still holds."""

    def __init__(self, decisions: list[str]) -> None:
        super().__init__()
        self.__dict__["decisions"] = decisions

    def run(self, event: str, turn: int, about: object, tool: str | None = None) -> Iterator[Hooked]:
        decisions: list[str] = self.__dict__["decisions"]
        assert isinstance(about, dict)
        if decisions and (decision := decisions.pop(0)):
            yield Hooked(turn, event, tool, decision, ["allow", "warn", "block"].index(decision), "said")


DECISIONS = st.lists(st.sampled_from(["", "allow", "warn", "block"]), max_size=12)


@given(turns(), st.text(max_size=9), st.integers(1, 6), DECISIONS)
@example([Turn((Text(""),), "end_turn", 0, 0, ())], "a", 6, ["", "", "block", "block"])
@settings(deadline=None)
def test_every_session_makes_a_valid_trace(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[Turn | BaseException],
    prompt: str,
    limit: int,
    decisions: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("session")
    path = folder / "t.ccpa-trace.jsonl"
    (folder / "work").mkdir()
    box = Toolbox(folder / "work", ["Read", "Write", "Edit"], allow_bash=False)
    with TraceWriter(path) as writer:
        emission = Emission(writer, SESSION, "0" * 64)
        session = Session(Script(*made, *[SAYS] * 12), box, [emission], limit, AnyHooks(decisions), Skill("s", "x"))
        try:
            ending = session.run(prompt)
        except (AprError, KeyboardInterrupt):
            ending = session.so_far("broken")
    box.close()
    assert emission.landed
    assert emission.failure is None
    records = [entry.record for entry in read_trace(path)]  # strict
    answers = [record for record in records if record["kind"] == "assistant_turn"]
    assert len(answers) == ending.turns
    assert records[-1]["stop_reason"] == ending.stop_reason
    # a hook of Stop may have it go on behind the last of them
    wanted = [turn for turn in (*made, *[SAYS] * 12) if isinstance(turn, Turn)][: ending.turns]
    assert [[block.get("text", block.get("thinking", block.get("name"))) for block in answer["blocks"]] for answer in answers] == [
        [block.text if isinstance(block, Text) else block.thinking if isinstance(block, Thinking) else block.name for block in turn.blocks]
        for turn in wanted
    ]  # fmt: skip
    assert list((folder).glob(".*")) == []


def test_an_interrupt_does_not_come_between_a_record_and_its_accounts(tmp_path: Path) -> None:
    class Interrupting(TraceWriter):
        def write(self, record: Any) -> None:
            signal.raise_signal(signal.SIGINT)  # as if a user pressed the keys while the line is written
            super().write(record)

    path = tmp_path / "t.jsonl"
    box = Toolbox(tmp_path, [], allow_bash=False)
    with Interrupting(path) as writer:
        session = Session(Script(SAYS), box, [Emission(writer, SESSION, "0" * 64)], 9)
        with pytest.raises(KeyboardInterrupt):
            session.run("do it")
    box.close()
    assert [entry.record["kind"] for entry in read_trace(path)] == ["session_start", "user_prompt", "session_end"]
