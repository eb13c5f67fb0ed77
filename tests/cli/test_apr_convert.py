"""`apr import` and `apr export` as a user starts them: what they write, print and refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def apr(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "apr", *map(str, arguments)],
            cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip

    return run


def test_there_and_back(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = fixture_model("qwen3-q4_k_m")
    done = apr("import", source)
    assert (done.returncode, done.stderr) == (0, "")
    assert "25 tensors in layout hf" in done.stdout
    assert "kept        12 Q4_K" in done.stdout
    assert "the head is the embedding" in done.stdout
    done = apr("export", "qwen3-q4_k_m.apr", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary == {
        "schema": "apr-export-v1",
        "source": "qwen3-q4_k_m.apr",
        "output": "qwen3-q4_k_m.gguf",
        "bytes": source.stat().st_size,
        "tensors": 24,
        "kept": {"Q4_K": 12, "Q6_K": 3, "F32": 9},
        "changed": {},
        "notes": [],
    }
    assert (tmp_path / "qwen3-q4_k_m.gguf").read_bytes() == source.read_bytes()


def test_the_other_layout(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    done = apr("import", fixture_model("llama-spm-q8_0"), "--layout", "gguf", "-o", "x.apr", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["schema"], summary["layout"], summary["tensors"]) == ("apr-import-v1", "gguf", 21)
    assert summary["kept"] == {"Q8_0": 16, "F32": 5}
    assert summary["bytes"] == (tmp_path / "x.apr").stat().st_size
    assert apr("export", "x.apr").returncode == 0
    assert (tmp_path / "x.gguf").read_bytes() == fixture_model("llama-spm-q8_0").read_bytes()


def test_types_are_changed_only_when_that_is_asked_for(apr: Run, fixture_model: Callable[[str], Path]) -> None:
    source = fixture_model("qwen2-q4_k_m")
    refused = apr("import", source)
    assert refused.returncode == 2
    assert "cannot hold 1 of type Q5_0 (first 'blk.0.ffn_down.weight')" in refused.stderr
    done = apr("import", source, "--dequantise")
    assert done.returncode == 0
    assert "changed      1 Q5_0 to F32" in done.stdout
    done = apr("import", source, "--quantise", "int4", "-o", "q4.apr")
    assert "changed     11 Q4_K to AprQ4" in done.stdout
    refused = apr("export", "q4.apr")
    assert refused.returncode == 2
    assert "type AprQ4 does not exist in GGUF; --dequantise F16 or --dequantise F32" in refused.stderr
    done = apr("export", "q4.apr", "--dequantise", "F16")
    assert "changed     15 AprQ4 to F16" in done.stdout
    done = apr("trace", "q4.apr", "--payload", "--tokens", "1,2,3")
    assert done.returncode == 0, done.stderr


def test_nothing_is_overwritten(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = fixture_model("llama-nan-f32")
    (tmp_path / "out").mkdir()
    (tmp_path / "x.apr").write_bytes(b"precious")
    for arguments, said in (
        (("import", source, "-o", "x.apr"), "x.apr: is there already; use --force"),
        (("import", source, "-o", "out"), "out: is a folder; give the file's name: out/llama-nan-f32.apr"),
        (("import", source, "-o", "nowhere/x.apr"), "nowhere: there is no such folder"),
        (("export", source, "-o", source, "--force"), "is the model itself"),
    ):
        refused = apr(*arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert said in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.apr"]
    assert (tmp_path / "x.apr").read_bytes() == b"precious"
    assert apr("import", source, "-o", "x.apr", "--force").returncode == 0
    assert (tmp_path / "x.apr").read_bytes()[:4] == b"APR\0"


def test_several_files(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = fixture_model("llama-nan-f32")
    done = apr("import", source, "--shard-size", "64K", "-o", "m.apr", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["output"] == "m.index.json"
    assert summary["shards"] == [f"m-0000{n}-of-00003.apr" for n in (1, 2, 3)]
    assert apr("export", "m.index.json", "-o", "back.gguf").returncode == 0
    assert (tmp_path / "back.gguf").read_bytes() == source.read_bytes()
    refused = apr("import", source, "--shard-size", "64K", "-o", "m.apr")
    assert "m-00001-of-00003.apr: is there already" in refused.stderr
    for size in ("0", "64X", "-1", "lots"):
        refused = apr("import", source, f"--shard-size={size}", "-o", "n.apr")
        assert refused.returncode == 2
        assert "is no size" in refused.stderr


def test_a_tokenizer_from_elsewhere(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    bpe, pieces = fixture_model("llama-nan-f32"), fixture_model("llama-spm-q8_0")
    refused = apr("import", bpe, "--tokenizer", pieces, "-o", "x.apr")
    assert refused.returncode == 2
    assert "415 tokens, the embedding has only 267 rows" in refused.stderr
    done = apr("import", pieces, "--layout", "gguf", "--tokenizer", bpe, "-o", "x.apr")
    assert done.returncode == 0, done.stderr
    from apr.formats import open_model

    assert open_model(tmp_path / "x.apr").metadata["tokenizer.ggml.model"] == "gpt2"


@pytest.mark.parametrize("damage", ["cut", "not a model", "absent"])
def test_what_is_no_model(apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.apr"
    if damage != "absent":
        assert apr("import", fixture_model("llama-nan-f32"), "-o", path).returncode == 0
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"GIF89a" + content)
    for command in ("import", "export"):
        refused = apr(command, path, "-o", "y")
        assert refused.returncode == 2
        assert refused.stderr.startswith("apr: error: ")
        assert refused.stderr.count("\n") == 1
        assert "Traceback" not in refused.stderr
        assert not (tmp_path / "y").exists()


def test_help_names_what_it_does(apr: Run) -> None:
    for command, words in (("import", ("--layout", "--dequantise", "--tokenizer")), ("export", ("--dequantise",))):
        shown = apr(command, "--help")
        assert shown.returncode == 0
        assert all(word in shown.stdout for word in words)
    assert "import" in apr("--help").stdout


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "layout"), [("llama-q4_k_m", "hf"), ("qwen2-q6_k", "gguf"), ("qwen3moe-q4_k_m", "hf")]
)
def test_llama_cpp_reads_what_was_exported(
    apr: Run, fixture_model: Callable[[str], Path], tmp_path: Path, name: str, layout: str
) -> None:
    from apr.engines.llama_cpp.engine import LlamaCpp
    from apr.engines.llama_cpp.providers import providers
    from apr.formats import open_model

    if not providers():
        pytest.skip("no llama.cpp library: pip install xllamacpp")
    assert apr("import", fixture_model(name), "--layout", layout, "-o", "x.apr").returncode == 0
    assert apr("export", "x.apr").returncode == 0
    tokens = [1, 5, 77, 30]
    with LlamaCpp(open_model(fixture_model(name))) as theirs, LlamaCpp(open_model(tmp_path / "x.gguf")) as ours:
        before, after = theirs.capture(tokens), ours.capture(tokens)
    assert before.stages.keys() == after.stages.keys()
    for key, array in before.stages.items():
        assert np.array_equal(array, after[key]), key
