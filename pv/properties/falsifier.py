"""The falsifier of every claim that is executable as it stands in its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from hypothesis import given

from pv.properties.builders import builder
from pv.properties.choices import made
from pv.properties.draw import values_of
from pv.properties.evaluate import Unusable
from pv.properties.kernels import KernelFailed, Kernels
from pv.properties.profiles import TOGETHER, examples, most_drawn, of_property
from pv.properties.simplify import simplified
from pv.properties.substitute import shown
from pv.properties.trial import Failed, Outcome, Trial
from pv.signals import Refuted
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pv.evidence import Evidence
    from pv.formal.property import Property
    from pv.parse import Claim, Mutant
    from pv.properties.builders import Builder
    from pv.properties.choices import Choices
    from pv.properties.subjects import Subject, Subjects

_WHOLE = 64  # elements of an array that a counterexample shows


def refute(claim: Claim, prop: Property, mutant: Mutant | None, evidence: Evidence, subjects: Subjects) -> None:
    """Look for an example of the domain for which the property of a claim does not hold.

    Raises:
        Refuted: one was found; it is the smallest that Hypothesis came to.
        Inconclusive: a subject, an oracle or a function is not there.
    """
    subject = subjects.get(prop.subject)
    _record(evidence, "subject", subject, subjects.root)
    subject.function(prop.equation.function)  # what is not there is said before anything is drawn
    oracle = None
    if "oracle" in prop.keys:
        other = subjects.get(str(prop.keys["oracle"]))
        other.function(prop.equation.function)
        _record(evidence, "oracle", other, subjects.root)
        evidence.level(claim.level if claim.level is Level.INDEPENDENT else Level.ALGORITHM)
        oracle = Kernels(other, prop.equations)
    if mutant is not None:
        subject = subject.with_fault(mutant.id)
    kernels, build = Kernels(subject, prop.equations), builder(prop)
    tried = _Tried(evidence, prop)

    wanted = examples()
    beside = {"alpha": prop.keys["alpha"] / most_drawn(TOGETHER)} if "alpha" in prop.keys else {}

    # several examples a test of Hypothesis, which takes as long for one as a small kernel does
    @of_property(on_a_mutant=mutant is not None, each=TOGETHER)
    @given(made(lambda choices: _Together(choices.repeated(lambda one: _example(one, prop, build, beside), TOGETHER))))
    def holds(together: list[dict[str, Any]]) -> None:
        for values in together:
            tried.hold(Trial(prop, values, kernels, oracle), build)

    with np.errstate(all="ignore"):
        try:
            while tried.drawn < wanted:  # once, but for the rare run whose tests held fewer examples than most
                holds()
        except BaseExceptionGroup as group:
            # Hypothesis saw several refutations of one example: the kernel is not the same each time
            if group.split(Refuted)[1] is not None:
                raise
            raise _first(group) from None
        except Refuted:
            if mutant is None:
                tried.simplify(lambda values: Trial(prop, values, kernels, oracle), build)
            raise
    tried.tell()


class _Together(list[dict[str, Any]]):
    """Examples that Hypothesis does not write out: it warns of the length of large ones, and reports show what was refuted."""

    def __repr__(self) -> str:
        return f"{len(self)} examples"


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


def _example(choices: Choices, prop: Property, build: Builder, beside: Mapping[str, Any]) -> dict[str, Any]:
    """The domain, and what the builder draws beside it."""
    found = values_of(choices, prop.domain)
    return {**found, **build.further(choices, prop, found), **beside}


def _record(evidence: Evidence, role: str, subject: Subject, root: Path) -> None:
    evidence.engine(role, f"{subject.name} ({subject.module.__name__})", subject.build, producer=subject.producer)
    for path in subject.sources(root):
        evidence.input("source", path)


class _Tried:
    """What was seen over all examples of a run."""

    def __init__(self, evidence: Evidence, prop: Property) -> None:
        self._evidence, self._property = evidence, prop
        self._examples = self._left_out = 0
        self._worst: float | None = None
        self._failing: dict[str, Any] = {}

    def hold(self, trial: Trial, build: Builder) -> None:
        """Hold one example against the property.

        Raises:
            Refuted: it does not hold.
            Unusable: it cannot be computed.
        """
        try:
            outcome = self._check(trial, build)
        except (Failed, KernelFailed) as problem:
            self._failing = trial.values
            self._refute(trial, problem)
        except Unusable:
            self._evidence.counterexample(counterexample(trial.values))
            raise
        if outcome is None:
            self._left_out += 1
            return
        self._examples += 1
        self._evidence.compared(outcome.compared, "values")
        if outcome.worst is not None:
            self._worst = outcome.worst if self._worst is None else max(outcome.worst, self._worst)

    @property
    def drawn(self) -> int:
        """How many examples there were, those that `where` left out among them."""
        return self._examples + self._left_out

    def tell(self) -> None:
        """Record how many examples there were, and how close the worst came to its bound."""
        self._evidence.report(examples=self._examples)
        if self._left_out:
            self._evidence.skipped(self._left_out, "examples", "they are not of those that 'where' speaks of")
        if self._worst is not None:
            self._evidence.worst(self._worst, bound=1.0, stage=self._property.equation.name)

    def simplify(self, trial_of: Callable[[dict[str, Any]], Trial], build: Builder) -> None:
        """Refute with a simpler example than the last that was found, if there is one.

        Raises:
            Refuted: there is.
        """

        def fails(values: dict[str, Any]) -> bool:
            try:
                self._check(trial_of(values), build)
            except (Failed, KernelFailed):
                return True
            except Unusable:
                return False
            return False

        simpler = simplified(self._failing, self._property.domain, fails)
        if simpler is not self._failing:
            self.hold(trial_of(simpler), build)

    def _check(self, trial: Trial, build: Builder) -> Outcome | None:
        """Hold one example against the property; None where `where` leaves it out."""
        prop = self._property
        if "where" in prop.expressions and not np.all(trial.scope.evaluate(prop.expressions["where"])):
            return None
        return build.check(trial)

    def _refute(self, trial: Trial, problem: Failed | KernelFailed) -> NoReturn:
        prop = self._property
        said = problem.said if isinstance(problem, Failed) else str(problem)
        self._evidence.counterexample(counterexample(trial.values))
        distance = problem.distance if isinstance(problem, Failed) else None
        bound = problem.bound if isinstance(problem, Failed) else None
        raise Refuted(said, stage=prop.equation.name, distance=distance, bound=bound) from None


def counterexample(values: Mapping[str, Any]) -> str:
    """What was drawn, one value after the other; of a large array its shape and its ends."""
    return "; ".join(f"{name} = {_shown(value)}" for name, value in values.items() if name != "alpha")


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return shown(value)
    if value.size > _WHOLE:
        return f"{shown(value)}, shape {list(value.shape)}"
    text = np.array2string(value, separator=", ", max_line_width=10_000, floatmode="unique").replace("\n", "")
    return f"{text} ({value.dtype})"
