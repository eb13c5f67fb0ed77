"""What several rooms of tests share: tiny models, made on the spot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def maker() -> ModuleType:
    """The package `tinymodels` in fixtures/."""
    return importlib.import_module("tinymodels")


@pytest.fixture(scope="session")
def web_server() -> ModuleType:
    """tests/web_server.py as a module."""
    return _load("web_server", ROOT / "tests" / "web_server.py")


@pytest.fixture(scope="session")
def docs_blocks() -> ModuleType:
    """tests/docs_blocks.py: does what a document says."""
    return _load("docs_blocks", ROOT / "tests" / "docs_blocks.py")


@pytest.fixture(scope="session")
def dask_cluster() -> ModuleType:
    """tests/dask_cluster.py as a module."""
    return _load("dask_cluster", ROOT / "tests" / "dask_cluster.py")


@pytest.fixture(scope="session")
def builders() -> ModuleType:
    """tests/unit/apr/parity/builders.py: measurements of a made-up run, and their verdicts."""
    return _load("parity_builders", ROOT / "tests" / "unit" / "apr" / "parity" / "builders.py")


@pytest.fixture(scope="session")
def recorded() -> ModuleType:
    """tests/recorded_project.py as a module."""
    return _load("recorded_project", ROOT / "tests" / "recorded_project.py")


@pytest.fixture
def project(recorded: ModuleType, tmp_path: Path) -> Any:
    """A project in a repository of its own, with a ledger to write; see `RecordedProject` there."""
    return recorded.RecordedProject(tmp_path / "project")


@pytest.fixture(scope="session")
def browser() -> ModuleType:
    """tests/browser.py; whoever asks for it needs chromium."""
    module = _load("browser", ROOT / "tests" / "browser.py")
    if module.PROGRAM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    return module


@pytest.fixture
def web(web_server: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server on this machine; see `WebServer` there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with web_server.WebServer() as server:
        yield server


@pytest.fixture(scope="session")
def fixture_model(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of a model of `tinymodels.FILES`: in fixtures/models if it is committed there, else made once a session."""
    folder = tmp_path_factory.mktemp("models")

    def find(name: str) -> Path:
        file = maker.FILES[name]
        path: Path = (ROOT / "fixtures" / "models" if file.committed else folder) / f"{name}.gguf"
        if not file.committed and not path.exists():
            file.make(path)
        return path

    return find


@pytest.fixture(scope="session")
def fixture_apr(
    maker: ModuleType, fixture_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The path of a model of `tinymodels.APR_FILES`: in fixtures/models if it is committed there, else made once a session."""
    folder = tmp_path_factory.mktemp("apr")

    def find(name: str) -> Path:
        file = maker.APR_FILES[name]
        path: Path = (ROOT / "fixtures" / "models" if file.committed else folder) / f"{name}.apr"
        if not path.exists():
            file.make(fixture_model(file.source), path)
        return path

    return find


@pytest.fixture
def tiny_model(maker: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny model with the given options of `tinymodels.Spec` (`architecture`, `weights`, `layers`, …)."""

    def make(architecture: str = "llama", weights: str = "F32", name: str = "tiny.gguf", **options: Any) -> Path:
        path: Path = maker.write_model(tmp_path / name, maker.Spec(architecture, weights, **options))
        return path

    return make


@pytest.fixture
def tiny_llama(tiny_model: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a tiny llama; the type of its matrices by name (`weights="Q4_1"`)."""

    def make(weights: str = "F32", name: str = "tiny.gguf", **options: Any) -> Path:
        return tiny_model("llama", weights, name, **options)

    return make


def pytest_collection_finish() -> None:
    """No property of the house has a deadline: a busy machine is no finding. Who imported Hypothesis is told; nobody else pays for it."""
    if "hypothesis" in sys.modules:
        from hypothesis import settings

        settings.register_profile("house", settings(), deadline=None)
        settings.load_profile("house")
