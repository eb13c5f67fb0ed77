"""Pairs in folders: what is one, and what `meta.toml` may say."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from apr.errors import UnusableInput
from apr.meter.meta import Expectation
from apr.meter.pairs import STUDENT, TEACHER, find_pairs, load_pair
from tests.action_traces import plain, save

FULL = """
[fixture]
id = "0001-a"
about = "One."
covers = ["hooks", "skills"]

[teacher]
cwd = "/srv/x"
source = "authored"

[student]
cwd = "/home/y"
source = "run"

[expect]
score = 1
drifts = []

[expect.upstream]
score = 0.5
drifts = ["MissingToolCall 2 Edit"]
"""


def pair(folder: Path, meta: str | None = None) -> Path:
    folder.mkdir(parents=True)
    save(folder / TEACHER, plain())
    save(folder / STUDENT, plain())
    if meta is not None:
        (folder / "meta.toml").write_text(meta)
    return folder


def test_all_that_a_meta_file_says(tmp_path: Path) -> None:
    folder = pair(tmp_path / "0001-a", FULL)
    found = load_pair(folder)
    assert (found.name, found.meta.about, found.meta.covers) == ("0001-a", "One.", ("hooks", "skills"))
    assert found.meta.expect == Expectation(1.0, ())
    assert found.meta.expect_upstream == Expectation(0.5, ("MissingToolCall 2 Edit",))
    (folder / "before").mkdir()
    (folder / "student-after").mkdir()
    (folder / "student-after" / "a").write_text("x")
    teacher, student = found.sides()
    assert (teacher.cwd, teacher.source, student.cwd, student.source) == (
        PurePosixPath("/srv/x"), "authored", PurePosixPath("/home/y"), "run",
    )  # fmt: skip
    assert teacher.before == student.before == {}
    assert teacher.after is None
    assert list(student.after or {}) == ["a"]
    assert found.size() == sum(path.stat().st_size for path in folder.glob("*.jsonl"))


def test_nothing_is_said_without_a_meta_file(tmp_path: Path) -> None:
    found = load_pair(pair(tmp_path / "p"))
    assert (found.meta.expect, found.meta.covers) == (None, ())
    teacher, _ = found.sides()
    assert (teacher.cwd, teacher.before, teacher.source) == (None, None, None)


@pytest.mark.parametrize(
    ("meta", "problem"),
    [
        ("[fixture]\nid = 'other'", "fixture.id is not the folder's name"),
        ("[fixture]\nabout = 1", "fixture.about is no text"),
        ("[fixture]\nname = 'x'", "fixture.name is no key of meta.toml; known here: id, about, covers"),
        ("[fixture]\ncovers = 'hooks'", "fixture.covers is no list of texts"),
        ("[fixture]\ncovers = [1]", "fixture.covers is no list of texts"),
        ("fixture = 1", "fixture is no table"),
        ("[other]", "other is no key of meta.toml"),
        ("[teacher]\ncwd = 'x'", "teacher.cwd is no absolute path"),
        ("[student]\ncwd = 1", "student.cwd is no absolute path"),
        ("[student]\nsource = 'made'", "student.source is none of authored, run"),
        ("[student]\nsource = ['run']", "student.source is none of authored, run"),
        ("[teacher]\nmodel = 'x'", "teacher.model is no key"),
        ("[expect]\nscore = 2", "expect.score is no number from 0 to 1, and none of vacuous, incomparable"),
        ("[expect]\nscore = nan", "expect.score is no number"),
        ("[expect]\nscore = true", "expect.score is no number"),
        ("[expect]\nscore = [1]", "expect.score is no number"),
        ("[expect]\nscore = 'agrees'", "expect.score is no number"),
        ("[expect]\ndrifts = []", "expect.score is missing beside drifts"),
        ("[expect.upstream]\nscore = 1\nother = 1", "expect.upstream.other is no key"),
        ("[expect]\nupstream = 1", "expect.upstream is no table"),
        ("[fixture", "is no TOML"),
        ("x = " + "[" * 5000, "is no TOML"),
    ],
)
def test_what_a_meta_file_must_not_say(tmp_path: Path, meta: str, problem: str) -> None:
    with pytest.raises(UnusableInput) as refused:
        load_pair(pair(tmp_path / "p", meta))
    assert refused.value.problem.startswith(problem)
    assert refused.value.where == str(tmp_path / "p" / "meta.toml")


def test_a_meta_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = pair(tmp_path / "p")
    (folder / "meta.toml").write_bytes(b"\xff")
    with pytest.raises(UnusableInput, match="is not UTF-8"):
        load_pair(folder)
    (folder / "meta.toml").unlink()
    (folder / "meta.toml").mkdir()
    with pytest.raises(UnusableInput, match="is a folder"):
        load_pair(folder)


def test_pairs_by_name_and_what_is_none(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        pair(tmp_path / name)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "rows.yaml").write_text("")
    assert [found.name for found in find_pairs(tmp_path)] == ["a", "b", "c"]
    (tmp_path / "d").mkdir()
    with pytest.raises(UnusableInput) as refused:
        find_pairs(tmp_path)
    assert (refused.value.where, refused.value.problem) == (
        str(tmp_path / "d"), f"there is no {TEACHER}, so this is no pair",
    )  # fmt: skip
    (tmp_path / "d" / TEACHER).write_text("")
    with pytest.raises(UnusableInput, match=f"there is no {STUDENT}"):
        find_pairs(tmp_path)


def test_folders_without_a_pair(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="there is no pair in this folder"):
        find_pairs(tmp_path)
    with pytest.raises(UnusableInput, match="`ccpa diff` compares a single pair"):
        find_pairs(pair(tmp_path / "p"))
    with pytest.raises(UnusableInput, match="No such file"):
        find_pairs(tmp_path / "missing")
    with pytest.raises(UnusableInput, match="Not a directory"):
        find_pairs(tmp_path / "p" / TEACHER)
