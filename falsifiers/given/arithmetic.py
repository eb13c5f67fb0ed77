"""Quantised arithmetic: models whose matrices all have one type, and the functions that are held against ggml's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.oracle import Oracle, require_avx2
from given.progress import by_stage
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from apr.capture import Capture
    from apr.engines.llama_cpp.kernels import Kernels
    from apr.formats.model_file import ModelFile
    from apr.parity.isolated import Measurement
    from given.captures import SoundCaptures
    from pv import Evidence, Mutant

ROOT = Path(__file__).resolve().parents[2]
MAKER, RUNTIME = ROOT / "fixtures" / "tinymodels", ROOT / "runtime" / "apr"
MASSIVE = (5, 77, 130)  # channels


class OfType(NamedTuple):
    """A model of one type, and llama.cpp's captures of it by number of tokens."""

    file: ModelFile
    oracle: Oracle
    captures: dict[int, Capture]


@pytest.fixture(scope="session")
def models_of_type(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., OfType]]:
    """Models whose matrices all have one type: two layers, 256 wide, 512 within; made once a session."""
    from apr.errors import OracleAbsent
    from apr.formats import open_model
    from tinymodels import Spec, write_model

    folder = tmp_path_factory.mktemp("types")
    made: dict[str, OfType] = {}

    def find(weights: str, *, massive: bool, layers: int) -> OfType:
        name = f"{weights}-{layers}{'-massive' if massive else ''}"
        if name not in made:
            spec = Spec(
                weights=weights, hidden=256, feed_forward=512, layers=layers, massive=MASSIVE if massive else ()
            )
            try:
                file = open_model(write_model(folder / f"{name}.gguf", spec))
            except OracleAbsent as error:
                raise Inconclusive("no oracle", f"only its quantiser can make {weights}: {error}") from error
            made[name] = OfType(file, Oracle(file, None), {})
        return made[name]

    yield find
    for model in made.values():
        model.oracle.close()


@pytest.fixture
def measure_type(
    mutant: Mutant | None, evidence: Evidence, models_of_type: Callable[..., OfType], taken_once: SoundCaptures
) -> Callable[..., Measurement]:
    """The reference against llama.cpp over a model of one type, stage by stage in isolation.

    The function that is handed out takes the type, the number of tokens, and by name: `massive` for a few channels that
    are many times the others, `rounded=False` for a reference that does not round activations, `layers`.
    """
    from apr.engines.reference import Reference
    from apr.models import load
    from apr.mutants.arithmetic import MUTANTS, not_rounded, rounding
    from apr.ops.arithmetic import GGML
    from apr.parity.isolated import measure_isolated

    def measure(
        weights: str, count: int, *, massive: bool = False, rounded: bool = True, layers: int = 2
    ) -> Measurement:
        found = models_of_type(weights, massive=massive, layers=layers)
        engine = found.oracle.engine()
        require_avx2(engine)
        evidence.engine("oracle", engine.name, f"{engine.build}, {' '.join(sorted(engine.instructions))}")
        evidence.input("library", engine.provider.library)
        evidence.input("fixture", MAKER)
        evidence.input("source", RUNTIME)
        model = load(found.file, GGML)
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        if fault is not None and fault.weights == weights:
            model = fault.plant(model)
        subject = Reference(found.file, GGML, model if rounded else rounding(not_rounded)(model))
        evidence.engine("subject", subject.name, subject.build)
        if count not in found.captures:
            vocabulary = found.file.tensors["token_embd.weight"].shape[0]
            found.captures[count] = taken_once.take(found.oracle, [(37 * n + 11) % vocabulary for n in range(count)])
        capture = found.captures[count]
        return measure_isolated(subject, capture, by_stage(evidence, weights, len(capture.stages)))

    return measure


class BothSides:
    """The same function by our side and by ggml's, in the same bytes.

    Attributes:
        roundings: formats that activations are rounded to.
        types: types that both sides decode.
    """

    def __init__(self, kernels: Kernels, fault: Any) -> None:
        from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS
        from apr.quant.blocks import FORMATS

        self._kernels, self._fault = kernels, fault
        self.roundings = (*PLAIN_ROUNDINGS, *BLOCK_ROUNDINGS)
        self.types = tuple(name for name in FORMATS if name != "F32")

    def rounded(self, x: NDArray[np.float32], rounding: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """[rows, bytes] ours and theirs; 16-bit floats widened to 32 on both sides."""
        from apr.engines.llama_cpp.kernels import packed
        from apr.mutants.kernels import rounding_of
        from apr.quant.activations import Rounded

        ours, theirs = rounding_of(self._fault, rounding)(x), self._kernels.round_activations(x, rounding)
        if isinstance(ours, Rounded):
            return packed(ours, rounding), theirs
        return _as_bytes(ours), _as_bytes(self._kernels.dequantise(theirs, rounding))

    def encoded(self, x: NDArray[np.float32], type_name: str) -> NDArray[np.uint8]:
        """[rows, bytes a row], by ggml's quantiser."""
        from apr.engines.llama_cpp.kernels import quantise

        return quantise(x, type_name)

    def decoded(self, raw: NDArray[np.uint8], type_name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """[rows, bytes of float32] ours and theirs."""
        from apr.mutants.kernels import DecodingMutant
        from apr.quant.dequantise import by_gguf

        decode = self._fault.plant() if isinstance(self._fault, DecodingMutant) else by_gguf
        return _as_bytes(decode(raw, type_name)), _as_bytes(self._kernels.dequantise(raw, type_name))


def _as_bytes(numbers: NDArray[np.float32]) -> NDArray[np.uint8]:
    import numpy as np

    return np.ascontiguousarray(numbers).view(np.uint8)


@pytest.fixture
def both_sides(mutant: Mutant | None, evidence: Evidence) -> BothSides:
    """Our functions beside those of the first provider of llama.cpp, with the claim's mutant among ours."""
    from apr.engines.llama_cpp.kernels import open_kernels
    from apr.engines.llama_cpp.providers import find_provider
    from apr.engines.reference import Reference
    from apr.errors import OracleError
    from apr.mutants.kernels import MUTANTS

    try:
        provider = find_provider()
        kernels = open_kernels(provider)
    except OracleError as error:
        raise Inconclusive("no oracle", str(error)) from error
    evidence.engine("subject", Reference.name, Reference.build)
    evidence.engine("oracle", "ggml", provider.build)
    evidence.input("library", provider.library)
    evidence.input("source", RUNTIME)
    return BothSides(kernels, MUTANTS.get(mutant.id) if mutant is not None else None)
