"""A recording as what answers: its turns in order, with ids of their own."""

from __future__ import annotations

import pytest

from apr.actions.trace import Entry
from apr.agent.drivers.recorded import OutOfStep, Recorded
from apr.agent.messages import CallIds, Text, Thinking
from tests import action_traces as made


def recorded(records: list[made.Record]) -> Recorded:
    return Recorded([Entry(line, record) for line, record in enumerate(records, 1)], "t.jsonl", CallIds())


def test_turns_come_in_order_with_new_ids() -> None:
    call = made.call("Read", {"file_path": "a"}, "old")
    first = made.answer(1, made.thinking("hm", signature="s"), made.text("I look."), call)
    driver = recorded([made.start(model="m"), made.prompt(), first, made.result(2, "old"), made.answer(2), made.end(2)])
    assert (driver.model, driver.count) == ("recorded:m", 2)
    turn = driver.answer((), "")
    assert turn.blocks[:2] == (Thinking("hm", "s"), Text("I look."))
    (asked,) = turn.calls
    assert (asked.name, asked.input, turn.stop_reason, turn.remarks) == ("Read", {"file_path": "a"}, "tool_use", ())
    assert asked.id != "old"
    with pytest.raises(OutOfStep, match="after 1 of 2"):
        driver.finish()
    assert driver.answer((), "").text == "done"
    driver.finish()
    with pytest.raises(OutOfStep, match="needs a turn 3, and 2 were"):
        driver.answer((), "")
    assert OutOfStep.exit_code == 1


def test_a_turn_that_was_followed_by_another_goes_on() -> None:
    # the model's call could not be read, and it was told so, which is in no record
    broken = [made.start(), made.prompt(), made.answer(1), made.hook(1, "Stop"), made.answer(2), made.end(2)]
    driver = recorded(broken)
    assert [bool(driver.answer((), "").remarks) for _ in range(2)] == [True, False]
    # with a word of the user between them it is the end
    driver = recorded(
        [made.start(), made.prompt(), made.answer(1), made.prompt("more", 1), made.answer(2), made.end(2)]
    )
    assert [bool(driver.answer((), "").remarks) for _ in range(2)] == [False, False]


def test_ids_are_never_given_twice() -> None:
    numbers = iter([bytes(16), bytes(16), b"\1" * 16])
    ids = CallIds(lambda _: next(numbers))
    first, second = ids(), ids()
    assert first != second
    assert all(len(one) == 9 and one.isalnum() for one in (first, second))
