"""What drives a target: Hypothesis, which draws changes, or atheris, which sees which lines of ours an input reaches."""

from __future__ import annotations

import importlib
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import LARGEST, mutate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.fuzz.target import Target

_USUAL = 1 << 14  # bytes of most mutants
_AT_ONCE = 200  # examples between two looks at the clock


def mutated(target: Target, seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Sound files with changes, which follow from one number: drawing each of them costs ten times what parsing does."""
    chances = st.integers(0, 2**64 - 1)
    return st.builds(lambda data, chance: mutate(target, data, Random(chance), seeds), st.sampled_from(seeds), chances)  # noqa: S311


def by_hypothesis(
    target: Target, seeds: Sequence[bytes], feed: Callable[[bytes], object], number: int, seconds: float
) -> None:
    """Feeds drawn inputs until the time is over, other ones for another `number`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number += 1

        @seed(number)
        @settings(
            max_examples=_AT_ONCE,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(mutated(target, seeds))
        def some(data: bytes) -> None:
            if time.monotonic() < until:
                feed(data)

        some()


def has_atheris() -> bool:
    """Whether the extra `fuzz` is installed."""
    try:
        importlib.import_module("atheris")
    except ImportError:
        return False
    return True


def by_atheris(
    target: Target, seeds: Sequence[bytes], feed: Callable[[bytes], object], number: int, seconds: float, folder: Path
) -> None:
    """Feeds inputs that libFuzzer keeps and changes; never returns: libFuzzer ends the process when the time is over."""
    atheris: Any = importlib.import_module("atheris")
    corpus = folder / "corpus"
    corpus.mkdir()
    for place, data in enumerate(seeds):
        (corpus / f"{place}").write_bytes(data)

    def change(data: bytes, most: int, chance: int) -> bytes:
        random = Random(chance)  # noqa: S311  libFuzzer's own chance, so that a run can be repeated
        if random.randrange(8) == 0:
            return bytes(atheris.Mutate(data, most))
        # sound files are refused later than others, and large ones, which libFuzzer keeps too, cost the time of a hundred
        start = random.choice(seeds) if len(data) > _USUAL or random.randrange(3) == 0 else data
        return mutate(target, start, random, seeds, most if random.randrange(50) == 0 else _USUAL)

    flags = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-seed={number or 1}",
        f"-max_len={LARGEST}",
        "-len_control=0",
    ]
    flags += ["-rss_limit_mb=0", "-malloc_limit_mb=0", "-timeout=100000", f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup([sys.argv[0], *flags], feed, custom_mutator=change)
    atheris.Fuzz()
