"""Which unit a worker died of, where dask blames all that it had."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("distributed", reason="the extra [distributed] is not installed")

from apr.parity.executors.dask import fatal

HERE, THERE = "tcp://here:1", "tcp://there:1"


def running(*names: str) -> Any:
    return {Awaited(name): SimpleNamespace(key=name) for name in names}


class Awaited:
    """A result that is waited for: all that is asked of it is its key."""

    def __init__(self, name: str) -> None:
        self.key = f"run-{name}"


def test_what_was_only_queued_there_is_not_blamed() -> None:
    begun = [(HERE, "run-layer-1/attention"), (THERE, "run-layer-1/ffn_up"), (HERE, "run-layer-0/ffn_up")]
    waited_for = running("layer-1/q_post_rope", "layer-1/attention", "layer-1/ffn_up")  # layer-0/ffn_up came back
    assert fatal(HERE, begun, waited_for) == "layer-1/attention"


def test_all_that_its_threads_were_at_are_named() -> None:
    begun = [(HERE, "run-layer-1/attention"), (HERE, "run-layer-1/ffn_up")]
    assert fatal(HERE, begun, running("layer-1/attention", "layer-1/ffn_up")) == "layer-1/attention or layer-1/ffn_up"


def test_a_worker_that_could_not_tell_is_said_to_have_been_at_nothing() -> None:
    assert fatal(HERE, [(THERE, "run-layer-1/attention")], running("layer-1/attention")) == ""
