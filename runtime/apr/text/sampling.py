"""The choice of the next token from its logits.

Sampling takes, in this order, the k likeliest tokens, of them the fewest that make up p, of them those at least `min_p`
times as likely as the first, and only then divides logits by the temperature and draws: llama.cpp's order. Whatever is
turned off changes nothing. Computed in float64; the same logits, settings and seed give the same token on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UnusableInput, UsageError
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Logits = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sampling:
    """How to sample; None turns a step off.

    Attributes:
        temperature: what logits are divided by; above 1 evens chances out, below 1 sharpens them.
        top_k: how many of the likeliest tokens are left.
        top_p: how much of the probability the tokens that are left make up at least.
        min_p: how likely a token has to be, as a fraction of the likeliest.
        seed: of the draws.

    Raises:
        UsageError: a number that makes no sense.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise UsageError(
                f"must be above 0, not {self.temperature}", where="temperature", hint="greedy is what 0 would be"
            )
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"must be 1 or more, not {self.top_k}", where="top_k", hint="leave it out to turn it off")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UsageError(f"must be above 0 and at most 1, not {self.top_p}", where="top_p")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise UsageError(f"must be from 0 to 1, not {self.min_p}", where="min_p")
        if self.seed < 0:
            raise UsageError(f"must be 0 or more, not {self.seed}", where="seed")


def top_k(logits: Logits, k: int) -> Logits:
    """Leaves the k greatest logits, of equal ones those with the lower ids; the others become -inf.

    Source: Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation" (2018).
    """
    left = np.full_like(logits, -np.inf)
    kept = np.argsort(-logits, kind="stable")[:k]
    left[kept] = logits[kept]
    return left


def top_p(logits: Logits, p: float) -> Logits:
    """Leaves the fewest likeliest tokens whose probabilities sum to p or more; the others become -inf.

    A p of 1 leaves all: every token has a chance, however small, although sums of floats reach 1 before the last.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020): the nucleus.
    """
    if p == 1:
        return logits
    order = np.argsort(-logits, kind="stable")
    sums = np.cumsum(softmax(logits[order]))
    enough = int(np.searchsorted(sums, p)) + 1  # the first sum that reaches p; all where rounding keeps them below it
    return top_k(logits, enough)


def min_p(logits: Logits, p: float) -> Logits:
    """Leaves the tokens at least p times as likely as the likeliest; the others become -inf.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024). Of logits: x >= max(x) + log(p).
    """
    if p == 0:
        return logits
    return np.where(logits >= logits.max() + math.log(p), logits, -np.inf)


def draws(weights: Logits, rng: np.random.Generator, n: int) -> NDArray[np.intp]:
    """The ids of n draws, [n], each id as often as its share of the weights [vocabulary] says.

    They are where uniform numbers fall among the running sums, in float64: in less, a number can round up to the whole sum.
    """
    sums = np.cumsum(weights, dtype=np.float64)
    ids: NDArray[np.intp] = np.searchsorted(sums, rng.random(n) * sums[-1], side="right")
    return ids


def draw(weights: Logits, rng: np.random.Generator) -> int:
    """One id; see `draws`."""
    return int(draws(weights, rng, 1)[0])


def greedy(logits: Logits) -> int:
    """The id of the greatest logit, of equal ones the lowest.

    Raises:
        UnusableInput: see `check_logits`.
    """
    return int(check_logits(logits).argmax())


def sample(logits: Logits, settings: Sampling, rng: np.random.Generator) -> int:
    """An id drawn from [vocabulary] logits.

    Raises:
        UnusableInput: see `check_logits`.
    """
    return draw(distribution(logits, settings), rng)


def distribution(logits: Logits, settings: Sampling) -> Logits:
    """The probability of each id, float64 [vocabulary], after all that the settings ask for.

    Raises:
        UnusableInput: see `check_logits`.
    """
    left: Logits = check_logits(logits).astype(np.float64)
    if settings.top_k is not None:
        left = top_k(left, settings.top_k)
    if settings.top_p is not None:
        left = top_p(left, settings.top_p)
    if settings.min_p is not None:
        left = min_p(left, settings.min_p)
    # of differences to the greatest, a temperature near 0 makes -inf, which is no chance; of the logits it would make +inf
    with np.errstate(over="ignore"):
        return softmax((left - left.max()) / settings.temperature)


def sampler(settings: Sampling | None) -> Callable[[Logits], int]:
    """A function from logits to ids: greedy for None, else one that draws on and on from the settings' seed."""
    if settings is None:
        return greedy
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    return lambda logits: sample(logits, settings, rng)


def check_logits(logits: Logits) -> Logits:
    """The same logits.

    Raises:
        UnusableInput: one is no number or +inf, or none is above -inf: nothing can be chosen from them.
    """
    wrong = int(np.count_nonzero(np.isnan(logits) | np.isposinf(logits)))
    if wrong or not np.isfinite(logits).any():
        problem = f"{wrong} of {logits.size} logits are no numbers" if wrong else f"all {logits.size} logits are -inf"
        raise UnusableInput(
            problem,
            where="next token",
            hint="the model is damaged; `apr trace --payload` shows the first stage that is",
        )
    return logits
