"""What has to be the same in two processes for them to compute the same bits, and what had better be."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

import apr
from apr.parity.origin import processor

_CHOOSE = ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES")


@dataclass(frozen=True)
class Software:
    """What computes.

    Attributes:
        versions: by name; they have to be equal.
        machine: the processor, as it names itself.
        instruction_sets: those of the processor that kernels choose by; another choice may add in another order.
    """

    versions: dict[str, str]
    machine: str
    instruction_sets: tuple[str, ...]


@functools.cache
def software() -> Software:
    """Of this process. The source is read once, when the process first asks: that is the code it runs."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    machine, flags = processor()
    versions = {
        "apr": apr.__version__,
        "the source of apr": source_digest(Path(apr.__file__).parent),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
        "gguf": metadata.version("gguf"),
        # BLAS splits a float32 sum among its threads, and with numpy chooses its kernels by the rest
        **{name: os.environ.get(name, "unset") for name in _CHOOSE},
    }
    return Software(versions, machine, flags)


def source_digest(folder: Path) -> str:
    """sha256 over names and bytes of every Python file below a folder: 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def difference(expected: Software, found: Software) -> str:
    """The first thing that is not the same and has to be, in words; "" where there is none."""
    for name in (*expected.versions, *found.versions):
        wanted, there = (side.versions.get(name, "nothing") for side in (expected, found))
        if wanted != there:
            return f"{name} is {_short(there)} there and {_short(wanted)} here"
    return ""


def _short(text: str) -> str:
    return f"{text[:12]}…" if len(text) == hashlib.sha256().digest_size * 2 else text
