from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pv
from pv.bind import Registry, falsifies
from pv.config import find_config, read_config
from pv.corpus import read, read_all, walk

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [Bridle 1990]}
equations: {f: {formula: x, domain: x > 0, preconditions: [x > 0], lean_theorem: F.f}}
falsification_tests: [{id: F-1, prediction: p, if_fails: q}]
proof_obligations: [{type: invariant, property: o}]
kani_harnesses: [{id: K-1, obligation: o, bound: 8}]
qa_gate: {id: G-1, name: g}
"""


def test_walking_is_sorted_and_leaves_hidden_and_other_files_out(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", ".git/d.yaml", ".e.yaml", "f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    names = [
        path.relative_to(tmp_path).as_posix() for path in walk([tmp_path, tmp_path / "b.yaml", tmp_path / "f.txt"])
    ]
    assert names == ["a.yml", "b.yaml", "sub/c.yaml", "f.txt"]


def test_two_contracts_of_one_name_cannot_both_count(tmp_path: Path) -> None:
    for name in ("x.yaml", "sub/x.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD)
    first, second = read_all([tmp_path], tmp_path)
    assert [found.code for found in (*first.findings, *second.findings)] == ["PV009"]
    assert sum(reading.contract is not None for reading in (first, second)) == 1


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        ("a: 1", "note", "not a contract"),
        ("- a", "note", "not a contract"),
        ("", "note", "not a contract"),
        ("equations: {}", "error", "lacks 'metadata'"),
        ("metdata: {}", "error", "lacks 'metadata'"),
    ],
)
def test_what_is_no_contract(tmp_path: Path, text: str, severity: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    reading = read(tmp_path / "x.yaml")
    assert reading.contract is None
    assert reading.readable
    assert [(found.code, str(found.severity)) for found in reading.findings] == [("PV010", severity)]
    assert words in reading.findings[0].message


def test_the_configuration_is_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pv]\ncontracts = ["c"]\nledger = "l.jsonl"\n')
    below = tmp_path / "a" / "b"
    (tmp_path / "c").mkdir()
    below.mkdir(parents=True)
    config = find_config(below)
    assert (config.root, config.contracts, config.ledger) == (tmp_path, (tmp_path / "c",), tmp_path / "l.jsonl")
    assert config.falsifiers == (tmp_path / "falsifiers",)
    assert read_config(below) is None


def test_every_exported_name_is_there() -> None:
    assert all(getattr(pv, name) is not None for name in pv.__all__)
    assert pv.falsifies is falsifies
    with pytest.raises(AttributeError, match="nonsense"):
        pv.nonsense  # noqa: B018  the access is what is tested


def test_a_decorated_function_stays_what_it_was() -> None:
    def function() -> int:
        return 7

    assert falsifies("x", "F-1")(function) is function
    assert function() == 7
    with pytest.raises(TypeError, match="names no claim"):
        falsifies("x")


def test_a_registry_takes_only_what_its_own_modules_declare(tmp_path: Path) -> None:
    import types

    falsifies("x", "F-OUTSIDE")(lambda: None)
    for name in ("a.py", "_helper.py"):
        (tmp_path / name).write_text("")

    def import_file(path: Path) -> types.ModuleType:
        module = types.ModuleType(path.stem)
        falsifies("x", f"F-{path.stem}")(lambda: None)
        return module

    registry = Registry()
    registry.load([tmp_path], import_file)
    assert list(registry.falsifiers) == [("x", "F-a")]
    assert [one.claim_id for one in registry.strays(["y"])] == ["F-a"]
    assert registry.orphans("x", []) == registry.strays([])
