"""What it takes to measure again: the command, versions, and the machine."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apr import __version__
from apr.parity.result import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apr.parity.result import Measurement

_CPUINFO = Path("/proc/cpuinfo")
# what kernels of llama.cpp and of BLAS choose by
_CHOSEN_BY = ("sse3", "ssse3", "avx", "avx2", "fma", "f16c", "bmi2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8")  # fmt: skip
_PACKAGES = ("gguf", "xllamacpp", "llama-cpp-python", "torch", "transformers")


def origin(
    command: Sequence[str],
    measurement: Measurement,
    *,
    filters: Mapping[str, str],
    texts: Sequence[str],
    alpha: float,
) -> Origin:
    """Everything about a run that is not among its measurements.

    Args:
        command: the command line, the program first.
        measurement: whose engines name their builds.
        filters: options that left something out, as typed.
        texts: of the prompts; empty where token ids were given.
        alpha: that was asked for.
    """
    versions = {"apr": __version__, "python": platform.python_version(), "numpy": np.__version__}
    for name in _PACKAGES:
        if (
            name in sys.modules
            or name.replace("-", "_") in sys.modules
            or name in ("gguf", "xllamacpp", "llama-cpp-python")
        ):
            versions |= _version(name)
    for party in (measurement.subject, measurement.oracle):
        versions.setdefault(party.engine, party.build)
    model, flags = processor()
    return Origin(tuple(command), versions, model, flags, dict(filters), tuple(texts), alpha)


def _version(package: str) -> dict[str, str]:
    try:
        return {package: metadata.version(package)}
    except metadata.PackageNotFoundError:
        return {}


def processor() -> tuple[str, tuple[str, ...]]:
    """The processor's name and those of its instruction sets that matter; what the system does not say is left empty."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine(), ()
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = frozenset(said.get("flags", "").split())
    return said.get("model name", platform.machine()), tuple(name for name in _CHOSEN_BY if name in flags)
