"""Each contract a pytest module, each case of each claim a test function in it."""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Any

import pytest

from pv.bind import Binding, Falsifier
from pv.commandline import kind_of
from pv.corpus import read
from pv.evidence import Evidence
from pv.pytest_plugin.project import PROJECT, RUN, BindingProblem, Run
from pv.report.console import escape
from pv.signals import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pv.parse import Case, Claim, Contract
    from pv.source import Source


_CASE = "_pv_case"  # the argument of a stand-in; no fixture can be in its way


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the files in the contract folders."""
    if not parent.config.stash[PROJECT].wants(file_path):
        return None
    module: pytest.Collector = ContractModule.from_parent(parent, path=file_path)
    return module


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under `--mutants`, leave out everything but claims on their mutants, and what keeps a claim from being run on them."""
    if not config.getoption("mutants"):
        return
    kept = [item for item in items if _is_on_a_mutant(item)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if not _is_on_a_mutant(item)])
        items[:] = kept


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of each case of the claim that is being collected."""
    module = metafunc.definition.parent
    if not isinstance(module, ContractModule) or not module.cases:
        return
    names = _arguments(module.cases[0])
    if not names:
        return
    if _CASE in metafunc.fixturenames:
        metafunc.parametrize(_CASE, [pytest.param(case, id=case.label) for case in module.cases])
        return
    values = [
        pytest.param(*case.params.values(), *([case.mutant] if case.mutant else []), id=case.label)
        for case in module.cases
    ]
    metafunc.parametrize(names, values)


class ContractModule(pytest.Module):
    """A module whose Python object is made from a contract. All private parts of pytest that pv touches are in here."""

    cases: Sequence[Case] = ()

    def _getobj(self) -> types.ModuleType:
        module = types.ModuleType(self.path.stem.replace("-", "_"))
        module.__file__ = str(self.path)
        return module

    def collect(self) -> Iterable[pytest.Item]:
        """Yield the items of every claim, and one for each falsifier that has no claim.

        A contract that cannot be used is one item that fails.

        Raises:
            CollectError: falsifiers that the contract may need cannot be imported.
        """
        project = self.config.stash[PROJECT]
        project.deciders(self.path)
        reading = read(self.path, project.show(self.path), policy=project.settings.policy)
        contract = reading.contract
        if reading.errors:
            yield self._failing("unreadable", BindingProblem(*(found.headline for found in reading.errors)))
            yield from self._stray_items()
            return
        if contract is None:
            return
        other = project.names.setdefault(contract.name, self.path)
        if other != self.path:
            text = f"{contract.path}:1:1: error[PV009]: {project.show(other)} is named {contract.name!r} as well"
            yield self._failing("unreadable", BindingProblem(text))
            return
        self._complain_about_imports(contract)
        self._adopt_fixtures(contract)
        for claim in contract.claims:
            if escape(claim.id) == claim.id:
                yield from self._claim_items(claim, reading.source)
            else:  # pytest shows names as they are
                text = f"{claim.path}:{claim.span.line}: the id {claim.id!r} holds characters that drive terminals"
                yield self._failing(claim.id, BindingProblem(text))
        yield from self._orphan_items(contract)

    def _complain_about_imports(self, contract: Contract) -> None:
        project = self.config.stash[PROJECT]
        first = self.path == project.first
        unbound = any(project.registry.binding(claim) is Binding.UNBOUND for claim in contract.claims)
        if project.registry.broken and (first or unbound):
            raise self.CollectError(
                "\n".join(
                    escape(f"{project.show(one.path)}:{one.line}: the falsifiers cannot be imported: {one.message}")
                    for one in project.registry.broken
                )
            )

    def _adopt_fixtures(self, contract: Contract) -> None:
        """Let falsifiers use the fixtures that their own modules define."""
        registry = self.config.stash[PROJECT].registry
        manager = self.session._fixturemanager  # noqa: SLF001  there is no public way to add fixtures to a node
        manager.parsefactories(self)
        homes = {one.module.__name__: one.module for claim in contract.claims for one in registry.get(claim)}
        own = self.obj
        for home in homes.values():
            self.obj = types.ModuleType(home.__name__)  # a copy: pytest takes the fixtures of each object only once
            vars(self.obj).update(vars(home))
            manager.parsefactories(self)
        self.obj = own

    def _claim_items(self, claim: Claim, source: Source | None) -> Iterator[pytest.Item]:
        registry = self.config.stash[PROJECT].registry
        falsifiers = registry.get(claim)
        plain = [case for case in claim.cases() if case.mutant is None]
        mutants = [case for case in claim.cases() if case.mutant is not None]
        problem = self._misfit(claim, falsifiers)
        if problem is not None:
            yield from self._items(claim, plain, _stand_in(plain[0], problem), None, source)
            return
        (falsifier,) = falsifiers
        items = self._items(claim, plain, falsifier.function, falsifier, source)
        yield from items
        if mutants:
            takes = "mutant" in items[0].fixturenames
            function = falsifier.function if takes else _stand_in(mutants[0], self._takes_no(falsifier, "mutant"))
            yield from self._items(claim, mutants, function, falsifier, source)

    def _misfit(self, claim: Claim, falsifiers: Sequence[Falsifier]) -> Exception | None:
        """Why a claim cannot be run, if it cannot."""
        if not falsifiers:
            return Inconclusive("unbound", self._unbound(claim))
        show = self.config.stash[PROJECT].show
        if len(falsifiers) > 1:
            places = ", ".join(f"{show(one.path)}:{one.line}" for one in falsifiers)
            return BindingProblem(f"{claim.id} has {len(falsifiers)} falsifiers: {places}; keep one")
        (one,) = falsifiers
        place = f"{show(one.path)}:{one.line}: {one.qualname}"
        kind = _unrun(one.function)
        if kind:
            return BindingProblem(f"{place} is {kind}, which a call does not run; write a plain function")
        instead = f"name the values under 'params' of {claim.id} instead"
        if any(mark.name == "parametrize" for mark in getattr(one.function, "pytestmark", [])):
            return BindingProblem(f"{place} is parametrized; {instead}")
        probe = self._probe(claim, one)
        if hasattr(probe, "callspec"):
            return BindingProblem(
                f"{place} uses a parametrized fixture ({', '.join(probe.callspec.params)}); {instead}"
            )
        missing = next((name for name in claim.params if name not in probe.fixturenames), None)
        return self._takes_no(one, missing) if missing else None

    def _unbound(self, claim: Claim) -> str:
        asked = self.config.getoption("run_shell_tests") and claim.params and kind_of(claim.test).is_command
        return "no falsifier is bound to it" + ("; its test is a command, which takes no 'params'" if asked else "")

    def _probe(self, claim: Claim, falsifier: Falsifier) -> pytest.Function:
        """An item of the falsifier without any case: it knows the fixtures asked for, directly or through others."""
        setattr(self.obj, claim.id, falsifier.function)
        self.cases = ()
        return next(iter(self._genfunctions(claim.id, falsifier.function)))

    def _takes_no(self, falsifier: Falsifier, name: str) -> BindingProblem:
        place = f"{self.config.stash[PROJECT].show(falsifier.path)}:{falsifier.line}"
        return BindingProblem(f"{place}: {falsifier.qualname} does not take {name!r}, which {falsifier.claim_id} names")

    def _items(
        self,
        claim: Claim,
        cases: Sequence[Case],
        function: Callable[..., Any],
        falsifier: Falsifier | None,
        source: Source | None,
    ) -> list[pytest.Function]:
        setattr(self.obj, claim.id, function)
        self.cases = cases
        items = list(self._genfunctions(claim.id, function))
        self.cases = ()
        for item, case in zip(items, cases, strict=True):
            item.stash[RUN] = Run(claim, case, falsifier, source, Evidence(self.config.rootpath))
            item.add_marker(pytest.mark.falsify(claim.id))
            for mark in _marks(falsifier):
                item.add_marker(mark)
            item.location = (claim.path, claim.span.line - 1, item.name)
        if falsifier is not None:
            _share_fixtures_between_examples(function)
        return items

    def _orphan_items(self, contract: Contract) -> Iterator[pytest.Item]:
        """One failing item for each falsifier of the contract that has no claim in it."""
        registry = self.config.stash[PROJECT].registry
        for one in registry.orphans(contract.name, contract.claims):
            yield self._orphan(one, f"{one.contract} has no claim {one.claim_id}")
        yield from self._stray_items()

    def _stray_items(self) -> Iterator[pytest.Item]:
        """One failing item for each falsifier without a contract; these go to the first contract."""
        project = self.config.stash[PROJECT]
        if self.path == project.first:
            for one in project.registry.strays(file.stem for file in project.files):
                yield self._orphan(one, f"there is no contract {one.contract}")

    def _orphan(self, one: Falsifier, what: str) -> pytest.Item:
        place = f"{self.config.stash[PROJECT].show(one.path)}:{one.line}"
        problem = BindingProblem(f"{place}: {one.qualname} is orphaned: {what}")
        return self._failing(f"orphaned:{one.contract}:{one.claim_id}", problem)

    def _failing(self, name: str, problem: Exception) -> pytest.Item:
        """An item that is no case of a claim and fails with this problem."""
        name = escape(name)
        setattr(self.obj, name, _stand_in(None, problem))
        item: pytest.Item = pytest.Function.from_parent(self, name=name)
        item.add_marker(pytest.mark.falsify(name))
        item.location = (self.config.stash[PROJECT].show(self.path), 0, name)
        return item


def _is_on_a_mutant(item: pytest.Item) -> bool:
    """Whether an item runs a claim on a mutant, or says why that cannot be done."""
    run = item.stash.get(RUN, None)
    if (
        run is None
    ):  # a contract that cannot be used and a falsifier without a claim fail; tests are no business of ours
        return isinstance(item.parent, ContractModule)
    return run.case.mutant is not None or (run.falsifier is None and bool(run.claim.mutants))


def _arguments(case: Case) -> list[str]:
    """The arguments of a falsifier that come from the case."""
    return [*case.params, *(["mutant"] if case.mutant else [])]


def _unrun(function: Callable[..., Any]) -> str:
    """What kind of function it is, if calling it does not run its body."""
    kinds = {
        "a coroutine function": inspect.iscoroutinefunction,
        "an async generator function": inspect.isasyncgenfunction,
        "a generator function": inspect.isgeneratorfunction,
    }
    inner = (function, inspect.unwrap(function))
    return next((kind for kind, is_one in kinds.items() if any(map(is_one, inner))), "")


def _stand_in(case: Case | None, problem: Exception) -> Callable[..., None]:
    """A function that says what is wrong; of cases that have arguments it takes the whole case instead of them."""

    def stand_in(**_arguments: object) -> None:
        raise problem

    names = [_CASE] if case is not None and _arguments(case) else []
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    stand_in.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return stand_in


def _marks(falsifier: Falsifier | None) -> list[pytest.MarkDecorator | str]:
    marks = getattr(falsifier.module, "pytestmark", []) if falsifier else []
    return list(marks) if isinstance(marks, (list, tuple)) else [marks]


def _share_fixtures_between_examples(function: Callable[..., Any]) -> None:
    """Let a Hypothesis test use our fixtures: evidence is meant to add up over all examples of a run."""
    if not getattr(function, "is_hypothesis_test", False):
        return
    from hypothesis import HealthCheck, settings  # noqa: PLC0415  present, since the falsifier uses it

    name = "_hypothesis_internal_use_settings"  # where Hypothesis keeps the settings of a test
    base = getattr(function, name, None) or settings()
    quiet = {*base.suppress_health_check, HealthCheck.function_scoped_fixture}
    setattr(function, name, settings(parent=base, suppress_health_check=quiet))
