"""`pv validate` as a user runs it: what it says, how it ends, and which rules count."""

from __future__ import annotations

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
        env={**os.environ, "GITHUB_ACTIONS": "", "FORCE_COLOR": "", **environment},
    )


def test_a_good_contract(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    done = pv(tmp_path, "validate", "a.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 file, 1 contract, 1 claim, 0 errors, 0 warnings")
    assert done.stdout.count("\n") == 1


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
    assert "1 file, 1 contract, 1 claim, 1 error" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("files", "arguments", "code", "words"),
    [
        ({}, ["validate", "none.yaml"], 2, "none.yaml: no such file or folder"),
        ({}, ["validate", "."], 2, "no YAML file"),
        ({"a.yaml": "a: 1"}, ["validate", "."], 2, "no contract among the files given"),
        ({"a.yaml": ""}, ["validate", "."], 2, "no contract among the files given"),
        ({"a.yaml": "a: 1", "b.yaml": GOOD}, ["validate", "."], 0, ""),
        ({"a.yaml": GOOD + "zzz: 1\n"}, ["validate", "."], 0, ""),
        ({"a.yaml": GOOD + "zzz: 1\n"}, ["validate", "--strict", "."], 1, ""),
        ({"a.yaml": GOOD, "b/a.yaml": GOOD}, ["validate", "."], 1, ""),
        ({"a.yaml": "falsification_tests: []"}, ["validate", "."], 1, ""),
        ({}, ["validate"], 2, "no YAML file"),
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
            env={**os.environ, "NO_COLOR": no_colour, "TERM": "xterm", "GITHUB_ACTIONS": "", "FORCE_COLOR": ""},
        )
        os.close(follower)
        seen[no_colour] = os.read(leader, 10_000)
        os.close(leader)
    assert b"\x1b[32m" in seen[""]
    assert b"\x1b" not in seen["1"]
    assert "\x1b" not in pv(tmp_path, "validate", "a.yaml", TERM="xterm").stdout
    assert "\x1b[32m" in pv(tmp_path, "validate", "a.yaml", FORCE_COLOR="1").stdout
    assert "\x1b" not in pv(tmp_path, "validate", "a.yaml", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + "".join(f"zzz{n}: 1\n" for n in range(3000)))
    command = f"{sys.executable} -m pv validate a.yaml | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S607  bash is where the shell finds it
    assert done.stderr == ""
    assert done.stdout.startswith("a.yaml:8:1: warning[PV102]")


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
        "def broken(*given): raise KeyError('planted')\n"
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
    assert done.stdout.splitlines()[-1].startswith("98 files, 97 contracts, 1 registry, 531 claims, ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [1\n", "x.yaml:1:6: error[PV003]: not YAML: did not find expected ',' or ']'"),
        (
            b"a: [1\nb: 2\n",
            "x.yaml:2:2: error[PV003]: not YAML: did not find expected ',' or ']', while parsing a flow sequence that begins at line 1\n",
        ),
        (
            b"a:\n\tb: 1\n",
            "x.yaml:2:1: error[PV003]: not YAML: found character that cannot start any token, while scanning for the next token; indent with spaces, not tabs\n",
        ),
        (
            b"a: @b\n",
            "x.yaml:1:4: error[PV003]: not YAML: found character that cannot start any token, while scanning for the next token; put a text that begins with @ in quotes\n",
        ),
        (
            b"a: b: c\n",
            "x.yaml:1:5: error[PV003]: not YAML: mapping values are not allowed in this context; put a text with ': ' in it in quotes, or correct the indentation\n",
        ),
        (
            b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\n",
            "x.yaml:3:1: error[PV003]: not YAML: could not find expected ':', while scanning a simple key that begins at line 2; a merge left its conflict at line 2\n",
        ),
        (b"a: 1\na: 2\n", "x.yaml:2:1: error[PV004]: duplicate key 'a', first at line 1; keep one of the two"),
        (b"\xff\xfe", "x.yaml:1:1: error[PV002]: not UTF-8 at byte offset 0 (0xff); save the file as UTF-8"),
    ],
)
def test_a_file_that_is_not_yaml_is_one_finding_at_its_line_and_exit_2(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    done = pv(tmp_path, "validate", "x.yaml")
    assert (done.returncode, done.stderr) == (2, "")
    headline, _, fix = expected.rstrip("\n").partition("; ")
    assert done.stdout.startswith(headline)
    assert fix in done.stdout
    assert done.stdout.splitlines()[-1] == "1 file (1 unreadable), 0 contracts, 0 claims, 1 error, 0 warnings"
    number, column = map(int, expected.split(":")[1:3])
    if b"\xff" not in content:  # bytes that are no text have no line to show
        line, caret = done.stdout.splitlines()[2:4]
        assert line == f"{number} | {content.decode().splitlines()[number - 1].replace(chr(9), chr(92) + 't')}"
        assert caret.index("^") >= 4
        assert column > 1 or caret.index("^") == 4
    quiet = pv(tmp_path, "validate", "-q", "x.yaml").stdout
    assert quiet.startswith(expected)
    assert quiet.count("\n") == 2


TWO = GOOD.replace("if_fails", "if_failed") + "zzz: 1\n"  # PV101 is an error, PV102 a warning


@pytest.mark.parametrize(
    ("options", "table", "codes", "code"),
    [
        (["--select", "PV101,PV102"], "", {"PV101", "PV102"}, 1),
        (["--select", "pv10", "--ignore", "pv101"], "", {"PV102"}, 0),
        (["--select", "PV102", "--strict"], "", {"PV102"}, 1),
        (["--select", "PV102"], "strict = true", {"PV102"}, 1),
        (["--select", "PV101", "--select", "PV102"], 'select = ["PV9"]', {"PV101", "PV102"}, 1),
        (["--ignore", "PV101"], 'select = ["PV10"]', {"PV102"}, 0),
        ([], 'select = ["PV101"]', {"PV101"}, 1),
        ([], 'select = ["PV102"]\nseverity = {PV102 = "error"}', {"PV102"}, 1),
        ([], 'select = ["PV101"]\nseverity = {PV101 = "off"}', set(), 0),
    ],
)
def test_the_rules_that_count(tmp_path: Path, options: list[str], table: str, codes: set[str], code: int) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "a.yaml").write_text(TWO)
    (tmp_path / "pyproject.toml").write_text(f"[tool.pv.validate]\n{table}\n")
    done = pv(tmp_path, "validate", *options)
    assert set(re.findall(r"\[(PV\d+)\]", done.stdout)) == codes
    assert done.returncode == code, done


@pytest.mark.parametrize(
    ("options", "table", "words"),
    [
        (["--select", "PV110,PV102"], "", "--select: no code begins with 'PV110'; did you mean 'PV10"),
        (["--ignore", "XX"], "", "--ignore: no code begins with 'XX'; `pv explain` lists the codes"),
        (["--select", ""], "", "--select: no code begins with ''"),
        ([], 'ignore = ["pv101"]', "[tool.pv.validate] ignore: no code begins with 'pv101'; did you mean 'PV101'?"),
        ([], 'select = ["PV1011"]', "[tool.pv.validate] select: no code begins with 'PV1011'; did you mean 'PV101'?"),
        ([], 'severity = {PV777 = "error"}', "[tool.pv.validate] severity: no code begins with 'PV777'"),
    ],
)
def test_a_code_that_names_no_rule(tmp_path: Path, options: list[str], table: str, words: str) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "a.yaml").write_text(GOOD)
    (tmp_path / "pyproject.toml").write_text(f"[tool.pv.validate]\n{table}\n")
    done = pv(tmp_path, "validate", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_long_run_says_how_far_it_is_on_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    import pty

    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(GOOD)
    code = "import sys, pv.cli, pv.report.progress as p\np._PATIENCE = p._EVERY = 0\nsys.exit(pv.cli.main(['validate', '.', '-qq', '--select', 'PV101']))"
    run = [sys.executable, "-c", code]
    leader, follower = pty.openpty()
    done = subprocess.run(run, cwd=tmp_path, stdout=subprocess.PIPE, stderr=follower, text=True, check=False)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert shown.startswith("\rchecking: 0 of 3\rchecking: 1 of 3")
    assert shown.endswith("\r\x1b[K")
    assert done.stdout.startswith("3 files")
    silent = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert silent.stderr == ""


def test_each_file_is_forgotten_once_it_is_checked(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(GOOD)
    code = (
        "import gc, sys, pv.cli, pv.corpus, pv.commands.validate as v\n"
        "most = 0\n"
        "def watched(*given, real=v.read_text, **more):\n"
        "    global most\n"
        "    most = max(most, sum(isinstance(one, pv.corpus.Reading) for one in gc.get_objects()))\n"
        "    return real(*given, **more)\n"
        "v.read_text = watched\n"
        "pv.cli.main(['validate', '.', '-qq'])\n"
        "sys.exit(most > 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_an_ignore_of_a_family_is_told_to_write_out_codes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + "zzz: 1  # pv: ignore[PV1] why\n")
    done = pv(tmp_path, "validate", "a.yaml")
    assert "error[PV901]: an ignore of 'PV1', which is no rule\n" in done.stdout
    assert "= help: write out each code\n" in done.stdout


@pytest.mark.parametrize(("name", "flagged"), [(None, False), ("contracts/a.yaml", False), ("other/a.yaml", True)])
def test_a_modeline_in_standard_input_leads_from_the_name_that_is_given(
    name: str | None, flagged: bool, tmp_path: Path
) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "s.json").write_text("{}")
    (tmp_path / "pyproject.toml").write_text('[tool.pv]\nschema = "contracts/s.json"\n')
    done = subprocess.run(
        [sys.executable, "-m", "pv", "validate", "-", *(["--stdin-filename", name] if name else [])],
        cwd=tmp_path,
        input="# yaml-language-server: $schema=s.json\n" + GOOD,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GITHUB_ACTIONS": "", "FORCE_COLOR": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("PV108" in done.stdout) is flagged
