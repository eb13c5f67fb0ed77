"""Manifests of sharded `.apr` models: counts agree, and no shard is a file outside of the manifest's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.formats.apr.manifest import MAX_SHARDS, read_manifest
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEED = {
    "version": "2.0",
    "shard_count": 2,
    "total_size": 100,
    "tensor_count": 3,
    "shards": [
        {"filename": "a.apr", "index": 0, "size": 60, "tensors": ["x", "y"]},
        {"filename": "b.apr", "index": 1, "size": 40, "tensors": ["z"]},
    ],
    "weight_map": {"x": 0, "y": 0, "z": 1},
}
_TOKENS = (
    *(
        b"version",
        b"2.0",
        b"shard_count",
        b"total_size",
        b"tensor_count",
        b"shards",
        b"filename",
        b"index",
        b"size",
        b"tensors",
    ),
    *(b"weight_map", b"../a.apr", b"/a.apr", b"a\\\\b.apr", b"..", b"", b"a.apr\\u0000", b"b.apr"),
)


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "m.json", data)
    try:
        manifest = read_manifest(path)
    except AprError as refusal:
        said = str(refusal)
        expect(
            "\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said[:200]!r}"
        )
        return False
    loose = read_loosely(data)
    expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    said_ = json.loads(data)
    expect(
        said_["shard_count"] == len(manifest.shards) == len(said_["shards"]) <= MAX_SHARDS, "another number of shards"
    )
    expect([shard.index for shard in manifest.shards] == list(range(len(manifest.shards))), "other indices")
    for shard in manifest.shards:
        expect(
            (folder / shard.filename).parent == folder and "\\" not in shard.filename,
            f"outside of the folder: {shard.filename!r}",
        )
        expect(shard.size >= 0, "less than nothing")
    expect(manifest.weight_map == said_["weight_map"], "another weight map")
    return True


TARGET = Target(_check, lambda: [json.dumps(_SEED).encode()], "json", _TOKENS)
