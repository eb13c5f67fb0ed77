"""From what a user types to an engine, and what is said of what is none."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.engines.external import External
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import find_provider
from apr.engines.opening import open_engine, parse_engine
from apr.engines.recorded import Recorded
from apr.engines.reference import Reference
from apr.engines.transformers import library
from apr.errors import NotComparable, OracleAbsent, UsageError
from apr.formats import open_model
from apr.formats.aprt import SIDECAR_NAME, write_capture
from apr.ops.arithmetic import ARITHMETICS
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKENS = [3, 1, 4]
HEAD = StageKey("lm_head", None)


@pytest.fixture(scope="module")
def model(fixture_model: Callable[[str], Path]) -> Path:
    return fixture_model("llama-spm-q8_0")


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lama.cpp", r"unknown engine 'lama.cpp'; did you mean 'llama.cpp'\? engines are numpy:"),
        ("Numpy", "did you mean 'numpy'"),
        ("ollama serve", "unknown engine"),
        ("", "unknown engine ''; engines are"),
        ("numpy:", "nothing stands behind the colon"),
        ("numpy:ggm", r"numpy has no arithmetic 'ggm'; did you mean 'ggml'\? it has f64, f32, ggml"),
        ("numpy:bf16", "numpy has no arithmetic 'bf16'.*it has f64"),
        ("transformers:ggml", "transformers has no arithmetic 'ggml'.*it has f32, f64"),
        ("dir", "says not what to use; write dir:STAGE_DIR"),
        ("dir:/does/not/exist", "/does/not/exist does not exist"),
        ("dir:/etc/passwd", "/etc/passwd is no folder"),
        ("cmd:", "nothing stands behind the colon"),
        ("cmd", "says not what to use"),
        ("cmd:run {model}", r"has no \{out\}"),
        ("llama.cpp:/no/lib.so", r"'/no/lib.so' is no file; give the path of libllama.so"),
    ],
)
def test_what_is_no_engine_is_refused_before_anything_is_opened(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_engine(text)


def test_a_bare_folder_is_told_how_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"a folder of stage files is written dir:{tmp_path}"):
        parse_engine(str(tmp_path))


def test_every_arithmetic_is_an_engine(model: Path, stack: contextlib.ExitStack) -> None:
    for name in ARITHMETICS:
        assert parse_engine(f"numpy:{name}").detail == name
    for name in ("f64", "f32", "ggml"):
        engine = open_engine(f"numpy:{name}", model, stack=stack)
        assert isinstance(engine, Reference)
        assert engine.arithmetic == name


def test_what_is_left_out_has_a_meaning() -> None:
    assert parse_engine("numpy").detail == "ggml"
    assert parse_engine("transformers").detail == "f32"
    assert parse_engine(" llama.cpp ").detail == ""


@pytest.mark.parametrize("text", ["numpy", "llama.cpp", "transformers", "cmd:run {out}"])
def test_what_runs_needs_a_model(text: str, stack: contextlib.ExitStack) -> None:
    assert parse_engine(text).needs_model
    with pytest.raises(UsageError, match="needs a model to run; give a MODEL; only dir: does without"):
        open_engine(text, None, stack=stack)


def test_a_folder_needs_no_model_if_it_says_what_it_is(
    model: Path, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    provenance = Provenance("x", "1", "f32", "llama", "0" * 64, tuple(TOKENS), (0, 1, 2))
    write_capture(tmp_path, Capture(provenance, {HEAD: np.zeros((3, 415), np.float32)}))
    assert not parse_engine(f"dir:{tmp_path}").needs_model
    engine = open_engine(f"dir:{tmp_path}", None, stack=stack)
    assert isinstance(engine, Recorded)
    assert engine.tokens == tuple(TOKENS)
    (tmp_path / SIDECAR_NAME).unlink()
    with pytest.raises(NotComparable):
        open_engine(f"dir:{tmp_path}", model, stack=stack)
    stated = open_engine(f"dir:{tmp_path}", model, stack=stack, tokens=TOKENS)
    assert stated.capture(TOKENS).provenance.tokens == tuple(TOKENS)


def test_a_program_is_an_engine(model: Path, stack: contextlib.ExitStack) -> None:
    engine = open_engine(
        f"cmd:{sys.executable} -c 'import time; time.sleep(60)' {{out}}", model, stack=stack, timeout=0.2
    )
    assert isinstance(engine, External)
    with pytest.raises(Exception, match=r"no result in 0\.2 s"):
        engine.capture(TOKENS)


@pytest.mark.oracle
def test_llama_cpp_may_be_named_by_its_library(model: Path) -> None:
    try:
        provider = find_provider()
    except OracleAbsent as error:
        pytest.skip(str(error))
    with contextlib.ExitStack() as stack:
        default = open_engine("llama.cpp", model, stack=stack)
        named = open_engine(f"llama.cpp:{provider.library}", open_model(model), stack=stack)
        assert isinstance(named, LlamaCpp)
        assert named.build.startswith(provider.library.name)
        assert named.build.split()[-1] == default.build.split()[-1]
        assert np.array_equal(named.logits(TOKENS), default.logits(TOKENS))
    with pytest.raises(Exception, match="is closed"):
        named.logits(TOKENS)


@pytest.mark.parametrize("name", ["f64", "f32", "ggml"])
def test_logits_of_the_reference_are_those_of_its_capture(model: Path, stack: contextlib.ExitStack, name: str) -> None:
    engine = open_engine(f"numpy:{name}", model, stack=stack)
    assert np.array_equal(engine.logits(TOKENS), engine.capture(TOKENS)[HEAD])


@pytest.mark.skipif(library.is_installed(), reason="torch and transformers are installed")
def test_transformers_is_missed_by_name(model: Path, stack: contextlib.ExitStack) -> None:
    with pytest.raises(OracleAbsent, match=r"transformers|torch"):
        open_engine("transformers", model, stack=stack)
