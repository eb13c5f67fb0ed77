"""`apr trace` as a user starts it, on tiny models: what it writes, what it prints, what it refuses."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def trace(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "apr", "trace", *map(str, arguments)],
            cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip

    return run


def files(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_stages_of_the_first_layer_by_default(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    done = trace(tiny_llama(), "--save-tensor", "ffn_gate, LAYER_OUTPUT,lm_head", "--tokens", "5 6,7")
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "tiny-trace"
    assert files(directory) == ["capture.json", "layer-0/ffn_gate.bin", "layer-0/post_ffn_residual.bin", "lm_head.bin"]
    assert "layers  0..1, the default" in done.stdout
    assert f"{12 + 4 * 3 * 96} bytes" in done.stdout
    assert "wrote 3 stage files" in done.stdout
    assert done.stderr == "", "no progress where nobody looks"


@pytest.mark.parametrize(
    ("selection", "layers"),
    [(("--layer", "1"), {1}), (("--save-tensor-layers", "0..2"), {0, 1}), (("--save-tensor-layers", "all"), {0, 1, 2})],
    ids=str,
)
def test_layers(
    trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path, selection: tuple[str, str], layers: set[int]
) -> None:
    model = tiny_llama(layers=3)
    assert (
        trace(model, "--save-tensor", "attn_norm", *selection, "--tokens", "5", "--save-tensor-dir", "out").returncode
        == 0
    )
    assert set(files(tmp_path / "out")) == {"capture.json"} | {f"layer-{n}/attn_norm.bin" for n in layers}


def test_what_is_written_is_what_the_forward_pass_made(
    trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path
) -> None:
    from apr.engines.reference import Reference
    from apr.formats.gguf import read_gguf
    from apr.ops.arithmetic import arithmetic
    from apr.stages import StageKey

    model = tiny_llama("Q8_0")
    for rounding in ("f64", "f32", "ggml", "exact"):
        out = tmp_path / rounding
        done = trace(model, "--save-tensor", "all", "--tokens", "5,6", "--arithmetic", rounding, "--output", out)
        assert done.returncode == 0, done.stderr
        expected = Reference(read_gguf(model), arithmetic(rounding)).capture([5, 6])
        for key in (StageKey("attention", 0), StageKey("lm_head", None)):
            content = (out / ("lm_head.bin" if key.layer is None else f"layer-0/{key.stage}.bin")).read_bytes()
            layer, count = struct.unpack_from("<II", content, 4)
            assert layer == (0xFFFFFFFF if key.layer is None else 0)
            values = np.frombuffer(content, "<f4", offset=12).reshape(2, -1)
            assert count == values.size
            assert (values == expected[key].astype(np.float32)).all()
        said = json.loads((out / "capture.json").read_text())["provenance"]
        assert (said["arithmetic"], said["tokens"], said["positions"]) == (rounding, [5, 6], [0, 1])
        assert said["model_sha256"] == read_gguf(model).sha256


def test_a_later_run_leaves_nothing_of_an_earlier_one(
    trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path
) -> None:
    model = tiny_llama()
    trace(model, "--save-tensor", "all", "--save-tensor-layers", "all", "--tokens", "5", "--output", "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    done = trace(model, "--save-tensor", "ffn_up", "--tokens", "5", "--output", "out", "--json")
    assert [Path(file["path"]).name for file in json.loads(done.stdout)["files"]] == ["ffn_up.bin"]
    assert files(tmp_path / "out") == ["capture.json", "layer-0/ffn_up.bin", "notes.txt"]


def test_payload_shows_statistics_and_next_tokens(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    done = trace(tiny_llama(), "--payload", "--prompt", "the end")
    assert done.returncode == 0, done.stderr
    assert "layer-0/ffn_silu" in done.stdout
    assert "next token" in done.stdout
    assert not (tmp_path / "tiny-trace").exists(), "nothing is saved unless asked for"
    shown = json.loads(trace(tiny_llama(), "--payload", "--prompt", "the end", "--json").stdout)
    assert shown["prompt"] == "the end"
    assert [entry["logit"] for entry in shown["top"]] == sorted((e["logit"] for e in shown["top"]), reverse=True)
    embedding = shown["statistics"][0]
    assert embedding["stage"] == "embedding"
    assert embedding["count"] == 64 * len(shown["tokens"])
    assert {entry["layer"] for entry in shown["statistics"]} == {0, None}
    assert shown["arithmetic"] == "f32"

    from apr.engines.reference import Reference
    from apr.formats.gguf import read_gguf
    from apr.ops.arithmetic import F32
    from apr.stages import StageKey

    logits = Reference(read_gguf(tiny_llama()), F32).capture(shown["tokens"])[StageKey("lm_head", None)][-1]
    best = np.argsort(-logits)[:5]
    assert [entry["token"] for entry in shown["top"]] == best.tolist()
    assert [entry["logit"] for entry in shown["top"]] == pytest.approx(logits[best].tolist(), rel=1e-5)
    other = json.loads(trace(tiny_llama(), "--payload", "--layer", "1", "--tokens", "5", "--json").stdout)
    assert {entry["layer"] for entry in other["statistics"]} == {1, None}


def test_payload_marks_what_is_not_finite(trace: Run) -> None:
    nan_model = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "llama-nan-f32.gguf"
    shown = json.loads(trace(nan_model, "--payload", "--tokens", "0", "--json").stdout)
    embedding = shown["statistics"][0]
    assert (embedding["nan"], embedding["inf"], embedding["verdict"]) == (3, 2, "ANOMALY")
    assert [entry["logit"] for entry in shown["top"]] == [None] * 5, "JSON has no NaN"


def test_without_a_wish_the_structure_is_shown(trace: Run, tiny_llama: Callable[..., Path]) -> None:
    done = trace(tiny_llama(biased=True))
    assert done.returncode == 0
    assert "llama, 2 layers, hidden 64, heads 4/2 of 16" in done.stdout
    assert "qkv_bias" in done.stdout
    shown = json.loads(trace(tiny_llama(), "--json").stdout)
    assert {"stage": "ffn_gate", "width": 96, "count": 2} in shown["stages"]
    assert {"stage": "lm_head", "width": 267, "count": 1} in shown["stages"]


def test_stages_that_do_not_apply_are_noted(trace: Run, tiny_llama: Callable[..., Path]) -> None:
    done = trace(tiny_llama(), "--save-tensor", "qkv_bias,embedding,ffn_up", "--layer", "1", "--tokens", "5")
    assert done.returncode == 0
    assert "no stage qkv_bias" in done.stdout
    assert "embedding belongs to layer 0" in done.stdout


@pytest.mark.oracle
def test_both_engines_write_comparable_captures(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    from apr.engines.llama_cpp.providers import providers

    if not providers():
        pytest.skip("no llama.cpp library: pip install xllamacpp")
    model = tiny_llama("Q4_1")
    wish = ("--save-tensor", "all", "--save-tensor-layers", "all", "--prompt", "the inner theory")
    assert trace(model, *wish, "--engine", "llama.cpp", "--output", "theirs").returncode == 0
    assert trace(model, *wish, "--arithmetic", "ggml", "--output", "ours").returncode == 0
    ours, theirs = (json.loads((tmp_path / side / "capture.json").read_text()) for side in ("ours", "theirs"))
    assert ours["files"] == theirs["files"]
    for field in ("tokens", "positions", "arithmetic", "model_sha256", "architecture"):
        assert ours["provenance"][field] == theirs["provenance"][field]
    for entry in ours["files"]:
        a, b = (
            np.frombuffer((tmp_path / side / entry["path"]).read_bytes(), "<f4", offset=12)
            for side in ("ours", "theirs")
        )
        assert np.linalg.norm(a - b) <= 0.02 * np.linalg.norm(b), entry["path"]


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("--save-tensor", ""), "empty"),
    (("--save-tensor", "ffn_gate,,lm_head"), "empty"),
    (("--save-tensor", "ffn_gat"), "did you mean 'ffn_gate'?"),
    (("--save-tensor", "all", "--layer", "x"), "'x' is not a whole number"),
    (("--save-tensor", "all", "--layer", "2"), "layers 0 to 1"),
    (("--save-tensor", "all", "--save-tensor-layers", "1..1"), "is empty"),
    (("--save-tensor", "all", "--save-tensor-layers", "1-2"), "START..END"),
    (("--save-tensor", "all", "--save-tensor-layers", "0..3"), "layer 2 does not exist"),
    (("--save-tensor", "all", "--layer", "0", "--save-tensor-layers", "0..1"), "not allowed with"),
    (("--save-tensor", "all", "--tokens", "5,a"), "'a' is not a whole number"),
    (("--save-tensor", "all", "--tokens", ""), "no token ids"),
    (("--save-tensor", "all", "--tokens", "9999"), "token id 9999"),
    (("--save-tensor", "all", "--prompt", ""), "no tokens"),
    (("--save-tensor", "all", "--prompt", "a", "--tokens", "5"), "not allowed with"),
    (("--save-tensor", "all", "--arithmetic", "f16"), "invalid choice"),
    (("--save-tensor", "all", "--engine", "llama.cpp", "--arithmetic", "f32"), "its own arithmetic"),
    (("--save-tensor", "qkv_bias"), "no stage qkv_bias"),
    (("--save-tensor", "embedding", "--layer", "1"), "nothing is left to save"),
    (("--save-tensor", "all", "--layer", "9" * 5000), "is not a whole number"),
    (("--save-tensor", "all", "--tokens", "9" * 5000), "is not a whole number"),
    (("--save-tensor", "all", "--save-tensor-layers", "0.." + "9" * 5000), "is not a whole number"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_refusals_are_one_line_and_write_nothing(
    trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = trace(tiny_llama(), *arguments, "--output", "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("apr: error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def bad_models(tmp_path: Path, tiny: Path) -> dict[str, tuple[Path, str]]:
    """Files that are no usable model, and what has to be said about each."""
    content = tiny.read_bytes()
    made = {
        "empty": (b"", "holds only 0 bytes"),
        "text": (b"this is not a model, it is a sentence " * 10, "GGUF"),
        "cut": (content[: len(content) // 2], "tensor"),
        "header": (content[:20], "ends in the middle of the metadata count"),
        # an array of 2**40 strings in a file of a few hundred bytes: the gguf library's reader would hang on it
        "announces": (
            struct.pack("<4sIQQ", b"GGUF", 3, 0, 1)
            + struct.pack("<Q", 3)
            + b"abc"
            + struct.pack("<IIQ", 9, 8, 1 << 40)
            + bytes(300),
            "abc",
        ),
    }
    models = {}
    for name, (bytes_, message) in made.items():
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(bytes_)
        models[name] = (path, message)
    import gguf

    path = tmp_path / "mamba.gguf"
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_tensor("a", np.zeros((1, 32), np.float32))
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    models["architecture"] = (path, "'mamba'")
    models["absent"] = (tmp_path / "absent.gguf", "no such file")
    (tmp_path / "folder").mkdir()
    models["folder"] = (tmp_path / "folder", "holds no model")
    return models


@pytest.mark.parametrize("name", ["empty", "text", "cut", "header", "announces", "architecture", "absent", "folder"])
def test_files_that_are_no_usable_model(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path, name: str) -> None:
    path, message = bad_models(tmp_path, tiny_llama())[name]
    done = trace(path, "--save-tensor", "all", "--tokens", "1", "--output", "out")
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_without_a_tokenizer_needs_token_ids(trace: Run, maker: Any, tmp_path: Path) -> None:
    import gguf

    spec = maker.Spec()
    path = tmp_path / "bare.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in (
        ("block_count", 2), ("context_length", 64), ("embedding_length", 64), ("feed_forward_length", 96),
        ("attention.head_count", 4), ("attention.head_count_kv", 2), ("rope.dimension_count", 16),
    ):  # fmt: skip
        writer.add_uint32(f"llama.{key}", value)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_float32("llama.rope.freq_base", 1e4)
    for name, array in maker.tensors(spec).items():
        writer.add_tensor(name, array)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    refused = trace(path, "--save-tensor", "all", "--prompt", "hello", "--output", "out")
    assert refused.returncode == 2
    assert "has no tokenizer" in refused.stderr
    assert "--tokens" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert trace(path, "--save-tensor", "lm_head", "--payload", "--tokens", "1,2", "--output", "out").returncode == 0


def test_an_oracle_that_is_not_there(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    done = trace(
        tiny_llama(),
        "--save-tensor",
        "all",
        "--engine",
        "llama.cpp",
        "--output",
        "out",
        APR_LLAMA_LIB="/nowhere/libllama.so",
    )
    assert done.returncode == 2
    assert "APR_LLAMA_LIB names '/nowhere/libllama.so'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(trace: Run, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = trace(tiny_llama(), "--save-tensor", "all", "--tokens", "5", "--output", "taken")
    assert done.returncode == 2
    assert "taken" in done.stderr
    assert (tmp_path / "taken").read_text() == "a file"


def test_help_names_the_options_and_imports_no_numpy() -> None:
    code = "import sys; from apr.cli import main; code = main(['--help']); print('numpy' in sys.modules, code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "False 0"


def test_transformers_is_an_engine_where_it_is_installed(trace: Run, tiny_llama: Callable[..., Path]) -> None:
    from apr.engines.transformers.library import is_installed

    done = trace(tiny_llama(), "--engine", "transformers", "--save-tensor", "attn_norm", "--tokens", "5", "--json")
    if is_installed():
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["engine"] == "transformers"
    else:
        assert done.returncode == 2
        assert "[transformers]" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    for rounding in ("ggml", "exact"):
        refused = trace(tiny_llama(), "--engine", "transformers", "--arithmetic", rounding, "--tokens", "5")
        assert refused.returncode == 2
        assert "it has f32 and f64" in refused.stderr
