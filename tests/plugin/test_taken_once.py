"""Captures that the workers of one session share, and that do not outlive it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
SESSION = """
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import pytest
from apr.capture import Capture, Provenance
from apr.stages import StageKey
from given.oracle import Oracle

HERE = Path(__file__).parent

class Engine(Oracle):
    # Counts its captures; the rest of an oracle is not asked for.
    name, build, arithmetic, instructions = "an engine", "1", "ggml", frozenset({"AVX2"})
    provider = SimpleNamespace(library=HERE / "library.so")
    def __init__(self): pass
    def engine(self): return self
    def provenance(self, tokens): return Provenance("an engine", "1", "ggml", "llama", "m", tuple(tokens), (0,))
    def capture(self, tokens):
        with (HERE / "captures.txt").open("a") as file: file.write(f"{tokens}\\n")
        return Capture(self.provenance(tokens), {StageKey("lm_head", None): np.full((1, 4), tokens[0], np.float32)})

@pytest.mark.parametrize("turn", range(4))
def test_each_worker_gets_the_same(taken_once, worker_id, turn, request):
    for token in (3, 5):
        made = taken_once.take(Engine(), [token])
        assert made[StageKey("lm_head", None)].tolist() == [[token] * 4]
    with (HERE / "workers.txt").open("a") as file: file.write(f"{worker_id}\\n")
    from given.captures import folder_of
    folder = folder_of(request.config)
    assert len(list(folder.glob("*.safetensors"))) == 2
    (HERE / f"folder-{worker_id}.txt").write_text(str(folder))
"""


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(conftest='pytest_plugins = ("given.captures",)\n', test_session=SESSION)
    pytester.path.joinpath("library.so").write_bytes(b"code")
    pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'falsifiers'} {ROOT / 'runtime'}\n")
    return pytester


@pytest.mark.parametrize(("workers", "ran"), [((), {"master"}), (("-n", "2"), {"gw0", "gw1"})])
def test_a_session_takes_a_capture_once_and_keeps_none(
    session: pytest.Pytester, workers: tuple[str, ...], ran: set[str]
) -> None:
    def lines(name: str) -> list[str]:
        return (session.path / name).read_text().splitlines()

    result: Any = session.runpytest_subprocess("-p", "no:randomly", *workers)
    result.assert_outcomes(passed=4)
    assert set(lines("workers.txt")) == ran
    assert lines("captures.txt") == ["[3]", "[5]"]
    folders = {path.read_text() for path in session.path.glob("folder-*.txt")}
    assert len(folders) == 1
    assert not Path(folders.pop()).exists()
    session.runpytest_subprocess("-p", "no:randomly", *workers).assert_outcomes(passed=4)
    assert len(lines("captures.txt")) == 4  # another session believes nothing of the one before


def engine_of(folder: Path, **changes: Any) -> Any:
    """As much of an oracle as a key asks for."""
    said: dict[str, Any] = {"name": "an engine", "build": "1", "arithmetic": "ggml", "instructions": {"AVX2", "FMA"}}
    said |= {"library": "one.so", "model": "m"} | changes
    path = folder / said.pop("library")
    path.write_bytes(path.name.encode())
    model = said.pop("model")
    engine = SimpleNamespace(
        provider=SimpleNamespace(library=path), provenance=lambda _tokens: SimpleNamespace(model_sha256=model), **said
    )
    return SimpleNamespace(engine=lambda: engine)


@pytest.mark.parametrize(
    ("attribute", "value", "field"),
    [
        ("name", "another", "engine"),
        ("build", "2", "build"),
        ("arithmetic", "f32", "arithmetic"),
        ("instructions", {"AVX2"}, "options"),
        ("library", "two.so", "library"),
        ("model", "n", "model"),
    ],
)
def test_what_an_engine_says_is_in_the_key(tmp_path: Path, attribute: str, value: Any, field: str) -> None:
    from given.captures import key_of

    key, other = (key_of(engine_of(tmp_path, **changes), [3, 5]) for changes in ({}, {attribute: value}))
    assert getattr(other, field) != getattr(key, field)
    assert replace(other, **{field: getattr(key, field)}) == key
    assert other.digest != key.digest


def test_tokens_and_the_source_of_the_runtime_are_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from given import captures

    def key_over(code: str) -> Any:
        source = tmp_path / code
        source.mkdir()
        (source / "engine.py").write_text(code)
        monkeypatch.setattr(captures, "RUNTIME", source)
        return captures.key_of(engine_of(tmp_path), [3, 5])

    assert (captures.RUNTIME / "engines").is_dir()
    key, other = key_over("x"), key_over("y")
    assert replace(other, source=key.source) == key != other
    assert captures.key_of(engine_of(tmp_path), [3]) == replace(other, tokens=(3,)) != other


def test_what_only_looks_like_a_worker_of_xdist_shares_with_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from given.captures import folder_of, pytest_unconfigure

    own = tmp_path / "session" / "popen-gw7"
    factory = SimpleNamespace(_basetemp=own, getbasetemp=lambda: own)
    config: Any = SimpleNamespace(_tmp_path_factory=factory, workerinput={"workerid": "pv-7"})
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")  # inherited from whoever started it
    folder = folder_of(config)
    assert folder == own / "captures"
    folder.mkdir(parents=True)
    pytest_unconfigure(config)
    assert not folder.exists()
    config.workerinput["workerid"] = "gw0"
    folder = folder_of(config)
    assert folder == own.parent / "captures"
    folder.mkdir()
    pytest_unconfigure(config)
    assert folder.exists()  # the session's own process removes it
