"""Falsifier modules imported from their files, with pytest's rewriting of assertions."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Importer:
    """Imports a file as a module of a package that stands for its folder, so that falsifiers can share helpers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, path: Path) -> ModuleType:
        """Import one file.

        Raises:
            ImportError: the file is no module. Whatever the module itself raises passes through.
        """
        name = f"{self._package(path.parent)}.{path.stem}"
        hook: Any = self._config.pluginmanager.rewrite_hook
        loader = hook if hasattr(hook, "exec_module") else None  # with --assert=plain the hook loads nothing
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def _package(self, folder: Path) -> str:
        name = folder.name if folder.name.isidentifier() else "falsifiers"
        present = sys.modules.get(name)
        if present is not None and str(folder) not in list(getattr(present, "__path__", [])):
            name += "_" + hashlib.sha256(str(folder).encode()).hexdigest()[:8]
        if name not in sys.modules:
            pytest.register_assert_rewrite(name)
            package = ModuleType(name)
            package.__path__ = [str(folder)]
            sys.modules[name] = package
        return name
