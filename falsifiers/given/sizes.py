"""The kernels of shapes and sizes, sound or with a claim's mutant, and the heads of GGUF files as the `gguf` library reads them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.small_models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from apr.engines.reference import Reference
    from apr.models import KvCache
    from pv import Evidence, Mutant


class Listed(NamedTuple):
    """A tensor of a file's index: shape outermost first, GGML's number of the type, first byte in the file, bytes."""

    shape: tuple[int, ...]
    kind: int
    offset: int
    nbytes: int


@dataclass(frozen=True)
class FileHead:
    """What the `gguf` library reads in front of the data: hyper-parameters, index, unit of offsets, where the data starts, and size."""

    said: dict[str, Any]
    tensors: dict[str, Listed]
    unit: int
    data_start: int
    nbytes: int

    @property
    def architecture(self) -> str:
        """As the file names it."""
        return str(self.said["general.architecture"])

    def of(self, key: str, default: int | None = None) -> int:
        """A hyper-parameter of the architecture; the default, if there is one, where the file does not say."""
        whole = f"{self.architecture}.{key}"
        return int(self.said[whole] if default is None else self.said.get(whole, default))

    @property
    def sizes(self) -> SimpleNamespace:
        """Those that shapes depend on."""
        hidden, heads = self.of("embedding_length"), self.of("attention.head_count")
        return SimpleNamespace(
            layers=self.of("block_count"),
            hidden=hidden,
            feed_forward=self.of("feed_forward_length"),
            heads=heads,
            kv_heads=self.of("attention.head_count_kv", heads),
            head_dim=self.of("attention.key_length", hidden // heads),
            vocabulary=self.tensors["token_embd.weight"].shape[0],
            tied="output.weight" not in self.tensors,
            biased="blk.0.attn_q.bias" in self.tensors,
            experts=self.of("expert_count", 0),
            used=self.of("expert_used_count", 0),
            expert_feed_forward=self.of("expert_feed_forward_length", 0),
        )


@pytest.fixture(scope="session")
def read_heads() -> Callable[[Path], FileHead]:
    """The head of a GGUF file, by the `gguf` library, once a session: its walk through a real tokenizer takes seconds."""
    import gguf

    found: dict[Path, FileHead] = {}

    def read(path: Path) -> FileHead:
        if path not in found:
            reader = gguf.GGUFReader(path)
            own = {name: field for name, field in reader.fields.items() if not name.startswith("tokenizer.")}
            tensors = {
                tensor.name: Listed(
                    tuple(int(n) for n in reversed(tensor.shape)),
                    int(tensor.tensor_type),
                    int(tensor.data_offset),
                    int(tensor.n_bytes),
                )
                for tensor in reader.tensors
            }
            said = {name: field.contents() for name, field in own.items()}
            start, size = int(reader.data_offset), path.stat().st_size
            found[path] = FileHead(said, tensors, int(reader.alignment), start, size)
        return found[path]

    return read


@pytest.fixture
def file_head(evidence: Evidence, read_heads: Callable[[Path], FileHead]) -> Callable[[Path], FileHead]:
    """The head of a GGUF file, entered into the evidence."""
    from importlib.metadata import version

    def read(path: Path) -> FileHead:
        evidence.engine("oracle", "gguf", version("gguf"), producer="ggml-org")
        if path.parent == MODELS:
            evidence.input("fixture", path)
        return read_heads(path)

    return read


@pytest.fixture
def size_kernels(mutant: Mutant | None, evidence: Evidence, runtime: Path) -> SimpleNamespace:
    """The functions of `apr.kernels.shapes`, with the claim's mutant among them if there is one."""
    from apr import __version__
    from apr.kernels import shapes
    from apr.mutants.library.shapes import MUTANTS

    evidence.engine("subject", "apr.kernels.shapes", __version__, producer="pv-falsify")
    evidence.input("source", runtime)
    functions = {name: getattr(shapes, name) for name in shapes.__all__}
    if mutant is not None and mutant.id in MUTANTS:
        fault = MUTANTS[mutant.id]
        functions[fault.function] = fault.call
    return SimpleNamespace(**functions)


@pytest.fixture
def asked_of(mutant: Mutant | None, evidence: Evidence, runtime: Path) -> Callable[[Path], dict[str, tuple[int, ...]]]:
    """Names and shapes of the tensors that the runtime asks a file for, with the claim's mutant in it if there is one."""
    from apr import __version__
    from apr.formats import open_model
    from apr.models import architecture_of
    from apr.mutants.inventories import MUTANTS

    evidence.engine("subject", "apr.models", __version__, producer="pv-falsify")
    evidence.input("source", runtime)

    def ask(path: Path) -> dict[str, tuple[int, ...]]:
        file = open_model(path)
        architecture = architecture_of(file)
        asked = architecture.shapes(architecture.read(file), file.tensors)
        return MUTANTS[mutant.id].change(asked) if mutant is not None and mutant.id in MUTANTS else asked

    return ask


@pytest.fixture(scope="session")
def sound_bytes() -> dict[tuple[Path, int], int]:
    """What was kept without any fault, by model file and number of tokens."""
    return {}


@pytest.fixture
def bytes_kept(
    mutant: Mutant | None, sound_bytes: dict[tuple[Path, int], int]
) -> Callable[[Reference, Sequence[int], int], int]:
    """Bytes in the cache of a model after a prompt of `first` tokens and then single ones; in a faulty one if the claim says so."""
    from apr.models import KvCache
    from apr.mutants.caches import MUTANTS

    fault = MUTANTS.get(mutant.id) if mutant is not None else None

    def run(engine: Reference, tokens: Sequence[int], first: int) -> int:
        layers, key = engine.model.config.n_layers, (engine.file.path, len(tokens))
        if fault is not None:
            return _fill(fault.make(layers), engine, tokens, first)
        if key not in sound_bytes:
            sound_bytes[key] = _fill(KvCache(layers), engine, tokens, first)
        return sound_bytes[key]

    return run


def _fill(cache: KvCache, engine: Reference, tokens: Sequence[int], first: int) -> int:
    import numpy as np

    from apr.models import free_run

    for start, end in itertools.pairwise([0, *range(first, len(tokens) + 1)]):
        part = np.asarray(tokens[start:end], np.intp)
        for _ in free_run(engine.model, part, np.arange(start, end), cache):
            pass
    return cache.nbytes
