"""`[tool.pv]`, usable and not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.config import find_config, read_config
from pv.policy import Policy
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

DEEP = "x = " + "[" * 5000 + "]" * 5000 + "\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tool = 3\n", "'tool' must be a table"),
        ("tool = []\n", "'tool' must be a table"),
        ("[tool]\npv = 3\n", r"\[tool.pv\] must be a table"),
        ("[tool.pv]\ncontracts = ['']\n", "contracts must be a list of folders"),
        ("[tool.pv]\ncontracts = []\n", "contracts must be a list of folders"),
        ('[tool.pv]\ncontracts = ["a\\u0000b"]\n', "contracts must be a list of folders"),
        ("[tool.pv]\nledger = ''\n", "ledger must be the path of a file"),
        ('[tool.pv]\nledger = "a\\u0000"\n', "ledger must be the path of a file"),
        ("[tool.pv]\nprobes = 3\n", r"\[tool.pv.probes\] must be a table"),
        ("[tool.pv.probes]\nmodel = 'apr list {}'\n", "model must be a list of words"),
        ("[tool.pv.probes]\nmodel = []\n", "model must be a list of words"),
        ("[tool.pv.probes]\nmodel = ['apr', 'list']\n", "one argument must hold '{}'"),
        ("[tool.pv.probes]\nmodel = ['{}', 'list']\n", "one argument must hold '{}'"),
        ("[tool.pv.probes]\nfile = ['ls', '{}']\n", "take another name"),
        ("[tool.pv]\nvalidate = 3\n", r"\[tool.pv.validate\] must be a table"),
        ("[tool.pv.validate]\nselekt = []\n", "unknown key 'selekt'; did you mean 'select'"),
        ("[tool.pv.validate]\nselect = 'PV2'\n", "select must be a list of codes"),
        ("[tool.pv.validate]\nignore = [2]\n", "ignore must be a list of codes"),
        ("[tool.pv.validate]\nseverity = []\n", "severity must be a table"),
        ("[tool.pv.validate.severity]\nPV208 = 'eror'\n", "PV208 cannot be 'eror'; did you mean 'error'"),
        ("[tool.pv.validate.severity]\nPV208 = []\n", "PV208 cannot be .*; one of off"),
        ("[tool.pv.validate]\nstrict = 'yes'\n", "strict is true or false"),
        ("[tool.pv]\nschema = 3\n", "schema must be the path of a file"),
        ("[tool.pv]\n" + DEEP, "nested too deep"),
        ("[tool.pv]\ncontracts = ['none']\n", "contracts: there is no folder .*none; create it"),
        ("[tool.pv]\nfalsifiers = ['none']\n", "falsifiers: there is no folder .*none; create it"),
        ("[tool.pv]\nfalsifiers = ['pyproject.toml']\n", "falsifiers: .*pyproject.toml is no folder"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageProblem, match=words):
        find_config(tmp_path)


def test_a_project_without_contracts_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    with pytest.raises(UsageProblem, match="contracts: there is no folder"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    "text",
    [b"tool = 3\n", b"tool = []\n", b"[tool\n", b"[tool.x]\n" + DEEP.encode(), b"[tool.x]\n\xff", b"[tool.pvx]\n["],
)
def test_a_file_that_does_not_speak_of_us_is_left_alone(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text)
    assert read_config(tmp_path, foreign=True) is None


@pytest.mark.parametrize(
    "text",
    ["[tool.pv]\nx = [\n", "[ tool . 'pv' ]\nx = [\n", "[tool]\npv = 3\n", "tool = {pv = 3}\n", "tool.pv = 3\n"],
)
def test_a_file_that_speaks_of_us_must_be_usable(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageProblem):
        read_config(tmp_path, foreign=True)


def test_paths_are_taken_without_their_detours(tmp_path: Path) -> None:
    for name in ("a", "c", "f"):
        (tmp_path / name).mkdir()
    text = "[tool.pv]\ncontracts = ['a/../c']\nfalsifiers = ['./f/']\nledger = 'a/../l'\n"
    (tmp_path / "pyproject.toml").write_text(text)
    config = find_config(tmp_path)
    assert (config.contracts, config.falsifiers, config.ledger) == (
        (tmp_path / "c",),
        (tmp_path / "f",),
        tmp_path / "l",
    )


def test_probes_are_argument_vectors(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pv.probes]\nmodel = ['apr', 'list', '--name={}']\n")
    assert find_config(tmp_path).probes == {"model": ("apr", "list", "--name={}")}


def test_how_contracts_are_checked_is_a_matter_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pv]\nschema = 'contracts/x.json'\n"
        "[tool.pv.validate]\nselect = ['PV']\nignore = ['PV229']\nstrict = true\nseverity = {PV224 = 'error'}\n"
    )
    config = find_config(tmp_path)
    assert config.schema == tmp_path / "contracts/x.json"
    assert config.strict
    assert config.policy == Policy(("PV",), ("PV229",), {"PV224": "error"})
    assert not find_config(tmp_path.parent).strict
