"""The falsifier of every claim that is executable as it stands in its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from pv.properties.builders import builder
from pv.properties.draw import examples as drawn_from
from pv.properties.kernels import KernelFailed, Kernels
from pv.properties.profiles import examples, of_property
from pv.properties.substitute import shown
from pv.properties.trial import Failed, Outcome, Trial
from pv.signals import Refuted
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hypothesis.strategies import DrawFn

    from pv.evidence import Evidence
    from pv.formal.property import Property
    from pv.parse import Claim, Mutant
    from pv.properties.builders import Builder
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

    @of_property(on_a_mutant=mutant is not None)
    @given(_whole(prop, build))
    def holds(values: dict[str, Any]) -> None:
        tried.hold(Trial(prop, values, kernels, oracle), build)

    with np.errstate(all="ignore"):
        holds()
    tried.tell()


def _whole(prop: Property, build: Builder) -> st.SearchStrategy[dict[str, Any]]:
    """The domain, and what the builder draws beside it."""
    alpha = {"alpha": prop.keys["alpha"] / examples()} if "alpha" in prop.keys else {}
    domain = drawn_from(prop.domain)

    @st.composite
    def values(draw: DrawFn) -> dict[str, Any]:
        found = draw(domain)
        more = {} if prop.is_predicate else build.further(draw, prop, found)
        return {**found, **more, **alpha}

    return values()


def _record(evidence: Evidence, role: str, subject: Subject, root: Path) -> None:
    evidence.engine(role, f"{subject.name} ({subject.module.__name__})", subject.build, producer=subject.producer)
    for path in subject.sources(root):
        evidence.input("source", path)


class _Tried:
    """What was seen over all examples of a run."""

    def __init__(self, evidence: Evidence, prop: Property) -> None:
        self._evidence, self._property = evidence, prop
        self._examples = 0
        self._worst: float | None = None

    def hold(self, trial: Trial, build: Builder) -> None:
        """Hold one example against the property.

        Raises:
            Refuted: it does not hold.
        """
        prop = self._property
        if "where" in prop.expressions:
            assume(bool(np.all(trial.scope.evaluate(prop.expressions["where"]))))
        self._examples += 1
        try:
            outcome: Outcome = build.check(trial) if not prop.is_predicate else _predicate(trial)
        except (Failed, KernelFailed) as problem:
            self._refute(trial, problem)
        self._evidence.compared(outcome.compared, "values")
        if outcome.worst is not None:
            self._worst = outcome.worst if self._worst is None else max(outcome.worst, self._worst)

    def tell(self) -> None:
        """Record how many examples there were, and how close the worst came to its bound."""
        self._evidence.report(examples=self._examples)
        if self._worst is not None:
            self._evidence.worst(self._worst, bound=1.0, stage=self._property.equation.name)

    def _refute(self, trial: Trial, problem: Failed | KernelFailed) -> None:
        prop = self._property
        said = problem.said if isinstance(problem, Failed) else str(problem)
        self._evidence.counterexample(counterexample(trial.values))
        distance = problem.distance if isinstance(problem, Failed) else None
        bound = problem.bound if isinstance(problem, Failed) else None
        raise Refuted(said, stage=prop.equation.name, distance=distance, bound=bound) from None


def _predicate(trial: Trial) -> Outcome:
    """An obligation's own `formal` stands for what its type says."""
    from pv.properties.builders import predicate  # noqa: PLC0415  named like a builder, used as one

    return predicate.check(trial)


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
