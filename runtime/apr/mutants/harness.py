"""Faults of the parity run itself: what is measured or judged goes wrong, whatever the engines do.

Most of them are how gates in use work: the mean over positions, one position for all, a minimum that loses NaN.
"""

from __future__ import annotations

import dataclasses
import math
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.parity.result import Cell, Measurement, Verdict
    from apr.parity.verdict import Bounds

    Judge = Callable[[Measurement, Bounds | None], Verdict]
    Measure = Callable[..., Measurement]


def _sound(function: Any) -> Any:
    return function


@dataclass(frozen=True)
class HarnessMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: what the claim that finds it names as the place: a stage, or the part of the harness.
        layer: of that stage.
        measure: makes the faulty way of measuring from the sound one.
        judge: makes the faulty way of judging from the sound one.
        patches: what is replaced in the running process: a dotted path, and what makes the faulty thing of the sound one.
    """

    name: str
    fault: str
    stage: str
    layer: int | None = None
    measure: Callable[[Measure], Measure] = _sound
    judge: Callable[[Judge], Judge] = _sound
    patches: tuple[tuple[str, Callable[[Any], Any]], ...] = ()

    def plant(self, put: Callable[[str, Any], None]) -> None:
        """Replaces what has to be replaced; `put` takes the dotted path and what is to stand there."""
        for path, make in self.patches:
            put(path, make(pkgutil.resolve_name(path)))


def _seeing(change: Callable[[Measurement], Measurement]) -> Callable[[Judge], Judge]:
    """Judges something else than what was measured."""

    def faulty(judge: Judge) -> Judge:
        def judged(measurement: Measurement, bounds: Bounds | None = None) -> Verdict:
            return judge(change(measurement), bounds)

        return judged

    return faulty


def _cells(change: Callable[[Cell], Cell]) -> Callable[[Judge], Judge]:
    def changed(measurement: Measurement) -> Measurement:
        return dataclasses.replace(measurement, cells=[change(cell) for cell in measurement.cells])

    return _seeing(changed)


def _mean_only(cell: Cell) -> Cell:
    """Of each stage one number over all positions and channels."""
    return dataclasses.replace(cell, tests=tuple(test for test in cell.tests if test.name == "stage"))


def _nan_lost(cell: Cell) -> Cell:
    """A maximum that starts at 0 and is updated where something is greater: NaN never is."""
    tests = (dataclasses.replace(t, value=0.0) if math.isnan(t.value) else t for t in cell.tests)
    return dataclasses.replace(cell, tests=tuple(tests))


def _one_position(row: Callable[[int], int]) -> Callable[[Measure], Measure]:
    """One position stands for all."""

    def faulty(measure: Measure) -> Measure:
        def measured(subject: Any, oracle: Any, prompts: Any, filters: Any = None, **options: Any) -> Measurement:
            from apr.parity.measure import Filters  # noqa: PLC0415 - contracts of other things name mutants too

            start = row(min(len(prompt) for prompt in prompts))
            whole = filters or Filters()
            return measure(
                subject, oracle, prompts, dataclasses.replace(whole, positions=range(start, start + 1)), **options
            )

        return measured

    return faulty


def _itself(measure: Measure) -> Measure:
    """The subject is held against itself."""

    def measured(subject: Any, _oracle: Any, *rest: Any, **options: Any) -> Measurement:
        return measure(subject, subject, *rest, **options)

    return measured


def _last_first(judge: Judge) -> Judge:
    """The stages are gone through backwards."""

    def judged(measurement: Measurement, bounds: Bounds | None = None) -> Verdict:
        verdict = judge(measurement, bounds)
        return dataclasses.replace(verdict, first=verdict.born[-1] if verdict.born else None)

    return judged


def _accumulated_blamed(judge: Judge) -> Judge:
    """What differs most after two free runs is named, wherever it was born."""

    def judged(measurement: Measurement, bounds: Bounds | None = None) -> Verdict:
        verdict = judge(measurement, bounds)
        if verdict.first is None:
            return verdict
        free = [cell for cell in measurement.cells if cell.view == "accumulated"]
        worst = max(free, key=lambda cell: cell.difference.relative_rms)
        return dataclasses.replace(verdict, first=dataclasses.replace(verdict.first, key=worst.key))

    return judged


def _subject_blamed(judge: Judge) -> Judge:
    """The oracle is always right."""

    def judged(measurement: Measurement, bounds: Bounds | None = None) -> Verdict:
        verdict = judge(measurement, bounds)
        if verdict.first is None:
            return verdict
        return dataclasses.replace(verdict, first=dataclasses.replace(verdict.first, culprit="subject"))

    return judged


def _a_pass_a_layer(measure: Measure) -> Measure:
    """Both engines are run anew for each layer, as whoever goes looking layer by layer does."""

    def measured(subject: Any, oracle: Any, prompts: Any, filters: Any = None, **options: Any) -> Measurement:
        from apr.parity.measure import Filters  # noqa: PLC0415 - contracts of other things name mutants too

        whole = filters or Filters()
        layers = whole.layers or range(subject.judge.model("f64").config.n_layers)
        first, *rest = (
            measure(subject, oracle, prompts, dataclasses.replace(whole, layers=range(layer, layer + 1)), **options)
            for layer in layers
        )
        # stages of the whole model are in each of them
        for one in rest:
            known = set(first.expected)
            first.cells += [cell for cell in one.cells if cell.key not in known]
            first.missing += [entry for entry in one.missing if entry[1] not in known]
            first.expected += tuple(key for key in one.expected if key not in known)
        return first

    return measured


def _twice(function: Callable[..., None]) -> Callable[..., None]:
    """To be sure."""

    def again(*args: Any) -> None:
        function(*args)
        function(*args)

    return again


def _missing_is_equal(measurement: Measurement) -> Measurement:
    """What one side lacks, and what cannot be computed without it, was never expected."""
    lacking = {key for _, key, _ in measurement.missing}
    return dataclasses.replace(
        measurement,
        missing=[],
        expected=tuple(key for key in measurement.expected if key not in lacking),
        cells=[cell for cell in measurement.cells if cell.key not in lacking],
    )


def _gates_unread(measurement: Measurement) -> Measurement:
    return dataclasses.replace(measurement, gates=[])


def _whatever_lies_there(read: Any) -> Any:
    """Every file that has the name of a stage, whether the run says that it wrote it or not."""

    def read_capture(directory: Path) -> Any:
        from apr.formats.aprt import open_stage  # noqa: PLC0415 - see above
        from apr.stages import CANONICAL, StageKey  # noqa: PLC0415 - see above

        listed = read(directory)
        files = dict(listed.files)
        for path in sorted(Path(directory).glob("layer-*/*.bin")):
            key = StageKey(path.stem, int(path.parent.name.removeprefix("layer-")))
            if key.stage in CANONICAL and key not in files:
                files[key] = open_stage(path)
                positions = len(listed.provenance.tokens)
                listed.shapes[key] = (positions, files[key].count // positions)
        return dataclasses.replace(listed, files=dict(sorted(files.items(), key=lambda item: item[0].order)))

    return read_capture


_ALL = [
    HarnessMutant("mean-over-positions", "one number for a whole stage decides", "positions", judge=_cells(_mean_only)),
    HarnessMutant("last-position-only", "the last position stands for all", "positions", measure=_one_position(lambda count: count - 1)),
    HarnessMutant("first-position-only", "the first position stands for all", "positions", measure=_one_position(lambda _: 0)),
    HarnessMutant("nan-lost", "a maximum loses NaN", "nan", judge=_cells(_nan_lost)),
    HarnessMutant("self-comparison", "the subject is held against itself", "culprit", measure=_itself),
    HarnessMutant("last-first", "the last divergence in forward order is named first", "order", judge=_last_first),
    HarnessMutant("accumulated-blamed", "the greatest difference of two free runs is named", "order", judge=_accumulated_blamed),
    HarnessMutant("oracle-always-right", "the subject is blamed whoever is wrong", "culprit", judge=_subject_blamed),
    HarnessMutant("missing-is-equal", "a stage that one side lacks counts as equal", "missing", judge=_seeing(_missing_is_equal)),
    HarnessMutant("gates-unread", "nobody looks whether an engine repeats itself", "gates", judge=_seeing(_gates_unread)),
    HarnessMutant("anything-compared", "captures of other tokens, positions or weights are compared", "comparable",
                  patches=(("apr.parity.measure._comparable", lambda _: lambda *_: ()),)),
    HarnessMutant("a-pass-a-layer", "both engines are run anew for each layer", "passes", measure=_a_pass_a_layer),
    HarnessMutant("fed-twice", "each stage is fed a second time", "passes", patches=(("apr.parity.work.compare._Stage._isolated", _twice),)),
    HarnessMutant("passes-untold", "the pass from which a capture was taken is not told", "passes",
                  patches=(("apr.parity.measure._ran", lambda _: lambda _: 0),)),
    HarnessMutant("stale-files-read", "stage files that an earlier run left in the folder are read as this run's", "stale",
                  patches=(("apr.engines.recorded.read_capture", _whatever_lies_there),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
