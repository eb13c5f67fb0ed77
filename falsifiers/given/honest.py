"""Honest pairs by the dozen, and what judges them: null models, limits and power, sound or with a claim's mutant planted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from given.oracle import require_avx2
from given.small_models import MAKER, MODELS
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.parity.honest import Comparison
    from pv import Evidence, Mutant

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "runtime" / "apr"


class Honest:
    """What falsifiers of null models draw from; everything is decided by the seed of each call."""

    def __init__(self, evidence: Evidence, captured: Callable[[str, int], tuple[ModelFile, Capture]]) -> None:
        self._evidence, self._captured = evidence, captured

    def products(self, weights: str, count: int, seed: int, **shape: Any) -> Iterator[Comparison]:
        """Random products in llama.cpp's kernel of a type; with F32 weights in numpy, in four orders.

        Args:
            weights: type name.
            count: how many, each against every judge.
            seed: decides about everything.
            **shape: positions, rows, columns, kind: all of them, or random ones.
        """
        import numpy as np

        from apr.engines.llama_cpp.kernels import open_kernels
        from apr.engines.llama_cpp.providers import find_provider
        from apr.errors import OracleError
        from apr.parity.honest import Shape, products

        try:
            provider = find_provider()
            kernels = open_kernels(provider)
        except OracleError as error:
            raise Inconclusive("no oracle", str(error)) from error
        if weights != "F32":  # there numpy adds on both sides
            self._evidence.engine("oracle", "ggml", provider.build)
        self._evidence.input("library", kernels.library)
        rng = np.random.Generator(np.random.PCG64(seed))
        for _ in range(count):
            yield from products(rng, weights, kernels, shape=Shape(**shape) if shape else None)

    def stages(self, model: str, count: int) -> Iterator[Comparison]:
        """Every stage of llama.cpp's capture of a tiny model over some tokens, against every judge."""
        from apr.models import load
        from apr.ops.arithmetic import ARITHMETICS
        from apr.parity.honest import JUDGES, stages

        file, capture = self._captured(model, count)
        for name in JUDGES:
            yield from stages(load(file, ARITHMETICS[name]), capture, model)

    def null(self, proxy: Any) -> Any:
        """A null model of these proxies, each error by itself."""
        from apr.parity.null import Null

        return Null(proxy, None, ())

    def tests(self, seen: Any, expected: Any, null: Any) -> Any:
        """The six tests of two sides."""
        from apr.parity.null import tests

        return tests(seen, expected, null)

    def limit(self, test: Any, alpha_each: float) -> float:
        """Beyond which a test raises an alarm."""
        from apr.parity.null import limits

        return limits.limit(test, alpha_each)

    def power(self, tests: Any, alpha_each: float) -> Any:
        """What the tests say they would have caught."""
        from apr.parity.null import limits

        return limits.power(tests, alpha_each)


@pytest.fixture
def honest(
    mutant: Mutant | None,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    small_file: Callable[[str], ModelFile],
    small_oracle: Callable[[str], Any],
    small_captures: Callable[[str, int], Capture],
) -> Honest:
    """Honest pairs, judged by null models with the claim's mutant in them if there is one."""
    from apr.engines.reference import Reference
    from apr.mutants.nulls import MUTANTS

    evidence.engine("subject", Reference.name, Reference.build)
    evidence.input("source", RUNTIME)
    if mutant is not None and mutant.id in MUTANTS:
        monkeypatch.setattr(*MUTANTS[mutant.id].planted())

    def captured(model: str, count: int) -> tuple[ModelFile, Capture]:
        require_avx2(small_oracle(model).engine())
        path = small_file(model).path
        evidence.input("fixture", path if path.parent == MODELS else MAKER)
        return small_file(model), small_captures(model, count)

    return Honest(evidence, captured)
