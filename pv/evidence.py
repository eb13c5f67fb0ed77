"""What a falsifier tells about its run, beside the verdict: what was compared, with what, and how far apart it was."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pv.digest import sha256
from pv.words import Level


class Evidence:
    """The record of one run of a falsifier; the fixture `evidence` is one of these.

    A run that records no comparison is vacuous: it counts as inconclusive, whatever the falsifier returned.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = (root or Path.cwd()).resolve()
        self._compared: dict[str, int] = {}
        self._level = Level.ALGORITHM
        self._inputs: list[dict[str, str]] = []
        self._engines: list[dict[str, str]] = []
        self._worst: dict[str, Any] | None = None
        self._reported: dict[str, Any] = {}
        self._counterexample: Any = None

    def compared(self, n: int, what: str) -> None:
        """Record that `n` values of `what` were compared; repeated calls add up.

        Raises:
            ValueError: `n` is negative.
        """
        if n < 0:
            raise ValueError(f"cannot have compared {n} {what}")
        self._compared[what] = self._compared.get(what, 0) + int(n)

    def level(self, level: str) -> None:
        """Record what the evidence is worth: algorithm (the default), authored, measured or independent.

        Raises:
            ValueError: there is no such level.
        """
        if level not in list(Level):
            raise ValueError(f"unknown evidence level {level!r}; one of {', '.join(Level)}")
        self._level = Level(level)

    def input(self, kind: str, path: str | Path) -> None:
        """Record a file that the verdict rests on, with its hash; of a folder, its Python files.

        Raises:
            OSError: the file is missing or cannot be read.
        """
        absolute = Path(path).resolve()
        inside = absolute.is_relative_to(self._root)
        name = (absolute.relative_to(self._root) if inside else absolute).as_posix()
        entry = {"kind": kind, "path": name, "sha256": sha256(absolute)}
        if entry not in self._inputs:
            self._inputs.append(entry)

    def engine(self, role: str, name: str, build: str) -> None:
        """Record an engine that took part: in which role, its name, its build."""
        entry = {"role": role, "name": name, "build": build}
        if entry not in self._engines:
            self._engines.append(entry)

    def worst(
        self,
        distance: float,
        *,
        bound: float | None = None,
        stage: str | None = None,
        layer: int | None = None,
        position: int | None = None,
    ) -> None:
        """Record a distance that was seen, and where; the worst of all calls is kept (not a number is worse than any)."""
        value = float(distance)
        if self._worst is not None and not _worse(value, self._worst["distance"]):
            return
        place = {"stage": stage, "layer": layer, "position": position}
        self._worst = {
            "distance": value,
            "bound": None if bound is None else float(bound),
            "where": {name: plain(entry) for name, entry in place.items() if entry is not None},
        }

    def report(self, **values: object) -> None:
        """Record figures that are told but not judged."""
        self._reported.update({name: plain(value) for name, value in values.items()})

    def counterexample(self, value: object) -> None:
        """Record an input for which the claim fails."""
        self._counterexample = plain(value)

    @property
    def total(self) -> int:
        """How many values were compared."""
        return sum(self._compared.values())

    def as_dict(self) -> dict[str, Any]:
        """What was recorded, as plain JSON data."""
        return {
            "level": str(self._level),
            "compared": dict(self._compared),
            "inputs": list(self._inputs),
            "engines": list(self._engines),
            "worst": plain(self._worst),
            "reported": dict(self._reported),
            "counterexample": self._counterexample,
        }


def plain(value: object) -> Any:
    """`value` as plain JSON data: numbers of numpy become numbers, what JSON doesn't know becomes its text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return _scalar(value)
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry) for entry in value]
    item = getattr(value, "item", None)  # numpy scalars
    if callable(item) and getattr(value, "ndim", None) == 0:
        return plain(item())
    return repr(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if value is None or isinstance(value, bool):
        return value
    return str(value) if isinstance(value, str) else int(value)  # an enum's members lose their class


def _worse(value: float, than: float) -> bool:
    if math.isnan(than):
        return False
    return math.isnan(value) or value > than
