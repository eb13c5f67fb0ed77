"""Where and at which state of the sources a run took place."""

from __future__ import annotations

import functools
import locale
import os
import platform
import re
import sys
from typing import TYPE_CHECKING, Any

from pv import git

if TYPE_CHECKING:
    from pathlib import Path

CPUINFO = "/proc/cpuinfo"

# Variables that decide in how many threads sums are shared out, and so in which order numbers are added.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
# Variables that choose a library's kernels by hand.
KERNELS = ("OPENBLAS_CORETYPE", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES")

# Of the many features of a processor, those that decide about arithmetic.
_ARITHMETIC = re.compile(r"(sse|ssse|avx|fma|f16c|amx|neon|asimd|sve|sme\d?$|fp$|fphp|bf16|i8mm|rvv)")


def environment() -> dict[str, Any]:
    """The machine, the interpreter and this thread's arithmetic; of numpy only if something has imported it."""
    numpy = sys.modules.get("numpy")
    return {
        **_machine(CPUINFO),
        **(_numpy() if numpy is not None else {"numpy": None, "blas": None}),
        "cores_usable": _usable(),
        "threads": {name: os.environ[name] for name in THREADS if name in os.environ},
        "kernels": {name: os.environ[name] for name in KERNELS if name in os.environ},
        "flush_to_zero": flushes_to_zero(),
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
        "locale": {"text": locale.setlocale(locale.LC_CTYPE), "numbers": locale.setlocale(locale.LC_NUMERIC)},
        "encoding": sys.getfilesystemencoding(),
    }


def commit(root: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out at `root` and whether the tree differs from it; None where git cannot tell."""
    at = git.head(root)
    return at, None if at is None else git.is_dirty(root)


def flushes_to_zero() -> bool:
    """Whether this thread takes numbers below the normal range for zero, as operands or as results; measured.

    Some libraries switch this on for whoever loads them, and sums of small numbers then differ.
    """
    least = float("2.2250738585072014e-308")  # normal; a text, so that nothing is worked out beforehand
    half = least / 2  # zero where results are flushed
    return half == 0.0  # true of any such number where operands are


@functools.cache
def _machine(cpuinfo: str) -> dict[str, Any]:
    """What does not change while this process lives; `cpuinfo` is the file in which Linux describes the processors."""
    model, features = _processor(cpuinfo)
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": model,
        "cpu_features": features,
        "cpus": os.cpu_count(),
    }


@functools.cache
def _numpy() -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415  it is loaded already

    try:
        described: Any = np.show_config(mode="dicts")  # its build, and the library that multiplies its matrices
    except TypeError:  # numpy before 1.25 only prints it
        described = {}
    blas = described.get("Build Dependencies", {}).get("blas", {}) if isinstance(described, dict) else {}
    name, version = blas.get("name"), blas.get("version")
    return {"numpy": np.__version__, "blas": f"{name} {version}" if name else None}


def _processor(cpuinfo: str) -> tuple[str, list[str]]:
    """Its model, and which of its features decide about arithmetic."""
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  pathlib would read all processors
            said = _first_processor(file.read(1 << 16))
    except OSError:  # not Linux
        said = {}
    words = (said.get("flags") or said.get("Features") or "").split()
    model = said.get("model name") or said.get("CPU part") or platform.processor()
    return model, sorted({word for word in words if _ARITHMETIC.match(word)})


def _first_processor(text: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _usable() -> int | None:
    """On how many processors this process may run."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux has it
    return len(affinity(0)) if affinity else os.cpu_count()
