"""The tiny models of `fixtures/models`, and engines over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from given.oracle import Oracle, require_avx2
from given.progress import by_stage
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from apr.capture import Capture
    from apr.engines.reference import Reference
    from apr.errors import DenseOnExperts
    from apr.formats.model_file import ModelFile
    from apr.parity.isolated import Measurement
    from given.captures import SoundCaptures
    from pv import Evidence, Mutant

ROOT = Path(__file__).resolve().parents[2]
MODELS, MAKER, RUNTIME = ROOT / "fixtures" / "models", ROOT / "fixtures" / "tinymodels", ROOT / "runtime" / "apr"


@pytest.fixture(scope="session")
def small_path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of a model of `tinymodels.FILES`; what is not committed is made, once a session."""
    from apr.errors import OracleAbsent
    from tinymodels import FILES

    folder = tmp_path_factory.mktemp("small")

    def find(name: str) -> Path:
        file = FILES[name]
        path = (MODELS if file.committed else folder) / f"{name}.gguf"
        if not path.exists():
            try:
                file.make(path)
            except OracleAbsent as error:
                raise Inconclusive("no oracle", f"only its quantiser can make {name}: {error}") from error
        return path

    return find


@pytest.fixture(scope="session")
def small_file(small_path: Callable[[str], Path]) -> Callable[[str], ModelFile]:
    """A tiny model, opened once."""
    from apr.formats import open_model

    opened: dict[str, ModelFile] = {}

    def find(name: str) -> ModelFile:
        if name not in opened:
            opened[name] = open_model(small_path(name))
        return opened[name]

    return find


@pytest.fixture(scope="session")
def some_tokens(small_file: Callable[[str], ModelFile]) -> Callable[[str, int], list[int]]:
    """Token ids that walk through a tiny model's vocabulary: the first n of a fixed sequence."""

    def first(name: str, count: int) -> list[int]:
        vocabulary = small_file(name).tensors["token_embd.weight"].shape[0]
        return [(37 * index + 11) % vocabulary for index in range(count)]

    return first


@pytest.fixture
def small_subject(
    mutant: Mutant | None, evidence: Evidence, small_file: Callable[[str], ModelFile]
) -> Callable[..., Reference]:
    """The reference over a tiny model in an arithmetic, with the claim's mutant planted where it fits the model."""
    from apr.engines.reference import Reference
    from apr.models import load
    from apr.mutants.architectures import MUTANTS
    from apr.ops.arithmetic import arithmetic

    def build(name: str, rounding: str = "ggml") -> Reference:
        file = small_file(name)
        model = load(file, arithmetic(rounding))
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        if fault is not None and fault.model == name:
            model = fault.plant(model)
        engine = Reference(file, model.arithmetic, model)
        evidence.engine("subject", engine.name, engine.build)
        evidence.input("source", RUNTIME)
        evidence.input("fixture", file.path if file.path.parent == MODELS else MAKER)
        return engine

    return build


@pytest.fixture(scope="session")
def small_oracles(small_file: Callable[[str], ModelFile]) -> Iterator[Callable[[str], Oracle]]:
    """llama.cpp over a tiny model, opened once."""
    opened: dict[str, Oracle] = {}

    def find(name: str) -> Oracle:
        if name not in opened:
            opened[name] = Oracle(small_file(name), None)
        return opened[name]

    yield find
    for oracle in opened.values():
        oracle.close()


@pytest.fixture(scope="session")
def small_captures(
    small_oracles: Callable[[str], Oracle], some_tokens: Callable[[str, int], list[int]], taken_once: SoundCaptures
) -> Callable[[str, int], Capture]:
    """llama.cpp's capture of a tiny model over n tokens, taken once."""
    taken: dict[tuple[str, int], Capture] = {}

    def capture(name: str, count: int) -> Capture:
        if (name, count) not in taken:
            taken[name, count] = taken_once.take(small_oracles(name), some_tokens(name, count))
        return taken[name, count]

    return capture


@pytest.fixture
def small_oracle(evidence: Evidence, small_oracles: Callable[[str], Oracle]) -> Callable[[str], Oracle]:
    """llama.cpp over a tiny model, entered into the evidence."""

    def find(name: str) -> Oracle:
        engine = small_oracles(name).engine()
        evidence.engine("oracle", engine.name, f"{engine.build}, {' '.join(sorted(engine.instructions))}")
        evidence.input("library", engine.provider.library)
        return small_oracles(name)

    return find


@pytest.fixture
def measure_against_llama_cpp(
    small_oracle: Callable[[str], Oracle], small_captures: Callable[[str, int], Capture], evidence: Evidence
) -> Callable[[Reference, str, int], Measurement]:
    """A reference against llama.cpp over n tokens of a tiny model, stage by stage in isolation."""
    from apr.parity.isolated import measure_isolated

    def measured(subject: Reference, name: str, count: int) -> Measurement:
        require_avx2(small_oracle(name).engine())
        capture = small_captures(name, count)
        return measure_isolated(subject, capture, by_stage(evidence, name, len(capture.stages)))

    return measured


@pytest.fixture
def measure_small(
    small_subject: Callable[..., Reference], measure_against_llama_cpp: Callable[[Reference, str, int], Measurement]
) -> Callable[[str, int], Measurement]:
    """The same with the reference over the same file."""
    return lambda name, count: measure_against_llama_cpp(small_subject(name), name, count)


@pytest.fixture(scope="session")
def measure_isolated() -> Callable[[Reference, Capture], Measurement]:
    """A reference against a capture, stage by stage in isolation."""
    from apr.parity import isolated

    return isolated.measure_isolated


@pytest.fixture(scope="session")
def decoded(small_path: Callable[[str], Path]) -> Callable[[str], Callable[[str], NDArray[np.float64]]]:
    """Tensors of a tiny model as float64, read and decoded by the `gguf` library alone."""

    def of_model(name: str) -> Callable[[str], NDArray[np.float64]]:
        import gguf
        import numpy as np

        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(small_path(name)).tensors}

        def of_tensor(tensor_name: str) -> NDArray[np.float64]:
            tensor = tensors[tensor_name]
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            return np.asarray(values, np.float64).reshape([int(n) for n in reversed(tensor.shape)])

        return of_tensor

    return of_model


@pytest.fixture
def without_expert(
    small_subject: Callable[..., Reference],
) -> Callable[[str, str], tuple[Reference, Iterator[tuple[int, Reference]]]]:
    """A subject, and the same one with each expert of its last layer silenced in turn: its down matrix is all zero bytes."""
    import copy

    import numpy as np

    from apr.engines.reference import Reference

    def silence(name: str, rounding: str) -> tuple[Reference, Iterator[tuple[int, Reference]]]:
        sound = small_subject(name, rounding)
        config = sound.model.config
        tensor = f"blk.{config.n_layers - 1}.ffn_down_exps.weight"
        experts = config.experts.count if config.experts else 0

        def each() -> Iterator[tuple[int, Reference]]:
            for expert in range(experts):
                raw = np.array(sound.model.weights.raw(tensor))
                raw.reshape(experts, -1)[expert] = 0
                model = copy.copy(sound.model)
                model.weights = sound.model.weights.with_raw(tensor, raw)
                yield expert, Reference(sound.file, model.arithmetic, model)

        return sound, each()

    return silence


@pytest.fixture(scope="session")
def experts_called_dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose metadata says `qwen3`, without a word about experts, and whose tensors are those of `qwen3moe-q4_k_m`."""
    from tinymodels import FILES, standard, tensors, write_model

    spec = FILES["qwen3moe-q4_k_m"].spec
    sizes = {"heads": spec.heads, "tied": spec.tied}
    path = tmp_path_factory.mktemp("dense") / "experts-called-dense.gguf"
    return write_model(path, standard("qwen3", "F16", **sizes), tensors(spec))


@pytest.fixture
def refusal_of_experts(
    mutant: Mutant | None, evidence: Evidence, monkeypatch: pytest.MonkeyPatch, experts_called_dense: Path
) -> Callable[[], DenseOnExperts | None]:
    """What the runtime raises against experts on a dense path; None where it takes them."""
    from apr.errors import DenseOnExperts
    from apr.formats import open_model
    from apr.models import load
    from apr.mutants.refusals import MUTANTS
    from apr.ops.arithmetic import F32

    evidence.input("source", RUNTIME)
    if mutant is not None:
        monkeypatch.setattr("apr.models.base.DenseOnExperts", MUTANTS[mutant.id].make)

    def attempt() -> DenseOnExperts | None:
        try:
            load(open_model(experts_called_dense), F32)
        except DenseOnExperts as error:
            return error
        return None

    return attempt
