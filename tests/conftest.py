"""What several rooms of tests share: tiny models, made on the spot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def maker() -> ModuleType:
    """fixtures/make.py as a module."""
    name = "fixtures_make"
    spec = importlib.util.spec_from_file_location(name, ROOT / "fixtures" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny_llama(maker: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny llama with the given options; the type of its matrices by name (`weights="Q4_1"`)."""

    def make(weights: str = "F32", name: str = "tiny.gguf", **options: Any) -> Path:
        path: Path = maker.write_llama(tmp_path / name, maker.Llama(weights=maker.Type[weights], **options))
        return path

    return make
