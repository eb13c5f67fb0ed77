"""What tests of a parity run's records and reports share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

HERE = Path(__file__).resolve().parent


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def builders() -> ModuleType:
    """builders.py beside this file: measurements of a made-up run, and their verdicts."""
    return _load("parity_builders", HERE / "builders.py")


@pytest.fixture(scope="session")
def browser() -> ModuleType:
    """tests/browser.py; whoever asks for it needs chromium."""
    module = _load("browser", HERE.parents[2] / "browser.py")
    if module.PROGRAM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    return module
