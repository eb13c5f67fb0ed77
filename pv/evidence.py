"""What a falsifier tells about its run, beside the verdict: what was compared, with what, and how far apart it was."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.levels import lacks, producer_of
from pv.naming import name_of
from pv.watched import changed, first
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, "int | None", str], None]


class Evidence:
    """The record of one run of a falsifier; the fixture `evidence` is one of these.

    A run that records no comparison is vacuous: it counts as inconclusive, whatever the falsifier returned.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = (root or Path.cwd()).resolve()
        self._compared: dict[str, int] = {}
        self._skipped: dict[tuple[str, str], int] = {}
        self._level = Level.ALGORITHM
        self._inputs: list[dict[str, str]] = []
        self._input_paths: list[Path] = []
        self._engines: list[dict[str, str]] = []
        self._worst: dict[str, Any] | None = None
        self._beyond = ""
        self._reported: dict[str, Any] = {}
        self._counterexample: Any = None
        self.on_progress: Progress | None = None

    def __repr__(self) -> str:
        """The same in every process: it stands in counterexamples, where a place in memory says nothing."""
        return "Evidence()"

    def compared(self, n: int, what: str) -> None:
        """Record that `n` values of `what` were compared; repeated calls add up.

        Raises:
            ValueError: `n` is negative.
        """
        if n < 0:
            raise ValueError(f"cannot have compared {n} {what}")
        self._compared[what] = self._compared.get(what, 0) + int(n)

    def skipped(self, n: int, what: str, why: str) -> None:
        """Record that `n` values of `what` could not be compared, and why; they are told and never count as compared.

        Raises:
            ValueError: `n` is negative, or no reason is given.
        """
        if n < 0:
            raise ValueError(f"cannot have skipped {n} {what}")
        if not why.strip():
            raise ValueError(f"{n} {what} were skipped: say why")
        self._skipped[what, why] = self._skipped.get((what, why), 0) + int(n)

    def level(self, level: str) -> None:
        """Record what the evidence is worth: algorithm (the default), authored, measured or independent.

        It is checked: measured needs an engine and an input of kind `model`, independent a subject and an oracle from different
        producers. Saying more than was recorded is an error.

        Raises:
            ValueError: there is no such level.
        """
        if level not in list(Level):
            raise ValueError(f"unknown evidence level {level!r}; one of {', '.join(Level)}")
        self._level = Level(level)

    def input(self, kind: str, path: str | Path) -> None:
        """Record a file that the verdict rests on, or a folder below the project's root with all files in it.

        Its hash is the first that this process took of it: what is imported now may have been read long ago.

        Raises:
            OSError: the file is missing or cannot be read.
            ValueError: it is a folder that does not lie below the project's root.
        """
        absolute = Path(path).resolve()
        if absolute.is_dir() and (absolute == self._root or not absolute.is_relative_to(self._root)):
            raise ValueError(f"{absolute} is no folder below {self._root}; record the files in it that count")
        entry = {"kind": kind, "path": name_of(absolute, self._root), "sha256": first(absolute)}
        if entry not in self._inputs:
            self._inputs.append(entry)
            self._input_paths.append(absolute)

    def engine(self, role: str, name: str, build: str, *, producer: str | None = None) -> None:
        """Record an engine that took part.

        Args:
            role: `subject` or `oracle`.
            name: of the engine; further words may follow the first, as in `numpy over .apr`.
            build: its version, and whatever else decides what it computes.
            producer: who made it; without one, who is known to make engines of that name, else the name's first word.
        """
        entry = {"role": role, "name": name, "build": build, "producer": (producer or "").strip() or producer_of(name)}
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
        if math.isnan(value) or (bound is not None and not value <= float(bound)):
            self._beyond = self._beyond or f"{value:.6g}" + ("" if bound is None else f", bound {float(bound):.6g}")
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

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Say how far a long run is: `done` of `total` steps, and what is being done ("smollm2, layer 12, attention").

        Only shown, on a terminal; nothing of it becomes evidence.
        """
        if self.on_progress is not None:
            self.on_progress(done, total, what)

    @property
    def overstated(self) -> str:
        """In what the level says more than was recorded, as text; empty if it does not."""
        return lacks(self._level, self._engines, self._inputs)

    @property
    def beyond(self) -> str:
        """The first distance recorded that is not a number or not within its own bound, as text; empty if none is."""
        return self._beyond

    @property
    def changed(self) -> list[str]:
        """The inputs that no longer hold what they did when this process first looked at them."""
        pairs = zip(self._inputs, self._input_paths, strict=True)
        return [f"{entry['kind']} {entry['path']}" for entry, path in pairs if changed(path)]

    @property
    def total(self) -> int:
        """How many values were compared; what was skipped is not among them."""
        return sum(self._compared.values())

    @property
    def left_out(self) -> str:
        """What was skipped and why, as text; empty if nothing was."""
        return skipped_text(self.as_dict()["skipped"])

    def as_dict(self) -> dict[str, Any]:
        """What was recorded, as plain JSON data."""
        return {
            "level": str(self._level),
            "compared": dict(self._compared),
            "skipped": [{"n": n, "what": what, "why": why} for (what, why), n in self._skipped.items() if n],
            "inputs": list(self._inputs),
            "engines": list(self._engines),
            "worst": plain(self._worst),
            "reported": dict(self._reported),
            "counterexample": self._counterexample,
        }


def skipped_text(skipped: list[dict[str, Any]]) -> str:
    """Such entries of `as_dict` as one line; empty if there are none."""
    return ", ".join(f"{one['n']} {one['what']} ({one['why']})" for one in skipped)


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
