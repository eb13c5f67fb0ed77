"""The choice of the next token, under the names of the library: logits [vocabulary] in; probabilities, logits or ids out.

The steps are those of `apr.text.sampling`, which computes in float64; what comes back as logits has the dtype of those that
went in, and what is left of them is untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.text import sampling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Ids = NDArray[np.intp]

__all__ = ["distribution", "draws", "greedy", "min_p", "temperature", "tokens", "top_k", "top_p"]


def greedy(logits: Floats) -> int:
    """The id of the greatest logit, of equal ones the lowest.

    Raises:
        UnusableInput: a logit is no number or +inf, or all are -inf.
    """
    return sampling.greedy(logits)


def temperature(logits: Floats, t: float) -> Floats:
    """The probabilities of logits divided by t > 0, float64 [vocabulary].

    Source: Ackley, Hinton and Sejnowski, "A Learning Algorithm for Boltzmann Machines" (1985).

    Raises:
        UnusableInput: as `greedy`.
        UsageError: t is not above 0 and finite.
    """
    return sampling.distribution(logits, sampling.Sampling(temperature=t))


def top_k(logits: Floats, k: int) -> Floats:
    """The k >= 1 greatest logits, of equal ones those with the lower ids; -inf in the place of the others."""
    return sampling.top_k(logits, k)


def top_p(logits: Floats, p: float) -> Floats:
    """The fewest greatest logits whose probabilities sum to p or more, 0 < p <= 1; -inf in the place of the others."""
    return sampling.top_p(logits.astype(np.float64), p).astype(logits.dtype)


def min_p(logits: Floats, m: float) -> Floats:
    """The logits of tokens at least m times as likely as the likeliest, 0 <= m <= 1; -inf in the place of the others."""
    return sampling.min_p(logits.astype(np.float64), m).astype(logits.dtype)


def distribution(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    """The probabilities after top-k, top-p, min-p and temperature, in this order, float64 [vocabulary].

    Raises:
        UnusableInput: as `greedy`.
        UsageError: a setting makes no sense.
    """
    return sampling.distribution(logits, sampling.Sampling(temperature=t, top_k=k, top_p=p, min_p=m))


def draws(weights: Floats, seed: int, n: int) -> Ids:
    """The ids, [n], that n draws from a seed give; each id as often as its share of the weights [vocabulary] says."""
    return sampling.draws(weights, np.random.Generator(np.random.PCG64(seed)), n)


def tokens(logits: Floats, t: float, k: int, p: float, m: float, seed: int, n: int) -> Ids:
    """The ids, [n], that a sampler with these settings and this seed gives when it is asked n times with the same logits.

    Raises:
        UnusableInput: as `greedy`.
        UsageError: a setting makes no sense.
    """
    choose = sampling.sampler(sampling.Sampling(temperature=t, top_k=k, top_p=p, min_p=m, seed=seed))
    return np.array([choose(logits) for _ in range(n)], np.intp)
