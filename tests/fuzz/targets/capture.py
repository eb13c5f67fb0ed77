"""`capture.json`, the sidecar of stage files: means one thing only, names no file outside of its folder, and is written back."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path

import numpy as np

from apr.capture import Capture, Provenance
from apr.errors import AprError
from apr.formats.aprt import SIDECAR_NAME, read_capture, read_sidecar, write_capture
from apr.stages import StageKey
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

_TOKENS = (
    *(
        b"schema",
        b"apr-capture-v1",
        b"provenance",
        b"engine",
        b"build",
        b"arithmetic",
        b"architecture",
        b"model_sha256",
        b"tokens",
    ),
    *(
        b"positions",
        b"weights_sha256",
        b"files",
        b"path",
        b"stage",
        b"layer",
        b"shape",
        b"attn_norm",
        b"lm_head",
        b"ffn_gate",
    ),
    *(
        b"layer-0/attn_norm.bin",
        b"layer-00/attn_norm.bin",
        b"../lm_head.bin",
        b"/etc/passwd",
        b"lm_head.bin\\u0000",
        b"4294967295",
    ),
)
_STAGES = {
    StageKey("attn_norm", 0): np.arange(6, dtype=np.float32).reshape(2, 3),
    StageKey("lm_head", None): np.ones((2, 4), np.float32),
}


@functools.cache
def _files() -> dict[str, bytes]:
    provenance = Provenance("numpy", "1", "f32", "llama", "0" * 64, (7, 8), (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        write_capture(Path(folder), Capture(provenance, _STAGES))
        return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def _seeds() -> list[bytes]:
    whole = _files()[SIDECAR_NAME]
    content = json.loads(whole)
    content["provenance"]["weights_sha256"] = "1" * 64
    content["files"] = content["files"][:1]
    return [whole, json.dumps(content).encode()]


def _check(data: bytes, folder: Path) -> bool:
    place = folder / "capture"
    if not place.exists():
        (place / "layer-0").mkdir(parents=True)
        for name, stage in _files().items():
            (place / name).write_bytes(stage)
            (folder / Path(name).name).write_bytes(stage)  # a bait for whoever looks outside
    path = replace(place / SIDECAR_NAME, data)
    try:
        sidecar = read_sidecar(place)
        read = read_capture(place)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(place) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    assert sidecar is not None
    loose = read_loosely(data)
    expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    expect(sidecar.provenance == read.provenance, "another provenance")
    for key, file in read.files.items():
        expect(file.path.resolve().is_relative_to(place.resolve()), f"a file outside of the folder: {file.path}")
        expect(read.array(key).size == file.count, f"another size: {key}")
    try:
        text = sidecar.to_json().encode()
        expect("\\ud" not in text.decode().lower(), "half of a surrogate pair: it is no character")
    except UnicodeEncodeError:
        expect(False, "half of a surrogate pair: cannot be written")
    replace(path, text)
    expect(read_sidecar(place) == sidecar, "is not written back as it was read")
    said = json.loads(data)
    expect(list(sidecar.provenance.tokens) == said["provenance"]["tokens"], "other tokens")
    expect([entry.path for entry in sidecar.files] == [entry["path"] for entry in said["files"]], "other files")
    return True


TARGET = Target(_check, _seeds, "json", _TOKENS)
