"""Faults of the refusal to run the weights of experts on a dense path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.errors import DenseOnExperts, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class RefusalMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found.
        make: stands in for `DenseOnExperts`.
    """

    name: str
    fault: str
    make: Callable[..., UnusableInput]
    stage: str = "refusal"
    layer: int | None = None


def _of_one_tensor(*, missing: tuple[str, ...], found: tuple[str, ...], where: str) -> UnusableInput:
    return DenseOnExperts(missing=missing[:1], found=found[:1], where=where)


def as_missing(*, missing: tuple[str, ...], found: tuple[str, ...], where: str) -> UnusableInput:
    """What loaders said before: a tensor is not there, and not a word about those that are."""
    del found
    return UnusableInput("is missing", where=f"{where}: tensor {missing[0]!r}", hint="the file is incomplete")


_ALL = [
    RefusalMutant("refusal-of-one-tensor", "only the first of the tensors is told", _of_one_tensor),
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
