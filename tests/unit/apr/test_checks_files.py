"""Checks of models of several files, and of folders with safetensors files."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest

from apr.checks import CHECKS, Outcome, Report, Verdict, examine
from apr.errors import UnusableInput
from apr.formats import open_model
from tinymodels.hugging_face import write_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

STRUCTURE = frozenset(number for number, check in CHECKS.items() if not check.reads_data)


def objecting(report: Report) -> list[int]:
    """The numbers of the checks that fail or warn."""
    return [check.number for check, outcome in report.outcomes if outcome.verdict in {Verdict.FAIL, Verdict.WARN}]


def outcome_of(report: Report, number: int) -> Outcome:
    return next(outcome for check, outcome in report.outcomes if check.number == number)


def is_refused(path: Path) -> bool:
    try:
        open_model(path)
    except UnusableInput:
        return True
    return False


def test_shards_are_examined_together(tmp_path: Path, by_hand: Callable[..., Any]) -> None:
    def shard(index: int, name: str) -> Path:
        metadata = {"model_type": "t", "total_size": 0, "param_count": 0, "architecture": "llama"}
        metadata["sharding"] = {"shard_count": 2, "shard_index": index}
        path = tmp_path / f"m-{index + 1:05d}-of-00002.apr"
        path.write_bytes(by_hand(metadata, [(name, 0, (2,), bytes(8))], flags=0x0410).bytes)
        return path

    first, second = shard(0, "model.norm.weight"), shard(1, "lm_head.weight")
    assert examine(first, {5}).size == first.stat().st_size + second.stat().st_size
    content = bytearray(second.read_bytes())
    content[6:8] = b"\0\4"  # another file's flags: what is wrong lies between the files
    content[40:44] = struct.pack("<I", zlib.crc32(content[:40] + content[44:64]))
    second.write_bytes(content)
    report = examine(first, STRUCTURE)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [17]
    assert "SHARDED is not set" in outcome_of(report, 17).findings[0].problem
    shard(1, "lm_head.weight")
    second.write_bytes(second.read_bytes()[:-1])
    report = examine(first, STRUCTURE)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [5]
    assert outcome_of(report, 5).findings[0].file == str(second)
    second.unlink()
    report = examine(first, STRUCTURE)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [17]
    assert "is missing" in outcome_of(report, 17).findings[0].problem
    manifest = tmp_path / "model.apr.json"
    manifest.write_text(json.dumps({"shard_count": 2, "shards": [{"filename": first.name}]}))
    report = examine(manifest, STRUCTURE)
    assert report.verdicts(Verdict.FAIL)
    assert outcome_of(report, 1).verdict is Verdict.PASS


def test_parts_of_a_gguf_model_are_examined_together(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    paths = []
    for index in range(2):
        writer = gguf.GGUFWriter(tmp_path / f"m-{index + 1:05}-of-00002.gguf", "llama")
        writer.add_uint16("split.no", index)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", 2)
        writer.add_tensor(f"t{index}", np.ones(8, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths.append(tmp_path / f"m-{index + 1:05}-of-00002.gguf")
    report = examine(paths[0], {5, 6})
    assert report.size == sum(path.stat().st_size for path in paths)
    assert outcome_of(report, 6).seen == "2 tensors, 2 files"
    paths[1].write_bytes(paths[1].read_bytes()[:-33])
    report = examine(paths[0], STRUCTURE)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [5]
    assert outcome_of(report, 5).findings[0].file == str(paths[1])
    paths[1].unlink()
    assert [check.number for check in examine(paths[0], STRUCTURE).verdicts(Verdict.FAIL)] == [17]
    # a whole file that only has such a name is not taken for a part
    alone = tmp_path / "n-00001-of-00002.gguf"
    shutil.copy(tiny_llama(), alone)
    (tmp_path / "n-00002-of-00002.gguf").write_bytes(b"GGUF")
    assert objecting(examine(alone, STRUCTURE)) == []


# --- safetensors ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(maker: ModuleType, tmp_path: Path) -> Path:
    path: Path = write_folder(tmp_path / "hf", maker.Spec("qwen3"))
    return path


def test_a_sound_folder_passes(folder: Path) -> None:
    report = examine(folder, CHECKS)
    assert report.format == "safetensors"
    assert objecting(report) == []
    assert {check.number for check in report.verdicts(Verdict.NOT_APPLICABLE)} == {3, 4, 7, 15}


def with_header(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + content[8 + length :])


UP = "model.layers.0.mlp.up_proj.weight"


def st_overlap(header: dict[str, Any]) -> None:
    size = header[UP]["data_offsets"][1] - header[UP]["data_offsets"][0]
    header[UP]["data_offsets"] = [0, size]


def st_resize(header: dict[str, Any]) -> None:
    header[UP]["shape"][0] -= 1


def st_dtype(header: dict[str, Any]) -> None:
    header[UP]["dtype"] = "F3"


@pytest.mark.parametrize(
    ("plant", "number", "tensor"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-5000]), 5, "model"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), 5, None),
        (lambda path: with_header(path, st_overlap), 6, "model"),
        (lambda path: with_header(path, st_resize), 11, UP),
        (lambda path: with_header(path, st_dtype), 2, None),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), 2, None),
        (lambda path: path.write_bytes(b"{" + path.read_bytes()), 2, None),
    ],
    ids=["cut", "longer", "overlap", "size", "dtype", "header cut", "garbage"],
)
def test_a_defect_of_a_safetensors_file_fails_its_check(
    folder: Path, plant: Callable[[Path], object], number: int, tensor: str | None
) -> None:
    plant(folder / "model.safetensors")
    assert is_refused(folder)
    report = examine(folder, CHECKS)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [number]
    finding = outcome_of(report, number).findings[0]
    assert finding.file == str(folder / "model.safetensors")
    assert tensor is None or str(finding.tensor).startswith(tensor)


def test_what_is_wrong_between_the_files_of_a_folder_is_found(folder: Path) -> None:
    (folder / "config.json").unlink()
    report = examine(folder, CHECKS)
    assert report.verdicts(Verdict.FAIL)
    assert outcome_of(report, 5).verdict is Verdict.PASS


def test_what_lies_beside_the_files_of_an_index_is_not_the_model_s(maker: ModuleType, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", maker.Spec("qwen3"), files=3)
    (folder / "adapter.safetensors").write_bytes(b"nothing")
    report = examine(folder, STRUCTURE)
    assert objecting(report) == []
    assert outcome_of(report, 6).seen == "25 tensors, 3 files"
    (folder / "model-00002-of-00003.safetensors").unlink()
    assert examine(folder, STRUCTURE).verdicts(Verdict.FAIL)


def test_a_value_in_one_of_several_files_is_placed_there(maker: ModuleType, tmp_path: Path) -> None:
    weights = maker.tensors(maker.Spec("qwen3moe"))
    weights["blk.1.ffn_up_exps.weight"][3, 1, 2] = np.nan
    folder = write_folder(tmp_path / "hf", maker.Spec("qwen3moe"), weights, files=3)
    (finding,) = outcome_of(examine(folder, {12}), 12).findings
    assert finding.problem.endswith("first at [3, 1, 2]")
    assert str(finding.tensor).startswith("model.layers.1.mlp.experts.")
    assert finding.file.startswith(str(folder / "model-0000"))


def test_one_file_of_a_folder_is_no_model(folder: Path) -> None:
    report = examine(folder / "model.safetensors", STRUCTURE)
    assert [check.number for check in report.verdicts(Verdict.FAIL)] == [17]
    assert "is one file of a model" in outcome_of(report, 17).findings[0].problem
