"""Faults of cross-entropy and of the logarithm of a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.losses import cross_entropy, log_softmax
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Classes = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _taken(of_classes: Floats, targets: Classes) -> Floats:
    taken: Floats = np.take_along_axis(of_classes, targets[:, None], axis=-1)[:, 0]
    return taken


@mutant(
    "log-softmax-without-shift",
    of="log_softmax",
    fault="exponentials of the logits themselves, which overflow above 88",
    into=MUTANTS,
)
def _(x: Floats) -> Any:
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


@mutant(
    "log-softmax-of-softmax",
    of="log_softmax",
    fault="the logarithm of a softmax, which is 0 where it underflows",
    into=MUTANTS,
)
def _(x: Floats) -> Any:
    return np.log(softmax(x))


@mutant("log-softmax-of-base-two", of="log_softmax", fault="the logarithm of the sum is of base 2", into=MUTANTS)
def _(x: Floats) -> Any:
    below = x - x.max(axis=-1, keepdims=True)
    return below - np.log2(np.exp(below).sum(axis=-1, keepdims=True))


@mutant("log-softmax-over-the-batch", of="log_softmax", fault="the sum is that of all rows", into=MUTANTS)
def _(x: Floats) -> Any:
    below = x - x.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum())


@mutant("log-softmax-forgets-the-sum", of="log_softmax", fault="only the greatest logit is subtracted", into=MUTANTS)
def _(x: Floats) -> Any:
    return x - x.max(axis=-1, keepdims=True)


@mutant(
    "log-softmax-adds-the-shift-twice",
    of="log_softmax",
    fault="the maximum is subtracted outside as well as inside",
    into=MUTANTS,
)
def _(x: Floats) -> Any:
    return log_softmax(x) - x.max(axis=-1, keepdims=True)


@mutant("log-softmax-in-float16", of="log_softmax", fault="exponentials, sum and logarithm are float16", into=MUTANTS)
def _(x: Floats) -> Any:
    below = x - x.max(axis=-1, keepdims=True)
    total = np.exp(below.astype(np.float16)).sum(axis=-1, keepdims=True)
    return below - np.log(total).astype(x.dtype)


@mutant(
    "cross-entropy-without-shift",
    of="cross_entropy",
    fault="exponentials of the logits themselves, which overflow above 88",
    into=MUTANTS,
)
def _(logits: Floats, targets: Classes) -> Any:
    return np.log(np.exp(logits).sum(axis=-1)) - _taken(logits, targets)


@mutant(
    "cross-entropy-of-softmax",
    of="cross_entropy",
    fault="the logarithm of a softmax, infinite where it underflows",
    into=MUTANTS,
)
def _(logits: Floats, targets: Classes) -> Floats:
    return -np.log(_taken(softmax(logits), targets))


@mutant(
    "cross-entropy-with-epsilon",
    of="cross_entropy",
    fault="1e-7 is added under the logarithm, so no loss exceeds 16",
    into=MUTANTS,
)
def _(logits: Floats, targets: Classes) -> Floats:
    return -np.log(_taken(softmax(logits), targets) + logits.dtype.type(1e-7))


@mutant("cross-entropy-averaged", of="cross_entropy", fault="every row gets the mean of all rows", into=MUTANTS)
def _(logits: Floats, targets: Classes) -> Floats:
    return np.full_like(logits[:, 0], cross_entropy(logits, targets).mean())


@mutant(
    "cross-entropy-over-classes", of="cross_entropy", fault="the loss is divided by the number of classes", into=MUTANTS
)
def _(logits: Floats, targets: Classes) -> Floats:
    return cross_entropy(logits, targets) / logits.dtype.type(logits.shape[-1])


@mutant("cross-entropy-in-bits", of="cross_entropy", fault="the logarithm is of base 2", into=MUTANTS)
def _(logits: Floats, targets: Classes) -> Floats:
    return cross_entropy(logits, targets) / logits.dtype.type(np.log(2))


@mutant("cross-entropy-next-class", of="cross_entropy", fault="classes are counted from one", into=MUTANTS)
def _(logits: Floats, targets: Classes) -> Floats:
    return cross_entropy(logits, (targets + 1) % logits.shape[-1])


@mutant(
    "cross-entropy-of-the-likeliest",
    of="cross_entropy",
    fault="the likeliest class counts, whatever the right one is",
    into=MUTANTS,
)
def _(logits: Floats, targets: Classes) -> Floats:
    return cross_entropy(logits, logits.argmax(axis=-1).astype(targets.dtype))


@mutant(
    "cross-entropy-smoothed", of="cross_entropy", fault="labels are smoothed by a tenth, as in training", into=MUTANTS
)
def _(logits: Floats, targets: Classes) -> Any:
    logs = log_softmax(logits)
    tenth = logits.dtype.type(0.1)
    return -((1 - tenth) * _taken(logs, targets) + tenth * logs.mean(axis=-1, dtype=logits.dtype))


@mutant("cross-entropy-negated", of="cross_entropy", fault="the logarithm itself, not its negative", into=MUTANTS)
def _(logits: Floats, targets: Classes) -> Floats:
    return -cross_entropy(logits, targets)


@mutant(
    "cross-entropy-one-maximum-for-all",
    of="cross_entropy",
    fault="all rows are shifted by the greatest logit of the batch",
    into=MUTANTS,
)
def _(logits: Floats, targets: Classes) -> Any:
    below = logits - logits.max()
    return np.log(np.exp(below).sum(axis=-1)) - _taken(below, targets)
