"""The engines under judgement, as fixtures: falsifiers name what they need and never import a runtime.

A fixture that cannot be had (no model, no oracle) makes the claims that need it inconclusive. A claim's mutants reach the
falsifiers the same way: the fixtures below hand out the faulty engine instead of the sound one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from given.oracle import Oracle, require_avx2
from given.progress import by_stage
from pv import Inconclusive, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apr.capture import Capture
    from apr.engines.llama_cpp.engine import LlamaCpp
    from apr.engines.llama_cpp.providers import Provider
    from apr.engines.reference import Reference
    from apr.formats.gguf import GgufFile
    from apr.parity.isolated import Measurement
    from given.captures import SoundCaptures
    from pv import Evidence, Mutant

# numpy is not loaded yet. BLAS threads that share cores with anything, xdist's other workers among them, spend their time
# spinning: on two busy cores a run takes several times as long with two threads as with one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent
# The code under judgement as it is now, before it is imported: what changes during a run is not what was judged.
watch(ROOT / "runtime" / "apr", ROOT / "pv", ROOT / "fixtures" / "tinymodels")
pytest_plugins = (
    "given.captures",
    "given.small_models",
    "given.arithmetic",
    "given.float64",
    "given.apr_format",
    "given.apr_models",
    "given.third_party",
    "given.discovery",
    "given.text",
    "given.conversions",
    "given.exact",
    "given.honest",
    "given.parity",
    "given.odd_pairs",
    "given.ship_007",
    "given.action_traces",
    "given.sizes",
)
MODEL = "smollm2"
PROSE = ROOT / "fixtures" / "prose.txt"
RUNTIME = ROOT / "runtime" / "apr"


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The source of the runtime under judgement."""
    return RUNTIME


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The real model in the user's cache."""
    from apr.cache import resolve_model
    from apr.errors import AprError

    try:
        return resolve_model(MODEL)
    except AprError as error:
        raise Inconclusive("no model", str(error)) from error


@pytest.fixture(scope="session")
def model_file(model_path: Path) -> GgufFile:
    """The real model, opened."""
    from apr.formats.gguf import read_gguf

    return read_gguf(model_path)


@pytest.fixture(scope="session")
def sound_reference(model_file: GgufFile) -> Reference:
    """The numpy reference in llama.cpp's arithmetic."""
    from apr.engines.reference import Reference
    from apr.ops.arithmetic import GGML

    return Reference(model_file, GGML)


@pytest.fixture(scope="session")
def open_oracle(model_file: GgufFile) -> Iterator[Callable[[Provider | None], Oracle]]:
    """An oracle from a provider, one a session."""
    opened: dict[Provider | None, Oracle] = {}

    def open_one(provider: Provider | None = None) -> Oracle:
        return opened.setdefault(provider, Oracle(model_file, provider))

    yield open_one
    for oracle in opened.values():
        oracle.close()


@pytest.fixture(scope="session")
def sound_oracle(open_oracle: Callable[..., Oracle]) -> Oracle:
    """llama.cpp, whichever provider is found first."""
    return open_oracle()


@pytest.fixture(scope="session")
def prose_tokens(model_file: GgufFile) -> Callable[[int], list[int]]:
    """The first n tokens of fixtures/prose.txt."""
    from apr.text.tokenizer import Tokenizer

    tokens = Tokenizer.from_file(model_file).encode(PROSE.read_text(encoding="utf-8"))

    def first(count: int) -> list[int]:
        if len(tokens) < count:
            raise ValueError(f"{PROSE} has {len(tokens)} tokens, {count} are needed")
        return tokens[:count]

    return first


@pytest.fixture(scope="session")
def sound_captures(
    sound_oracle: Oracle, prose_tokens: Callable[[int], list[int]], taken_once: SoundCaptures
) -> Callable[[int], Capture]:
    """llama.cpp's capture over the first n tokens, taken once."""
    taken: dict[int, Capture] = {}

    def capture(count: int) -> Capture:
        if count not in taken:
            taken[count] = taken_once.take(sound_oracle, prose_tokens(count))
        return taken[count]

    return capture


@pytest.fixture(scope="session")
def sound_measurements() -> dict[int, Measurement]:
    """What was measured without any fault, by token count: several claims look at the same measurement."""
    return {}


@pytest.fixture
def subject(mutant: Mutant | None, sound_reference: Reference, model_file: GgufFile, evidence: Evidence) -> Reference:
    """The reference, with the claim's mutant planted in it if there is one."""
    from apr.engines.reference import Reference
    from apr.mutants import model as planted

    evidence.engine("subject", sound_reference.name, sound_reference.build)
    evidence.input("source", RUNTIME)
    evidence.input("model", model_file.path)
    if mutant is None or mutant.id not in planted.MUTANTS:
        return sound_reference
    fault = planted.MUTANTS[mutant.id]
    return Reference(model_file, sound_reference.model.arithmetic, fault.plant(sound_reference.model))


@pytest.fixture
def oracle(mutant: Mutant | None, sound_oracle: Oracle, evidence: Evidence) -> Any:
    """llama.cpp, its captures tampered with if the claim's mutant is one of captures."""
    _record(evidence, "oracle", sound_oracle.engine())
    return _tampered(sound_oracle, mutant)


def _record(evidence: Evidence, role: str, engine: LlamaCpp, producer: str | None = None) -> None:
    """What a verdict with this engine rests on: the library's bytes, the model, the text, and the code that drives it."""
    build = f"{engine.build}, {' '.join(sorted(engine.instructions))}"
    evidence.engine(role, engine.name, build, producer=producer)
    evidence.input("library", engine.provider.library)
    evidence.input("model", engine.model_path)
    evidence.input("fixture", PROSE)
    evidence.input("source", RUNTIME)


def _tampered(oracle: Oracle, mutant: Mutant | None) -> Any:
    from apr.mutants import captures

    if mutant is None or mutant.id not in captures.MUTANTS:
        return oracle
    return captures.Tampered(oracle.engine(), captures.MUTANTS[mutant.id])


@pytest.fixture
def plain_logits(sound_oracle: Oracle) -> Callable[[list[int]], Any]:
    """llama.cpp's logits without any callback."""
    return sound_oracle.logits


@pytest.fixture
def two_oracles(mutant: Mutant | None, open_oracle: Callable[..., Oracle], evidence: Evidence) -> tuple[Any, Any]:
    """The first two providers found, both proved, built for the same processor."""
    from apr.engines.llama_cpp.providers import providers
    from apr.errors import AprError

    try:
        found = providers()
    except AprError as error:
        raise Inconclusive("no oracle", str(error)) from error
    if not found:
        raise Inconclusive(
            "no oracle", "no llama.cpp library was found; see the extras [xllamacpp] and [llama-cpp-python]"
        )
    if len(found) < 2:
        here = found[0].name
        raise Inconclusive(
            "one provider",
            f"two providers of llama.cpp are needed, installed: {here}; see the extra [llama-cpp-python]",
        )
    first, second = (open_oracle(provider) for provider in found[:2])
    for role, provider, oracle in (("subject", found[0], first), ("oracle", found[1], second)):
        _record(evidence, role, oracle.engine(), f"{provider.name} (build of ggml-org's sources)")
    bytes_of = [oracle.engine().build.rpartition(":")[2] for oracle in (first, second)]  # whatever the names
    if bytes_of[0] == bytes_of[1]:
        raise Inconclusive("one provider", f"{found[0].name} and {found[1].name} are the same library")
    apart = first.engine().instructions ^ second.engine().instructions
    if apart:
        raise Inconclusive("other instruction set", f"only one of the two builds has {', '.join(sorted(apart))}")
    return _tampered(first, mutant), second


@pytest.fixture
def measure(
    mutant: Mutant | None,
    subject: Reference,
    oracle: Any,
    sound_oracle: Oracle,
    sound_captures: Callable[[int], Capture],
    sound_measurements: dict[int, Measurement],
    evidence: Evidence,
) -> Callable[[int], Measurement]:
    """Compares subject and oracle over the first n tokens, stage by stage in isolation."""
    require_avx2(sound_oracle.engine())
    from apr.mutants.captures import Tampered
    from apr.parity.isolated import measure_isolated

    def measured(count: int) -> Measurement:
        capture = sound_captures(count)
        if mutant is not None:
            seen = oracle.tamper(capture) if isinstance(oracle, Tampered) else capture
            return measure_isolated(subject, seen, by_stage(evidence, MODEL, len(capture.stages)))
        if count not in sound_measurements:
            advance = by_stage(evidence, MODEL, len(capture.stages))
            sound_measurements[count] = measure_isolated(subject, capture, advance)
        return sound_measurements[count]

    return measured


@pytest.fixture
def free_run(subject: Reference, sound_captures: Callable[[int], Capture]) -> Callable[[int], dict[str, Any]]:
    """How far the two are apart when each runs on its own stages: for the report, never for a verdict."""
    from apr.parity.isolated import compare_free_runs

    def run(count: int) -> dict[str, Any]:
        capture = sound_captures(count)
        return asdict(compare_free_runs(subject.capture(capture.provenance.tokens), capture))

    return run


@pytest.fixture
def apr(mutant: Mutant | None, evidence: Evidence) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real program `apr` in a process of its own, with the claim's mutant planted in it if there is one."""
    from apr import __version__
    from apr.mutants.program import MUTANTS

    evidence.engine("subject", "apr", __version__)
    evidence.input("source", RUNTIME)
    module = ["apr"] if mutant is None or mutant.id not in MUTANTS else ["apr.mutants.program", mutant.id]
    return _runner(["-m", *module])


@pytest.fixture
def routing(mutant: Mutant | None, evidence: Evidence) -> Any:
    """The functions of a router of experts, with the claim's mutant among them if there is one."""
    from apr.mutants.routing import MUTANTS, Routing

    evidence.input("source", RUNTIME)
    return MUTANTS[mutant.id].routing if mutant is not None and mutant.id in MUTANTS else Routing()


# Faults of the harness itself, as a statement that plants them before its command line starts.
HARNESS_FAULTS = {"rules-are-silent": "import pv.rules; pv.rules.check = lambda _contract: []"}


@pytest.fixture
def pv(mutant: Mutant | None, evidence: Evidence) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real program `pv` in a process of its own, with the claim's mutant planted in it if there is one."""
    evidence.input("source", ROOT / "pv")
    if mutant is None or mutant.id not in HARNESS_FAULTS:
        return _runner(["-m", "pv"])
    start = f"import sys; {HARNESS_FAULTS[mutant.id]}; from pv.cli import main; sys.exit(main(sys.argv[1:]))"
    return _runner(["-c", start])


def _runner(program: list[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *program, *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=600,
        )

    return run
