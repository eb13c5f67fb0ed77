"""The two sides of a parity run, and the judge that both are held against."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

from apr.models import Model, load
from apr.ops.arithmetic import ARITHMETICS, F64
from apr.quant.dequantise import Dequantiser, by_gguf

if TYPE_CHECKING:
    from apr.engines.base import Engine
    from apr.formats.model_file import ModelFile


class Feedable(Protocol):
    """An engine whose stages can be computed from anybody's inputs."""

    @property
    def model(self) -> Model:
        """One method a stage."""


class Judge:
    """The stages of one model file in numpy, in each arithmetic, over weights that are decoded once.

    Args:
        file: whose weights.
        dequantise: makes numbers of encoded rows.

    Raises:
        UnsupportedModel, UnusableInput: see `apr.models.load`.
    """

    def __init__(self, file: ModelFile, dequantise: Dequantiser = by_gguf) -> None:
        self.file = file
        self._models = {F64.name: load(file, F64, dequantise)}

    def model(self, arithmetic: str) -> Model:
        """The model in an arithmetic of `apr.ops.arithmetic.ARITHMETICS`."""
        if arithmetic not in self._models:
            other = copy.copy(self._models[F64.name])
            other.arithmetic = ARITHMETICS[arithmetic]
            self._models[arithmetic] = other
        return self._models[arithmetic]


@dataclass
class Side:
    """One of the two.

    Attributes:
        spec: as the user asked for it.
        engine: what makes its stages.
        judge: over its own model file; None where there is none, and nothing but accumulated differences can be had.
        stock: it is the judge's own code, so that judging it by itself would find nothing, whatever is wrong.
    """

    spec: str
    engine: Engine
    judge: Judge | None
    stock: bool = False

    @property
    def model_path(self) -> str:
        """Of its file, or "" without one."""
        return "" if self.judge is None else str(self.judge.file.path)


def can_be_fed(engine: object) -> TypeGuard[Feedable]:
    """Whether single stages of an engine can be computed from somebody else's inputs."""
    return isinstance(getattr(engine, "model", None), Model)
