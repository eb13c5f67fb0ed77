"""`apr inspect` as a user meets it: a real process on real files."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import pytest

from apr.convert import Import, ImportOptions
from apr.formats import open_model
from apr.formats.apr import Layout, read_apr, write_apr
from apr.formats.apr.reader import open_headers
from apr.formats.gguf import read_gguf, read_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

FACTS = [
    *("schema", "path", "format", "files", "architecture", "name", "parameters", "types", "hyper_parameters", "rope"),
    *("problem", "tied", "tokenizer", "container"),
]


def inspect(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "inspect", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def told(*args: object) -> dict[str, Any]:
    done = inspect(*args, "--json")
    assert (done.returncode, done.stderr) == (0, "")

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    content: dict[str, Any] = json.loads(done.stdout, parse_constant=no_constant)
    return content


@pytest.fixture
def both(tiny_model: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """The same tied qwen3 as GGUF and as .apr."""
    path = tiny_model("qwen3", "Q8_0", head_dim=24, tied=True)
    return path, Import(open_model(path), ImportOptions(dequantise=True)).write(tmp_path / "m.apr").path


def test_a_gguf_file_says_what_it_is(both: tuple[Path, Path]) -> None:
    content = told(both[0])
    assert list(content) == FACTS
    assert (content["schema"], content["format"]) == ("apr-inspect-v1", "gguf")
    assert content["files"] == [{"path": str(both[0]), "size": both[0].stat().st_size}]
    assert content["architecture"] == "qwen3"
    tensors = read_gguf(both[0]).tensors.values()
    assert content["parameters"] == sum(int(np.prod(tensor.shape)) for tensor in tensors)
    assert [each["type"] for each in content["types"]] == ["Q8_0", "F32"]
    assert sum(each["tensors"] for each in content["types"]) == len(tensors)
    assert sum(each["bytes"] for each in content["types"]) == sum(tensor.nbytes for tensor in tensors)
    assert content["hyper_parameters"] == {
        "n_layers": 2, "hidden": 64, "feed_forward": 96, "n_heads": 4, "n_kv_heads": 2, "head_dim": 24, "vocabulary": 267,
        "epsilon": pytest.approx(1e-5), "context": 256, "experts": None,
    }  # fmt: skip
    assert content["rope"] == {
        "kind": "neox", "theta": 10000.0, "dims": 24, "scaling": "none", "factor": 1.0, "yarn": None,
    }  # fmt: skip
    assert content["problem"] is None
    assert content["tied"] is True
    assert content["tokenizer"] == {
        "kind": "gpt2", "pre": "qwen2", "tokens": 267, "merges": 8, "bos": 1, "eos": 2, "chat_template": False,
    }  # fmt: skip
    assert content["container"] == {"version": 3, "alignment": 32}


def test_the_same_model_in_both_formats_says_the_same_but_for_the_container(both: tuple[Path, Path]) -> None:
    gguf, apr = map(told, both)
    assert list(apr) == list(gguf) == FACTS
    for name in ("architecture", "name", "parameters", "rope", "tied", "tokenizer"):
        assert apr[name] == gguf[name], name
    container = apr["container"]
    header = read_apr(both[1]).header
    assert container["version"] == "2.0"
    assert container["flags"] == ["LAYOUT_ROW_MAJOR"]
    assert (container["layout"], container["naming"]) == ("apr", "Hugging Face's")
    assert container["metadata"] == {"offset": 64, "bytes": header.metadata_size}
    assert container["tensor_data"] == {"offset": header.data_offset}
    (crc,) = struct.unpack("<I", both[1].read_bytes()[-4:])
    assert container["footer"] == f"{crc:#010x}, not verified: `apr validate` does"


def test_the_other_layout_and_a_missing_footer_are_named(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "g.apr"
    Import(open_model(tiny_llama("Q8_0")), ImportOptions(layout=Layout.GGML)).write(path)
    container = told(path)["container"]
    assert (container["layout"], container["naming"], container["footer"]) == ("ggml", "GGUF's", "absent")
    assert container["flags"] == ["QUANTIZED"]


def test_tensors_are_found_under_either_name(both: tuple[Path, Path]) -> None:
    for text in ("blk.1.attn_q.", "layers.1.self_attn.q_proj"):
        (tensor,) = told(both[1], "--tensors", "--filter", text)["tensors"]
        stored = read_apr(both[1]).tensors["model.layers.1.self_attn.q_proj.weight"]
        assert tensor == {
            "name": "blk.1.attn_q.weight", "type": "F32", "shape": [96, 64], "bytes": 96 * 64 * 4, "file": str(both[1]),
            "offset": stored.offset, "stored": ["model.layers.1.self_attn.q_proj.weight"],
        }  # fmt: skip
    content = told(both[0], "--tensors")
    infos = read_gguf(both[0]).tensors
    assert [tensor["name"] for tensor in content["tensors"]] == list(infos)
    assert [tensor["offset"] for tensor in content["tensors"]] == [info.offset for info in infos.values()]
    text = inspect(both[1], "--tensors", "--filter", "attn_q.").stdout
    assert "96x64" in text
    assert "model.layers.0.self_attn.q_proj.weight" in text


def test_raw_shows_the_file_s_own_keys_and_names(both: tuple[Path, Path]) -> None:
    content = told(both[1], "--raw", "--metadata", "--tensors")
    assert "hidden_size" in content["metadata"]
    assert "qwen3.embedding_length" not in content["metadata"]
    assert content["metadata"]["license"] is None
    assert content["metadata"]["tokenizer.vocabulary"]["length"] == 267
    names = [tensor["name"] for tensor in content["tensors"]]
    assert names == sorted(names)
    assert names[0] == "lm_head.weight"


def test_a_container_that_is_no_model_is_refused_and_shown_raw(both: tuple[Path, Path], tmp_path: Path) -> None:
    file = read_apr(both[1])
    metadata = {key: value for key, value in file.metadata.items() if key not in {"hidden_size", "source_metadata"}}
    tensors: list[Any] = [(t.name, t.dtype, t.shape, file.raw(t.name)) for t in file.tensors.values()]
    write_apr(tmp_path / "x.apr", metadata, tensors, flags=file.flags)
    done = inspect(tmp_path / "x.apr")
    assert (done.returncode, done.stdout) == (2, "")
    assert "$.hidden_size: is missing" in done.stderr
    assert "`apr inspect --raw` shows the container" in done.stderr
    assert told(tmp_path / "x.apr", "--raw")["container"]["layout"] == "apr"


def test_an_architecture_that_is_not_known_leaves_the_rest(tiny_llama: Callable[..., Path]) -> None:
    path = tiny_llama()
    kind = struct.pack("<Q", 5)
    path.write_bytes(path.read_bytes().replace(kind + b"llama", kind + b"gemma", 1))
    content = told(path)
    assert list(content) == FACTS
    assert (content["hyper_parameters"], content["rope"]) == (None, None)
    assert "'gemma' is not one this runtime runs" in content["problem"]
    assert content["tokenizer"]["tokens"] == 267


def test_long_values_are_cut_and_odd_numbers_are_texts(tiny_llama: Callable[..., Path]) -> None:
    odd = (("x.nan", float("nan")), ("x.inf", float("-inf")), ("x.long", "y" * 5000))
    path = tiny_llama(metadata=odd)
    metadata = told(path, "--metadata")["metadata"]
    assert (metadata["x.nan"], metadata["x.inf"]) == ("nan", "-inf")
    assert metadata["x.long"] == "y" * 200 + "… (5000 characters)"
    tokens = metadata["tokenizer.ggml.tokens"]
    assert (tokens["length"], len(tokens["first"]), tokens["first"][0]) == (267, 8, "<|endoftext|>")
    assert list(told(path, "--metadata", "--filter", "x.")["metadata"]) == ["x.nan", "x.inf", "x.long"]
    text = inspect(path, "--metadata").stdout
    assert '["<|endoftext|>", "<|im_start|>", "<|im_end|>"' in text
    assert "(267)" in text


def test_names_that_would_steer_a_terminal_are_shown(maker: ModuleType, tmp_path: Path) -> None:
    spec = maker.Spec(metadata=(("evil\x1b]0;x\x07", "\x1b[2J\u202eabc"), ("general.name", "a\nb\x9b31m")))
    weights = maker.tensors(spec)
    weights["x\x1b[2J.weight"] = weights["output_norm.weight"]
    path = maker.write_model(tmp_path / "m.gguf", spec, weights)
    done = inspect(path, "--metadata", "--tensors")
    assert done.returncode == 0
    assert r"evil\x1b]0;x\x07" in done.stdout
    assert r"\x1b[2J\u202eabc" in done.stdout
    assert r"a\nb\x9b31m" in done.stdout
    assert r"x\x1b[2J.weight" in done.stdout
    assert not {char for char in done.stdout if ord(char) < 32} - {"\n"}
    assert told(path)["name"] == "a\nb\x9b31m", "JSON escapes for itself"


def test_version_1_shows_header_and_metadata(tmp_path: Path) -> None:
    metadata = msgpack.packb({"name": "houses", "features": 7, "blob": b"\0\1"})
    header = struct.pack("<4sBBHIIIBBB9s", b"APRN", 1, 0, 1, len(metadata), 6, 6, 0, 0x20, 88, bytes(9))
    content = header + metadata + b"binary"
    path = tmp_path / "old.apr"
    path.write_bytes(content + struct.pack("<I", zlib.crc32(content)))
    about = told(path, "--metadata")
    assert (about["format"], about["version"], about["model_type"]) == ("apr-v1", "1.0", "LinearRegression")
    assert (about["flags"], about["quality_score"], about["checksum_matches"]) == (["QUANTIZED"], 88, True)
    assert about["metadata"] == {"name": "houses", "features": 7, "blob": "0001"}
    text = inspect(path).stdout
    assert "LinearRegression" in text


@pytest.mark.parametrize(
    "content",
    [b"<html>", b"APR1" + bytes(60), b"GGUF\3\0\0\0", b"APR\0", b""],
    ids=["html", "APR1", "gguf", "apr", "empty"],
)
def test_what_cannot_be_opened_is_one_line_and_exit_2(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    for options in ((), ("--json",), ("--raw",)):
        done = inspect(path, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"apr: error: {path}: ")
        assert done.stderr.count("\n") == 1


def five_gigabytes(path: Path) -> None:
    """Makes the tensor whose data stands last 5 GB long; its zeros take no disk."""
    values = (5 << 30) // 4
    content = bytearray(path.read_bytes())
    if content.startswith(b"GGUF"):
        head = read_head(path)
        entry = max(head.entries, key=lambda each: each.offset)
        content[entry.type_at - 8 : entry.type_at] = struct.pack("<Q", values)
        end = head.data_start + entry.offset + values * 4
    else:
        file = read_apr(path)
        tensors: list[Any] = [(t.name, t.dtype, t.shape, file.raw(t.name)) for t in file.tensors.values()]
        write_apr(path, {**file.metadata, "tensor_shapes": None}, tensors, flags=file.flags)
        content, opened = bytearray(path.read_bytes()), open_headers(path)
        last = max(opened.entries, key=lambda each: each.offset)
        at = last.at + 2 + len(last.name) + 2
        content[at : at + 24] = struct.pack("<QQQ", values, last.offset, values * 4)
        end = opened.header.data_offset + last.offset + values * 4
    path.write_bytes(content[:end])
    with path.open("r+b") as whole:
        whole.truncate(end)


@pytest.mark.parametrize("index", [0, 1])
def test_only_the_head_of_a_large_file_is_read(both: tuple[Path, Path], index: int) -> None:
    path = both[index]
    five_gigabytes(path)
    code = (
        "import sys; from apr.cli import main; code = main(sys.argv[1:])\n"
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "inspect", str(path), "--json", "--tensors", "--metadata"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["size"] > 5 << 30
    _, kilobytes, unit = done.stderr.split()
    assert unit == "kB"
    assert int(kilobytes) < 150_000
