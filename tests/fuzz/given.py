"""Files of ours that the fuzzers start from."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.fuzz.target import ROOT


@functools.cache
def contracts(largest: int = 6_000, most: int = 24) -> tuple[bytes, ...]:
    """The smallest contracts of this repository."""
    found = sorted((path.read_bytes() for path in (ROOT / "contracts").glob("*.yaml")), key=len)
    return tuple(data for data in found if len(data) <= largest)[:most]


@functools.cache
def model_folder() -> dict[str, bytes]:
    """The files of a model as Hugging Face's transformers writes it, in two parts: name to bytes."""
    from tinymodels import Spec
    from tinymodels.hugging_face import write_folder

    spec = Spec(layers=1, hidden=8, feed_forward=8, heads=2, kv_heads=1, merges=2)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), spec, files=2)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Puts files where nothing else is, and returns the folder."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, data in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            replace(path, data)
    return folder


def replace(path: Path, data: bytes) -> Path:
    """A new file in the place of an old one, which may still be mapped."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path
