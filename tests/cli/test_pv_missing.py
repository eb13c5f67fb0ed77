"""`pv missing` as a user runs it: Python for every claim without a falsifier, whatever the claim says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.scaffold.contract import quoted

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {f: {formula: x, domain: d}}
falsification_tests:
"""
CLAIMS = """\
  - id: FALSIFY-X-001
    rule: sums of rows are one, for all of them
    prediction: |
      the sum is within 1e-12 of 1,
      over 500 lists
    if_fails: the denominator
    binds_to: f
    params: {tokens: [1, 16], kind: [a, b], scale: [1, 0.5], on: [true], odd: [1, b]}
    mutants: [{id: shifted, stage: sum, layer: 3}, {id: lost, stage: out}]
  - {id: FALSIFY-X-002, rule: a claim that is false, prediction: p, if_fails: q, expect: refuted}
"""
PRINTED = '''\
# write falsifiers/x_v1.py
"""Falsifiers of `x-v1`."""

from __future__ import annotations

from pv import Evidence, Inconclusive, Mutant, falsifies


# contracts/x-v1.yaml:4:9
@falsifies("x-v1", "FALSIFY-X-001")
def sums_of_rows_are_one_for_all(evidence: Evidence, mutant: Mutant | None, tokens: int, kind: str, scale: float, on: bool, odd: object) -> None:
    """sums of rows are one, for all of them

    Prediction: the sum is within 1e-12 of 1, over 500 lists

    If it fails: the denominator

    Mutants: shifted at sum, layer 3; lost at out
    """
    raise Inconclusive("not written", "the falsifier of FALSIFY-X-001 is not written")


# contracts/x-v1.yaml:13:10
@falsifies("x-v1", "FALSIFY-X-002")
def a_claim_that_is_false(evidence: Evidence) -> None:
    """a claim that is false

    Prediction: p

    If it fails: q

    Expected: to be refuted; a mutant makes it true
    """
    raise Inconclusive("not written", "the falsifier of FALSIFY-X-002 is not written")


# 2 of 2 claims without a falsifier; --write puts them there
'''

TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pv import Evidence, Mutant\n"


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "contracts").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pv]\n")
    (root / "contracts/x-v1.yaml").write_text(HEAD + CLAIMS)
    return root


def wrote(home: Path, text: str, name: str = "x_v1.py") -> Path:
    (home / "falsifiers").mkdir(exist_ok=True)
    file = home / "falsifiers" / name
    file.write_bytes(text.encode())
    return file


def test_the_whole_module_is_printed(home: Path) -> None:
    done = run(home, "pv", "missing")
    assert (done.returncode, done.stdout, done.stderr) == (1, PRINTED, "")
    compile(done.stdout, "printed", "exec")
    assert not (home / "falsifiers").exists()


def test_what_is_written_runs_and_is_neither_discharged_nor_refuted(home: Path) -> None:
    done = run(home, "pv", "missing", "--write")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "falsifiers/x_v1.py: 2 falsifiers of x-v1 to be filled in\n"
    module = (home / "falsifiers/x_v1.py").read_text()
    assert module in PRINTED
    told = run(home, "pytest", "-q", "-m", "falsify", "-p", "no:randomly", "-p", "no:cacheprovider")
    assert "2 claims: 0 discharged, 0 refuted, 2 inconclusive (2 not written), 0/2 mutants killed" in told.stdout
    assert told.returncode == 0, told.stdout
    again = run(home, "pv", "missing")
    assert (again.returncode, again.stdout) == (0, "nothing is missing: 2 claims, each with a falsifier\n")
    assert run(home, "pv", "missing", "--write").returncode == 0
    assert (home / "falsifiers/x_v1.py").read_text() == module


@pytest.mark.parametrize(
    "text",
    [
        'ends with a quote"',
        '"""',
        "back\\slash\\",
        "\\N{no such name} \\x \\u12",
        "é ✓ 🙂 \u2028 \u200b \u202e",
        "a\x07bell",
        "{braces} %s %(x)d $x",
        "x" * 500,
        "class",
        "123",
        "???",
        "test it",
    ],
)
def test_any_text_becomes_python(home: Path, text: str) -> None:
    said = quoted(text)
    name = "F-" + "".join(one for one in text if one.isprintable() and one not in " []:")
    claim = {"rule": said, "prediction": said, "if_fails": said}
    entry = ", ".join([f"id: {quoted(name)}", *(f"{key}: {value}" for key, value in claim.items())])
    mutant = f"mutants: [{{id: {said}, stage: {said}}}]"
    (home / "contracts/x-v1.yaml").write_text(f"{HEAD}  - {{{entry}, {mutant}}}\n", "utf-8")
    done = run(home, "pv", "missing", "--write")
    assert (done.returncode, done.stderr) == (0, "")
    source = (home / "falsifiers/x_v1.py").read_text("utf-8")
    (function,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    (call,) = function.decorator_list
    assert isinstance(call, ast.Call)
    assert [ast.literal_eval(one) for one in call.args] == ["x-v1", name]
    docstring = ast.get_docstring(function, clean=False) or ""
    assert len([line for line in docstring.splitlines() if line.strip()]) >= 4
    assert not function.name.startswith(("test", "_"))
    if text.startswith("back"):
        assert docstring.splitlines()[0] == text
    assert run(home, "pv", "missing").stdout.startswith("nothing is missing"), "what was written is found again"


@pytest.mark.parametrize(
    ("before", "imported"),
    [
        ("from pv import Evidence, Inconclusive, Mutant, falsifies\n", ""),
        ("import math\n", "from pv import Evidence, Inconclusive, Mutant, falsifies"),
        ("import math", "from pv import Evidence, Inconclusive, Mutant, falsifies"),
        ("from pv import falsifies as f, Evidence\n", "from pv import Inconclusive, Mutant"),
        ("class Evidence: pass\n", "from pv import Evidence as pv_Evidence, Inconclusive, Mutant, falsifies"),
        (
            f"from __future__ import annotations\n{TYPES}",
            "from pv import Inconclusive, falsifies",
        ),
        (
            TYPES,
            "from pv import Evidence, Inconclusive, Mutant, falsifies",
        ),
        ("# é\r\nimport math\r\n", "from pv import Evidence, Inconclusive, Mutant, falsifies"),
        ("def sums_of_rows_are_one_for_all(): pass\n", "from pv import Evidence, Inconclusive, Mutant, falsifies"),
        ('"""only a docstring"""', "from pv import Evidence, Inconclusive, Mutant, falsifies"),
    ],
)
def test_a_module_keeps_what_it_has(home: Path, before: str, imported: str) -> None:
    file = wrote(home, before)
    assert run(home, "pv", "missing", "--write").returncode == 0
    now = file.read_bytes().decode()
    assert now.startswith(before)
    added = now[len(before) :]
    assert (imported + ("\r\n" if "\r" in before else "\n") in added) if imported else ("import" not in added)
    assert ("\n" in added.replace("\r\n", "")) == ("\r" not in before)
    names = [node.name for node in ast.parse(now).body if isinstance(node, ast.FunctionDef)]
    assert len(names) == len(set(names))
    told = run(home, "pytest", "-q", "-m", "falsify", "-p", "no:cacheprovider")
    assert "2 inconclusive (2 not written)" in told.stdout, told.stdout


def test_more_of_a_contract_goes_where_the_others_are(home: Path) -> None:
    text = 'from pv import falsifies\n\n\n@falsifies("x-v1", "FALSIFY-X-002")\ndef known(evidence): ...\n'
    file = wrote(home, text, "elsewhere.py")
    done = run(home, "pv", "missing")
    assert done.returncode == 1
    assert done.stdout.startswith("# add to falsifiers/elsewhere.py\n")
    assert "FALSIFY-X-002" not in done.stdout
    assert "# 1 of 2 claims without a falsifier" in done.stdout
    run(home, "pv", "missing", "--write")
    assert sorted(one.name for one in (home / "falsifiers").glob("*.py")) == ["elsewhere.py"]
    assert file.read_text().startswith(text)


def test_two_contracts_can_share_a_module(home: Path) -> None:
    (home / "contracts/below").mkdir()
    (home / "contracts/below/x_v1.yaml").write_text(HEAD + CLAIMS)
    assert run(home, "pv", "missing", "--write").returncode == 0
    assert [one.name for one in (home / "falsifiers").glob("*.py")] == ["x_v1.py"]
    assert run(home, "pv", "missing").stdout == "nothing is missing: 4 claims, each with a falsifier\n"
    told = run(home, "pytest", "-q", "-m", "falsify", "-p", "no:cacheprovider")
    assert "4 inconclusive (4 not written)" in told.stdout


def test_json_says_the_same(home: Path) -> None:
    done = run(home, "pv", "missing", "--json", "contracts/x-v1.yaml")
    assert done.returncode == 1
    told: dict[str, Any] = json.loads(done.stdout)
    (one,) = told["missing"]
    assert (told["schema"], told["claims"], told["problems"]) == ("pv-missing-v1", 2, [])
    assert (one["contract"], one["file"], one["exists"]) == ("x-v1", "falsifiers/x_v1.py", False)
    place = {"claim": "FALSIFY-X-001", "path": "contracts/x-v1.yaml", "line": 4, "col": 9}
    assert one["claims"][0] == place
    assert one["python"] in PRINTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n", "falsifiers/x_v1.py:1: cannot be read"),
        (
            'from pv import falsifies\nimport os\n\n\n@falsifies("x-v1", os.name)\ndef f(): ...\n',
            "falsifiers/x_v1.py:5: which claims f falsifies is computed",
        ),
    ],
)
def test_nothing_is_written_where_something_may_be_there_already(home: Path, text: str, words: str) -> None:
    file = wrote(home, text)
    done = run(home, "pv", "missing", "--write")
    assert (done.returncode, done.stdout, file.read_text()) == (2, "", text)
    assert words in done.stderr
    assert "nothing was written" in done.stderr


def test_a_file_in_the_way_is_said(home: Path) -> None:
    (home / "falsifiers").write_text("")
    done = run(home, "pv", "missing", "--write")
    assert done.returncode == 2
    assert "falsifiers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_contract_that_cannot_be_used_hides_no_other(home: Path) -> None:
    (home / "contracts/y-v1.yaml").write_text("metadata: {\n")
    done = run(home, "pv", "missing")
    assert done.returncode == 2
    assert "sums_of_rows_are_one" in done.stdout
    assert "contracts/y-v1.yaml" in done.stderr


@pytest.mark.parametrize(
    ("folder", "named"), [(".", "contracts/x-v1.yaml"), ("contracts", "x-v1.yaml"), ("..", "p/contracts/x-v1.yaml")]
)
def test_without_a_configuration_falsifiers_lie_beside_the_contracts(folder: str, named: str, tmp_path: Path) -> None:
    root = tmp_path / "p"
    (root / "contracts").mkdir(parents=True)
    (root / "falsifiers").mkdir()
    (root / "contracts/x-v1.yaml").write_text(HEAD + "  - {id: F-1, rule: r, prediction: p, if_fails: q}\n")
    (root / "falsifiers/x.py").write_text(
        'from pv import falsifies\n\n\n@falsifies("x-v1", "F-1")\ndef one(evidence): ...\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "pv", "missing", named], cwd=root / folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "nothing is missing: 1 claim, each with a falsifier\n")
