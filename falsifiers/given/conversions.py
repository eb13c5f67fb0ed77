"""Converters between .apr and GGUF, sound or with a claim's mutant planted, and the `gguf` library to look at what they made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.oracle import Oracle
from given.small_models import MAKER, MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pv import Evidence, Mutant


@dataclass(frozen=True)
class Conversion:
    """What converts and what it rests on; functions are looked up at each call, so that a planted fault is in them."""

    def to_apr(self, source: Path, target: Path, layout: str = "hf", **options: Any) -> Path:
        """Imports a model; `dequantise`, `quantise` (`int8`, …) and `keep_tied` as the command has them."""
        from apr.convert import Import, ImportOptions, Quantise
        from apr.formats import open_model
        from apr.formats.apr import Layout

        if "quantise" in options:
            options["quantise"] = Quantise(options["quantise"])
        layouts = {"hf": Layout.APR, "gguf": Layout.GGML}
        Import(open_model(source), ImportOptions(layouts[layout], **options)).write(target)
        return target

    def to_gguf(self, source: Path, target: Path, dequantise: str | None = None) -> Path:
        """Exports a model."""
        from apr.convert import Export, Floats
        from apr.formats import open_model

        Export(open_model(source), None if dequantise is None else Floats(dequantise)).write(target)
        return target

    def open(self, path: Path) -> Any:
        """Opens a model of any format."""
        from apr.formats import open_model

        return open_model(path)

    def refusal(self, attempt: Callable[[], object]) -> str | None:
        """What is said against an attempt; None where it succeeds."""
        from apr.errors import AprError

        try:
            attempt()
        except AprError as error:
            return str(error)
        return None

    def logits(self, path: Path, tokens: list[int]) -> NDArray[np.float32]:
        """[positions, vocabulary] of the reference over a model."""
        from apr.engines.reference import Reference
        from apr.ops.arithmetic import F32

        capture = Reference(self.open(path), F32).capture(tokens)
        logits: NDArray[np.float32] = capture[capture.keys_in_order()[-1]]
        return logits

    def encoded_size(self, type_name: str, shape: tuple[int, ...]) -> int | None:
        """Bytes that a tensor of layout hf takes."""
        from apr.formats import apr

        return apr.encoded_size(apr.Dtype(type_name), shape, apr.Layout.APR)

    def encode(self, type_name: str, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Values as AprQ4 or AprQ8."""
        from apr.quant import apr_blocks

        return {"AprQ4": apr_blocks.encode_apr_q4, "AprQ8": apr_blocks.encode_apr_q8}[type_name](values)

    def decode(self, type_name: str, raw: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        """The values again."""
        from apr.quant.apr_blocks import APR_DECODERS

        return APR_DECODERS[type_name](raw, count)

    def reordered(self, rows: NDArray[np.uint8], heads: int, kind: str) -> NDArray[np.uint8]:
        """Rows of a projection in the order `norm` or `neox`."""
        from apr.convert import row_order

        return row_order.reordered(rows, heads, kind)  # type: ignore[arg-type] # one of the two


class Naming:
    """The table of tensors' names; functions are looked up at each call, so that a planted fault is in them."""

    @property
    def architectures(self) -> list[str]:
        """All that the table has."""
        from apr.formats import names

        return list(names.ARCHITECTURES)

    def every_name(self, architecture: str, layers: int) -> list[str]:
        """GGUF's names of all tensors that a model of so many layers may have."""
        from apr.formats import names

        table = names.ARCHITECTURES[architecture]
        inner = [*table.layer, *table.layer_optional]
        return [*table.outer, *table.outer_optional, *(f"blk.{n}.{name}" for n in range(layers) for name in inner)]

    def __getattr__(self, name: str) -> Any:
        """`spellings`, `place_of`, `resolve`, `required`."""
        from apr.formats import names

        return getattr(names, name)


@pytest.fixture
def planted(mutant: Mutant | None, evidence: Evidence, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim's mutant, if it is one of converters, in this process until the test ends."""
    from apr import __version__
    from apr.formats import names
    from apr.mutants.convert import MUTANTS

    evidence.engine("subject", "apr", __version__)
    evidence.input("source", runtime)
    if mutant is not None and mutant.id in MUTANTS:
        MUTANTS[mutant.id].plant(monkeypatch.setattr)
        names._outer_spellings.cache_clear()  # noqa: SLF001 - what was worked out without the fault
        names._inner_spellings.cache_clear()  # noqa: SLF001


@pytest.fixture
def conversion(planted: None) -> Iterator[Conversion]:  # noqa: ARG001 - comes first
    """The converters."""
    from apr.formats import names

    yield Conversion()
    names._outer_spellings.cache_clear()  # noqa: SLF001 - what was worked out with the fault
    names._inner_spellings.cache_clear()  # noqa: SLF001


@pytest.fixture
def naming(conversion: Conversion) -> Naming:  # noqa: ARG001 - plants the fault and clears up after it
    """The names of tensors."""
    return Naming()


@pytest.fixture
def source_model(evidence: Evidence, small_path: Callable[[str], Path]) -> Callable[[str], Path]:
    """The path of a tiny model, entered into the evidence."""

    def find(name: str) -> Path:
        path = small_path(name)
        evidence.input("fixture", path if path.parent == MODELS else MAKER)
        return path

    return find


@pytest.fixture
def made_model(evidence: Evidence, tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny model of an architecture with options of `tinymodels.Spec`."""
    from tinymodels import Spec, write_model

    def make(architecture: str, weights: str = "F32", **options: Any) -> Path:
        evidence.input("fixture", MAKER)
        return write_model(tmp_path / f"{architecture}-made.gguf", Spec(architecture, weights, **options))

    return make


class GgufTensor(NamedTuple):
    """A tensor as the `gguf` library reads it: type, dimensions with the outermost first, encoded bytes."""

    type_name: str
    shape: tuple[int, ...]
    data: bytes


class GgufParts(NamedTuple):
    """A GGUF file as the `gguf` library reads it.

    Attributes:
        metadata: key to types (outer, and of elements) and value, in file order.
        tensors: by name, in file order.
    """

    metadata: dict[str, tuple[list[str], Any]]
    tensors: dict[str, GgufTensor]


@pytest.fixture(scope="session")
def gguf_parts() -> Callable[[Path], GgufParts]:
    """Takes a GGUF file apart by the `gguf` library alone."""

    def read(path: Path) -> GgufParts:
        import gguf

        reader = gguf.GGUFReader(path)
        metadata = {
            key: ([kind.name for kind in field.types], field.contents())
            for key, field in reader.fields.items()
            if not key.startswith("GGUF.")
        }
        tensors = {
            t.name: GgufTensor(t.tensor_type.name, tuple(int(n) for n in reversed(t.shape)), t.data.tobytes())
            for t in reader.tensors
        }
        return GgufParts(metadata, tensors)

    return read


@pytest.fixture(scope="session")
def gguf_numbers() -> Callable[[GgufTensor], NDArray[np.float32]]:
    """The numbers of a tensor, decoded by the `gguf` library."""

    def decode(tensor: GgufTensor) -> NDArray[np.float32]:
        import gguf
        import numpy as np

        kind = gguf.GGMLQuantizationType[tensor.type_name]
        block, nbytes = gguf.GGML_QUANT_SIZES[kind]
        rows = np.frombuffer(tensor.data, np.uint8).reshape(-1, tensor.shape[-1] // block * nbytes)
        return np.asarray(gguf.quants.dequantize(rows, kind), np.float32).reshape(tensor.shape)

    return decode


@pytest.fixture
def llama_cpp_over(evidence: Evidence) -> Iterator[Callable[[Path], Oracle]]:
    """llama.cpp over any GGUF file."""
    from apr.formats import open_model

    opened: list[Oracle] = []

    def over(path: Path) -> Oracle:
        oracle = Oracle(open_model(path), None)
        opened.append(oracle)
        engine = oracle.engine()
        evidence.engine("oracle", engine.name, f"{engine.build}, {' '.join(sorted(engine.instructions))}")
        evidence.input("library", engine.provider.library)
        return oracle

    yield over
    for oracle in opened:
        oracle.close()
