"""All contracts of a project by name, each read when a rule first asks for it: what rules that look across files ask."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, NamedTuple

from pv.load import load
from pv.parse import Contract, is_contract, parse
from pv.source import read_source
from pv.types import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pv.source import Source

_MOST_AHEAD = 250  # contracts kept whole until their turn comes
_MANY = 500  # names that are all compared with one that is missing
_BESIDE = 10  # of more names, those compared that come before it and after it


class Summary(NamedTuple):
    """What one contract can be asked for by others; `path` as it is reported."""

    name: str
    path: str
    kind: str
    version: str
    claims: frozenset[str]
    equations: frozenset[str]
    obligations: frozenset[str]
    depends_on: tuple[str, ...]


class Index:
    """The contracts of a project; `files` is called once, when the first question comes.

    `schema` is the project's copy of the JSON Schema, if it keeps one; `subjects` are the names of those whose functions its
    executable contracts may judge.
    """

    def __init__(
        self,
        files: Callable[[], Iterable[Path]],
        shown: Callable[[Path], str],
        *,
        schema: Path | None = None,
        subjects: Collection[str] = (),
    ) -> None:
        self._files, self._shown, self.schema, self.subjects = files, shown, schema, subjects
        self._read_from: dict[str, Path] = {}
        self._paths: dict[str, list[Path]] | None = None
        self._known: dict[Path, Summary | None] = {}
        self._ahead: dict[Path, Contract] = {}
        self._sorted: list[str] = []

    @property
    def names(self) -> Mapping[str, list[Path]]:
        """The files by their stems, contracts or not, in the order in which they were found."""
        if self._paths is None:
            self._paths = {}
            for path in self._files():
                self._paths.setdefault(path.stem, []).append(path)
        return self._paths

    def like(self, name: str) -> Sequence[str]:
        """The names that `name` may have been meant for: all, or of very many those that begin most like it."""
        if len(self.names) <= _MANY:
            return list(self.names)
        if not self._sorted:
            self._sorted = sorted(self.names)
        at = bisect.bisect(self._sorted, name)
        return self._sorted[max(0, at - _BESIDE) : at + _BESIDE]

    def contracts(self, name: str) -> Iterator[Summary]:
        """Every contract of this name, each read when it is reached; more than one where two files share it."""
        found = (self._summary(path) for path in self.names.get(name, ()))
        return (one for one in found if one is not None)

    def get(self, name: str) -> Summary | None:
        """The contract of this name, the first where files share it; None if there is none."""
        return next(self.contracts(name), None)

    def add(self, path: Path, contract: Contract | None) -> None:
        """Remember a file that has been read, so that it is not read again."""
        self._known[path] = summary_of(contract) if contract else None
        if contract:
            self._read_from[contract.path] = path

    def read_ahead(self, path: Path, source: Source) -> Contract | None:
        """The contract in `path`, handed over once, if a question had it read before its turn and it still says the same."""
        contract = self._ahead.pop(path, None)
        return contract if contract and contract.document.source == source else None

    def file(self, contract: Contract) -> Path | None:
        """The file of a contract that has been added."""
        return self._read_from.get(contract.path)

    def _summary(self, path: Path) -> Summary | None:
        if path not in self._known:
            source = read_source(path, self._shown(path))
            document = source if isinstance(source, Diagnostic) else load(source)
            if isinstance(document, Diagnostic) or not is_contract(document):
                self._known[path] = None
            else:
                contract = parse(document, path.stem)
                self._known[path] = summary_of(contract)
                if len(self._ahead) < _MOST_AHEAD:
                    self._ahead[path] = contract
        return self._known[path]


def summary_of(contract: Contract) -> Summary:
    """What others may ask of a contract."""
    data = contract.document.data
    obligations = data.get("proof_obligations")
    depends_on = contract.metadata.get("depends_on")
    return Summary(
        name=contract.name,
        path=contract.path,
        kind=contract.kind,
        version=str(contract.metadata.get("version") or ""),
        claims=frozenset(claim.id for claim in contract.claims),
        equations=frozenset(contract.equations),
        obligations=frozenset(
            str(entry["id"])
            for entry in (obligations if isinstance(obligations, list) else ())
            if isinstance(entry, dict) and entry.get("id") is not None
        ),
        depends_on=tuple(
            str(name) for name in (depends_on if isinstance(depends_on, list) else ()) if isinstance(name, (str, int))
        ),
    )
