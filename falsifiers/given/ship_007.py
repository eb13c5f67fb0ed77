"""One model of four layers, as .apr here and as .gguf in llama.cpp, with what was suspected of the .apr path planted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.oracle import Oracle
from given.parity import MAKER, Expected, Pair, expectation
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.parity.sides import Side
    from given.captures import SoundCaptures
    from pv import Evidence, Mutant

POSITIONS = 7  # as many as the prompt had that the story began with
MASSIVE = "llama-massive-q4_k_m"


class Shipped(NamedTuple):
    """One model in both formats, llama.cpp over the latter, and what both run."""

    apr: ModelFile
    gguf: ModelFile
    oracle: Oracle
    tokens: list[int]
    capture: Callable[[], Capture]


@pytest.fixture(scope="session")
def shipped(
    tmp_path_factory: pytest.TempPathFactory, imported: Callable[..., Any], taken_once: SoundCaptures
) -> Iterator[Shipped]:
    """A qwen2 with biases in Q4_K_M, made once a session, and imported with its weights as they are."""
    from apr.errors import OracleAbsent
    from apr.formats import open_model
    from tinymodels import standard, write_model

    path = tmp_path_factory.mktemp("shipped") / "shipped.gguf"
    try:
        gguf = open_model(write_model(path, standard("qwen2", "Q4_K_M", layers=4)))
    except OracleAbsent as error:
        raise Inconclusive("no oracle", f"only its quantiser can make Q4_K_M: {error}") from error
    oracle, taken = Oracle(gguf, None), list[Any]()
    vocabulary = gguf.tensors["token_embd.weight"].shape[0]
    tokens = [(37 * index + 11) % vocabulary for index in range(POSITIONS)]

    def capture() -> Capture:
        if not taken:
            taken.append(taken_once.take(oracle, tokens))
        found: Capture = taken[0]
        return found

    yield Shipped(open_model(imported(path, "gguf").path), gguf, oracle, tokens, capture)
    oracle.close()


@pytest.fixture
def apr_path(mutant: Mutant | None, evidence: Evidence, shipped: Shipped) -> ModelFile:
    """The .apr file as the loader sees it, with the claim's mutant in the loader if it is one of loaders."""
    from apr.mutants.loading import LoadingMutant
    from apr.mutants.ship_007 import MUTANTS

    evidence.input("fixture", MAKER)
    fault = None if mutant is None else MUTANTS.get(mutant.id)
    return fault.change(shipped.apr) if isinstance(fault, LoadingMutant) else shipped.apr


@pytest.fixture
def gguf_path(shipped: Shipped) -> ModelFile:
    """The .gguf file."""
    return shipped.gguf


@pytest.fixture
def shipped_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    shipped: Shipped,
    reference_side: Callable[..., Side],
    llama_side: Callable[..., Side],
) -> Callable[[], Pair]:
    """The .apr path against llama.cpp over the .gguf file; a kernel that is suspected, or a head misread, is in the former."""
    from apr.mutants import model, ship_007
    from apr.mutants.planting import Mutant as Planted

    def build() -> Pair:
        evidence.input("fixture", MAKER)
        fault = None if mutant is None else (ship_007.MUTANTS | model.MUTANTS).get(mutant.id)
        fault = fault if isinstance(fault, Planted) else None
        oracle = llama_side(shipped.oracle, shipped.gguf)
        expected = None if fault is None else expectation(fault, POSITIONS)
        subject = reference_side(shipped.apr, "ggml", fault)
        return Pair(subject, oracle, shipped.tokens, {oracle.spec: shipped.capture()}, expected)

    return build


@pytest.fixture
def two_runs(
    mutant: Mutant | None, shipped: Shipped, reference_side: Callable[..., Side]
) -> Callable[[], list[Capture]]:
    """The .apr path, captured twice."""
    from apr.mutants.captures import CaptureMutant, Tampered
    from apr.mutants.ship_007 import MUTANTS

    def run() -> list[Capture]:
        engine: Any = reference_side(shipped.apr, "ggml").engine
        fault = None if mutant is None else MUTANTS.get(mutant.id)
        if isinstance(fault, CaptureMutant):
            engine = Tampered(engine, fault)
        return [engine.capture(shipped.tokens) for _ in range(2)]

    return run


@pytest.fixture(scope="session")
def last_only() -> Callable[[Pair], Pair]:
    """A pair whose oracle kept the last position alone, as the .gguf path once did."""
    import dataclasses

    from apr.capture import Capture

    def build(pair: Pair) -> Pair:
        whole = pair.captured[pair.oracle.spec]
        here = whole.provenance
        last = dataclasses.replace(here, tokens=here.tokens[-1:], positions=here.positions[-1:])
        stages = {key: array[-1:] for key, array in whole.stages.items()}
        return pair._replace(captured={pair.oracle.spec: Capture(last, stages)})

    return build


@pytest.fixture
def massive_pair(
    mutant: Mutant | None,
    evidence: Evidence,
    small_file: Callable[[str], ModelFile],
    some_tokens: Callable[[str, int], list[int]],
    reference_side: Callable[..., Side],
) -> Callable[[], Pair]:
    """Activations kept in float32 against a reference in float64, over a model with massive channels; a fault is in the latter."""
    from apr.mutants.planting import Mutant as Planted
    from apr.mutants.ship_007 import MUTANTS

    def build() -> Pair:
        file = small_file(MASSIVE)
        evidence.input("fixture", file.path)
        fault = None if mutant is None else MUTANTS.get(mutant.id)
        fault = fault if isinstance(fault, Planted) else None
        subject = reference_side(file, "f32")
        oracle = reference_side(file, "f64", fault, "oracle")
        expected = None if fault is None else Expected(fault.kinds, None, "oracle", "activation rounding")
        return Pair(subject, oracle, some_tokens(MASSIVE, 24), {}, expected)

    return build
