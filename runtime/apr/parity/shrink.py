"""From a run that diverges to the smallest one that still does, at the same stage.

Stages are causal, so the first rows of a capture are the capture of the first tokens: which prefix is the shortest is found without a
pass. Whatever is handed out was then run, with exactly the filters that it is handed out with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apr.capture import Capture
from apr.errors import AprError
from apr.parity.measure import Filters, capture, measure
from apr.parity.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.parity.result import Divergence
    from apr.parity.sides import Side
    from apr.parity.verdict import Bounds

_RUNS = 24  # forward passes a side that dropping tokens may take
_FEWEST = 2  # tokens: a single one goes through other kernels in llama.cpp


@dataclass(frozen=True)
class Shrunk:
    """The smallest run found that still diverges at the same stage.

    Attributes:
        tokens: of its prompt.
        filters: the one stage and layer.
        divergence: what it shows: position, channel, distance.
        runs: forward passes a side that finding it took.
    """

    tokens: tuple[int, ...]
    filters: Filters
    divergence: Divergence
    runs: int


def shrink(
    subject: Side,
    oracle: Side,
    tokens: Sequence[int],
    first: Divergence,
    bounds: Bounds,
    *,
    captured: Callable[[Side], Capture],
    advance: Callable[[], None] = lambda: None,
) -> Shrunk | None:
    """Looks for the smallest prompt, and in it the position and the element.

    Args:
        subject: under judgement; it can be run again.
        oracle: what it is held against; it can be run again.
        tokens: of the prompt that diverges.
        first: where.
        bounds: what counts as a divergence.
        captured: the captures of that prompt, by side.
        advance: called once a candidate.

    Returns:
        None where nothing smaller, and not even the prompt itself with only this stage compared, shows it.
    """
    layers = None if first.key.layer is None else range(first.key.layer, first.key.layer + 1)
    filters = Filters(stages=(first.key.stage,), layers=layers)
    search = _Search(subject, oracle, first, bounds, filters, captured, advance)
    best = search.shortest_prefix(tuple(tokens))
    return None if best is None else search.one_position(search.without_leading(best))


@dataclass
class _Search:
    subject: Side
    oracle: Side
    first: Divergence
    bounds: Bounds
    filters: Filters
    captured: Callable[[Side], Capture]
    advance: Callable[[], None]
    runs: int = 0

    def shortest_prefix(self, tokens: tuple[int, ...]) -> Shrunk | None:
        """The shortest prefix that shows it when it is run.

        Rows of the capture at hand say which that should be; an engine that is wrong only for longer prompts is found by running.
        """
        sliced = self._bisect(tokens, sliced=True)
        if sliced is not None:
            run = self._try(sliced.tokens, sliced=False)
            if run is not None:
                return run
        return self._bisect(tokens, sliced=False)

    def _bisect(self, tokens: tuple[int, ...], *, sliced: bool) -> Shrunk | None:
        low, high = min(_FEWEST, len(tokens)), len(tokens)
        best = self._try(tokens, sliced=sliced)
        while best is not None and low < high:
            middle = (low + high) // 2
            smaller = self._try(tokens[:middle], sliced=sliced)
            if smaller is None:
                low = middle + 1
            else:
                best, high = smaller, middle
        return best

    def without_leading(self, best: Shrunk) -> Shrunk:
        """Drops ever smaller runs of tokens, whichever can go, from the front to the back (Zeller 2002, ddmin)."""
        step = len(best.tokens) // 2
        while step >= 1 and self.runs < _RUNS:
            start = 0
            while start + step <= len(best.tokens) and len(best.tokens) - step >= _FEWEST and self.runs < _RUNS:
                smaller = self._try(best.tokens[:start] + best.tokens[start + step :], sliced=False)
                if smaller is None:
                    start += step
                else:
                    best = smaller
            step //= 2
        return replace(best, runs=self.runs)

    def one_position(self, best: Shrunk) -> Shrunk:
        """With nothing compared but the position that is worst, if that still shows it."""
        position = best.divergence.position
        if position is None:
            return best
        filters = replace(self.filters, positions=range(position, position + 1))
        alone = self._try(best.tokens, sliced=False, filters=filters)
        return replace(best, runs=self.runs) if alone is None else replace(alone, runs=self.runs)

    def _try(self, tokens: tuple[int, ...], *, sliced: bool, filters: Filters | None = None) -> Shrunk | None:
        """The run over these tokens, if it diverges at the same stage."""
        self.advance()
        filters = filters or self.filters

        def first_rows(side: Side, tokens: Sequence[int], _filters: Filters) -> Capture:
            whole = self.captured(side)
            kept = replace(whole.provenance, tokens=tuple(tokens), positions=whole.provenance.positions[: len(tokens)])
            return Capture(kept, {key: whole[key][: len(tokens)] for key in whole.stages})

        try:
            measured = measure(self.subject, self.oracle, [tokens], filters, captures=first_rows if sliced else capture)
        except AprError:
            return None  # a prompt that an engine refuses is no smaller example
        finally:
            self.runs += not sliced
        found = judge(measured, self.bounds).first
        return None if found is None else Shrunk(tokens, filters, found, self.runs)
