"""What `pv validate` checks: files, folders, globs, standard input, and what stands where a file should."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
metadata: {version: "1.0.0", description: d, references: [r]}
equations: {f: {formula: "f(x) = x", domain: x real}}
falsification_tests:
  - {id: FALSIFY-A-001, prediction: p, if_fails: q}
"""
BAD = GOOD.replace("if_fails", "if_failed")
KEYS = ("--select", "PV101")  # what is said of the keys alone: other rules have tests of their own


def validate(cwd: Path, *arguments: str, stdin: bytes | None = b"") -> tuple[int, list[str], str]:
    """The exit code, the lines with their file up to the severity or the counts, and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "pv", "validate", "-q", *KEYS, *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "GITHUB_ACTIONS": "", "FORCE_COLOR": ""},
    )
    error = done.stderr.decode()
    assert "Traceback" not in error
    lines = [line.split(":")[0] if "[" in line else line for line in done.stdout.decode().splitlines()]
    return done.returncode, lines, error


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Bad contracts here and there, and what is none of ours."""
    for name in ("a.yaml", "sub/b.yml", "sub/deep/c.yaml", ".hidden/d.yaml", "sub/.e.yaml", "sub/text.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BAD.replace("A-001", f"{name[-6].upper()}-001"))
    (tmp_path / "up").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["."], ["a.yaml", "sub/b.yml", "sub/deep/c.yaml"]),
        (["sub", "a.yaml", "sub/b.yml"], ["sub/b.yml", "sub/deep/c.yaml", "a.yaml"]),
        (["**/*.yaml"], ["a.yaml", "sub/deep/c.yaml"]),
        (["**"], ["a.yaml", "sub/b.yml", "sub/deep/c.yaml"]),
        (["**/**/c.*"], ["sub/deep/c.yaml"]),
        (["s*"], ["sub/b.yml", "sub/deep/c.yaml"]),
        (["sub/?.y*ml"], ["sub/b.yml"]),
        (["sub/[ab].yml", "[a].yaml"], ["sub/b.yml", "a.yaml"]),
        ([".hidden/*.yaml"], [".hidden/d.yaml"]),
        (["sub/.*.yaml"], ["sub/.e.yaml"]),
        (["sub/text.txt"], ["sub/text.txt"]),
    ],
)
def test_files_folders_and_globs(many: Path, names: list[str], files: list[str]) -> None:
    code, lines, _ = validate(many, *names)
    assert (code, lines[:-1]) == (1, files)
    assert lines[-1].startswith(f"{len(files)} file")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "empty: no YAML file (.yaml or .yml) lies in this folder"),
        ("folder.yaml", "folder.yaml: no YAML file (.yaml or .yml) lies in this folder"),
        ("*.txt", "*.txt: no YAML file (.yaml or .yml) matches this pattern"),
        ("gone/**/*.yaml", "gone/**/*.yaml: no YAML file (.yaml or .yml) matches this pattern"),
        ("gone.yaml", "gone.yaml: no such file or folder"),
        ("a\n.yaml", "a\\n.yaml: no such file or folder"),
    ],
)
def test_what_holds_nothing_is_no_pass(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.txt").write_text(GOOD)
    for folder in ("empty", "folder.yaml"):
        (tmp_path / folder).mkdir()
    code, lines, error = validate(tmp_path, "a.yaml", name)
    assert (code, lines) == (2, [])
    assert error.startswith(f"pv: {words}")


def test_without_paths_it_is_the_project(many: Path) -> None:
    (many / "pyproject.toml").write_text('[tool.pv]\ncontracts = ["sub/deep"]\n')
    (many / "sub" / "elsewhere").mkdir()
    assert validate(many)[1][:-1] == ["sub/deep/c.yaml"]
    assert validate(many / "sub" / "elsewhere")[1][0].endswith("sub/deep/c.yaml")
    (many / "none").mkdir()
    (many / "pyproject.toml").write_text('[tool.pv]\ncontracts = ["none"]\n')
    code, _, error = validate(many)
    assert (code, error[:23]) == (2, "pv: no YAML file (.yaml")
    assert "in none" in error


def test_standard_input(tmp_path: Path) -> None:
    assert validate(tmp_path, "-", stdin=BAD.encode())[:2] == (
        1,
        ["<stdin>", "1 file, 1 contract, 1 claim, 1 error, 0 warnings"],
    )
    assert validate(tmp_path, "-", stdin=b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())[0] == 0
    unread = "1 file (1 unreadable), 0 contracts, 0 claims, 1 error, 0 warnings"
    assert validate(tmp_path, "-", stdin=b"a: \xff")[:2] == (2, ["<stdin>", unread])
    assert validate(tmp_path, "-", stdin=b"")[0] == 2
    code, _, error = validate(tmp_path, "--stdin-filename", "x.yaml", "a.yaml")
    assert (code, "give `-` as well" in error) == (2, True)


def test_standard_input_belongs_where_its_name_says(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "contracts").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[tool.pv]\n[tool.pv.validate]\nignore = ['PV101']\n")
    (project / "contracts" / "b-v1.yaml").write_text(GOOD)
    name = ("--stdin-filename", "project/contracts/a-v1.yaml")
    run = [sys.executable, "-m", "pv", "validate", "-q", "-", *name]

    def said(text: str, *more: str) -> str:
        done = subprocess.run([*run, *more], cwd=tmp_path, input=text, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert "PV101" not in said(BAD)  # the project's own policy
    assert "project/contracts/a-v1.yaml:4:" in said(BAD, "--select", "PV101")
    for other in ("project/contracts/b-v1.yaml", "project/contracts/old/b-v1.yaml"):  # itself, as edited, and a twin
        done = subprocess.run([*run[:-1], other], cwd=tmp_path, input=GOOD, capture_output=True, text=True, check=False)
        assert ("PV009" in done.stdout) is ("old" in other), done


def test_a_rule_across_files_asks_the_project_and_reports_on_what_was_given(tmp_path: Path) -> None:
    for folder in ("one/contracts", "one/contracts/old", "two"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a-v1.yaml").write_text(GOOD)
    run = [sys.executable, "-m", "pv", "validate", "-q", "--select", "PV009"]

    def said(*names: str) -> list[str]:
        done = subprocess.run([*run, *names], cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    twin = "one/contracts/a-v1.yaml:1:1: error[PV009]: a contract named 'a-v1' stands in one/contracts/old/a-v1.yaml as well"
    assert said("one/contracts/a-v1.yaml")[:-1] == [twin]  # without a [tool.pv], the folder `contracts` is the project
    assert said("two/a-v1.yaml")[0].startswith("1 file")
    assert [line.split(":")[0] for line in said("two", "one/contracts/old")][:-1] == [
        "two/a-v1.yaml",
        "one/contracts/old/a-v1.yaml",
    ]


def test_what_cannot_be_read_is_named_and_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "broken.yaml").write_text("a: [\n")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "zero.yaml").write_bytes(b"a: \x00")
    os.mkfifo(tmp_path / "pipe.yaml")
    files = ["bad.yaml", "broken.yaml", "gone.yaml", "loop.yaml", "pipe.yaml", "zero.yaml"]
    for name in (".", "*.yaml"):
        code, lines, _ = validate(tmp_path, name)
        assert (code, lines[:-1]) == (2, files)
        assert lines[-1].startswith("6 files (5 unreadable), 1 contract")
    assert validate(tmp_path, "bad.yaml", "loop.yaml")[:2] == (
        2,
        ["bad.yaml", "loop.yaml", "2 files (1 unreadable), 1 contract, 1 claim, 2 errors, 0 warnings"],
    )


def test_a_pipe_that_was_named_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    command = f"{sys.executable} -m pv validate -q --select PV101,PV009 <(cat a.yaml)"
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "error[PV101]" in done.stdout


def test_names_that_mean_no_good(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"\xff.yaml", b"new\nline.yaml", b"a:b, c.yaml", b"-q.yaml", b"\x1b[2J.yaml"):
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123  pathlib takes no bytes
            file.write(BAD.encode())
    code, lines, _ = validate(tmp_path, ".")
    assert code == 1
    assert sorted(lines[:-1]) == ["-q.yaml", "\\u{1b}[2J.yaml", "\\u{dcff}.yaml", "a", "new\\nline.yaml"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pv.commands import _targets

    real = os.scandir

    def scandir(path: Path) -> object:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    (tmp_path / "closed").mkdir()
    (tmp_path / "a.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "scandir", scandir)
    for name in (".", "**", "**/*.yaml"):
        found = {one.name: one.problem for one in _targets.find([name]).files}
        assert found == {"a.yaml": "", "closed": "Permission denied"}
    (closed,) = [one for one in _targets.find(["."]).files if one.problem]
    problem = closed.read(bytes)
    assert (problem.code, problem.message) == ("PV001", "cannot be read: Permission denied")  # type: ignore[union-attr]


def test_a_pipe_is_not_read_a_second_time(tmp_path: Path) -> None:
    from pv.commands import _targets

    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.yaml").write_text(GOOD)
    targets = _targets.find([str(tmp_path / "pipe.yaml")])
    assert [one.problem for one in targets.files] == [""]
    assert [path.name for path in targets.project()] == ["a.yaml"]


def test_files_of_several_projects_are_each_held_to_their_own(tmp_path: Path) -> None:
    for name, table in {"one": '[tool.pv.validate.severity]\nPV101 = "off"\n', "two": "[tool.pv]\n"}.items():
        (tmp_path / name / "contracts").mkdir(parents=True)
        (tmp_path / name / "contracts/a-v1.yaml").write_text(BAD)
        (tmp_path / name / "pyproject.toml").write_text(table)
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose/a-v1.yaml").write_text(GOOD)
    files = ["--select", "PV009", *(f"{name}/a-v1.yaml" for name in ("one/contracts", "two/contracts", "loose"))]
    code, lines, _ = validate(tmp_path, *files)
    # a name that stands in each of them is no name twice, and what one leaves out the others do not
    assert (code, lines) == (1, ["two/contracts/a-v1.yaml", "3 files, 3 contracts, 3 claims, 1 error, 0 warnings"])
    assert validate(tmp_path, "--select", "PV009", ".")[1][0] == lines[0]
    (tmp_path / "two/contracts/deep").mkdir()
    (tmp_path / "two/contracts/deep/a-v1.yaml").write_text(GOOD)
    assert validate(tmp_path, *files)[1] == [lines[0], lines[0], lines[1].replace("1 error", "2 errors")]
    (tmp_path / "two/pyproject.toml").write_text("[tool.pv]\nselekt = 1\n")
    assert validate(tmp_path, *files)[0] == 2
    assert validate(tmp_path, files[-3])[0] == 0
