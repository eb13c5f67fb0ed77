"""transformers over models that it makes and saves itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from given.progress import by_stage
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.model_file import ModelFile
    from apr.parity.isolated import Measurement
    from pv import Evidence, Mutant


@pytest.fixture(scope="session")
def saved_by_transformers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelFile]:
    """A tiny model of an architecture, made by transformers once a session."""
    from apr.engines.transformers.library import is_installed
    from apr.formats import open_model

    made: dict[str, ModelFile] = {}

    def find(architecture: str) -> ModelFile:
        if not is_installed():
            raise Inconclusive("no transformers", "torch and transformers are not installed: the extra [transformers]")
        from tinymodels.by_transformers import save_by_transformers

        if architecture not in made:
            folder: Path = tmp_path_factory.mktemp("transformers") / architecture
            made[architecture] = open_model(save_by_transformers(folder, architecture))
        return made[architecture]

    return find


@pytest.fixture
def measure_transformers(
    mutant: Mutant | None, evidence: Evidence, runtime: Path, saved_by_transformers: Callable[[str], ModelFile]
) -> Callable[[str, int], Measurement]:
    """The reference against transformers over n tokens, both in float64, stage by stage in isolation."""
    from apr.engines.reference import Reference
    from apr.models import load
    from apr.mutants.architectures import MUTANTS
    from apr.ops.arithmetic import F64
    from apr.parity.isolated import measure_isolated

    def measured(architecture: str, count: int) -> Measurement:
        file = saved_by_transformers(architecture)
        from apr.engines.transformers.engine import Transformers

        model = load(file, F64)
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        subject = Reference(file, F64, model if fault is None else fault.plant(model))
        oracle = Transformers(file, F64)
        for role, engine in (("subject", subject), ("oracle", oracle)):
            evidence.engine(role, engine.name, engine.build)
        evidence.input("source", runtime)
        tokens = [(37 * index + 11) % model.config.vocabulary for index in range(count)]
        capture = oracle.capture(tokens)
        return measure_isolated(subject, capture, by_stage(evidence, architecture, len(capture.stages)))

    return measured
