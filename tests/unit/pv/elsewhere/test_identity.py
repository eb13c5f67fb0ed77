"""Whether two processes judge with the same things."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pv import watched
from pv.elsewhere.identity import differences, digest, identity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(watched, "_first", {})
    (tmp_path / "falsifiers").mkdir()
    (tmp_path / "falsifiers" / "x.py").write_text("a = 1\n")
    (tmp_path / "x.yaml").write_text("a: 1\n")
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    return tmp_path


def of(root: Path) -> dict[str, str]:
    watched._first.clear()  # as another process
    watched.watch(root / "falsifiers")
    return identity(root, [root / "x.yaml"], {"pytest": "9", "some-plugin": "1"})


def test_the_same_files_and_versions_are_no_difference(project: Path) -> None:
    one, other = of(project), of(project)
    assert differences(one, other) == []
    assert digest(one) == digest(other)
    assert {"pv", "python", "pv's code", "package pytest", "package numpy", "x.yaml", "falsifiers"} <= one.keys()
    # a plugin of pytest may decide about a verdict, whoever asks for it
    assert (one["package pytest"], one["package some-plugin"]) == ("9", "1")


@pytest.mark.parametrize("name", ["x.yaml", "pyproject.toml", "falsifiers/x.py"])
def test_another_file_is_named_with_what_is_there_and_what_was_expected(project: Path, name: str) -> None:
    mine = of(project)
    with (project / name).open("a") as file:
        file.write("# more\n")
    theirs = of(project)
    shown = name.split("/", maxsplit=1)[0]
    assert differences(theirs, mine) == [f"{shown} is {theirs[shown][:12]}, expected {mine[shown][:12]}"]
    assert digest(theirs) != digest(mine)


def test_another_version_and_a_package_too_many_or_too_few_are_named() -> None:
    mine = {"pv": "2.0", "package a": "1", "package b": "1"}
    assert differences({"pv": "1.0", "package b": "1", "package c": "3"}, mine) == [
        "package a is not there, expected 1",
        "package c is 3, expected not there",
        "pv is 1.0, expected 2.0",
    ]


def test_of_many_differences_some_are_named_and_the_rest_counted() -> None:
    mine = {f"package {letter}": "1" for letter in "abcdefgh"}
    assert differences(dict.fromkeys(mine, "2"), mine)[4:] == ["package e is 2, expected 1", "and 3 more"]


def test_a_commit_counts_where_both_know_theirs(project: Path) -> None:
    mine = of(project)
    assert mine["the commit"] == ""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project)]
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *step], check=True)
    theirs = of(project)
    assert len(theirs["the commit"]) == 40
    assert differences(theirs, mine) == []
    other = {**theirs, "the commit": "0" * 40}
    assert differences(theirs, other) == [f"the commit is {theirs['the commit'][:12]}, expected {'0' * 12}"]
