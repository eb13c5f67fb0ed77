"""What rules can ask about the other contracts of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.corpus import read, walk
from pv.index import Index
from pv.shapes import Shape, shape_of
from pv.source import Source, read_source

if TYPE_CHECKING:
    from pathlib import Path

ONE = """\
metadata: {version: 1.10, description: d, references: [r], kind: tokenizer, depends_on: [b-v1, 3]}
equations: {f: {formula: x}, g: {formula: y}}
proof_obligations: [{id: OB-1, type: bound, property: p}, {type: bound, property: q}, no mapping]
falsification_tests: [{id: F-1, prediction: p}]
invariants: [{id: F-2, summary: s}]
"""


def index(folder: Path, log: list[str] | None = None) -> Index:
    def shown(path: Path) -> str:
        if log is not None:
            log.append(path.name)
        return path.relative_to(folder).as_posix()

    return Index(lambda: walk([folder]), shown)


def test_a_contract_is_summed_up(tmp_path: Path) -> None:
    (tmp_path / "one-v1.yaml").write_text(ONE)
    one = index(tmp_path).get("one-v1")
    assert one is not None
    assert (one.name, one.path, one.kind) == ("one-v1", "one-v1.yaml", "tokenizer")
    assert one.claims == {"F-1", "F-2"}
    assert one.equations == {"f", "g"}
    assert one.obligations == {"OB-1"}
    assert one.depends_on == ("b-v1", "3")


@pytest.mark.parametrize("text", ["a: 1", "metadata: [", "[1]", "\xff"])
def test_what_is_no_contract_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "one-v1.yaml").write_text(text, "latin-1")
    assert list(index(tmp_path).contracts("one-v1")) == []
    assert index(tmp_path).get("two-v1") is None


def test_only_what_is_asked_for_is_read_and_only_once(tmp_path: Path) -> None:
    for name in ("one-v1", "two-v1", "three-v1"):
        (tmp_path / f"{name}.yaml").write_text(ONE)
    log: list[str] = []
    found = index(tmp_path, log)
    assert (found.get("two-v1"), found.get("two-v1")) != (None, None)
    assert log == ["two-v1.yaml"]


def test_what_a_question_had_read_is_handed_over_once_and_only_while_it_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "one-v1.yaml"
    file.write_text(ONE)
    found = index(tmp_path)
    assert found.get("one-v1") is not None
    changed = read_source(file, "one-v1.yaml")
    assert isinstance(changed, Source)
    ahead = found.read_ahead(file, changed)
    assert ahead is not None
    assert ahead.name == "one-v1"
    assert found.read_ahead(file, changed) is None
    again = index(tmp_path)
    assert again.get("one-v1") is not None
    assert again.read_ahead(file, Source("one-v1.yaml", ONE + "status: x\n")) is None


def test_of_many_files_of_one_name_only_as_many_are_read_as_must_be(tmp_path: Path) -> None:
    for folder in "abcde":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one-v1.yaml").write_text(ONE)
    log: list[str] = []
    found = index(tmp_path, log)
    assert found.get("one-v1") is not None
    assert len(log) == 1
    read(tmp_path / "a/one-v1.yaml", "a/one-v1.yaml", index=found)
    assert len(log) == 2


def test_two_files_of_one_name_are_both_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder / "one-v1.yaml").write_text(ONE)
    (tmp_path / "c" / "one-v1.yaml").write_text("no: contract")
    found = index(tmp_path)
    assert [one.path for one in found.contracts("one-v1")] == ["a/one-v1.yaml", "b/one-v1.yaml"]
    told = [
        one for one in read(tmp_path / "a/one-v1.yaml", "a/one-v1.yaml", index=found).findings if one.code == "PV009"
    ]
    assert [one.message for one in told] == ["a contract named 'one-v1' stands in b/one-v1.yaml as well"]


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ({"metadata": None}, Shape.CONTRACT),
        ({"metadata": {}, "bindings": [], "target_crate": "c"}, Shape.CONTRACT),
        ({"bindings": [], "target_crate": "c"}, Shape.BINDINGS),
        ({"bindings": []}, Shape.OTHER),
        ({"model_id": "m", "provenance": {}}, Shape.MANIFEST),
        ({"schema": "external-corpora-v1"}, Shape.CORPORA),
        ({"name": "n"}, Shape.OTHER),
        ([], Shape.OTHER),
        (None, Shape.OTHER),
    ],
)
def test_a_file_is_what_its_first_keys_say(data: object, shape: Shape) -> None:
    assert shape_of(data) is shape


@pytest.mark.parametrize("number", [20, 600])
def test_what_was_meant_is_among_the_names_that_are_compared(tmp_path: Path, number: int) -> None:
    names = [f"kernel-{one:03d}-v1" for one in range(number)]
    found = Index(lambda: [tmp_path / f"{name}.yaml" for name in names], str)
    for word, meant in (("kernel-007v1", "kernel-007-v1"), ("kernel-0199-v1", "kernel-019-v1"), ("zzz", names[-1])):
        assert meant in found.like(word)
    assert len(found.like("kernel-1")) <= 20, "comparing takes long"
