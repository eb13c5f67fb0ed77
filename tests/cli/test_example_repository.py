"""examples/repository: a stranger's repository is judged with nothing but the installed programs, and a bug in it is seen."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "repository"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as somebody else has it."""
    target = tmp_path / "repository"
    shutil.copytree(
        EXAMPLE, target, ignore=shutil.ignore_patterns(".pv", "__pycache__", ".hypothesis", ".pytest_cache")
    )
    return target


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = os.environ | {"PATH": path, "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_its_claims_hold_and_the_gate_is_open(copy: Path) -> None:
    done = run(copy, "pv", "validate", "--strict")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(copy, "pytest", "-q", "-m", "falsify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pv: 3 claims: 3 discharged, 0 refuted, 0 inconclusive, 4/4 mutants killed" in done.stdout
    done = run(copy, "pv", "gate", "--require", "algorithm")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    # an engine that forgets where its keys stand is not the engine of the evidence, and is refuted
    engine = copy / "toyengine/engine.py"
    text = engine.read_text().replace("keys.append(rotate(self.k @ x, position))", "keys.append(self.k @ x)")
    assert text != engine.read_text()
    engine.write_text(text)
    done = run(copy, "pytest", "-q", "-m", "falsify", "contracts/toy-cache-v1.yaml")
    assert done.returncode == 1
    assert "error[refuted]: FALSIFY-TOY-CACHE-001[12]" in done.stdout
    assert run(copy, "pv", "gate").returncode == 1


def test_it_imports_nothing_of_the_checkout() -> None:
    known = set(sys.stdlib_module_names) | {"numpy", "pv", "toyengine"}
    for path in EXAMPLE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= known, path
