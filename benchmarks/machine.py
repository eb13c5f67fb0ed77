"""What a run of benchmarks was made on: processor, memory, versions, commit. No name of a machine, a user or a folder is in it."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# whatever can change a figure
PACKAGES = (
    "pyyaml", "jsonschema", "fastjsonschema", "numpy", "gguf", "safetensors", "tokenizers", "rich", "hypothesis", "pytest",
    "pytest-xdist", "xllamacpp", "llama-cpp-python", "torch", "transformers", "matplotlib",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Processor, cores, memory in GB, kernel, Python and packages; a package that is not installed is null."""
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: _version(name) for name in PACKAGES},
    }


def processor() -> str:
    """The model of the processor, as the kernel names it; its kind where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.machine()


def machine_class() -> str:
    """A word for machines that are alike, as part of a file's name: `amd-epyc-2-cores`."""
    cores = len(os.sched_getaffinity(0))
    return re.sub(r"[^a-z0-9]+", "-", f"{processor()} {cores} cores".lower()).strip("-")


def commit() -> tuple[str, bool]:
    """The commit of the checkout, and whether anything was changed since; empty where it is no checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - whichever git there is
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - as above
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return head.stdout.strip(), bool(changed.stdout.strip())


def today() -> str:
    """The date, in UTC."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
