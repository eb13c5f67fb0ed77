"""`pv new` as a user runs it: every kind of contract, and what is left to be filled in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.scaffold.contract import KINDS

if TYPE_CHECKING:
    from pathlib import Path

LEFT = "PV290"


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "contracts").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pv]\n")
    return root


def findings(home: Path, *arguments: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(pv(home, "validate", "--format", "json", *arguments).stdout)["findings"]
    return [one for one in told if one["severity"] != "note"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_read_and_says_what_is_left_to_write(home: Path, kind: str) -> None:
    done = pv(home, "new", "row-norm-v3", "--kind", kind)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("contracts/row-norm-v3.yaml: written\n")
    assert "`pv missing contracts/row-norm-v3.yaml`" in done.stdout
    file = home / "contracts/row-norm-v3.yaml"
    text = file.read_text()
    assert re.search(rf"^  kind: {kind}$", text, re.MULTILINE)
    assert "@" not in text
    assert pv(home, "validate").returncode == 0
    left = findings(home)
    assert {one["code"] for one in left} == {LEFT}
    assert len(left) == len(re.findall(r"FILL IN:|fill-in-", text)) - text.count("stage: fill-in-where") + 1
    assert pv(home, "validate", "--strict").returncode == 1, "what is left does not pass silently"
    assert pv(home, "missing").stdout.count("@falsifies(") == 1
    # filled in, nothing else stands in the way
    file.write_text(text.replace("FILL IN: ", "").replace("fill-in-", ""))
    assert findings(home) == []
    assert pv(home, "validate", "--strict").returncode == 0


def test_the_kinds_are_those_of_the_schema() -> None:
    from importlib import resources

    schema = json.loads(resources.files("pv").joinpath("schema/contract.schema.json").read_text("utf-8"))
    assert sorted(KINDS) == sorted(schema["properties"]["metadata"]["properties"]["kind"]["enum"])


@pytest.mark.parametrize(
    "text", ["plain", 'say "x: y" # not a comment', "back\\slash", "é ✓ 🙂", "a\nb\x07\u2028c", "@name@"]
)
def test_a_description_is_kept_whatever_it_says(home: Path, text: str) -> None:
    assert pv(home, "new", "x-v1", "--description", text).returncode == 0
    from pv.corpus import read

    contract = read(home / "contracts/x-v1.yaml").contract
    assert contract is not None
    assert contract.metadata["description"] == text


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("softmax", "softmax-v1"),
        ("Soft Max", "soft-max-v1"),
        ("softmax-V1", "softmax-v1"),
        ("soft_max-v2", "soft-max-v2"),
        ("softmax-v1.0", ""),
        ("-v1", ""),
        ("3d-v1", ""),
        ("ü", ""),
        ("contracts/", ""),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(home: Path, name: str, instead: str) -> None:
    done = pv(home, "new", "--", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "<topic>-v<major>" in done.stderr
    if instead:
        assert done.stderr.endswith(f", as in {instead}\n")
    assert list((home / "contracts").iterdir()) == []


def test_a_kind_that_is_none_is_refused(home: Path) -> None:
    done = pv(home, "new", "x-v1", "--kind", "kernal")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'kernel'?" in done.stderr


def test_a_contract_that_is_there_is_replaced_only_by_force(home: Path) -> None:
    file = home / "contracts/x-v1.yaml"
    file.write_text("mine\n")
    done = pv(home, "new", "x-v1")
    assert (done.returncode, file.read_text()) == (2, "mine\n")
    assert "--force" in done.stderr
    assert pv(home, "new", "x-v1", "--force").returncode == 0
    assert "FALSIFY-X-001" in file.read_text()


def test_a_name_that_another_folder_has_is_refused(home: Path) -> None:
    (home / "contracts/below").mkdir()
    (home / "contracts/below/x-v1.yaml").write_text("mine\n")
    done = pv(home, "new", "x-v1", "--force")
    assert done.returncode == 2
    assert "stands in" in done.stderr
    assert "below/x-v1.yaml" in done.stderr


@pytest.mark.parametrize("name", ["sub/deep/x-v1", "sub/deep/x-v1.yaml"])
def test_a_path_is_where_it_is_written(home: Path, name: str) -> None:
    done = pv(home, "new", f"contracts/{name}")
    assert done.returncode == 0
    assert "no folder of [tool.pv] contracts" not in done.stdout
    assert (home / "contracts/sub/deep/x-v1.yaml").is_file()
    done = pv(home, "new", "elsewhere/y-v1.yaml")
    assert "elsewhere/y-v1.yaml lies in no folder of [tool.pv] contracts" in done.stdout


def test_the_modeline_leads_to_the_schema_of_the_project(home: Path) -> None:
    pv(home, "new", "a-v1")
    assert "yaml-language-server" not in (home / "contracts/a-v1.yaml").read_text()
    (home / "pyproject.toml").write_text('[tool.pv]\nschema = "schemas/contract.json"\n')
    (home / "schemas").mkdir()
    (home / "schemas/contract.json").write_text("{}")
    pv(home, "new", "contracts/below/b-v1")
    first = (home / "contracts/below/b-v1.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../schemas/contract.json"


def test_what_cannot_be_written_is_said(home: Path) -> None:
    (home / "file").write_text("")
    done = pv(home, "new", "file/x-v1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such folder can be made" in done.stderr
    (home / "contracts/y-v1.yaml").mkdir()
    done = pv(home, "new", "y-v1", "--force")
    assert done.returncode == 2
    assert "there is a folder of that name" in done.stderr
