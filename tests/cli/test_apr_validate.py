"""`apr validate` as a user meets it: a real process on real files."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from apr.convert import Import
from apr.formats import open_model
from apr.formats.apr import read_apr
from apr.formats.gguf import read_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType


def validate(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "validate", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def apr_file(tiny_llama: Callable[..., Path], tmp_path: Path) -> Path:
    return Import(open_model(tiny_llama())).write(tmp_path / "m.apr").path


def test_a_sound_file_passes_with_exit_0(apr_file: Path) -> None:
    done = validate(apr_file)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{apr_file}: apr, ")
    assert lines[-1] == "16 pass, 1 not applicable"
    rows = [line.split() for line in lines[2:-1]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 18)]
    assert "\x1b" not in done.stdout


def test_a_cut_file_names_the_check_and_exits_1(apr_file: Path) -> None:
    content = apr_file.read_bytes()
    apr_file.write_bytes(content[: int(len(content) * 0.045)])
    done = validate(apr_file)
    assert (done.returncode, done.stderr) == (1, "")
    rows = {
        line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line[:2].strip().isdigit()
    }
    assert rows["5"].startswith("extents fail")
    assert rows["12"] == "finite skipped because check 5 failed"
    assert f"error 5 extents: {apr_file}: tensor 'lm_head.weight', offset 0x" in done.stdout
    assert "more of check 5; --json has all" in done.stdout


def test_json_says_all_of_it(apr_file: Path) -> None:
    content = bytearray(apr_file.read_bytes())
    tensor = read_apr(apr_file).tensors["model.layers.0.mlp.up_proj.weight"]
    content[tensor.offset + 4 : tensor.offset + 8] = struct.pack("<f", math.nan)
    apr_file.write_bytes(content[:-4])
    done = validate(apr_file, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert list(told) == ["schema", "files"]
    assert told["schema"] == "apr-validate-v1"
    (file,) = told["files"]
    assert list(file) == ["path", "format", "size", "ok", "counts", "checks"]
    assert (file["path"], file["format"], file["size"]) == (str(apr_file), "apr", len(content) - 4)
    assert file["ok"] is False
    assert file["counts"] == {"pass": 14, "warn": 0, "fail": 1, "skipped": 0, "not applicable": 2}
    assert [check["number"] for check in file["checks"]] == list(range(1, 18))
    (failed,) = [check for check in file["checks"] if check["verdict"] == "fail"]
    assert (failed["number"], failed["name"]) == (12, "finite")
    assert failed["findings"] == [
        {
            "severity": "error",
            "file": str(apr_file),
            "section": None,
            "tensor": "model.layers.0.mlp.up_proj.weight",
            "offset": None,
            "problem": "1 of 6144 values are NaN or infinite, first at [0, 1]",
        }
    ]


def test_a_warning_is_a_finding_when_strict(tiny_llama: Callable[..., Path]) -> None:
    path = tiny_llama(metadata=(("llama.attention.sliding_window", 64),))
    done = validate(path)
    assert done.returncode == 0
    assert "warning 8 metadata: " in done.stdout
    assert validate(path, "--strict").returncode == 1
    assert json.loads(validate(path, "--strict", "--json").stdout)["files"][0]["ok"] is False


def test_single_checks_by_number_and_name(apr_file: Path) -> None:
    done = validate(apr_file, "--only", "checksum, 5")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 pass"
    done = validate(apr_file, "--only", "5,sum")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'sum' is no check; there are 1 format, 2 header" in done.stderr
    done = validate(apr_file, "--only", "12", "--quick")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing is left to check" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "is not a model file: it holds only 0 bytes"),
        (b"<html>", "is no model file: it starts with b'<htm'"),
        (b"APRN\x01\0\x02\0" + bytes(30), "version 1 (APRN), which holds a classic model (LogisticRegression)"),
        (b"APR1" + bytes(60), "APR1"),
    ],
    ids=["absent", "empty", "html", "v1", "APR1"],
)
def test_what_is_no_model_is_one_line_and_exit_2(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    if content is not None:
        path.write_bytes(content)
    for options in ((), ("--json",)):
        done = validate(path, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_one_of_several_files_does_not_keep_the_others_from_being_checked(apr_file: Path, tmp_path: Path) -> None:
    broken, none = tmp_path / "broken.apr", tmp_path / "none.apr"
    broken.write_bytes(apr_file.read_bytes()[:-1])
    none.write_bytes(b"<html>")
    done = validate(none, apr_file, broken, "--quick")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert next(line for line in done.stdout.splitlines() if ": apr, " in line).startswith(str(apr_file))
    assert "error 5 extents" in done.stdout
    told = json.loads(validate(broken, apr_file, "--quick", "--json").stdout)
    assert [file["ok"] for file in told["files"]] == [False, True]
    assert validate(broken, apr_file, "--quick").returncode == 1


def test_names_that_would_steer_a_terminal_are_shown(maker: ModuleType, tmp_path: Path) -> None:
    weights = maker.tensors(maker.Spec())
    weights["x\x1b[2J\u202e.weight"] = weights["output_norm.weight"]
    done = validate(maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights), "--quick")
    assert done.returncode == 1
    assert r"\x1b[2J\u202e" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_folder_without_a_model_is_none(tmp_path: Path) -> None:
    done = validate(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr


def sparse(path: Path, gigabytes: int) -> Path:
    """The same GGUF file with its last tensor made `gigabytes` long, all zeros, on no disk."""
    content = bytearray(path.read_bytes())
    entry = max(read_head(path).entries, key=lambda each: each.offset)
    rows = (gigabytes << 30) // 4 // entry.dims[0]
    at = entry.type_at - 8
    assert len(entry.dims) == 2
    content[at : at + 8] = struct.pack("<Q", rows)
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(read_head(path).data_start + entry.offset + rows * entry.dims[0] * 4)
    return path


def test_structure_alone_is_read_of_a_large_file(maker: ModuleType, tmp_path: Path) -> None:
    path = sparse(maker.write_model(tmp_path / "m.gguf", maker.Spec()), 5)
    code = (
        "import sys; from apr.cli import main; code = main(sys.argv[1:])\n"
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "validate", str(path), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "[vocabulary, hidden] asks for [267, 64]" in done.stdout
    _, kilobytes, unit = done.stderr.split()
    assert unit == "kB"
    assert int(kilobytes) < 150_000


def test_memory_stays_bounded_while_the_data_is_read(maker: ModuleType, tmp_path: Path) -> None:
    path = sparse(maker.write_model(tmp_path / "m.gguf", maker.Spec()), 1)
    code = (
        "import sys; from apr.cli import main; code = main(sys.argv[1:])\n"
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "validate", str(path), "--only", "quality"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "rows are zero; less than 25%" in done.stdout
    _, kilobytes, _ = done.stderr.split()
    # the 64 MiB of pages that are read before they are let go, numpy and ggml's library, some pieces of 4 MiB
    assert int(kilobytes) < 300_000
