"""Generation over the numpy reference: the cache changes nothing, and every reason to stop stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.engines.generation import generate
from apr.engines.reference import Reference
from apr.errors import UsageError
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import F64
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Array

PROMPT = [5, 40, 7, 99]
HEAD = StageKey("lm_head", None)


def greedy(logits: Array) -> int:
    return int(logits.argmax())


@pytest.fixture
def reference(tiny_llama: Callable[..., Path]) -> Reference:
    return Reference(read_gguf(tiny_llama(context=12)), F64)


def test_every_step_is_what_a_pass_over_the_whole_text_gives(reference: Reference) -> None:
    session, text = reference.session(), list(PROMPT)
    logits = session.feed(PROMPT)
    for _ in range(5):
        whole = reference.capture(text)[HEAD][-1]
        # float64 sums of other lengths in another order: a few hundred roundings of 2**-53
        assert np.allclose(logits, whole, rtol=0, atol=1e-12 * np.abs(whole).max())
        text.append(greedy(logits))
        logits = session.feed(text[-1:])
    assert session.room == 12 - len(text)


def test_a_prompt_may_come_in_pieces(reference: Reference) -> None:
    at_once, in_pieces = reference.session(), reference.session()
    whole = at_once.feed(PROMPT)
    in_pieces.feed(PROMPT[:1])
    assert np.allclose(in_pieces.feed(PROMPT[1:]), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_the_limit_and_the_context_end_a_text(reference: Reference) -> None:
    assert len(list(generate(reference.session(), PROMPT, greedy, (), 3))) == 3
    assert list(generate(reference.session(), PROMPT, greedy, (), 0)) == []
    # the last token is chosen from a full context; there is no room to feed it
    steps = list(generate(reference.session(), PROMPT, greedy, (), 100))
    assert len(steps) == 12 - len(PROMPT) + 1
    assert not any(step.stops for step in steps)


def test_a_stop_token_ends_a_text_and_says_so(reference: Reference) -> None:
    plain = [step.token for step in generate(reference.session(), PROMPT, greedy, (), 5)]
    stop = plain[2]
    steps = list(generate(reference.session(), PROMPT, greedy, {stop}, 5))
    assert [step.token for step in steps] == plain[: plain.index(stop) + 1]
    assert [step.stops for step in steps] == [False] * plain.index(stop) + [True]


def test_what_a_session_cannot_append_is_refused(reference: Reference) -> None:
    session = reference.session()
    for tokens, message in (
        ([], "no tokens"),
        ([9999], "9999 at position 0"),
        ([1] * 13, "13 tokens do not fit: a text may have 12, and 0 are there"),
    ):
        with pytest.raises(UsageError, match=message):
            session.feed(tokens)
    assert session.room == 12


@pytest.mark.oracle
def test_llama_cpp_continues_a_text_as_it_runs_it_whole(tiny_llama: Callable[..., Path]) -> None:
    from apr.engines.llama_cpp.engine import LlamaCpp

    with LlamaCpp(read_gguf(tiny_llama(context=12))) as oracle:
        session, text = oracle.session(9), list(PROMPT)
        logits = session.feed(PROMPT)
        for _ in range(4):
            whole = oracle.logits(text)[-1]
            # one token alone goes through other kernels than several: float32 sums in another order
            assert np.allclose(logits, whole, rtol=0, atol=1e-5 * np.abs(whole).max())
            text.append(greedy(logits))
            logits = session.feed(text[-1:])
        assert session.room == 1
        with pytest.raises(UsageError, match="may have 9, and 8 are there"):
            session.feed([1, 2])
        again = oracle.session(9)
        assert np.array_equal(again.feed(PROMPT), oracle.session(9).feed(PROMPT))
