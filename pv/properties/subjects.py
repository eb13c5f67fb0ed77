"""Whose functions are judged: modules with functions of the names that contracts use, and the faults planted in them."""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.levels import producer_of
from pv.signals import Inconclusive
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from pv.config import SubjectSpec


@dataclass
class Subject:
    """A module of kernels.

    What the module may say about itself: `PRODUCER`, who made what computes; `BUILD`, its version; `xp`, the namespace of the arrays that
    it takes (`xp = torch`), where these are not numpy's.
    """

    name: str
    module: ModuleType
    faults: Callable[[], Mapping[str, Any]] = dict  # which are imported where one is planted
    planted: Any = None

    def with_fault(self, mutant: str) -> Subject:
        """The same with a fault planted in it.

        Raises:
            UsageProblem: there is no fault of that name.
        """
        faults = self.faults()
        if mutant not in faults:
            known = f"{len(faults)} faults, none" if faults else "no faults, and none"
            raise UsageProblem(f"subject {self.name!r} has {known} called {mutant!r}; see [tool.pv.subjects] mutants")
        return Subject(self.name, self.module, self.faults, faults[mutant])

    def function(self, name: str) -> Callable[..., Any]:
        """The kernel of a name: takes and gives arrays of numpy, and Python's numbers.

        Raises:
            Inconclusive: the module has none.
        """
        if self.planted is not None and self.planted.function == name:
            call: Callable[..., Any] = self.planted.call
            return call
        found = getattr(self.module, name, None)
        if not callable(found):
            raise Inconclusive("no such function", f"{self.module.__name__} has no function {name!r}")
        xp = getattr(self.module, "xp", None)
        if xp is None:
            kernel: Callable[..., Any] = found
            return kernel
        return lambda *given, **named: found(
            *(_there(one, xp) for one in given), **{key: _there(one, xp) for key, one in named.items()}
        )

    @property
    def producer(self) -> str:
        """Who made what computes: as the module says, or its package."""
        said = getattr(self.module, "PRODUCER", None)
        return str(said) if said else producer_of(self.package)

    @property
    def package(self) -> str:
        """The package at the top, by its import name."""
        return self.module.__name__.split(".", maxsplit=1)[0]

    @property
    def build(self) -> str:
        """Its version: as the module says, or that of the package, or of numpy where neither is known."""
        said = getattr(self.module, "BUILD", None)
        if said:
            return str(said)
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            top = sys.modules.get(self.package)
            return f"{self.package} {getattr(top, '__version__', '')}".strip() + f", numpy {np.__version__}"

    def sources(self, root: Path) -> list[Path]:
        """What the verdict rests on: the package's folder where it lies in the project, else the module's file; no file, nothing."""
        file = getattr(self.module, "__file__", None)
        if file is None:
            return []
        path = Path(file).resolve()
        top = sys.modules.get(self.package)
        home = Path(str(top.__file__)).resolve().parent if top is not None and getattr(top, "__file__", None) else None
        return [home] if home is not None and home != root and home.is_relative_to(root) else [path]


def _there(value: Any, xp: Any) -> Any:
    """An array in the namespace that the subject works in: a copy, since what was drawn may not be written to."""
    return xp.asarray(np.array(value, order="C")) if isinstance(value, np.ndarray) else value


def back(value: Any) -> Any:
    """What a kernel gave as arrays of numpy; numbers and tuples of these stay such."""
    if isinstance(value, (tuple, list)):
        return tuple(map(back, value))
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        return value
    detach = getattr(value, "detach", None)
    plain = detach() if callable(detach) else value
    return np.from_dlpack(plain) if hasattr(plain, "__dlpack__") else np.asarray(plain)


class Subjects:
    """The subjects of a project by name, imported when they are first asked for."""

    def __init__(self, specs: Mapping[str, SubjectSpec], root: Path) -> None:
        self._specs, self.root = specs, root
        self._opened: dict[str, Subject] = {}

    def get(self, name: str) -> Subject:
        """The subject of that name.

        Raises:
            Inconclusive: the project names none, or its module is not installed.
        """
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> Subject:
        spec = self._specs.get(name)
        if spec is None:
            known = ", ".join(self._specs) or "none"
            raise Inconclusive(
                "no subject",
                f"nothing is called {name!r} in [tool.pv.subjects] ({known}); name a module there, "
                f"or with --subject {name}=package.module",
            )
        mutants = spec.mutants
        faults = dict if mutants is None else lambda: self._import(mutants).MUTANTS
        return Subject(name, self._import(spec.module), faults)

    def _import(self, module: str) -> ModuleType:
        top = str(self.root)
        if top not in sys.path:  # a module beside pyproject.toml; pytest adds no folder in importlib mode
            sys.path.append(top)
        try:
            return importlib.import_module(module)
        except ImportError as problem:
            lacking = problem.name or module
            raise Inconclusive(
                "no subject", f"{module} cannot be imported: there is no {lacking} ({problem})"
            ) from None
        except (Exception, SystemExit) as problem:  # noqa: BLE001  whatever a module does while it is imported
            last = traceback.extract_tb(problem.__traceback__)[-1]
            place = (
                (problem.filename, problem.lineno) if isinstance(problem, SyntaxError) else (last.filename, last.lineno)
            )
            said = problem.msg if isinstance(problem, SyntaxError) else problem
            raise UsageProblem(
                f"{module} cannot be imported: {place[0]}:{place[1]}: {type(problem).__name__}: {said}"
            ) from None
