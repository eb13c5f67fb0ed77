"""The index of a model in several safetensors files: its `weight_map` names files of its folder, and says what they hold."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.formats.hf_folder import INDEX, read_hf
from tests.fuzz.given import model_folder, write_files
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"weight_map",
        b"metadata",
        b"model-00001-of-00002.safetensors",
        b"model-00002-of-00002.safetensors",
        b"../model.safetensors",
    ),
    *(
        b"./model-00001-of-00002.safetensors",
        b"/etc/passwd.safetensors",
        b"a\\u0000.safetensors",
        b".safetensors",
        b"model.safetensors",
    ),
    *(b"lm_head.weight", b"model.embed_tokens.weight", b"MODEL-00001-of-00002.safetensors"),
)


@functools.cache
def _seeds() -> list[bytes]:
    return [model_folder()[INDEX]]


def _check(data: bytes, folder: Path) -> bool:
    place = write_files(folder / "model", {**model_folder(), INDEX: data})
    try:
        model = read_hf(place)
    except AprError as refusal:
        said = str(refusal)
        expect(
            "\n" not in said and str(place) in said,
            f"a refusal that names no file, or of several lines: {said[:200]!r}",
        )
        return False
    loose = read_loosely(data)
    expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    for file in model.files:
        expect(file.path.resolve().parent == place.resolve(), f"a file outside of the folder: {file.path}")
    stated = json.loads(data)["weight_map"]
    held = {name: file.path.name for file in model.files for name in file.tensors}
    expect(stated == held, "the index says something else than the files")
    return True


TARGET = Target(_check, _seeds, "json", _TOKENS)
