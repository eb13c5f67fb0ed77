"""`pv trace` as a user runs it, and the reading of falsifiers that it rests on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pv.written import bound, written

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.recorded_project import RecordedProject

OBLIGATIONS = """\
proof_obligations:
  - {id: PO-1, type: bound, property: of f, applies_to: f}
  - {id: PO-2, type: bound, property: of g, applies_to: g}
  - {id: PO-3, type: bound, property: of both, applies_to: all}
  - {id: PO-4, type: bound, property: of something else, applies_to: simd}
"""


def told(project: RecordedProject, *arguments: str) -> Any:
    return json.loads(project.pv("trace", "--format", "json", *arguments).stdout)


@pytest.fixture
def measured(project: RecordedProject) -> RecordedProject:
    project.commit()
    project.record()
    return project


def test_the_way_from_equation_to_evidence(measured: RecordedProject) -> None:
    done = measured.pv("trace", "--strict")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "x-v1: 2 of 2 equations covered",
        "  contracts/x-v1.yaml:2:13: f = x: covered",
        "    contracts/x-v1.yaml:4:10: F-1: discharged",
        "      falsifier falsifiers/x_v1.py:6 first",
    ]
    assert lines[4] == "      mutants   1/1 killed: m"
    id_, rest = lines[5].split()[1], lines[5].split(maxsplit=2)[2]
    assert len(id_) == 12
    assert rest == "discharged, independent, fresh"
    assert lines[-1] == "2 of 2 equations covered; 2 claims: 2 bound; 2/2 mutants killed"
    contract = told(measured)["contracts"][0]
    assert contract["equations"][0]["claims"][0]["evidence"][0]["id"].startswith(id_)


@pytest.mark.parametrize(
    ("outcomes", "mutants"),
    [
        ({"F-1": "refuted"}, {}),
        ({"F-1": "inconclusive"}, {}),
        ({"F-1": "error"}, {}),
        ({"F-1": ""}, {}),
        ({}, {"F-1": "survived"}),
        ({}, {"F-1": "inconclusive"}),
    ],
)
def test_an_equation_is_covered_by_a_kill_and_a_discharge_only(
    project: RecordedProject, outcomes: dict[str, str], mutants: dict[str, str]
) -> None:
    """The cheat: a claim stands beside the equation, and has a falsifier, so it looks covered."""
    project.commit()
    project.record(outcomes, mutants)
    done = project.pv("trace", "--strict")
    assert done.returncode == 1
    assert "1 of 2 equations covered" in done.stdout
    assert project.pv("trace").returncode == 0
    f, g = told(project)["contracts"][0]["equations"]
    assert (f["covered"], g["covered"]) == (False, True)
    assert f["why_not"].startswith("F-1 ")


def test_an_expected_refutation_covers_nothing(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1, expect: refuted", "F-2"))
    project.commit()
    project.record()
    (f, _) = told(project)["contracts"][0]["equations"]
    assert (f["covered"], f["claims"][0]["as_expected"]) == (False, True)


def test_without_a_mutant_nothing_is_covered(measured: RecordedProject) -> None:
    path = measured.root / "contracts/x-v1.yaml"
    path.write_text(path.read_text().replace(", mutants: [{id: m, stage: s, layer: 1}]", "", 1))
    measured.record()
    totals = told(measured)["totals"]
    assert (totals["equations_covered"], totals["mutants"]) == (1, 1)


def test_stale_evidence_is_quoted_and_covers_nothing(measured: RecordedProject) -> None:
    before = told(measured)["contracts"][0]["equations"][0]["claims"][0]["evidence"]
    measured.write("falsifiers/helper.py", "x = 1\n")
    matrix = told(measured)
    after = matrix["contracts"][0]["equations"][0]["claims"][0]["evidence"]
    assert matrix["totals"]["equations_covered"] == 0
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert [one["fresh"] for one in after] == [False, False]
    assert "falsifiers falsifiers has changed since" in after[0]["stale"]
    assert ", stale: falsifiers" in measured.pv("trace").stdout


def test_what_hangs_on_nothing_is_listed(project: RecordedProject, recorded: ModuleType) -> None:
    text = recorded.contract("F-1", "F-2", "F-3")  # f, g, f
    text = text.replace("id: F-2, binds_to: g,", "id: F-2,").replace("id: F-3, binds_to: f,", "id: F-3, rule: PO-4,")
    project.write("contracts/x-v1.yaml", text + OBLIGATIONS)
    project.commit()
    done = project.pv("trace", "--strict")
    assert done.returncode == 1
    assert "contracts/x-v1.yaml:2:30: g = y: not covered: no claim binds to it" in done.stdout
    assert "  without an equation\n    contracts/x-v1.yaml:5:10: F-2" in done.stdout
    assert "F-3: inconclusive (not run)\n      falsifier unbound" in done.stdout
    assert "0 of 2 equations covered; 3 claims: 2 bound, 1 unbound, 2 without an equation; 2 of 4 proof" in done.stdout
    obligations = told(project)["contracts"][0]["obligations"]
    assert [one["tested_by"] for one in obligations] == [["F-1"], [], [], ["F-3"]]
    assert "contracts/x-v1.yaml:9:5: of g" in done.stdout
    markdown = project.pv("trace", "--format", "markdown").stdout
    assert "| g |  | not covered: no claim binds to it |  |  |  |" in markdown
    assert "* of g" in markdown


def test_without_equations_nothing_could_be_covered(project: RecordedProject) -> None:
    text = 'metadata: {version: "1", description: d, references: [r], kind: registry}\n'
    project.write("contracts/x-v1.yaml", text + "falsification_tests: [{id: F-1, prediction: p, if_fails: q}]\n")
    done = project.pv("trace", "--strict")
    assert done.returncode == 2
    assert "nothing could be covered" in done.stderr
    assert "0 of 0 equations covered" in done.stdout


def test_markdown_is_one_table_a_contract(measured: RecordedProject) -> None:
    lines = measured.pv("trace", "--format", "markdown").stdout.splitlines()
    assert lines[0].startswith("**2 of 2 equations covered; ")
    rows = [line for line in lines if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}
    assert rows[2].startswith("| f | F-1 | discharged | falsifiers/x_v1.py:6 first | 1/1 | ")


# reading falsifiers


def found(
    tmp_path: Path, text: str, name: str = "m.py"
) -> tuple[dict[tuple[str, str], list[tuple[int, str]]], list[str]]:
    folder = tmp_path / "falsifiers"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    modules = written([folder], tmp_path)
    places = {key: [(one.line, one.qualname) for one in several] for key, several in modules.falsifiers.items()}
    return places, modules.problems


@pytest.mark.parametrize(
    "text",
    [
        "from pv import falsifies\n@falsifies('c', 'A')\ndef f(): pass\n",
        "from pv import falsifies as tries\n@tries('c', 'A')\ndef f(): pass\n",
        "import pv\n@pv.falsifies('c', 'A')\ndef f(): pass\n",
        "C = 'c'; from pv import falsifies\n@falsifies(C, f'{\"A\"}')\ndef f(): pass\n",
        "C: str = 'c'; from pv.bind import falsifies\n@falsifies(f'{C}', 'A')\nasync def f(): pass\n",
        "IDS = ('A',); from pv import falsifies\n@falsifies('c', *IDS)\ndef f(): pass\n",
    ],
)
def test_a_falsifier_is_found_however_its_claim_is_written(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == ({("c", "A"): [(2, "f")]}, [])


def test_several_claims_of_one_function_and_several_functions_of_one_claim(tmp_path: Path) -> None:
    text = (
        "from pv import falsifies\n"
        "@falsifies('c', 'A', 'B')\n"
        "def f(): pass\n"
        "class K:\n"
        "    @other\n"
        "    @falsifies('c', 'A')\n"
        "    def g(self): pass\n"
    )
    assert found(tmp_path, text)[0] == {("c", "A"): [(2, "f"), (6, "K.g")], ("c", "B"): [(2, "f")]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "from pv import falsifies\n@falsifies(name(), 'A')\ndef f(): pass\n",
            "falsifiers/m.py:2: which claims f falsif",
        ),
        ("C = 'c'\nC = 'd'\nfrom pv import falsifies\n@falsifies(C, 'A')\ndef f(): pass\n", "falsifiers/m.py:4: which"),
        ("from pv import falsifies\n@falsifies('c', *ids)\ndef f(): pass\n", "falsifiers/m.py:2: which claims"),
        ("def f(:\n", "falsifiers/m.py:1: cannot be read: "),
        ("\0", "falsifiers/m.py:1: cannot be read: "),
    ],
)
def test_what_cannot_be_told_from_the_text_is_said(tmp_path: Path, text: str, problem: str) -> None:
    places, problems = found(tmp_path, text)
    assert places == {}
    assert problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def falsifies(*names): return lambda f: f\n@falsifies('c', 'A')\ndef f(): pass\n", "m.py"),
        ("from pv import falsifies\n# @falsifies('c', 'A')\nTEXT = \"@falsifies('c', 'A')\"\n", "m.py"),
        ("from pv import falsifies\n@falsifies('c', 'A')\ndef f(): pass\n", "_m.py"),
    ],
)
def test_what_only_looks_like_a_falsifier_is_none(tmp_path: Path, text: str, name: str) -> None:
    assert found(tmp_path, text, name) == ({}, [])


def test_the_falsifier_that_ran_is_known_where_the_text_does_not_tell(measured: RecordedProject) -> None:
    module = measured.root / "falsifiers/x_v1.py"
    module.write_text(module.read_text().replace('CONTRACT = "x-v1"', 'CONTRACT = "x-" + "v1"'))
    assert told(measured)["totals"]["claims_bound"] == 0, "the evidence is stale"
    measured.record()
    matrix = told(measured)
    assert matrix["totals"]["claims_bound"] == 2
    assert any("falsifiers/x_v1.py:6: which claims first falsifies is computed" in one for one in matrix["problems"])


def test_the_falsifiers_of_this_project_are_all_found(pytestconfig: pytest.Config) -> None:
    """What is read from the text is what importing finds: each claim of each contract has its one falsifier."""
    root = pytestconfig.rootpath
    modules = written([root / "falsifiers"], root)
    assert modules.problems == []
    from pv.corpus import read_all

    contracts = [one.contract for one in read_all([root / "contracts"], root) if one.contract]
    claims = {(claim.contract, claim.id) for contract in contracts for claim in contract.claims}
    assert {key for key, several in bound(modules, contracts).items() if len(several) == 1} == claims
