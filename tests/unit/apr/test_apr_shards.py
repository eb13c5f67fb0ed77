"""Models in several .apr files."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr import AprFile, AprSet, Dtype, Flags, Layout, open_apr, read_apr, read_apr_set, write_apr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHARDED = Flags.SHARDED | Flags.LAYOUT_ROW_MAJOR
PARTS = ({"a.weight": b"aaaa", "c.weight": b"cc"}, {"b.weight": b"bbb"}, {"d.weight": b"d"})


def shard_name(index: int, count: int = 3) -> str:
    return f"model-{index + 1:05d}-of-{count:05d}.apr"


def write_shard(
    path: Path, tensors: dict[str, bytes], flags: Flags = SHARDED, without: str = "", **metadata: Any
) -> Path:
    content = {"model_type": "x", "total_size": 0, "param_count": 0, "num_layers": 2} | metadata
    content.pop(without, None)
    write_apr(path, content, [(name, Dtype.U8, (len(data),), data) for name, data in tensors.items()], flags=flags)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three shards, found by their names."""
    for index, tensors in enumerate(PARTS):
        sharding = {"shard_count": 3, "shard_index": index, "total_size": 0, "pattern": None}
        write_shard(tmp_path / shard_name(index), tensors, sharding=sharding)
    return tmp_path


def manifest_of(folder: Path) -> dict[str, Any]:
    shards = [
        {
            "filename": shard_name(index),
            "index": index,
            "size": (folder / shard_name(index)).stat().st_size,
            "tensors": list(tensors),
        }
        for index, tensors in enumerate(PARTS)
    ]
    return {
        "version": "2.0",
        "shard_count": 3,
        "total_size": sum(shard["size"] for shard in shards),
        "tensor_count": 4,
        "shards": shards,
        "weight_map": {name: index for index, tensors in enumerate(PARTS) for name in tensors},
    }


def write_manifest(folder: Path, content: Any) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps(content))
    return path


def check_union(union: AprSet) -> None:
    assert list(union.tensors) == ["a.weight", "c.weight", "b.weight", "d.weight"]
    for tensors in PARTS:
        for name, data in tensors.items():
            assert union.raw(name).tobytes() == data
            assert union.tensors[name].nbytes == len(data)
            union.release(name)
    assert union.metadata["num_layers"] == 2
    assert (union.layout, union.flags) == (Layout.APR, SHARDED)


@pytest.mark.parametrize("index", range(3))
def test_any_shard_opens_the_set(folder: Path, index: int) -> None:
    for read in (read_apr_set, open_apr):
        union = read(folder / shard_name(index))
        assert isinstance(union, AprSet)
        assert [shard.path.name for shard in union.shards] == [shard_name(i) for i in range(3)]
        check_union(union)


def test_a_manifest_opens_the_set(folder: Path) -> None:
    content = manifest_of(folder)
    content["shards"] = content["shards"][::-1]  # the index counts, not the place in the list
    for read in (read_apr_set, open_apr):
        union = read(write_manifest(folder, content))
        assert isinstance(union, AprSet)
        check_union(union)
        assert union.shard_of("b.weight").path.name == shard_name(1)


def test_sizes_may_be_those_of_the_tensors(folder: Path) -> None:
    content = manifest_of(folder)
    for shard, tensors in zip(content["shards"], PARTS, strict=True):
        shard["size"] = sum(map(len, tensors.values()))
    content["total_size"] = 10
    check_union(read_apr_set(write_manifest(folder, content)))


def test_a_shard_alone_is_no_model(folder: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"is one shard of a model.*open the whole set"):
        read_apr(folder / shard_name(1))
    alone = read_apr(folder / shard_name(1), shard=True)
    assert list(alone.tensors) == ["b.weight"]


def test_a_file_that_is_whole_opens_as_one(tmp_path: Path) -> None:
    assert isinstance(open_apr(write_shard(tmp_path / "m.apr", PARTS[0], Flags.LAYOUT_ROW_MAJOR)), AprFile)


def test_hash_and_footers_are_those_of_all_shards(folder: Path) -> None:
    union = read_apr_set(folder / shard_name(0))
    hashes = [hashlib.sha256((folder / shard_name(i)).read_bytes()).hexdigest() for i in range(3)]
    assert union.sha256 == hashlib.sha256("".join(hashes).encode()).hexdigest()
    checked = union.verify_footer()
    assert checked is not None
    assert checked.matches
    assert checked.stored == union.footer
    content = bytearray((folder / shard_name(2)).read_bytes())
    content[-68] ^= 1
    (folder / shard_name(2)).write_bytes(content)
    checked = read_apr_set(folder / shard_name(0)).verify_footer()
    assert checked is not None
    assert not checked.matches
    assert checked.path.name == shard_name(2)
    for index in range(3):
        path = folder / shard_name(index)
        path.write_bytes(path.read_bytes()[:-4])
    without = read_apr_set(folder / shard_name(0))
    assert (without.footer, without.verify_footer()) == (None, None)


def test_a_tensor_that_no_shard_has(folder: Path) -> None:
    union = read_apr_set(folder / shard_name(0))
    for ask in (union.raw, union.release, union.shard_of):
        with pytest.raises(UnusableInput, match="no tensor 'x' in any of 3 shards"):
            ask("x")


def test_a_layout_that_only_another_shards_names_tell(by_hand: Callable[..., Any], tmp_path: Path) -> None:
    """`output.weight` alone could be of either writer; rows first, its bytes would not divide into blocks."""
    parts = [("blk.0.attn_q.weight", 0, (2,), bytes(8))], [("output.weight", 8, (32, 3), bytes(102))]
    for index, entries in enumerate(parts):
        metadata = {"model_type": "x", "sharding": {"shard_count": 2, "shard_index": index}}
        (tmp_path / shard_name(index, 2)).write_bytes(by_hand(metadata, entries, flags=0x0030).bytes)
    union = read_apr_set(tmp_path / shard_name(1, 2))
    assert union.layout is Layout.GGML
    assert union.tensors["output.weight"].dtype is Dtype.Q8_0


# --- what does not fit together ---------------------------------------------------------------------------------------


def sharding(index: int, count: int = 3, **more: Any) -> dict[str, Any]:
    return {"sharding": {"shard_count": count, "shard_index": index} | more}


WRONG_SHARD: dict[str, tuple[dict[str, Any], str]] = {
    "another index": ({"metadata": sharding(2)}, r"\$.sharding.shard_index: is 2, not 1"),
    "another count": ({"metadata": sharding(1, 4)}, r"\$.sharding.shard_count: is 4, not 3"),
    "a truth value": ({"metadata": {"sharding": {"shard_count": 3, "shard_index": True}}}, "is True, not 1"),
    "no sharding": ({"metadata": {}}, r"\$.sharding: does not say which shard it is"),
    "sharding as text": ({"metadata": {"sharding": "1/3"}}, "does not say which shard"),
    "no flag": ({"flags": Flags.LAYOUT_ROW_MAJOR, "metadata": sharding(1)}, "flag SHARDED is not set"),
    "another layout": ({"flags": Flags.SHARDED, "metadata": sharding(1)}, "flag LAYOUT_ROW_MAJOR is not as in"),
    "another total": ({"metadata": sharding(1, total_size=999)}, r"total_size: is 999, but the shards have \d+ bytes"),
    "other metadata": ({"metadata": sharding(1) | {"num_layers": 3}}, r"\$.num_layers: differs from model-00001"),
    "another spelling": (
        {"metadata": sharding(1) | {"n_layers": 2}, "without": "num_layers"},
        "two spellings of 'num_layers'",
    ),
    "a tensor again": ({"metadata": sharding(1), "tensors": {"c.weight": b"cc"}}, "'c.weight' is in model-00001"),
}


@pytest.mark.parametrize("name", WRONG_SHARD)
def test_a_shard_that_does_not_belong_is_refused(name: str, folder: Path) -> None:
    change, expected = WRONG_SHARD[name]
    path = folder / shard_name(1)
    flags, without = change.get("flags", SHARDED), change.get("without", "")
    write_shard(path, change.get("tensors", PARTS[1]), flags, without, **change["metadata"])
    with pytest.raises(UnusableInput, match=expected) as refusal:
        read_apr_set(folder / shard_name(0))
    assert str(folder) in str(refusal.value)


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / shard_name(2)).unlink()
    for path in (folder / shard_name(0), write_manifest_of_three(folder)):
        with pytest.raises(UnusableInput, match=f"shard {shard_name(2)} is missing; get all files"):
            read_apr_set(path)


def write_manifest_of_three(folder: Path) -> Path:
    (folder / shard_name(2)).touch()
    content = manifest_of(folder)
    (folder / shard_name(2)).unlink()
    return write_manifest(folder, content)


@pytest.mark.parametrize("name", ["model.apr", "model-1-of-3.apr", "model-00001-of-00003.apr.bak"])
def test_a_shard_under_another_name_needs_a_manifest(name: str, folder: Path) -> None:
    (folder / shard_name(0)).rename(folder / name)
    with pytest.raises(UnusableInput, match="its name does not tell the other shards'"):
        read_apr_set(folder / name)


@pytest.mark.parametrize("name", ["model-00004-of-00003.apr", "model-00000-of-00003.apr", "model-00001-of-99999.apr"])
def test_numbers_that_cannot_be(name: str, folder: Path) -> None:
    (folder / shard_name(0)).rename(folder / name)
    with pytest.raises(UnusableInput, match="cannot be"):
        read_apr_set(folder / name)


WRONG_MANIFEST: dict[str, tuple[list[str | int], Any, str]] = {
    "version": (["version"], "3.0", r"\$.version: is '3.0'"),
    "shard_count": (["shard_count"], 2, r"\$.shard_count: is 2, but 3 shards are listed"),
    "shard_count as text": (["shard_count"], "3", r"\$.shard_count: missing, or no int"),
    "shards": (["shards"], {}, r"\$.shards: missing, or no list"),
    "a shard": (["shards", 1], "x", r"\$.shards\[1\]: is no object"),
    "index": (["shards", 1, "index"], 0, "the indices are not 0 to 2"),
    "negative index": (["shards", 1, "index"], -1, r"\$.shards\[1\].index: is -1"),
    "a file twice": (["shards", 1, "filename"], shard_name(0), "lists a file twice"),
    "size": (["shards", 1, "size"], 1, r"\$.shards, index 1: size is 1, but model-00002-of-00003.apr has \d+ bytes"),
    "tensors": (["shards", 1, "tensors"], ["x.weight"], "does not list the tensors of model-00002.*'b.weight'"),
    "tensors twice": (["shards", 1, "tensors"], ["b.weight", "b.weight"], "one name twice"),
    "tensors as numbers": (["shards", 1, "tensors"], [1], "something other than names"),
    "tensor_count": (["tensor_count"], 5, r"\$.tensor_count: is 5, but the shards have 4"),
    "total_size": (["total_size"], 11, r"\$.total_size: is 11, but the shards have"),
    "another shard in the map": (["weight_map", "b.weight"], 0, r"\$.weight_map\['b.weight'\]: is 0, .* in shard 1"),
    "a shard that is not there": (["weight_map", "b.weight"], 3, "is 3; shards are numbered 0 to 2"),
    "a file in the map": (["weight_map", "b.weight"], "../x.apr", r"is '../x.apr'; shards are numbered"),
    "a tensor that is not there": (["weight_map", "x.weight"], 1, "names a tensor that no shard has: 'x.weight'"),
}


@pytest.mark.parametrize("name", WRONG_MANIFEST)
def test_a_manifest_that_says_something_else_than_the_files(name: str, folder: Path) -> None:
    place, value, expected = WRONG_MANIFEST[name]
    content = copy.deepcopy(manifest_of(folder))
    target = content
    for step in place[:-1]:
        target = target[step]  # type: ignore[index] # list or dict, as the place says
    target[place[-1]] = value  # type: ignore[index] # the same
    with pytest.raises(UnusableInput, match=expected) as refusal:
        read_apr_set(write_manifest(folder, content))
    assert str(refusal.value).startswith(f"{folder / 'model.json'}: $.")


@pytest.mark.parametrize("filename", ["../secret.apr", "/etc/passwd", "a/b.apr", "a\\b.apr", "..", ".", "", "a\0.apr"])
def test_a_filename_that_leads_out_of_the_folder_is_refused(filename: str, folder: Path) -> None:
    content = manifest_of(folder)
    content["shards"][2]["filename"] = filename
    with pytest.raises(UnusableInput, match="is no name of a file in the manifest's own folder"):
        read_apr_set(write_manifest(folder, content))


def test_a_name_that_no_system_takes_is_missing(folder: Path) -> None:
    content = manifest_of(folder)
    content["shards"][2]["filename"] = "x" * 5000
    with pytest.raises(UnusableInput, match="x is missing"):
        read_apr_set(write_manifest(folder, content))


@pytest.mark.parametrize("text", ["{", '{"a":1,"a":2}', '{"version": NaN}', "{" + '"a":{' * 5000, " " * 70 + "x"])
def test_a_manifest_that_is_no_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(UnusableInput, match=r"m\.json"):
        read_apr_set(tmp_path / "m.json")


def test_a_manifest_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{" + " " * (16 << 20) + "}")
    with pytest.raises(UnusableInput, match="is larger than"):
        read_apr_set(tmp_path / "m.json")


def test_what_is_there_must_be_a_shard(folder: Path) -> None:
    (folder / shard_name(2)).write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(UnusableInput, match=r"is not an \.apr file"):
        read_apr_set(folder / shard_name(0))
