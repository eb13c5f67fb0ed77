"""`pv validate`, `pv schema`, `pv explain` as a user runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [Bridle 1990]}
equations: {f: {formula: x, domain: x > 0, preconditions: [x > 0], lean_theorem: F.f}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
proof_obligations: [{type: invariant, property: o}]
kani_harnesses: [{id: K-1, obligation: o, bound: 8}]
qa_gate: {id: G-1, name: g}
"""
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def pv(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_good_contract(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    done = pv(tmp_path, "validate", "a.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "1 file, 1 contract, 1 claim, 0 errors, 0 warnings\n",
        "",
    )


def test_a_finding_is_shown_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("if_fails", "if_failed"))
    done = pv(tmp_path, "validate", "a.yaml")
    assert done.returncode == 1
    assert (
        """\
a.yaml:4:30: error[PV101]: unknown key 'if_failed' in a claim
  |
4 |   - {id: F-1, prediction: p, if_failed: q}
  |                              ^^^^^^^^^
  = help: did you mean 'if_fails'?
"""
        in done.stdout
    )
    assert done.stdout.endswith("1 file, 1 contract, 1 claim, 1 error, 1 warning\n")


def test_one_broken_file_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    (tmp_path / "c.yaml").write_text(GOOD.replace("prediction: p", "prediction: ''"))
    (tmp_path / "d.yaml").write_text(GOOD)
    done = pv(tmp_path, "validate", ".")
    assert done.returncode == 2
    heads = [line.split(": ")[:2] for line in done.stdout.splitlines() if re.match(r"\w\.yaml:", line)]
    assert heads == [
        ["a.yaml:1:5", "error[PV003]"],
        ["b.yaml:1:1", "error[PV002]"],
        ["c.yaml:4:15", "error[PV208]"],
    ]
    assert "4 files, 2 contracts, 2 claims, 3 errors" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("files", "arguments", "code", "words"),
    [
        ({}, ["validate", "none.yaml"], 2, "none.yaml: no such file or folder"),
        ({}, ["validate", "."], 2, "no contract among the files given"),
        ({"a.yaml": "a: 1"}, ["validate", "."], 2, "no contract among the files given"),
        ({"a.yaml": ""}, ["validate", "."], 2, "no contract among the files given"),
        ({"a.yaml": "a: 1", "b.yaml": GOOD}, ["validate", "."], 0, ""),
        ({"a.yaml": GOOD + "zzz: 1\n"}, ["validate", "."], 0, ""),
        ({"a.yaml": GOOD + "zzz: 1\n"}, ["validate", "--strict", "."], 1, ""),
        ({"a.yaml": GOOD, "b/a.yaml": GOOD}, ["validate", "."], 1, ""),
        ({"a.yaml": "falsification_tests: []"}, ["validate", "."], 1, ""),
        ({}, ["validate"], 2, "required"),
        ({}, [], 2, "required"),
        ({}, ["valdate"], 2, "invalid choice"),
        ({}, ["explain", "PV998"], 2, "no rule has the code 'PV998'"),
    ],
)
def test_exit_codes(tmp_path: Path, files: dict[str, str], arguments: list[str], code: int, words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = pv(tmp_path, *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    (tmp_path / "b.yaml").write_text(GOOD)
    done = pv(tmp_path, "validate", "b.yaml", "a.yaml")
    assert done.returncode == 2
    assert "a.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("if_fails", "if_failed"))
    done = pv(tmp_path, "validate", "--format", "json", "a.yaml")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["summary"] == {"files": 1, "contracts": 1, "claims": 1, "errors": 1, "warnings": 1}
    assert report["findings"][1]["code"] == "PV101"
    assert report["findings"][1] | {"path": "a.yaml", "line": 4, "col": 30} == report["findings"][1]


def test_github_annotations_cannot_be_forged(tmp_path: Path) -> None:
    name = "a,b:c.yaml"
    (tmp_path / name).write_text(GOOD + '"evil%\\n::error::x": 1\n')
    done = pv(tmp_path, "validate", "--format", "github", name)
    lines = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert len(lines) == 1
    assert lines[0].startswith("::warning file=a%2Cb%3Ac.yaml,line=8,col=1,title=PV102::")


def test_control_characters_of_a_file_reach_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + '"\\e[31m\\u202e": 1\n')
    assert "\x1b" not in (done := pv(tmp_path, "validate", "a.yaml")).stdout
    assert "\u202e" not in done.stdout
    assert "PV102" in done.stdout


def test_wide_characters_do_not_shift_the_caret(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("{id: F-1, ", "{rule: 規則é, idd: x, id: F-1, "), encoding="utf-8")
    lines = pv(tmp_path, "validate", "a.yaml", PYTHONUTF8="1").stdout.splitlines()
    shown = next(line for line in lines if "idd: x" in line)
    caret = next(line for line in lines if "^^^" in line)
    assert caret.index("^") == shown.index("idd") + 2  # two characters that are two columns wide


def test_plain_when_piped_and_coloured_on_a_terminal(tmp_path: Path) -> None:
    import pty

    (tmp_path / "a.yaml").write_text(GOOD)
    seen = {}
    for no_colour in ("", "1"):
        leader, follower = pty.openpty()
        subprocess.run(
            [sys.executable, "-m", "pv", "validate", "a.yaml"],
            cwd=tmp_path,
            stdout=follower,
            check=True,
            env={**os.environ, "NO_COLOR": no_colour, "TERM": "xterm"},
        )
        os.close(follower)
        seen[no_colour] = os.read(leader, 10_000)
        os.close(leader)
    assert b"\x1b[32m" in seen[""]
    assert b"\x1b" not in seen["1"]
    assert "\x1b" not in pv(tmp_path, "validate", "a.yaml", TERM="xterm").stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + "".join(f"zzz{n}: 1\n" for n in range(3000)))
    command = f"{sys.executable} -m pv validate a.yaml | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S607  bash is where the shell finds it
    assert done.stderr == ""
    assert done.stdout.startswith("a.yaml:8:1: warning[PV102]")


def test_explain_prints_the_page_and_the_list(tmp_path: Path) -> None:
    page = pv(tmp_path, "explain", "pv101")
    assert page.returncode == 0
    assert page.stdout.startswith("A key that its block does not know (PV101).")
    assert "Upstream:" in page.stdout
    assert "a key stands twice" in pv(tmp_path, "explain", "PV004").stdout
    listed = pv(tmp_path, "explain").stdout.splitlines()
    assert "PV101  error    A key that its block does not know" in listed


def test_the_schema_is_printed_as_shipped(tmp_path: Path) -> None:
    import pv as package

    shipped = Path(package.__file__).parent / "schema" / "contract.schema.json"
    assert pv(tmp_path, "schema").stdout == shipped.read_text(encoding="utf-8")


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, pv.cli\n"
        "try: pv.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(set(sys.modules) & {'yaml', 'jsonschema', 'numpy', 'pytest', 'hypothesis'})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    assert "exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug in pv" in done.stdout


def test_a_bug_of_ours_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    code = (
        "import sys, pv.cli, pv.corpus\n"
        "def broken(contract): raise KeyError('planted')\n"
        "pv.corpus.check = broken\n"
        "sys.exit(pv.cli.main(['validate', 'a.yaml']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "KeyError: 'planted'" in done.stderr
    assert "this is a bug in pv" in done.stderr


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")
def test_the_corpus_of_real_contracts() -> None:
    done = pv(CORPUS, "validate", ".")
    assert done.stdout.splitlines()[-1].startswith("98 files, 97 contracts, 518 claims, ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [1\n", "x.yaml:1:6: error[PV003]: not YAML: did not find expected ',' or ']'"),
        (b"a: 1\na: 2\n", "x.yaml:2:1: error[PV004]: duplicate key 'a', first at line 1; keep one of the two"),
        (b"\xff\xfe", "x.yaml:1:1: error[PV002]: not UTF-8 at byte offset 0 (0xff); save the file as UTF-8"),
    ],
)
def test_a_file_that_is_not_yaml_is_one_line_and_exit_2(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    command = [sys.executable, "-m", "pv", "validate", "x.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith(expected)
    assert done.stdout.count("\n") == 1
