from __future__ import annotations

import hashlib
import json
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pv.digest import sha256
from pv.evidence import Evidence, plain

if TYPE_CHECKING:
    from pathlib import Path


def test_comparisons_add_up_and_begin_at_nothing(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    assert evidence.total == 0
    evidence.compared(3, "stages")
    evidence.compared(2, "stages")
    evidence.compared(0, "tokens")
    assert evidence.total == 5
    assert evidence.as_dict()["compared"] == {"stages": 5, "tokens": 0}
    with pytest.raises(ValueError, match="-1 stages"):
        evidence.compared(-1, "stages")


def test_what_was_skipped_is_told_and_never_counts(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    evidence.skipped(2, "stages", "not in the graph")
    evidence.skipped(0, "tokens", "none")
    evidence.skipped(1, "stages", "no oracle")
    evidence.skipped(3, "stages", "not in the graph")
    assert evidence.total == 0
    assert evidence.as_dict()["skipped"] == [
        {"n": 5, "what": "stages", "why": "not in the graph"},
        {"n": 1, "what": "stages", "why": "no oracle"},
    ]
    assert evidence.left_out == "5 stages (not in the graph), 1 stages (no oracle)"
    with pytest.raises(ValueError, match="-1 stages"):
        evidence.skipped(-1, "stages", "x")
    with pytest.raises(ValueError, match="say why"):
        evidence.skipped(1, "stages", " ")


def test_progress_goes_to_who_asks_and_is_no_evidence(tmp_path: Path) -> None:
    evidence, seen = Evidence(tmp_path), []
    before = evidence.as_dict()
    evidence.progress(1, 2, "nobody looks")
    evidence.on_progress = lambda *said: seen.append(said)
    evidence.progress(3, None, "layer 12")
    assert seen == [(3, None, "layer 12")]
    assert evidence.as_dict() == before


def test_the_worst_distance_is_kept_with_its_place(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    evidence.worst(1e-7, bound=1e-6, stage="a", layer=0)
    evidence.worst(3e-7, bound=1e-6, stage="b", layer=np.int64(4), position=0)  # type: ignore[arg-type]
    evidence.worst(2e-7, bound=1e-6, stage="c")
    where = {"stage": "b", "layer": 4, "position": 0}
    assert evidence.as_dict()["worst"] == {"distance": 3e-7, "bound": 1e-6, "where": where}


def test_not_a_number_is_worse_than_any_number(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    evidence.worst(math.nan, stage="a")
    evidence.worst(math.inf, stage="b")
    assert evidence.as_dict()["worst"]["where"] == {"stage": "a"}
    assert json.loads(json.dumps(evidence.as_dict(), allow_nan=False))["worst"]["distance"] == "nan"


def test_levels_are_a_closed_list(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    assert evidence.as_dict()["level"] == "algorithm"
    evidence.level("independent")
    assert evidence.as_dict()["level"] == "independent"
    with pytest.raises(ValueError, match="algorithm, authored, measured, independent"):
        evidence.level("certain")


def test_inputs_are_hashed_and_named_from_the_root(tmp_path: Path) -> None:
    inside, outside = tmp_path / "root" / "a.bin", tmp_path / "b.bin"
    inside.parent.mkdir()
    inside.write_bytes(b"abc")
    outside.write_bytes(b"xyz")
    evidence = Evidence(tmp_path / "root")
    evidence.input("fixture", inside)
    evidence.input("fixture", inside)
    evidence.input("model", str(outside))
    assert evidence.as_dict()["inputs"] == [
        {"kind": "fixture", "path": "a.bin", "sha256": hashlib.sha256(b"abc").hexdigest()},
        {"kind": "model", "path": outside.resolve().as_posix(), "sha256": hashlib.sha256(b"xyz").hexdigest()},
    ]
    with pytest.raises(FileNotFoundError):
        evidence.input("model", tmp_path / "none")


def test_a_folder_is_hashed_by_all_its_files_but_what_python_derives(tmp_path: Path) -> None:
    (tmp_path / "sub" / "__pycache__").mkdir(parents=True)
    (tmp_path / "sub" / "a.py").write_text("1")
    before = sha256(tmp_path)
    (tmp_path / "sub" / "__pycache__" / "a.txt").write_text("x")
    (tmp_path / "sub" / "a.pyc").write_text("x")
    assert sha256(tmp_path) == before
    (tmp_path / "table.json").write_text("x")
    assert sha256(tmp_path) != before
    (tmp_path / "table.json").unlink()
    assert sha256(tmp_path) == before
    (tmp_path / "sub" / "a.py").rename(tmp_path / "sub" / "b.py")
    assert sha256(tmp_path) != before


def test_a_changed_file_is_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    before = sha256(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    assert sha256(path) != before


def test_values_become_plain_json() -> None:
    value = {1: np.float32(0.5), "a": (np.int64(2), {3}), "b": math.inf, "c": b"x", "d": np.bool_(True)}
    assert plain(value) == {"1": 0.5, "a": [2, [3]], "b": "inf", "c": "b'x'", "d": True}


def test_engines_reports_and_counterexamples_are_kept(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    evidence.engine("oracle", "llama.cpp", "b1")
    evidence.engine("oracle", "llama.cpp", "b1")
    evidence.engine("oracle", "llama.cpp", "b1", producer="a fork")
    evidence.report(cosine=np.float64(0.98), n=1)
    evidence.report(n=2)
    evidence.counterexample([0, 101])
    record = evidence.as_dict()
    known = {"role": "oracle", "name": "llama.cpp", "build": "b1", "producer": "ggml-org"}
    assert record["engines"] == [known, known | {"producer": "a fork"}]
    assert record["reported"] == {"cosine": 0.98, "n": 2}
    assert record["counterexample"] == [0, 101]
