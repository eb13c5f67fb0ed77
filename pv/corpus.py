"""The contract files of a project: found, loaded, parsed and checked, one broken file never hiding the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pv.ignores import apply
from pv.load import load
from pv.parse import CONTRACT_BLOCKS, Contract, parse
from pv.policy import Policy
from pv.rules import check, check_record, check_registry
from pv.shapes import Shape, shape_of
from pv.source import Source, read_source
from pv.types import Diagnostic, Severity, Span
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pv.index import Index

SUFFIXES = (".yaml", ".yml")
_ALL = Policy()


class Reading(NamedTuple):
    """What came of one file: a contract, or none, and everything there is to say about it."""

    path: Path
    name: str
    source: Source | None
    contract: Contract | None
    findings: tuple[Diagnostic, ...]
    shape: Shape = Shape.OTHER

    @property
    def readable(self) -> bool:
        """Whether the file could be read as YAML."""
        return self.source is not None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that are errors."""
        return tuple(found for found in self.findings if found.severity is Severity.ERROR)


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """The YAML files named by `paths`; a folder stands for those below it, hidden ones left out, in sorted order."""
    seen: set[Path] = set()
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in below:
            if path.is_dir() and not _wanted(file, path):
                continue
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def read(path: Path, name: str | None = None, *, policy: Policy = _ALL, index: Index | None = None) -> Reading:
    """Load, parse and check one file, reported under `name`; with an index, also what it says of other files."""
    name = name or path.as_posix()
    return read_text(path, read_source(path, name), policy=policy, index=index)


def read_text(path: Path, source: Source | Diagnostic, *, policy: Policy = _ALL, index: Index | None = None) -> Reading:
    """Check text that has been read already, as if it stood in `path`."""
    if isinstance(source, Diagnostic):
        return Reading(path, source.path, None, None, (source,))
    contract = index.read_ahead(path, source) if index else None
    document = contract.document if contract else load(source)
    if isinstance(document, Diagnostic):
        return Reading(path, source.name, None, None, (document,))
    shape = shape_of(document.data)
    if contract is None and shape is Shape.CONTRACT:
        contract = parse(document, path.stem)
    if index is not None:
        index.add(path, contract)
    if contract is not None:
        found = check(contract, index)
    else:
        found = [_no_contract(source.name, document.data, shape)]
        if shape is Shape.BINDINGS and index is not None:
            found += check_registry(document, index)
        if shape is Shape.KAIZEN:
            found += check_record(document)
    told = apply(policy.judge(found), source, policy)
    return Reading(path, source.name, source, contract, tuple(told), shape)


def read_all(paths: Iterable[Path], base: Path, *, policy: Policy = _ALL) -> list[Reading]:
    """Read every file that `paths` name, each reported relative to `base` where it lies below; names are unique."""
    readings = [read(path, display(path, base), policy=policy) for path in walk(paths)]
    first: dict[str, Reading] = {}
    result = []
    for reading in readings:
        if reading.contract and reading.contract.name in first:
            other = first[reading.contract.name].name
            message = f"a contract named {reading.contract.name!r} stands in {other} as well"
            clash = Diagnostic(reading.name, Span(1, 1), "PV009", Severity.ERROR, message, "rename one of the files")
            result.append(Reading(reading.path, reading.name, reading.source, None, (clash, *reading.findings)))
            continue
        if reading.contract:
            first[reading.contract.name] = reading
        result.append(reading)
    return result


def display(path: Path, base: Path) -> str:
    """`path` as it is reported: relative to `base` where it lies below."""
    absolute = path.absolute()
    return (absolute.relative_to(base) if absolute.is_relative_to(base) else path).as_posix()


def _wanted(file: Path, top: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(top).parts)
    return file.suffix in SUFFIXES and not hidden and file.is_file()


def _no_contract(name: str, data: object, shape: Shape) -> Diagnostic:
    if shape is not Shape.OTHER:
        return Diagnostic(name, Span(1, 1), "PV010", Severity.NOTE, f"not a contract: a {shape}")
    if isinstance(data, dict):
        blocks = [block for block in CONTRACT_BLOCKS if block in data]
        near = next((key for key in data if did_you_mean(key, ("metadata",))), None)
        if blocks or near:
            message = f"not a contract: it has {', '.join(blocks) or repr(near)} but lacks 'metadata'"
            fix = (
                f"did you mean 'metadata' by {near!r}?"
                if near
                else "add a 'metadata' block with version and description"
            )
            return Diagnostic(name, Span(1, 1), "PV010", Severity.ERROR, message, fix)
    return Diagnostic(name, Span(1, 1), "PV010", Severity.NOTE, "not a contract (no 'metadata')")
