"""Faults of quantised arithmetic are found where they were planted, and faults of functions change bits of their format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.llama_cpp.kernels import open_kernels, packed, quantise
from apr.engines.llama_cpp.providers import providers
from apr.engines.reference import Reference
from apr.formats.gguf import GgufFile, read_gguf
from apr.models import load
from apr.mutants import arithmetic, kernels
from apr.ops.arithmetic import GGML
from apr.parity.isolated import measure_isolated
from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS, Rounded
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Capture

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not providers(), reason="no llama.cpp library, whose quantiser makes K-quants"),
]
TOKENS = [(7 * i + 3) % 250 for i in range(8)]


@pytest.fixture(scope="module")
def of_type(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[GgufFile, Capture]]:
    """A model of one type, and the sound reference's own stages in the place of an oracle's."""
    folder: Path = tmp_path_factory.mktemp("types")
    made: dict[str, tuple[GgufFile, Capture]] = {}

    def find(weights: str) -> tuple[GgufFile, Capture]:
        if weights not in made:
            spec = maker.Spec(weights=weights, hidden=256, feed_forward=512)
            file = read_gguf(maker.write_model(folder / f"{weights}.gguf", spec))
            made[weights] = file, Reference(file, GGML).capture(TOKENS)
        return made[weights]

    return find


@pytest.mark.parametrize("name", arithmetic.MUTANTS)
def test_a_fault_is_found_where_it_was_planted(of_type: Callable[[str], tuple[GgufFile, Capture]], name: str) -> None:
    fault = arithmetic.MUTANTS[name]
    file, capture = of_type(fault.weights)
    sound = load(file, GGML)
    measured = measure_isolated(Reference(file, GGML, fault.plant(sound)), capture)
    first = next(row for row in measured.rows if not row.difference.bit_identical)
    assert (first.key.stage, first.key.layer) == (fault.stage, fault.layer)
    assert not first.difference.relative_rms <= 1e-6  # NaN is further off than any number
    assert all(row.difference.bit_identical for row in measure_isolated(Reference(file, GGML, sound), capture).rows)


def test_sums_are_only_planted_where_minima_are(of_type: Callable[[str], tuple[GgufFile, Capture]]) -> None:
    file, _ = of_type("Q8_0")
    faulty = arithmetic.MUTANTS["q8_1-sums-of-activations"].plant(load(file, GGML))
    with pytest.raises(ValueError, match="no minima"):
        Reference(file, GGML, faulty).capture(TOKENS)


ROUNDINGS = [name for name, fault in kernels.MUTANTS.items() if isinstance(fault, kernels.RoundingMutant)]
DECODINGS = [name for name, fault in kernels.MUTANTS.items() if isinstance(fault, kernels.DecodingMutant)]


@pytest.mark.parametrize("name", ROUNDINGS)
def test_a_faulty_rounding_differs_in_its_format_alone(name: str) -> None:
    fault = kernels.MUTANTS[name]
    x = np.random.Generator(np.random.PCG64(1)).standard_normal((200, 1024)).astype(np.float32)
    x[100:].view(np.uint32)[:] &= np.uint32(0xFFFF0000)
    x[100:].view(np.uint32)[:] |= np.uint32(0x8000)
    for rounding in (*BLOCK_ROUNDINGS, *PLAIN_ROUNDINGS):
        got, sound = (kernels.rounding_of(who, rounding)(x) for who in (fault, None))
        if isinstance(got, Rounded) and isinstance(sound, Rounded):
            same = bool((packed(got, rounding) == packed(sound, rounding)).all())
            assert np.allclose(got.values, sound.values, atol=0.05), "it should be nearly right"
        else:
            same = np.array_equal(got, sound)  # type: ignore[arg-type] # both are arrays
        assert same == (rounding != fault.stage)


@pytest.mark.parametrize("name", DECODINGS)
def test_a_faulty_decoder_differs_in_its_type_alone(name: str) -> None:
    fault = kernels.MUTANTS[name]
    assert isinstance(fault, kernels.DecodingMutant)
    x = np.random.Generator(np.random.PCG64(2)).standard_normal((4, 512)).astype(np.float32)
    decode = fault.plant()
    for kind in ("Q5_0", "Q5_K", "Q3_K", "Q6_K", "Q4_K", "Q8_0"):
        raw = quantise(x, kind)
        before = raw.copy()
        assert bool((decode(raw, kind) == by_gguf(raw, kind)).all()) == (kind != fault.stage)
        assert (raw == before).all()
    assert kernels.rounding_of(fault, "Q8_K") is BLOCK_ROUNDINGS["Q8_K"]


def test_the_portable_rounding_is_ggmls_own() -> None:
    """What the mutant does is what `quantize_row_q8_0_ref` does: quantising weights goes through it."""
    x = np.random.Generator(np.random.PCG64(3)).standard_normal((300, 1024)).astype(np.float32)
    fault = kernels.MUTANTS["q8_0-as-in-the-c-reference"]
    assert isinstance(fault, kernels.RoundingMutant)
    faulty = fault.change(x)
    assert isinstance(faulty, Rounded)
    assert (packed(faulty, "Q8_0") == open_kernels().quantise(x, "Q8_0")).all()
