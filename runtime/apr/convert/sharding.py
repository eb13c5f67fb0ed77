"""A model in several .apr files: their names, what each says of itself, and the manifest; see `apr.formats.apr.shards`."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from apr.formats.apr.manifest import MANIFEST_VERSION
from apr.formats.apr.metadata import EXPLICIT_NULLS
from apr.formats.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from apr.convert.apr_plan import Planned


def shard_paths(path: Path, count: int) -> list[Path]:
    """Of `model.apr`: `model-00001-of-00004.apr` and so on, and last the manifest, `model.index.json`."""
    numbered = [path.with_name(f"{path.stem}-{number:05}-of-{count:05}.apr") for number in range(1, count + 1)]
    return [*numbered, path.with_name(f"{path.stem}.index.json")]


def shard_metadata(
    metadata: Mapping[str, Any], share: Sequence[Planned], path: Path, index: int, count: int, total: int
) -> dict[str, Any]:
    """What one shard says.

    Args:
        metadata: of the whole model; the first shard carries it.
        share: the shard's tensors.
        path: that names are made from.
        index: of the shard, from 0.
        count: of shards.
        total: bytes of all tensors.
    """
    own = {
        "model_type": metadata["model_type"],
        "total_size": sum(tensor.nbytes for tensor in share),
        "param_count": sum(math.prod(tensor.shape) for tensor in share),
        "tensor_shapes": {tensor.name: list(tensor.shape) for tensor in share},
        "sharding": {
            "shard_count": count,
            "shard_index": index,
            "total_size": total,
            "pattern": f"{path.stem}-*-of-{count:05}.apr",
        },
    }
    # what is written even where it is null must be the same in all shards
    said = {key: metadata.get(key) for key in EXPLICIT_NULLS}
    return {**metadata, **own} if index == 0 else {**said, **own}


def write_manifest(path: Path, shards: Sequence[tuple[Path, Sequence[Planned]]], sizes: Sequence[int]) -> None:
    """Writes the manifest.

    Args:
        path: of it.
        shards: files and their tensors, in order.
        sizes: of the files, in bytes.

    Raises:
        UsageError: it cannot be written.
    """
    content = {
        "version": MANIFEST_VERSION,
        "shard_count": len(shards),
        "total_size": sum(sizes),
        "tensor_count": sum(len(share) for _, share in shards),
        "shards": [
            {"filename": file.name, "index": index, "size": size, "tensors": sorted(t.name for t in share)}
            for index, ((file, share), size) in enumerate(zip(shards, sizes, strict=True))
        ],
        "weight_map": {t.name: index for index, (_, share) in enumerate(shards) for t in share},
    }
    with replacing(path) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=2)}\n", encoding="utf-8")
