"""Special tokens and tokenizers, sound or with a claim's mutant planted, files that are nothing but metadata, and llama.cpp's view."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apr.engines.llama_cpp.vocabulary import LlamaVocabulary
    from apr.formats.model_file import ModelFile
    from apr.mutants.text import Registry
    from pv import Evidence, Mutant

ROOT = Path(__file__).resolve().parents[2]
RUNTIME, MAKER = ROOT / "runtime" / "apr", ROOT / "fixtures" / "tinymodels"


@pytest.fixture
def registry(mutant: Mutant | None, evidence: Evidence) -> Registry:
    """What a model file's text is cut and ended by."""
    from apr import __version__
    from apr.mutants.text import MUTANTS, Registry

    evidence.engine("subject", "apr", __version__)
    evidence.input("source", RUNTIME)
    return Registry() if mutant is None or mutant.id not in MUTANTS else MUTANTS[mutant.id].registry


@pytest.fixture(scope="session")
def stated_file() -> Callable[..., Any]:
    """A model file that is nothing but metadata: architecture, tokens, which of them are special, and keys."""

    def make(architecture: str, tokens: Sequence[str], special: Sequence[int] = (), **keys: Any) -> ModelFile:
        from apr.formats.model_file import ModelFile

        class Stated(ModelFile):
            path, format, tensors = Path("made.gguf"), "gguf", {}

            def raw(self, name: str) -> Any:
                raise AssertionError(f"{name} is of no concern to a tokenizer")

            release = raw

            @property
            def sha256(self) -> str:
                raise AssertionError("there is no file")

        file = Stated()
        control = set(special)
        file.metadata = {
            "general.architecture": architecture,
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": list(tokens),
            "tokenizer.ggml.token_type": [3 if index in control else 1 for index in range(len(tokens))],
            **{f"tokenizer.ggml.{key}": value for key, value in keys.items()},
        }
        return file

    return make


@pytest.fixture(scope="session")
def written_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A GGUF file that is nothing but a byte-level vocabulary with these special tokens behind it, and keys."""

    @functools.cache  # the same file for the same vocabulary: llama.cpp has to open it once
    def write(special: tuple[str, ...], **keys: str) -> Path:
        import gguf

        from tinymodels.vocabulary import byte_level

        base = byte_level(8)
        plain = [token for token, kind in zip(base.tokens, base.kinds, strict=True) if kind == 1]
        path = tmp_path_factory.mktemp("vocabulary") / "v.gguf"
        writer = gguf.GGUFWriter(path, "qwen2")
        for name in ("context_length", "embedding_length", "block_count"):
            writer.add_uint32(f"qwen2.{name}", 1)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list([*plain, *special])
        writer.add_token_types([1] * len(plain) + [3] * len(special))
        writer.add_token_merges(base.merges)
        for key, token in keys.items():
            writer.add_uint32(f"tokenizer.ggml.{key}_token_id", len(plain) + special.index(token))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return path

    return write


@pytest.fixture(scope="session")
def opened_model() -> Callable[[Path], ModelFile]:
    """A model file, opened."""
    from apr.formats import open_model

    return open_model


@pytest.fixture(scope="session")
def sound_vocabularies() -> Iterator[Callable[[Path], LlamaVocabulary]]:
    """A file's vocabulary in llama.cpp, opened once."""
    from apr.engines.llama_cpp.vocabulary import LlamaVocabulary
    from apr.errors import OracleAbsent, OracleError

    opened: dict[Path, LlamaVocabulary] = {}

    def find(path: Path) -> LlamaVocabulary:
        if path not in opened:
            try:
                opened[path] = LlamaVocabulary(path)
            except OracleAbsent as error:
                raise Inconclusive("no oracle", str(error)) from error
            except OracleError as error:
                raise Inconclusive("oracle failed", str(error)) from error
        return opened[path]

    yield find
    for vocabulary in opened.values():
        vocabulary.close()


@pytest.fixture
def llama_vocabulary(
    sound_vocabularies: Callable[[Path], LlamaVocabulary], evidence: Evidence, model_path: Path
) -> Callable[[Path], LlamaVocabulary]:
    """A file's vocabulary in llama.cpp; what a verdict with it rests on is recorded."""

    def find(path: Path) -> LlamaVocabulary:
        vocabulary = sound_vocabularies(path)
        evidence.engine("oracle", "llama.cpp", vocabulary.provider.build)
        evidence.input("library", vocabulary.provider.library)
        if path == model_path:
            evidence.input("model", path)
        else:  # what was made on the spot is gone tomorrow, what makes it is not
            evidence.input("fixture", path if path.is_relative_to(ROOT) else MAKER)
        return vocabulary

    return find
