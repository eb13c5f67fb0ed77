"""Exact arithmetic: free runs of the reference beside llama.cpp's, and the functions that they are made of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from given.oracle import Oracle, require_avx2
from given.progress import by_stage
from given.small_models import MAKER, MODELS
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from apr.capture import Array, Capture
    from apr.engines.llama_cpp.providers import Provider
    from apr.formats.model_file import ModelFile
    from apr.stages import StageKey
    from pv import Evidence, Mutant

    Stages = Iterator[tuple[StageKey, Array, Array]]
    Floats = NDArray[np.float32]

RUNTIME = Path(__file__).resolve().parents[2] / "runtime" / "apr"
REAL = "smollm2"


class ProbeModels:
    """The models of the self-test, and llama.cpp over them; made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._oracles: dict[str, Oracle] = {}
        self.files: dict[str, ModelFile] = {}

    def oracle(self, name: str) -> Oracle:
        """llama.cpp over one of them."""
        from apr.engines.llama_cpp import probe_models
        from apr.formats import open_model

        if name not in self._oracles:
            self.files[name] = open_model(probe_models.write(self._folder / f"{name}.gguf", name))
            self._oracles[name] = Oracle(self.files[name], None)
        return self._oracles[name]

    def close(self) -> None:
        """Ends what was opened."""
        for oracle in self._oracles.values():
            oracle.close()


@pytest.fixture(scope="session")
def probe_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeModels]:
    """One a session."""
    models = ProbeModels(tmp_path_factory.mktemp("probe"))
    yield models
    models.close()


def _beside(file: ModelFile, capture: Capture, mutant: Mutant | None, name: str, evidence: Evidence) -> Stages:
    """Each stage of a free run in arithmetic `exact`, the claim's mutant in it if there is one, and llama.cpp's."""
    from apr.engines.reference import Reference
    from apr.mutants.exact import MUTANTS, ExactMutant
    from apr.ops.arithmetic import EXACT

    subject = Reference(file, EXACT)
    evidence.engine("subject", subject.name, subject.build)
    evidence.input("source", RUNTIME)
    fault = MUTANTS.get(mutant.id) if mutant is not None else None
    if isinstance(fault, ExactMutant) and fault.model == name:
        subject = Reference(file, EXACT, fault.plant(subject.model))
    advance = by_stage(evidence, name, len(capture.stages))
    for key, array in subject.stream(capture.provenance.tokens):
        advance(key)
        yield key, array, capture[key]


def _enter(evidence: Evidence, oracle: Oracle) -> None:
    engine = oracle.engine()
    require_avx2(engine)
    evidence.engine("oracle", engine.name, f"{engine.build}, {' '.join(sorted(engine.instructions))}")
    evidence.input("library", engine.provider.library)


@pytest.fixture
def exact_real(
    mutant: Mutant | None,
    evidence: Evidence,
    model_file: ModelFile,
    sound_oracle: Oracle,
    sound_captures: Callable[[int], Capture],
) -> Callable[[int], Stages]:
    """Free runs over the first n tokens of the prose, by the real model."""

    def run(count: int) -> Stages:
        _enter(evidence, sound_oracle)
        evidence.input("model", model_file.path)
        return _beside(model_file, sound_captures(count), mutant, REAL, evidence)

    return run


@pytest.fixture
def exact_small(
    mutant: Mutant | None,
    evidence: Evidence,
    small_file: Callable[[str], ModelFile],
    small_oracles: Callable[[str], Oracle],
    small_captures: Callable[[str, int], Capture],
) -> Callable[[str, int], Stages]:
    """Free runs over n tokens, by a tiny model."""

    def run(name: str, count: int) -> Stages:
        _enter(evidence, small_oracles(name))
        path = small_file(name).path
        evidence.input("fixture", path if path.parent == MODELS else MAKER)
        return _beside(small_file(name), small_captures(name, count), mutant, name, evidence)

    return run


@pytest.fixture
def exact_probe(mutant: Mutant | None, evidence: Evidence, probe_models: ProbeModels) -> Callable[[str, int], Stages]:
    """Free runs over n tokens, by a model of the self-test, whose matrices take every type in turn."""

    def run(name: str, count: int) -> Stages:
        oracle = probe_models.oracle(name)
        _enter(evidence, oracle)
        capture = oracle.capture([(11 * n + 5) % 64 for n in range(count)])
        return _beside(probe_models.files[name], capture, mutant, name, evidence)

    return run


class ExactFunctions:
    """Ours beside C's."""

    def __init__(self, faults: dict[str, Callable[..., Any]], evidence: Evidence, probe_models: ProbeModels) -> None:
        self._faults, self._evidence, self._probe_models = faults, evidence, probe_models

    def _enter(self) -> Provider:
        """The library that is asked, recorded and built for AVX2."""
        oracle = self._probe_models.oracle("llama")
        _enter(self._evidence, oracle)
        return oracle.engine().provider

    def fma(self, a: Floats, b: Floats, c: Floats) -> tuple[Floats, Floats]:
        """Of three arrays of one shape: ours, and `fmaf` of the C library."""
        import ctypes
        import platform

        import numpy as np

        from apr.ops.exact.fused import fused_multiply_add

        function = ctypes.CDLL("libm.so.6").fmaf
        self._evidence.engine("oracle", "libm", " ".join(platform.libc_ver()), producer="the C library")
        self._evidence.input("library", _mapped("libm.so.6"))
        function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float] * 3
        theirs = np.array(
            [function(*three) for three in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)], np.float32
        )
        return self._faults.get("fma", fused_multiply_add)(a, b, c), theirs

    def exponential(self, x: Floats) -> tuple[Floats, Floats]:
        """Of numbers, a multiple of 8: ours, and what `ggml_vec_soft_max_f32` writes for a maximum of 0."""
        import ctypes as c

        import numpy as np

        from apr.engines.llama_cpp.kernels import open_kernels
        from apr.errors import OracleError
        from apr.ops.exact.exponential import exponential

        provider = self._enter()
        theirs = np.empty_like(x)
        try:
            kernels = open_kernels(provider)
            function = kernels.function("ggml_vec_soft_max_f32", c.c_double, c.c_int, c.c_void_p, c.c_void_p, c.c_float)
        except OracleError as error:
            raise Inconclusive("no oracle", str(error)) from error
        function(x.size, theirs.ctypes.data, x.ctypes.data, 0.0)
        return self._faults.get("exponential", exponential)(x), theirs

    def refusal(self, case: str) -> str | None:
        """What is said against a case without an exact kernel; None where it is computed."""
        import numpy as np

        from apr.errors import UnsupportedModel
        from apr.ops.exact.linear import linear_exact
        from apr.ops.exact.rope import angles_exact
        from apr.ops.rope import Rope, Yarn

        try:
            if case == "YaRN":
                yarn = Rope("norm", 10000.0, 64, 4.0, None, Yarn(2048))
                angles: Callable[..., Any] = self._faults.get("angles", angles_exact)
                angles(np.arange(4), yarn)
            else:
                linear: Callable[..., Any] = self._faults.get("linear", linear_exact)
                linear(np.ones((2, 256), np.float32), _zeros(case), "a matrix")
        except UnsupportedModel as error:
            return str(error)
        return None

    @property
    def strangers(self) -> tuple[str, ...]:
        """Every kernel of the catalogue that is not the library's."""
        from apr.mutants.exact import STRANGERS

        return tuple(STRANGERS)

    def self_test(self, stranger: str) -> str | None:
        """What the self-test says to a library whose kernels are not ours: here ours are not the library's."""
        from apr.engines.llama_cpp.exactness import check
        from apr.errors import OracleAbsent, OracleError
        from apr.mutants.exact import STRANGERS
        from apr.ops.arithmetic import EXACT

        provider = self._enter()

        def run(faulty: Any) -> str | None:
            try:
                check(provider, faulty)
            except OracleAbsent as error:
                raise Inconclusive("no oracle", str(error)) from error
            except OracleError as error:
                return str(error)
            return None

        holder: Any = SimpleNamespace(arithmetic=EXACT)
        faulty = STRANGERS[stranger].plant(holder).arithmetic if stranger != "none" else EXACT
        test: Callable[[Any], str | None] = self._faults.get("self-test", run)
        return test(faulty)


def _mapped(name: str) -> Path:
    """The file of a shared library that this process has open, as Linux lists them."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return Path(next(line.split()[-1] for line in lines if line.endswith(f"/{name}")))


def _zeros(type_name: str) -> Any:
    """Two rows of 256 weights of a type, all bits 0, in the place of a model's weights."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    from apr.quant.blocks import FORMATS, Affine

    size, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    return SimpleNamespace(
        type_name=lambda _name: type_name,
        is_expert=lambda _name: False,
        shape=lambda _name: (2, 256),
        format=lambda _name: FORMATS[type_name],
        raw=lambda _name: np.zeros((2, 256 // size * nbytes), np.uint8),
        affine=lambda _name: iter([(slice(0, 2), Affine(np.zeros((2, 256), np.float32), None))]),
    )


@pytest.fixture
def exact_functions(mutant: Mutant | None, evidence: Evidence, probe_models: ProbeModels) -> ExactFunctions:
    """The functions of exact arithmetic, with the claim's mutant among them if there is one."""
    from apr.engines.reference import Reference
    from apr.mutants.exact import MUTANTS, FunctionMutant

    evidence.engine("subject", Reference.name, Reference.build)
    evidence.input("source", RUNTIME)
    fault = MUTANTS.get(mutant.id) if mutant is not None else None
    faults = {fault.stage: fault.function} if isinstance(fault, FunctionMutant) else {}
    return ExactFunctions(faults, evidence, probe_models)
