"""Every planted fault changes what it says it changes, and a comparison in isolation names the place."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from apr import mutants
from apr.engines.reference import Reference
from apr.errors import NotComparable
from apr.formats.gguf import GgufFile, read_gguf
from apr.mutants import captures, library, model
from apr.ops.arithmetic import F32, GGML
from apr.parity.comparable import check_provenance
from apr.parity.isolated import compare_free_runs, measure_isolated

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Capture
    from apr.stages import StageKey

ROOT = Path(__file__).resolve().parents[3]
TOKENS = [(7 * i + 3) % 250 for i in range(64)]


@pytest.fixture(scope="module")
def file(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> GgufFile:
    """Thirty layers, as the mutants expect, and small."""
    path = tmp_path_factory.mktemp("mutants") / "deep.gguf"
    spec = maker.Spec(weights="Q4_1", layers=30, hidden=128, theta=100000.0)
    return read_gguf(maker.write_model(path, spec))


@pytest.fixture(scope="module")
def sound(file: GgufFile) -> Reference:
    return Reference(file, GGML)


@pytest.fixture(scope="module")
def capture(sound: Reference) -> Capture:
    """Stands in for the oracle: the sound reference's own stages."""
    return sound.capture(TOKENS)


def test_the_sound_reference_is_bit_identical(sound: Reference, capture: Capture) -> None:
    told: list[StageKey] = []
    measured = measure_isolated(sound, capture, told.append)
    assert told == [row.key for row in measured.rows]
    assert not measured.missing
    assert all(row.difference.bit_identical for row in measured.rows)
    assert measured.elements == sum(array.size for array in capture.stages.values())


@pytest.mark.parametrize("name", model.MUTANTS)
def test_a_fault_is_found_where_it_was_planted(file: GgufFile, sound: Reference, capture: Capture, name: str) -> None:
    fault = model.MUTANTS[name]
    measured = measure_isolated(Reference(file, GGML, fault.plant(sound.model)), capture)
    first = next(row for row in measured.rows if not row.difference.bit_identical)
    assert (first.key.stage, first.key.layer) == (fault.stage, fault.layer)
    # and planting leaves the sound model as it was
    assert measure_isolated(sound, capture).rows[0].difference.bit_identical


@pytest.mark.parametrize("name", captures.MUTANTS)
def test_a_fault_of_a_capture_changes_its_stage_alone(sound: Reference, capture: Capture, name: str) -> None:
    fault = captures.MUTANTS[name]
    tampered = captures.Tampered(sound, fault)
    runs = [tampered.tamper(capture) for _ in range(fault.calls_spared + 1)]
    for spared in runs[:-1]:
        assert spared is capture
    changed = runs[-1].stages
    assert {key for key in capture.stages if key not in changed or changed[key] is not capture[key]} == {fault.key}
    assert dict(tampered.stream(TOKENS)).keys() == changed.keys()


def test_a_lost_stage_or_row_is_missing_and_not_equal(sound: Reference, capture: Capture) -> None:
    for name, reason in (("stage-lost", "was not captured"), ("row-lost", "instead of")):
        fault = captures.MUTANTS[name]
        measured = measure_isolated(sound, captures.Tampered(sound, fault).tamper(capture))
        assert not measured.rows
        assert [(key, reason in text) for key, text in measured.missing] == [(fault.key, True)]


def test_every_mutant_of_a_contract_exists_and_every_mutant_is_used() -> None:
    known = {
        name: (fault.stage, fault.layer)
        for module in pkgutil.iter_modules(mutants.__path__)
        if module.name != "library"
        for name, fault in getattr(importlib.import_module(f"apr.mutants.{module.name}"), "MUTANTS", {}).items()
    }
    known["rules-are-silent"] = ("validate", None)  # of the harness, planted by the root conftest
    named = {
        entry["id"]: (entry["stage"], entry.get("layer"))
        for _, entry in planted()
        if entry["id"] not in library.MUTANTS
    }
    assert named == known
    assert not set(known) & set(library.MUTANTS)


def test_every_fault_of_the_library_is_used_and_stands_in_a_function_of_its_subject() -> None:
    """Its stage is the equation that a claim is about; one function can be part of several."""
    used = {
        entry["id"]: contract.get("subject", "kernels")
        for contract, entry in planted()
        if entry["id"] in library.MUTANTS
    }
    assert set(used) == set(library.MUTANTS)
    for name, subject in used.items():
        module = importlib.import_module("apr.kernels" if subject == "kernels" else f"apr.kernels.{subject}")
        assert callable(getattr(module, library.MUTANTS[name].function, None)), name
        assert library.MUTANTS[name].name == name


def planted() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every mutant that a claim names, with its contract."""
    return [
        (contract, entry)
        for path in sorted((ROOT / "contracts").glob("*.yaml"))
        for contract in [yaml.safe_load(path.read_text(encoding="utf-8"))]
        for claim in contract["falsification_tests"]
        for entry in claim.get("mutants", [])
    ]


def test_an_unknown_fault_of_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "apr.mutants.program", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "noisy-writer" in done.stderr


def test_what_must_not_be_compared(
    file: GgufFile, sound: Reference, capture: Capture, tiny_llama: Callable[..., Path]
) -> None:
    with pytest.raises(NotComparable, match="arithmetic"):
        measure_isolated(Reference(file, F32), capture)
    with pytest.raises(NotComparable, match="model sha256"):
        measure_isolated(Reference(read_gguf(tiny_llama()), GGML), capture)
    with pytest.raises(NotComparable, match="tokens"):
        check_provenance(sound.provenance([1]), capture.provenance)


def test_other_files_with_the_same_weights_may_be_compared(capture: Capture) -> None:
    here = capture.provenance
    other = dataclasses.replace(here, model_sha256="0" * 64)
    assert check_provenance(other, here) == ()
    for weights in ("1" * 64, None):
        with pytest.raises(NotComparable, match="model sha256"):
            check_provenance(dataclasses.replace(other, weights_sha256=weights), here)
    with pytest.raises(NotComparable, match="model sha256"):  # silence on both sides says nothing
        check_provenance(
            dataclasses.replace(other, weights_sha256=None), dataclasses.replace(here, weights_sha256=None)
        )


def test_free_runs_are_described(file: GgufFile, sound: Reference, capture: Capture) -> None:
    same = compare_free_runs(capture, capture)
    assert (same.relative_rms, same.argmax_agrees, same.positions) == (0.0, 64, 64)
    assert same.min_cosine == pytest.approx(1.0, abs=1e-15)
    faulty = Reference(file, GGML, model.MUTANTS["gelu-for-silu"].plant(sound.model)).capture(TOKENS)
    other = compare_free_runs(faulty, capture)
    assert other.min_cosine < 0.999
    head = capture.keys_in_order()[-1]
    cosines = [
        float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
        for a, b in zip(faulty[head], capture[head], strict=True)
    ]
    assert other.worst_position == int(np.argmin(cosines))
