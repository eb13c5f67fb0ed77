"""Falsifiers and the claims they try to refute."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pv.watched import first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from pv.parse import Claim

Function = TypeVar("Function", bound="Callable[..., Any]")
_MARK = "pv_falsifies"


class Binding(StrEnum):
    """How a claim and its falsifier hang together."""

    BOUND = "bound"
    UNBOUND = "unbound"
    ORPHANED = "orphaned"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Declaration:
    """One `@falsifies(…)`: the claims it names, the function it stands on, and the line where it stands."""

    contract: str
    claim_ids: tuple[str, ...]
    function: Callable[..., Any] = field(repr=False)
    line: int


@dataclass(frozen=True)
class Falsifier:
    """A function bound to one claim; `source_sha256` is over its whole module file, so that helpers beside it count.

    One that is `built_in` belongs to the harness, under the name that this is: it runs what the contract itself says.
    """

    contract: str
    claim_id: str
    function: Callable[..., Any] = field(repr=False)
    module: ModuleType = field(repr=False)
    path: Path
    line: int
    source_sha256: str
    built_in: str = ""

    @property
    def qualname(self) -> str:
        """The name of the function."""
        return str(getattr(self.function, "__qualname__", self.function))


# Filled by the decorator while a falsifier module is being imported; `Registry.load` takes from it what is its own.
_declared: list[Declaration] = []


def falsifies(contract: str, *claim_ids: str) -> Callable[[Function], Function]:
    """Bind the decorated function to claims of a contract; `contract` is the stem of its file.

    Raises:
        TypeError: no claim id is given.
    """
    if not claim_ids:
        raise TypeError(f"falsifies({contract!r}) names no claim; write falsifies({contract!r}, 'FALSIFY-…')")
    line = sys._getframe(1).f_lineno  # noqa: SLF001  the caller's line; the frame itself would keep its module alive

    def decorate(function: Function) -> Function:
        declaration = Declaration(contract, claim_ids, function, line)
        setattr(function, _MARK, [*getattr(function, _MARK, []), declaration])
        _declared.append(declaration)
        return function

    return decorate


@dataclass(frozen=True)
class BrokenModule:
    """A falsifier module that could not be imported."""

    path: Path
    line: int
    message: str


@dataclass
class Registry:
    """The falsifiers of a project, by contract and claim id; `executed` and `command` are for claims without one.

    `executed` runs obligations that are executable themselves, `command` what a `test:` holds, if the session runs such commands.
    """

    falsifiers: dict[tuple[str, str], list[Falsifier]] = field(default_factory=dict)
    broken: list[BrokenModule] = field(default_factory=list)
    executed: Callable[..., Any] | None = None
    command: Callable[[Claim], Falsifier | None] | None = None

    def load(self, folders: Iterable[Path], import_file: Callable[[Path], ModuleType]) -> None:
        """Import every module of `folders` whose name does not begin with an underscore, and note what it declares."""
        for folder in folders:
            for path in sorted(folder.glob("*.py")):
                if not path.name.startswith("_"):
                    self._load_file(path, import_file)

    def get(self, claim: Claim) -> list[Falsifier]:
        """The falsifiers of a claim: one, none, or too many; what Python says goes before what the contract says."""
        if written := self.falsifiers.get((claim.contract, claim.id)):
            return written
        if self.executed is None or claim.property is None:
            commanded = self.command(claim) if self.command else None
            return [commanded] if commanded else []
        from pv.formal import source  # noqa: PLC0415  most contracts are prose

        module = sys.modules[self.executed.__module__]
        place = Path(str(module.__file__))
        return [Falsifier(claim.contract, claim.id, self.executed, module, place, 1, source.digest(), source.BUILT_IN)]

    def binding(self, claim: Claim) -> Binding:
        """How a claim is bound."""
        return {0: Binding.UNBOUND, 1: Binding.BOUND}.get(len(self.get(claim)), Binding.DUPLICATE)

    def orphans(self, contract: str, claims: Iterable[Claim]) -> list[Falsifier]:
        """The falsifiers that name `contract` and a claim it does not have."""
        known = {claim.id for claim in claims}
        return [
            one
            for (name, claim_id), all_ in self.falsifiers.items()
            for one in all_
            if name == contract and claim_id not in known
        ]

    def strays(self, contracts: Iterable[str]) -> list[Falsifier]:
        """The falsifiers that name a contract which is none of `contracts`."""
        known = set(contracts)
        return [one for (name, _), all_ in self.falsifiers.items() for one in all_ if name not in known]

    def _load_file(self, path: Path, import_file: Callable[[Path], ModuleType]) -> None:
        before = len(_declared)
        try:
            source = first(path)
            module = import_file(path)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as problem:  # noqa: BLE001  whatever a module raises at import is reported with its place
            self.broken.append(BrokenModule(path, _line_of(problem, path), f"{type(problem).__name__}: {problem}"))
            return
        finally:
            fresh = _declared[before:]
            del _declared[before:]
        for declaration in fresh:
            self._add(declaration, module, path, source)

    def _add(self, declaration: Declaration, module: ModuleType, path: Path, source: str) -> None:
        function = _outermost(declaration, module)
        for claim_id in declaration.claim_ids:
            one = Falsifier(declaration.contract, claim_id, function, module, path, declaration.line, source)
            self.falsifiers.setdefault((declaration.contract, claim_id), []).append(one)


def _outermost(declaration: Declaration, module: ModuleType) -> Callable[..., Any]:
    """The function under the name that the module gives it, so that decorators above `@falsifies` count too."""
    function = declaration.function
    named: Callable[..., Any] | None = getattr(module, getattr(function, "__name__", ""), None)
    if callable(named) and (
        getattr(named, _MARK, None) == getattr(function, _MARK) or inspect.unwrap(named) is inspect.unwrap(function)
    ):
        return named
    return function


def _line_of(problem: BaseException, path: Path) -> int:
    if isinstance(problem, SyntaxError) and problem.filename == str(path):
        return problem.lineno or 1
    line, trace = 1, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
