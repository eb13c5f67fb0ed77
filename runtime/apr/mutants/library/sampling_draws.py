"""Faults of the draws, and of the sampler that goes on drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels import sampling as sound
from apr.mutants.library.planting import KernelMutant, mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Ids = NDArray[np.intp]

MUTANTS: dict[str, KernelMutant] = {}


def _numbers(seed: int, n: int) -> Floats:
    return np.random.Generator(np.random.PCG64(seed)).random(n)


def _where(weights: Floats, numbers: Floats) -> Ids:
    """The ids at which numbers from 0 to 1 fall among the running sums."""
    sums = np.cumsum(weights, dtype=np.float64)
    ids: Ids = np.searchsorted(sums, numbers * sums[-1], side="right")
    return ids


@mutant("draws-by-id", of="draws", fault="every token is as likely as any other", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return (_numbers(seed, n) * len(weights)).astype(np.intp)


@mutant("draws-one-further", of="draws", fault="the id behind the one that was drawn", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return np.minimum(sound.draws(weights, seed, n) + 1, len(weights) - 1)


@mutant(
    "draws-sums-not-scaled", of="draws", fault="numbers up to 1 among weights that sum to something else", into=MUTANTS
)
def _(weights: Floats, seed: int, n: int) -> Ids:
    ids: Ids = np.searchsorted(np.cumsum(weights, dtype=np.float64), _numbers(seed, n), side="right")
    return ids


@mutant("draws-smoothed", of="draws", fault="a hundredth of the weights goes to all alike, to those without any, too",
        into=MUTANTS)  # fmt: skip
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights + 0.01 * weights.mean(), _numbers(seed, n))


@mutant(
    "draws-numbers-in-float16", of="draws", fault="numbers are rounded to float16: to 1 behind the last", into=MUTANTS
)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, _numbers(seed, n).astype(np.float16))


@mutant("draws-greatest-product", of="draws",
        fault="the greatest product of weight and number; numbers should be exponential and divide", into=MUTANTS)  # fmt: skip
def _(weights: Floats, seed: int, n: int) -> Ids:
    out: Ids = np.argmax(weights * _numbers(seed, n * len(weights)).reshape(n, -1), axis=-1)
    return out


@mutant("draws-roots-of-weights", of="draws", fault="weights are taken for amplitudes: their roots", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(np.sqrt(weights), _numbers(seed, n))


@mutant("draws-never-the-last", of="draws", fault="the last id that has a chance is never drawn", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    last = np.flatnonzero(weights)[-1]
    left = weights.copy()
    if np.count_nonzero(weights) > 1:
        left[last] = 0
    return _where(left, _numbers(seed, n))


@mutant(
    "draws-weights-in-float16", of="draws", fault="running sums in float16, which large weights overflow", into=MUTANTS
)
def _(weights: Floats, seed: int, n: int) -> Ids:
    with np.errstate(all="ignore"):
        sums = np.cumsum(weights.astype(np.float16))
        ids: Ids = np.searchsorted(sums, _numbers(seed, n) * sums[-1], side="right")
    return np.minimum(ids, len(weights) - 1)


@mutant(
    "draws-without-strides", of="draws", fault="weights are read one behind the other, wherever they lie", into=MUTANTS
)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return sound.draws(np.lib.stride_tricks.as_strided(weights, strides=(weights.itemsize,)), seed, n)


@mutant("draws-seed-ignored", of="draws", fault="always the same seed", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:  # noqa: ARG001 that is the fault
    return _where(weights, _numbers(0, n))


@mutant("draws-seed-halved", of="draws", fault="the lowest bit of the seed is lost", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, _numbers(seed // 2, n))


@mutant("draws-seed-per-token", of="draws",
        fault="each draw has a generator of its own, of seed + place: the next seed gives the same text a token later",
        into=MUTANTS)  # fmt: skip
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, np.array([np.random.Generator(np.random.PCG64(seed + at)).random() for at in range(n)]))


@mutant("draws-of-the-moment", of="draws", fault="the seed is mixed with what other draws left behind", into=MUTANTS)
def _(weights: Floats, seed: int, n: int, others: list[int] = [0]) -> Ids:  # noqa: B006 what is kept is the fault
    others[0] += 1
    return _where(weights, _numbers(seed + 2**40 * others[0], n))


@mutant(
    "draws-turned-round", of="draws", fault="the numbers of a block are used from the last to the first", into=MUTANTS
)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, _numbers(seed, n)[::-1])


@mutant("draws-numbers-twice", of="draws", fault="each number serves two draws", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, np.repeat(_numbers(seed, (n + 1) // 2), 2)[:n])


@mutant("draws-antithetic", of="draws", fault="every other number is 1 less the one before", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    half = _numbers(seed, (n + 1) // 2)
    return _where(weights, np.stack([half, 1 - half], axis=-1).reshape(-1)[:n])


@mutant("draws-evenly-spread", of="draws", fault="one number, and a step of 1 / n for each further draw", into=MUTANTS)
def _(weights: Floats, seed: int, n: int) -> Ids:
    return _where(weights, (_numbers(seed, 1) + np.arange(n) / n) % 1)


@mutant("tokens-seeded-each-time", of="tokens", fault="the generator is made anew for each token", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float, seed: int, n: int) -> Ids:
    return np.repeat(sound.tokens(logits, t, k, p, m, seed, 1), n)


@mutant("tokens-first-number-lost", of="tokens", fault="one number is drawn before the first token", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float, seed: int, n: int) -> Ids:
    return sound.tokens(logits, t, k, p, m, seed, n + 1)[1:]


@mutant("tokens-settings-lost", of="tokens", fault="top-k, top-p and min-p do not reach the sampler", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float, seed: int, n: int) -> Ids:  # noqa: ARG001 that is the fault
    return sound.tokens(logits, t, len(logits), 1.0, 0.0, seed, n)
