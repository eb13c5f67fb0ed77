"""The reference over the real model in any of its arithmetics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Capture
    from apr.engines.reference import Reference
    from apr.formats.model_file import ModelFile
    from apr.models import Model
    from pv import Evidence, Mutant


@pytest.fixture(scope="session")
def sound_models(model_file: ModelFile) -> Callable[[str], Model]:
    """The real model in an arithmetic, loaded once."""
    from apr.models import load
    from apr.ops.arithmetic import arithmetic

    loaded: dict[str, Model] = {}

    def find(rounding: str) -> Model:
        if rounding not in loaded:
            loaded[rounding] = load(model_file, arithmetic(rounding))
        return loaded[rounding]

    return find


@pytest.fixture
def subject_in(
    mutant: Mutant | None,
    evidence: Evidence,
    model_file: ModelFile,
    sound_models: Callable[[str], Model],
    runtime: Path,
) -> Callable[[str], Reference]:
    """The reference in an arithmetic, with the claim's mutant planted in it if there is one."""
    from apr.engines.reference import Reference
    from apr.mutants.model import MUTANTS

    def build(rounding: str) -> Reference:
        model = sound_models(rounding)
        if mutant is not None:
            model = MUTANTS[mutant.id].plant(model)
        engine = Reference(model_file, model.arithmetic, model)
        evidence.engine("subject", f"{engine.name} {rounding}", engine.build)
        evidence.input("source", runtime)
        evidence.input("model", model_file.path)
        return engine

    return build


@pytest.fixture(scope="session")
def run_in_f64(
    model_file: ModelFile, sound_models: Callable[[str], Model], prose_tokens: Callable[[int], list[int]]
) -> Callable[[int], Capture]:
    """All stages of the first n tokens of prose in float64, run once."""
    from apr.engines.reference import Reference

    taken: dict[int, Any] = {}

    def run(count: int) -> Any:
        if count not in taken:
            model = sound_models("f64")
            taken[count] = Reference(model_file, model.arithmetic, model).capture(prose_tokens(count))
        return taken[count]

    return run
