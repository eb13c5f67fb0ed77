"""What `pv list`, `show`, `missing` and `trace` say of claims that are executable as they stand, without running anything."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from pv.commands import list as list_command
from pv.commands import missing, show, trace
from pv.load import Document, load
from pv.parse import Contract, parse
from pv.source import Source
from pv.written import Modules, Written, bound

TEXT = """\
metadata: {version: "1.0", description: d, references: [r]}
subject: kernels
equations:
  double:
    formula: y = 2 x
    formal: 2 * x
    kernel: twice(x)
    let: {h: x / 2}
    domain: {n: 1..4, k: [1, 2], x: {dtype: f32, shape: [n, 2 * n], range: [-1, 1], nonfinite: true}}
  said: {formula: z, domain: all of R}
proof_obligations:
  - {id: is-double, type: equivalence, property: twice as much, applies_to: double, tolerance: u * f}
  - {id: small, type: bound, property: at most two, applies_to: double, between: [null, 2], forall: {n: 2..3}}
  - {id: told, type: bound, property: in words, applies_to: said}
falsification_tests:
  - {id: F-1, rule: small, prediction: p, if_fails: q, binds_to: double, obligation: is-double, mutants: [{id: m, stage: double}]}
  - {id: F-2, prediction: p, if_fails: q, binds_to: double, obligation: small, mutants: [{id: m, stage: double}]}
  - {id: F-3, prediction: p, if_fails: q, binds_to: double, obligation: [is-double, small]}
  - {id: F-4, prediction: p, if_fails: q, binds_to: said, obligation: told}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one contract; F-2 has a falsifier in Python as well."""
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/double-v1.yaml").write_text(TEXT)
    (tmp_path / "falsifiers").mkdir()
    (tmp_path / "falsifiers/double_v1.py").write_text(
        'from pv import falsifies\n\n\n@falsifies("double-v1", "F-2")\ndef second(evidence): ...\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], command: Any, **more: Any) -> str:
    given = {"contracts": [], "json": False, "write": False, "ledger": None, "format": "text", "strict": False}
    command.run(argparse.Namespace(**{**given, **more}))
    return capsys.readouterr().out


def test_python_goes_before_what_the_contract_says() -> None:
    document = load(Source("contracts/double-v1.yaml", TEXT))
    assert isinstance(document, Document)
    contract: Contract = parse(document, "double-v1")
    python = Written("double-v1", "F-2", "falsifiers/double_v1.py", 4, "second")
    found = bound(Modules({("double-v1", "F-2"): [python]}), [contract])
    itself = Written("double-v1", "F-1", "contracts/double-v1.yaml", 12, "is-double (equivalence)", "equivalence")
    assert found == {("double-v1", "F-1"): [itself], ("double-v1", "F-2"): [python]}


@pytest.mark.usefixtures("project")
def test_a_list_says_what_runs_a_claim(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, list_command).splitlines()
    assert ["contract: equivalence" in lines[1], " bound " in lines[2]] == [True, True]
    assert " unbound " in lines[3]
    assert lines[-1] == "1 contract, 4 claims: 2 bound, 2 unbound"
    claims = json.loads(said(capsys, list_command, json=True))["claims"]
    assert [one["binding"] for one in claims] == ["bound", "bound", "unbound", "unbound"]
    place = {"path": "contracts/double-v1.yaml", "line": 12, "qualname": "is-double (equivalence)"}
    assert claims[0]["falsifiers"] == [{**place, "property": "equivalence"}]
    assert claims[1]["falsifiers"][0]["property"] is None


@pytest.mark.usefixtures("project")
def test_what_runs_by_itself_is_not_missing(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(said(capsys, missing, json=True))
    assert [[one["claim"] for one in piece["claims"]] for piece in data["missing"]] == [["F-3", "F-4"]]
    file = Path("contracts/double-v1.yaml")
    file.write_text(TEXT[: TEXT.index("  - {id: F-3")])
    text = said(capsys, missing)
    assert text == "nothing is missing: 2 claims, each with a falsifier or executable as it stands (2 claims)\n"


@pytest.mark.usefixtures("project")
def test_a_claim_is_shown_with_what_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, show, claim="F-1")
    assert "  formal       2 * x\n" in text
    assert "  domain       n 1..4; k [1, 2]; x f32[n, 2 * n], range [-1, 1], nonfinite true\n" in text
    assert "runs         as it stands: obligation is-double (equivalence), contracts/double-v1.yaml:12, of" in text
    assert "  it says      h: x / 2\n               tolerance: u * f\n" in text
    assert "falsifier" not in text
    assert (
        "  obligation   twice as much (contracts/double-v1.yaml:12)\n  mutant" in text
    )  # and no other of the equation
    data = json.loads(said(capsys, show, claim="F-1", json=True))
    assert data["property"] == {
        "obligation": "is-double",
        "type": "equivalence",
        "equation": "double",
        "kernel": "twice(x)",
        "subject": "kernels",
        "says": {"h": "x / 2", "tolerance": "u * f"},
    }
    assert data["equation"]["formal"] == "2 * x"
    assert data["equation"]["domain"]["n"] == "1..4"


@pytest.mark.usefixtures("project")
def test_a_claim_with_a_falsifier_and_one_that_cannot_run_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    second = said(capsys, show, claim="F-2")
    assert "falsifier    falsifiers/double_v1.py:4 second" in second
    assert "runs  " not in second
    third = said(capsys, show, claim="F-3")
    assert "none is bound to it" in third
    assert json.loads(said(capsys, show, claim="F-3", json=True))["property"] is None


@pytest.mark.usefixtures("project")
def test_a_trace_has_the_obligation_that_each_claim_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, trace)
    assert "      runs      contracts/double-v1.yaml:12 is-double (equivalence)\n" in text
    assert "      falsifier falsifiers/double_v1.py:4 second\n" in text
    assert "4 claims: 2 bound, 2 unbound" in text
    obligations = json.loads(said(capsys, trace, format="json"))["contracts"][0]["obligations"]
    # a word in the rule of F-1 is the id of another obligation, and means nothing
    assert [one["tested_by"] for one in obligations] == [["F-1", "F-3"], ["F-2", "F-3"], ["F-4"]]
