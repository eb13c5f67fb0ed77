"""What `pv new --template kernel` writes, and what it leaves alone."""

from __future__ import annotations

import argparse
import importlib.util
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from pv.commands import new
from pv.config import read_config
from pv.corpus import read
from pv.index import Index
from pv.types import Severity, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path


def run(name: str = "softmax-v1", **more: Any) -> int:
    given = {"kind": "kernel", "template": "kernel", "description": None, "force": False}
    return new.run(argparse.Namespace(name=name, **{**given, **more}))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_example_is_whole(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("row-softmax-v2", description='a "softmax": of rows') == 0
    told = capsys.readouterr().out
    assert "wrote  contracts/row-softmax-v2.yaml  (a contract with three claims)\n" in told
    assert "`pytest -m falsify contracts/row-softmax-v2.yaml`" in told
    config = read_config(home)
    assert config is not None
    assert config.subjects["kernels"].module == "kernels"
    index = Index(list, str, subjects=config.subjects)
    reading = read(home / "contracts/row-softmax-v2.yaml", index=index)
    assert [one for one in reading.findings if one.severity is not Severity.NOTE] == []
    assert reading.contract is not None
    assert reading.contract.metadata["description"] == 'a "softmax": of rows'
    claims = reading.contract.claims
    assert [one.id for one in claims] == [f"FALSIFY-ROW-SOFTMAX-00{n}" for n in (1, 2, 3)]
    assert [one.property.type for one in claims if one.property] == ["equivalence", "conservation", "bound"]
    # each fault that a claim names is planted, in the place of a function that is there
    faults = module(home / "kernel_mutants.py").MUTANTS
    assert {mutant.id for one in claims for mutant in one.mutants} == set(faults)
    kernels = module(home / "kernels.py")
    assert all(callable(getattr(kernels, fault.function)) and callable(fault.call) for fault in faults.values())


def test_what_is_there_is_left(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "kernels.py").write_text("def softmax(x): return x\n")
    (home / "pyproject.toml").write_bytes(b'[project]\r\nname = "mine"\r\n')
    assert run() == 0
    told = capsys.readouterr().out
    assert "left   kernels.py  (is there already, with another text)" in told
    assert "wrote  kernel_mutants.py" in told
    assert (home / "kernels.py").read_text() == "def softmax(x): return x\n"
    raw = (home / "pyproject.toml").read_bytes()
    assert raw.startswith(b'[project]\r\nname = "mine"\r\n\r\n[tool.pv.subjects]\r\n')
    assert tomllib.loads(raw.decode())["tool"]["pv"]["subjects"]["kernels"]["mutants"] == "kernel_mutants"


def test_a_project_with_kernels_gets_the_contract_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = '[tool.pv]\n\n[tool.pv.subjects]\nkernels = "mine.kernels"\n'
    (home / "contracts").mkdir()
    (home / "pyproject.toml").write_text(table)
    assert run() == 0
    assert capsys.readouterr().out.count("wrote") == 1
    assert (home / "pyproject.toml").read_text() == table
    assert sorted(path.name for path in home.iterdir()) == ["contracts", "pyproject.toml"]


@pytest.mark.parametrize(
    ("pyproject", "words"),
    [
        ('[tool.pv]\n[tool.pv.subjects]\nother = "m"\n', "add this line to it"),
        ("tool = {pv = {}}\n", "cannot be added at its end"),
    ],
)
def test_a_configuration_that_cannot_be_added_to_is_said_before_anything_is_written(
    home: Path, pyproject: str, words: str
) -> None:
    (home / "contracts").mkdir()
    (home / "pyproject.toml").write_text(pyproject)
    with pytest.raises(UsageProblem, match=words):
        run()
    assert sorted(path.name for path in home.rglob("*")) == ["contracts", "pyproject.toml"]


def test_it_is_a_kernel(home: Path) -> None:
    with pytest.raises(UsageProblem, match="leave --kind out"):
        run(kind="kaizen")
    assert list(home.iterdir()) == []
    run()
    with pytest.raises(UsageProblem, match="there already"):
        run()
    (home / "contracts/softmax-v1.yaml").write_text("x")
    assert run(force=True) == 0
    assert "subject: kernels" in (home / "contracts/softmax-v1.yaml").read_text()
