"""The processes of pytest in a worker, without a scheduler."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pv.elsewhere import child
from pv.elsewhere.identity import digest
from pv.pytest_plugin.carried import row_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTRACT = (
    'metadata: {version: "1", description: d, references: [r]}\nequations: {f: {formula: x}}\nfalsification_tests:\n'
    "  - {id: F-1, prediction: p, if_fails: s}\n"
)
FALSIFIER = """import os, pytest, warnings
from pv import Refuted, falsifies
@pytest.fixture(scope="session")
def made():
    yield os.getpid()
    raise OSError("no way to take it down")
@falsifies("x-v1", "F-1")
def one(request, made, evidence, tmp_path):
    evidence.report(made=made)
    warnings.warn(FutureWarning("soon"))
    raise Refuted(f"off in {tmp_path}/a of {request.config.rootpath}/data.bin", stage="s")
"""


@pytest.fixture
def job(tmp_path: Path) -> Iterator[dict[str, Any]]:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "x-v1.yaml").write_text(CONTRACT)
    (tmp_path / "falsifiers").mkdir()
    (tmp_path / "falsifiers" / "x.py").write_text(FALSIFIER)
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    one: dict[str, Any] = {
        "session": tmp_path.name,
        "root": str(tmp_path),
        "here": "",
        "here_on_path": True,
        "arguments": ["-p", "no:randomly", "-p", "no:cacheprovider"],
        "environment": {"OPENBLAS_NUM_THREADS": "3", "NUMEXPR_NUM_THREADS": None},
        "input": {},
        "run": [],
        "expected": "",
    }
    yield one
    asyncio.run(child.stop(one["session"]))


def row(event: list[Any]) -> dict[str, Any] | None:
    return row_of(event[1]) if event[0] == "report" else None


def test_a_worker_without_the_project_says_where_it_looked(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(child.CHECKOUT, str(tmp_path / "nowhere"))
    told = child.answer(job)["refused"]
    assert told.startswith(f"{tmp_path / 'nowhere'} is no folder there with a pyproject.toml; set PV_CHECKOUT in ")


def test_a_pytest_that_does_not_begin_is_told_with_its_own_words(job: dict[str, Any]) -> None:
    told = child.answer({**job, "arguments": ["--no-such-option"]})["refused"]
    assert told.startswith("pytest does not begin there (exit status 4):\n")
    assert "--no-such-option" in told


def test_one_process_serves_all_groups_of_a_session_and_only_items_that_it_knows(
    job: dict[str, Any], tmp_path: Path
) -> None:
    told = child.answer(job)
    assert told.keys() == {"identity", "root"}
    run = [{"node": "contracts/x-v1.yaml::F-1", "examples": {}}]
    folder = child._folders[job["session"]]
    known = {**job, "expected": digest(told["identity"])}
    first, second = (child.answer({**known, "run": run})["done"] for _ in range(2))
    assert [one["item"] for one in (*first, *second)] == ["contracts/x-v1.yaml::F-1"] * 2
    one, other = (next(filter(None, map(row, done[0]["events"]))) for done in (first, second))
    # a row says the same wherever the checkout and temporary files lie
    assert one["message"].partition(" of ")[::2] == ("off in {tmp}/F_10/a", "data.bin")
    assert one["reported"] == other["reported"]  # what is made for a session is made once
    assert [data["text"] for kind, data in first[0]["events"] if kind == "warning"] == ["soon"]
    assert len(child._idle[job["session"]]) == 1
    unknown = child.answer({**known, "run": [{"node": "contracts/x-v1.yaml::F-2", "examples": {}}]})
    assert unknown == {"refused": "it does not collect contracts/x-v1.yaml::F-2"}
    assert json.loads(asyncio.run(child.finish(job["session"]))) == ["OSError: no way to take it down"]
    assert not (tmp_path / ".pv").exists()
    assert not folder.exists()


def test_a_process_that_judges_with_something_else_runs_nothing_and_says_what(job: dict[str, Any]) -> None:
    run = [{"node": "contracts/x-v1.yaml::F-1", "examples": {}}]
    told = child.answer({**job, "expected": "0" * 64, "run": run})
    assert told.keys() == {"identity", "root"}
    accepted = {**job, "expected": digest(told["identity"]), "run": run}
    assert [one["item"] for one in child.answer(accepted)["done"]] == ["contracts/x-v1.yaml::F-1"]


def test_threads_are_those_of_the_session_and_not_those_that_dask_sets(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("NUMEXPR_NUM_THREADS", "1")
    own = child._environment(job["environment"])
    assert own["OPENBLAS_NUM_THREADS"] == "3"
    assert "NUMEXPR_NUM_THREADS" not in own
    assert own["PATH"] == os.environ["PATH"]
