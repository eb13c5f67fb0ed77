"""Which files a model consists of, and what each one's head says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from apr.checks import apr_part, gguf_part
from apr.errors import UnusableInput
from apr.formats.apr.foreign import refuse_foreign
from apr.formats.apr.header import HEADER_SIZE, MAX_METADATA
from apr.formats.apr.header import MAGIC as APR_MAGIC
from apr.formats.files import map_file
from apr.formats.gguf import MAGIC as GGUF_MAGIC

if TYPE_CHECKING:
    from pathlib import Path

    from apr.checks.part import Part

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARDED = b'"shard_count"'
_ONE_OF_SEVERAL = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.(?P<suffix>apr|gguf)", re.ASCII | re.DOTALL)


def survey(path: Path) -> list[Part]:
    """The files of a model, in order, each as its head describes it.

    Args:
        path: of a file, of one of several, of a manifest of shards, or of a folder with a safetensors model.

    Raises:
        UnusableInput: it is no model at all, or cannot be read.
        UnsupportedModel: it is called .apr and is another format.
    """
    if path.is_dir() or path.suffix == ".safetensors":
        return _survey_safetensors(path)
    head = map_file(path, "model")[:HEADER_SIZE]
    if head.startswith(GGUF_MAGIC) or gguf_part.is_damaged_magic(head):
        return [gguf_part.survey_gguf(file) for file in (_files(path) if gguf_part.is_one_of_several(path) else [path])]
    if head.startswith(APR_MAGIC) or apr_part.is_damaged_magic(head):
        return apr_part.survey_apr(_files(path) if apr_part.is_one_of_several(head) else [path])
    refuse_foreign(path, head)
    if head.lstrip().startswith(b"{") and path.stat().st_size <= MAX_METADATA and _SHARDED in path.read_bytes():
        return apr_part.survey_apr(_shards(path, path.read_bytes()))
    raise UnusableInput(
        f"is no model file: it starts with {head[:4]!r}", where=str(path), hint="give an .apr or a .gguf file"
    )


def _survey_safetensors(path: Path) -> list[Part]:
    from apr.checks.safetensors_part import survey_safetensors  # noqa: PLC0415 - the other formats do without the library

    if not path.is_dir():
        return [survey_safetensors(path)]
    found = sorted(path.glob("*.safetensors"))
    if not found:
        raise UnusableInput("holds no model", where=str(path), hint="give a folder with safetensors files")
    counting = {SINGLE, *_indexed(path / INDEX)}  # what else lies there is not the model's
    return [survey_safetensors(file) for file in found if file.name in counting] or [survey_safetensors(found[0])]


def _indexed(index: Path) -> set[str]:
    """The files that an index lists, as far as it can be read; whether it is right is the reader's to say."""
    try:
        listed = json.loads(index.read_bytes())["weight_map"]
        return {name for name in listed.values() if isinstance(name, str)}
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return set()


def _shards(manifest: Path, content: bytes) -> list[Path]:
    """The files that a manifest lists, as far as they are there; whether it is right is the reader's to say."""
    try:
        listed = json.loads(content)["shards"]
        names = [shard["filename"] for shard in listed]
        paths = [manifest.with_name(name) for name in names]
        return [path for path in paths if path.is_file()]
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return []


def _files(path: Path) -> list[Path]:
    """The file, and what lies beside it under the names of the other parts."""
    name = _ONE_OF_SEVERAL.fullmatch(path.name)
    if name is None:
        return [path]
    numbered = (f"{name['stem']}-{n:05d}-of-{name['count']}.{name['suffix']}" for n in range(1, int(name["count"]) + 1))
    there = [path.with_name(file) for file in numbered if path.with_name(file).is_file()]
    return there if path in there else [path]
