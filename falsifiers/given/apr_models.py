"""Models as .apr beside the GGUF files they were imported from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.engines.reference import Reference
    from apr.formats.model_file import ModelFile
    from pv import Evidence, Mutant


@dataclass(frozen=True)
class ImportedFile:
    """An .apr file made by the sound importer."""

    path: Path

    def extent(self, tensor: str) -> range:
        """Where the bytes of a tensor stand in the file; its name as the file spells it."""
        from apr.formats.apr import read_apr

        entry = read_apr(self.path).tensors[tensor]
        return range(entry.offset, entry.offset + entry.nbytes)

    def without(self, tensor: str, target: Path) -> Path:
        """Writes the same file with one tensor left out."""
        from apr.formats.apr import read_apr, write_apr

        file = read_apr(self.path)
        kept = [entry for entry in file.tensors.values() if entry.name != tensor]
        stated = {key: value for key, value in file.metadata.items() if key != "tensor_shapes"}
        tensors = [(entry.name, entry.dtype, entry.shape, file.raw(entry.name)) for entry in kept]
        write_apr(target, stated, tensors, flags=file.header.flags)
        return target


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], ImportedFile]:
    """A model imported as .apr in a layout, once a session, by the sound importer."""
    from apr.convert.apr_plan import ImportOptions
    from apr.convert.importing import Import
    from apr.formats import open_model
    from apr.formats.apr import Layout

    layouts = {"hf": Layout.APR, "gguf": Layout.GGML}
    folder = tmp_path_factory.mktemp("imported")
    made: dict[tuple[Path, str], ImportedFile] = {}

    def make(source: Path, layout: str) -> ImportedFile:
        if (source, layout) not in made:
            target = folder / f"{source.stem}.{layout}.apr"
            Import(open_model(source), ImportOptions(layout=layouts[layout])).write(target)
            made[source, layout] = ImportedFile(target)
        return made[source, layout]

    return make


@pytest.fixture
def load_apr(mutant: Mutant | None, evidence: Evidence, runtime: Path) -> Callable[[Path], ModelFile]:
    """Opens an .apr model, with the claim's mutant in the loader if there is one."""
    from apr.formats import open_model
    from apr.mutants.loading import MUTANTS

    evidence.input("source", runtime)

    def load(path: Path) -> ModelFile:
        file = open_model(path)
        fault = MUTANTS.get(mutant.id) if mutant is not None else None
        return file if fault is None else fault.change(file)

    return load


@pytest.fixture
def run_apr(load_apr: Callable[[Path], ModelFile], evidence: Evidence) -> Callable[..., Reference]:
    """The reference over an .apr model, loaded by `load_apr`."""
    from apr.engines.reference import Reference
    from apr.ops.arithmetic import arithmetic

    def build(path: Path, rounding: str = "f32") -> Reference:
        engine = Reference(load_apr(path), arithmetic(rounding))
        evidence.engine("subject", f"{engine.name} over .apr", engine.build)
        return engine

    return build


@pytest.fixture
def run_gguf(evidence: Evidence) -> Callable[..., Reference]:
    """The reference over a GGUF file, always sound."""
    from apr.engines.reference import Reference
    from apr.formats import open_model
    from apr.ops.arithmetic import arithmetic

    def build(path: Path, rounding: str = "f32") -> Reference:
        engine = Reference(open_model(path), arithmetic(rounding))
        evidence.engine("oracle", f"{engine.name} over GGUF", engine.build)
        return engine

    return build


@pytest.fixture
def refusal_of(load_apr: Callable[[Path], ModelFile]) -> Callable[[Path], str | None]:
    """What is said against building and reading a whole .apr model; None where nothing is."""
    from apr.errors import UnusableInput
    from apr.models import load
    from apr.ops.arithmetic import F32

    def attempt(path: Path) -> str | None:
        try:
            file = load_apr(path)
            load(file, F32)
            for name in file.tensors:
                file.raw(name)
        except UnusableInput as error:
            return str(error)
        return None

    return attempt


@pytest.fixture(scope="session")
def tokenizer_of() -> Callable[[ModelFile], Any]:
    """The tokenizer of an opened model."""
    from apr.text.tokenizer import Tokenizer

    return Tokenizer.from_file
