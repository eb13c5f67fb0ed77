"""A folder of links in which mutmut finds one module and its tests.

mutmut names mutants by the path of their file and copies whatever it is told to; with links for `pv` and `apr` the paths are
the import names. All of it lies in the user's cache: hatchling follows links, and below the checkout these would be packed
instead of the packages they lead to.
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mutation.modules import Module

ROOT = Path(__file__).resolve().parents[2]
_SHARED = (
    "tests/conftest.py",
    "tests/recorded_project.py",
    "tests/unit/pv/conftest.py",
    "tests/unit/apr/parity/builders.py",
)
_SETTINGS = """\
[tool.pytest.ini_options]
addopts = ["--strict-markers", "--strict-config", "--import-mode=importlib"]
pythonpath = ["fixtures"]
filterwarnings = ["error"]
markers = ["real_model: needs the downloaded model", "oracle: needs a llama.cpp library"]

[tool.mutmut]
source_paths = [{sources}]
only_mutate = [{files}]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--hypothesis-seed=0", "--tb=no"{without}]
pytest_add_cli_args_test_selection = ["tests/unit"]
use_git_change_detection = false
# seconds that a mutant may take: a multiple of what the tests that reach it take without one
timeout_multiplier = 15.0
timeout_constant = 3.0
"""


def folder_of(module: Module) -> Path:
    """Where mutmut works on a module: in `$XDG_CACHE_HOME` or `~/.cache`, a place of its own for every checkout."""
    given = os.environ.get("XDG_CACHE_HOME", "")  # of a relative one its specification says that it is ignored
    cache = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return cache / "pv-falsify" / "mutation" / sha256(str(ROOT).encode()).hexdigest()[:16] / module.name


def prepare(module: Module, *, keep: bool = False) -> Path:
    """The folder for a module; what is known there of mutants is kept as long as neither it nor its tests have changed.

    With `keep` it is kept although tests have changed.
    """
    folder = folder_of(module)
    known = folder / "digest"
    digest = module.digest(ROOT)
    if not keep and (not known.is_file() or known.read_text() != digest):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder / "tests", ignore_errors=True)
    shutil.rmtree(folder / "mutants" / "tests", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    packages = {name.removeprefix("runtime/").partition("/")[0] for name in module.files}
    for name, place in (("pv", "pv"), ("apr", "runtime/apr"), ("fixtures", "fixtures")):
        _link(folder / name, ROOT / place)
    for name in (*_SHARED, *module.tests):
        _link(folder / name, ROOT / name)
    (folder / "pyproject.toml").write_text(
        _SETTINGS.format(
            sources=", ".join(f'"{name}"' for name in sorted(packages)),
            without="".join(f', "--deselect={name}"' for name in module.without),
            files=", ".join(f'"{name.removeprefix("runtime/")}"' for name in module.files),
        )
    )
    for name in module.files:  # as they are mutated: line numbers are those of this text, whatever is edited meanwhile
        kept = source_of(folder, name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes((ROOT / name).read_bytes())
    known.write_text(digest)
    return folder


def source_of(folder: Path, name: str) -> Path:
    """The text of a mutated file, by its name below the root, as it was when its mutants were made."""
    return folder / "sources" / name


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(target)
