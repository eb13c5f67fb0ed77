"""A measurement and its verdict as JSON lines, schema `apr-parity-v1` (`apr/parity/schema/apr-parity-v1.schema.json`).

One record a line: first `run`, then `gate`, `missing`, `stage` (one a comparison), `vote` and `ladder`, and last `verdict`. What
was measured can be read again and judged anew; the verdict is there for whoever only wants the answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from apr.console import escape
from apr.errors import UnusableInput
from apr.parity.codec import BadRecord, decode, decode_fields, encode, within
from apr.parity.histogram import BINS
from apr.parity.ranges import DISTANCE
from apr.parity.result import Cell, Gate, Measurement, Rung, Verdict, Vote
from apr.parity.summary import bounded
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "apr-parity-v1"
# the file in a folder that `apr parity --save` writes
FILE_NAME = "measurement.jsonl"
# fields of a measurement that have records of their own
APART = ("cells", "missing", "gates", "votes", "ladders")
_HINT = f"it should be what `apr parity --save` or `--json` wrote, schema {SCHEMA}"


def records(measurement: Measurement, verdict: Verdict) -> Iterator[dict[str, Any]]:
    """The records, in the order in which they are written, as values that JSON has."""
    run = {
        field.name: encode(getattr(measurement, field.name))
        for field in dataclasses.fields(measurement)
        if field.name not in APART
    }
    yield {"record": "run", "schema": SCHEMA, **run}
    for gate in measurement.gates:
        yield {"record": "gate", **encode(gate)}
    for side, key, reason in measurement.missing:
        yield {"record": "missing", "side": side, **encode(key), "reason": reason}
    for cell in measurement.cells:
        content = encode(cell)
        for test, one in zip(content["tests"], bounded(cell, verdict), strict=True):
            test["bound"] = encode(one.bound)
        yield {"record": "stage", **content}
    for (prompt, key), vote in measurement.votes.items():
        yield {"record": "vote", "prompt": prompt, **encode(key), **encode(vote)}
    for (side, prompt, key), rungs in measurement.ladders.items():
        yield {"record": "ladder", "side": side, "prompt": prompt, **encode(key), "rungs": encode(rungs)}
    concluded = encode(verdict)
    yield {"record": "verdict", **{VERDICT_NAMES.get(name, name): item for name, item in concluded.items()}}


# what a field of `Verdict` is called in its record
VERDICT_NAMES = {"first": "first_divergence"}


def write(measurement: Measurement, verdict: Verdict, stream: IO[str]) -> None:
    """Writes the records, one a line."""
    for record in records(measurement, verdict):
        stream.write(json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n")


class Recorded(NamedTuple):
    """What a file of records holds.

    Attributes:
        measurement: equal to the one that was written, bit by bit.
        verdict: as it was drawn when it was written.
    """

    measurement: Measurement
    verdict: Verdict


def read(source: Path | str | IO[str]) -> Measurement:
    """Reads a measurement back, to judge it again.

    Args:
        source: a file, a folder that `apr parity --save` wrote, or a stream.

    Raises:
        UnusableInput: it cannot be read, is cut off, or is not of the schema; with file, line and JSON path.
    """
    return read_all(source).measurement


def read_all(source: Path | str | IO[str]) -> Recorded:
    """Reads a measurement and the verdict that was written with it.

    Args:
        source: a file, a folder that `apr parity --save` wrote, or a stream.

    Raises:
        UnusableInput: it cannot be read, is cut off, or is not of the schema; with file, line and JSON path.
    """
    if not isinstance(source, Path | str):
        return _Reader(str(getattr(source, "name", "<stream>"))).read(source)
    path = Path(source)
    path = path / FILE_NAME if path.is_dir() else path
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
            raise UnusableInput(f"cannot be read: {reason}", where=str(path), hint=_HINT) from None
        return _Reader(str(path)).read(stream)


class _Reader:
    """Builds a measurement from lines; `where` is the file as errors name it."""

    def __init__(self, where: str) -> None:
        self.where, self.line = where, 0
        self.measurement: Measurement | None = None
        self.verdict: Verdict | None = None
        self.seen: set[tuple[Any, ...]] = set()

    def read(self, stream: IO[str]) -> Recorded:
        try:
            for line in stream:
                self.line += 1
                self._take(self._parse(line))
        except UnicodeDecodeError as problem:
            raise UnusableInput(f"is not UTF-8 ({problem.reason})", where=self.where, hint=_HINT) from None
        except OSError as problem:
            raise UnusableInput(f"cannot be read: {problem.strerror}", where=self.where, hint=_HINT) from None
        except BadRecord as problem:
            place = f"{self.where}:{self.line}: {escape(problem.path)}"
            raise UnusableInput(problem.problem, where=place, hint=_HINT) from None
        if self.measurement is None or self.verdict is None:
            last = "the record `verdict` at its end" if self.line else "every record"
            raise UnusableInput(f"is cut off: {last} is missing", where=f"{self.where}:{self.line}", hint=_HINT)
        return Recorded(self.measurement, self.verdict)

    def _parse(self, line: str) -> dict[str, Any]:
        try:
            value = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_no_twins)
        except BadRecord:
            raise
        except json.JSONDecodeError as problem:
            raise BadRecord(f"column {problem.colno}", f"is no JSON ({problem.msg})") from None
        except (ValueError, RecursionError) as problem:  # thousands of digits; nested beyond measure
            raise BadRecord("$", f"is no JSON that can be read ({problem})") from None
        if not isinstance(value, dict):
            raise BadRecord("$", "is not an object")
        return value

    def _take(self, record: dict[str, Any]) -> None:
        kind = record.pop("record", None)
        if self.verdict is not None:
            raise BadRecord("$", "comes after the verdict, which is the last record")
        if kind == "run":
            self._run(record)
        elif self.measurement is None:
            raise BadRecord("$.record", f"the first record is {kind!r} and not 'run'")
        elif kind == "verdict":
            names = {shown: name for name, shown in VERDICT_NAMES.items()}
            if twin := next((name for name in names.values() if name in record), None):
                raise BadRecord(f"$.{twin}", "is not part of this record")
            self.verdict = decode_fields({names.get(name, name): item for name, item in record.items()}, Verdict)
        else:
            take = {"gate": _gate, "missing": _missing, "stage": _stage, "vote": _vote, "ladder": _ladder}.get(
                str(kind)
            )
            if take is None:
                raise BadRecord("$.record", f"{kind!r} is no record of {SCHEMA}")
            place = (kind, *take(self.measurement, record))
            if place in self.seen:
                raise BadRecord("$", f"is here twice: {' '.join(map(str, place))}")
            self.seen.add(place)

    def _run(self, record: dict[str, Any]) -> None:
        if self.measurement is not None:
            raise BadRecord("$.record", "is a second 'run'")
        schema = record.pop("schema", None)
        if schema != SCHEMA:
            raise BadRecord("$.schema", f"{schema!r} is not {SCHEMA!r}")
        if apart := next((name for name in APART if name in record), None):
            raise BadRecord(f"$.{apart}", "is not part of this record")
        self.measurement = decode_fields(record, Measurement)


def _no_constant(text: str) -> float:
    raise BadRecord("$", f'{text} is no JSON; what is not finite is written as the string "nan", "inf" or "-inf"')


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise BadRecord("$", "an object has the same name twice")
    return content


def _fields(record: dict[str, Any], **typed: Any) -> list[Any]:
    """Takes named values out of a record, each of its type."""
    taken = []
    for name, annotation in typed.items():
        if name not in record:
            raise BadRecord(f"$.{name}", "is missing")
        taken.append(decode(record.pop(name), annotation, f"$.{name}"))
    return taken


def _key(record: dict[str, Any]) -> StageKey:
    return decode({name: record.pop(name) for name in StageKey._fields if name in record}, StageKey)  # type: ignore[no-any-return]  # what was asked for


def _prompt(measurement: Measurement, prompt: int) -> int:
    if not 0 <= prompt < len(measurement.prompts):
        raise BadRecord("$.prompt", f"{prompt} is none of the {len(measurement.prompts)} prompts of this run")
    return prompt


def _empty(record: dict[str, Any]) -> None:
    if record:
        raise BadRecord(f"$.{next(iter(record))}", "is not part of this record")


def _gate(measurement: Measurement, record: dict[str, Any]) -> tuple[Any, ...]:
    gate = decode_fields(record, Gate)
    measurement.gates.append(gate)
    return len(measurement.gates), gate.side, gate.name  # probed again for every prompt, perhaps


def _missing(measurement: Measurement, record: dict[str, Any]) -> tuple[Any, ...]:
    side, reason = _fields(record, side=str, reason=str)
    key = _key(record)
    _empty(record)
    measurement.missing.append((side, key, reason))
    return len(measurement.missing), side, key  # the same stage may lack for more than one reason


def _stage(measurement: Measurement, record: dict[str, Any]) -> tuple[Any, ...]:
    for index, test in enumerate(record["tests"] if isinstance(record.get("tests"), list) else ()):
        if isinstance(test, dict) and "bound" in test:
            path = f"$.tests[{index}].bound"
            within(decode(test.pop("bound"), float, path), DISTANCE, path)  # it follows from alpha, and is drawn anew
    cell = decode_fields(record, Cell)
    _consistent(cell)
    measurement.cells.append(cell)
    return _prompt(measurement, cell.prompt), cell.key, cell.view


def _consistent(cell: Cell) -> None:
    """Checks what one field of a comparison says about another, where a verdict builds on it."""
    difference = cell.difference
    if difference.n_different > difference.count:
        raise BadRecord("$.difference.n_different", f"{difference.n_different} of {difference.count} elements")
    if difference.bit_identical != (difference.n_different == 0):
        raise BadRecord("$.difference.bit_identical", f"belies that {difference.n_different} elements differ")
    names: set[str] = set()
    for index, test in enumerate(cell.tests):
        if test.name in names:
            raise BadRecord(f"$.tests[{index}].name", f"{test.name!r} is here twice")
        names.add(test.name)
    if cell.histogram is not None and len(cell.histogram.counts) != BINS:
        raise BadRecord("$.histogram.counts", f"has {len(cell.histogram.counts)} bins and not {BINS}")


def _vote(measurement: Measurement, record: dict[str, Any]) -> tuple[Any, ...]:
    (prompt,) = _fields(record, prompt=int)
    place = _prompt(measurement, prompt), _key(record)
    measurement.votes[place] = decode_fields(record, Vote)
    return place


def _ladder(measurement: Measurement, record: dict[str, Any]) -> tuple[Any, ...]:
    side, prompt, rungs = _fields(record, side=str, prompt=int, rungs=tuple[Rung, ...])
    place = side, _prompt(measurement, prompt), _key(record)
    _empty(record)
    measurement.ladders[place] = rungs
    return place
