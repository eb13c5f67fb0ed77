"""GGUF models in several parts: the same as the whole file, and one refusal for every way in which parts contradict."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.errors import AprError, UnusableInput
from apr.formats import open_model
from apr.formats.gguf import read_gguf
from apr.formats.split import SplitGguf, read_gguf_split
from apr.ops.arithmetic import F32, GGML
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TOKENS = [4, 30, 77, 100, 5, 6, 200]
PER_PART = 8


def split(whole: Path, folder: Path, *, stem: str = "m", first_without_tensors: bool = False) -> list[Path]:
    """Writes a model again in parts of `PER_PART` tensors, with gguf's own writer."""
    reader = gguf.GGUFReader(whole)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(
        folder / f"{stem}.gguf", architecture, split_max_tensors=PER_PART, small_first_shard=first_without_tensors
    )
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob(f"{stem}-*.gguf"))


def write_part(path: Path, keys: Mapping[str, int | str], tensors: tuple[str, ...] = ()) -> Path:
    """One part by hand, to plant contradictions."""
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in keys.items():
        if isinstance(value, str):
            writer.add_string(key, value)
        elif key == "split.tensors.count":
            writer.add_int32(key, value)
        else:
            writer.add_uint16(key, value)
    for name in tensors:
        writer.add_tensor(name, np.zeros(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def part_keys(number: int, count: int = 2, tensors: int = 2) -> dict[str, Any]:
    return {"split.no": number, "split.count": count, "split.tensors.count": tensors}


@pytest.fixture
def whole(tiny_llama: Callable[..., Path]) -> Path:
    return tiny_llama("Q4_1", name="whole.gguf")


@pytest.mark.parametrize("first_without_tensors", [False, True])
@pytest.mark.parametrize("given", [0, 1, -1])
def test_parts_are_the_whole_file(whole: Path, tmp_path: Path, given: int, first_without_tensors: bool) -> None:
    parts = split(whole, tmp_path, first_without_tensors=first_without_tensors)
    assert len(parts) == (4 if first_without_tensors else 3)
    assert (not read_gguf(parts[0]).tensors) == first_without_tensors
    one, many = read_gguf(whole), open_model(parts[given])
    assert isinstance(many, SplitGguf)
    assert many.path == parts[0]
    assert many.format == "gguf"
    assert dict(many.metadata) == dict(one.metadata)
    assert len(many.metadata) == len(one.metadata)
    assert many.weights_sha256 == one.weights_sha256
    assert list(many.tensors) == list(one.tensors)
    for name, tensor in one.tensors.items():
        found = many.tensors[name]
        assert (found.shape, found.type_name, found.nbytes) == (tensor.shape, tensor.type_name, tensor.nbytes)
        assert (many.raw(name) == one.raw(name)).all()
        many.release(name)
        assert (many.raw(name) == one.raw(name)).all()


def test_keys_about_the_parts_are_not_the_models(whole: Path, tmp_path: Path) -> None:
    metadata = open_model(split(whole, tmp_path)[0]).metadata
    assert "split.count" not in metadata
    assert "general.architecture" in metadata
    assert "nothing" not in metadata
    with pytest.raises(KeyError):
        metadata["split.no"]


def test_stages_of_parts_are_those_of_the_whole_file(whole: Path, tmp_path: Path) -> None:
    one = Reference(read_gguf(whole), F32).capture(TOKENS)
    many = Reference(open_model(split(whole, tmp_path)[0]), F32).capture(TOKENS)
    assert one.provenance.model_sha256 != many.provenance.model_sha256
    assert one.stages.keys() == many.stages.keys()
    for key, array in one.stages.items():
        assert (array == many[key]).all(), key


def test_the_hash_covers_every_part(whole: Path, tmp_path: Path) -> None:
    parts = split(whole, tmp_path)
    before = open_model(parts[0]).sha256
    shutil.copy(parts[2], tmp_path / "last")
    content = bytearray(parts[2].read_bytes())
    content[-1] ^= 1
    parts[2].write_bytes(content)
    assert open_model(parts[0]).sha256 != before
    shutil.copy(tmp_path / "last", parts[2])
    assert open_model(parts[1]).sha256 == before


def test_one_part_of_one_is_a_whole_file(tmp_path: Path) -> None:
    path = write_part(tmp_path / "any name.gguf", part_keys(0, 1, 1), ("a",))
    assert list(open_model(path).tensors) == ["a"]


@pytest.mark.parametrize(("gone", "given"), [(0, 1), (1, 0), (2, 1)])
def test_a_missing_part_is_named(whole: Path, tmp_path: Path, gone: int, given: int) -> None:
    parts = split(whole, tmp_path)
    parts[gone].unlink()
    with pytest.raises(UnusableInput, match=rf"{parts[gone].name}: is missing: part {gone + 1} of 3"):
        open_model(parts[given])


def test_an_unknown_tensor(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="no tensor 'x' in any of 3 parts"):
        open_model(split(whole, tmp_path)[0]).raw("x")


@pytest.mark.parametrize("name", ["b.gguf", "m-00001-of-00003.gguf", "m-1-of-2.gguf", "m-00001-of-00002.gguf.bak"])
def test_a_part_under_another_name(tmp_path: Path, name: str) -> None:
    path = write_part(tmp_path / name, part_keys(0), ("a",))
    with pytest.raises(UnusableInput, match="one of 2 parts, and is not named as one of 2"):
        open_model(path)


FIRST = part_keys(0)
CONTRADICTIONS: dict[str, tuple[dict[str, Any], tuple[str, ...], dict[str, Any], tuple[str, ...], str]] = {
    "two first parts": (FIRST, ("a",), part_keys(0), ("b",), r"m-00002.*'split\.no': is 0, in part 2 .* must be 1"),
    "a part of a larger set": (FIRST, ("a",), part_keys(1, 3), ("b",), r"m-00002.*'split\.count': is 3, .* must be 2"),
    "a part that is whole": (FIRST, ("a",), {}, ("b",), r"m-00002.*'split\.no' is missing"),
    "another total": (FIRST, ("a",), part_keys(1, 2, 3), ("b",), r"m-00002.*'split\.tensors\.count': is 3, .* be 2"),
    "a tensor twice": (FIRST, ("a",), part_keys(1), ("a",), r"m-00002.*tensor 'a': is in m-00001-of-00002\.gguf too"),
    "a tensor too few": (FIRST, ("a",), part_keys(1), (), r"m-00001.*announces 2 tensors in all parts, they hold 1"),
    "no total": ({"split.no": 0, "split.count": 2}, ("a",), part_keys(1), ("b",), r"m-00001.*'split\.tensors\.count'"),
    "other metadata": (FIRST, ("a",), part_keys(1) | {"t.x": "y"}, ("b",), r"m-00002.*'t\.x': differs from the first"),
    "the first renamed": (part_keys(1), ("a",), part_keys(1), ("b",), r"m-00001.*'split\.no': is 1, .* must be 0"),
    "no parts": (part_keys(0, 0), ("a",), part_keys(1), ("b",), r"m-00001.*'split\.count': is 0, it must be in 1 to"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_parts_that_contradict_each_other(tmp_path: Path, case: str) -> None:
    first, held, second, held_there, message = CONTRADICTIONS[case]
    path = write_part(tmp_path / "m-00001-of-00002.gguf", first, held)
    write_part(tmp_path / "m-00002-of-00002.gguf", second, held_there)
    with pytest.raises(UnusableInput, match=message):
        read_gguf_split(path)


def test_a_part_that_is_no_gguf_file_is_named(whole: Path, tmp_path: Path) -> None:
    parts = split(whole, tmp_path)
    parts[1].write_bytes(b"<html>")
    with pytest.raises(UnusableInput, match=rf"{parts[1].name}.*is not a GGUF file"):
        open_model(parts[0])


def test_every_truncation_of_a_part_is_one_refusal(tmp_path: Path) -> None:
    path = write_part(tmp_path / "m-00001-of-00002.gguf", FIRST, ("a",))
    second = write_part(tmp_path / "m-00002-of-00002.gguf", part_keys(1), ("b",))
    content = second.read_bytes()
    for length in range(0, len(content) - 16, 3):  # the last 16 bytes only pad 4 numbers to the alignment of 32
        second.write_bytes(content[:length])
        with pytest.raises(AprError, match="m-00002-of-00002"):
            open_model(path)


@pytest.mark.oracle
def test_llama_cpp_runs_the_parts_as_the_reference_does(whole: Path, tmp_path: Path) -> None:
    from apr.engines.llama_cpp.engine import LlamaCpp

    parts = split(whole, tmp_path)
    file = open_model(parts[1])
    head = StageKey("lm_head", None)
    with LlamaCpp(file) as oracle, LlamaCpp(read_gguf(whole)) as oracle_of_whole:
        captured = oracle.capture(TOKENS)
        assert captured.provenance.weights_sha256 == read_gguf(whole).weights_sha256
        assert (captured[head] == oracle_of_whole.capture(TOKENS)[head]).all()
    for key, array in Reference(file, GGML).isolated(captured):
        scale = np.sqrt((captured[key].astype(np.float64) ** 2).mean())
        off = np.sqrt(((array.astype(np.float64) - captured[key]) ** 2).mean())
        assert off <= 1e-6 * scale, key  # what DESIGN's `ggml` arithmetic leaves, stage by stage
