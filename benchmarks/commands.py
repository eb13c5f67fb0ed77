"""Which commands there are, what small real work some of them can do without a model, and which heavy modules a start loads."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
# what takes tens of milliseconds and more to import, or opens the way to a network
HEAVY = (
    "numpy", "hypothesis", "jsonschema", "rich", "httpx2", "huggingface_hub", "jinja2", "tokenizers", "dask", "distributed", "fsspec",
    "gguf", "safetensors", "yaml", "pytest", "scipy", "matplotlib", "torch", "transformers", "asyncio",
)  # fmt: skip
_PROBE = """
import atexit, sys
atexit.register(lambda: print("loaded:", *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr))
import {module}.cli
sys.exit({module}.cli.main({arguments!r}))
"""


def commands() -> dict[str, tuple[str, ...]]:
    """Program -> its commands: the modules that the parser of `pv` finds, the tables of the other two."""
    import pv.commands  # noqa: PLC0415 - what is measured is not loaded before it is asked for
    from apr import cli  # noqa: PLC0415 - as above
    from apr.ccpa import cli as ccpa  # noqa: PLC0415 - as above

    of_pv = (one.name for one in pkgutil.iter_modules(pv.commands.__path__) if not one.name.startswith("_"))
    return {"pv": tuple(of_pv), "apr": tuple(cli.COMMANDS), "ccpa": tuple(ccpa.COMMANDS)}


def light(folder: Path) -> list[tuple[str, ...]]:
    """Small real work, in a project that is made in `folder`."""
    subprocess.run([sys.executable, "-m", "pv", "init"], cwd=folder, capture_output=True, check=True)
    traces = ROOT / "fixtures" / "action-traces" / "0001-read-and-answer"
    model = ROOT / "fixtures" / "models" / "llama-q4_k_m.gguf"
    of_pv = (
        "validate",
        "list",
        "missing",
        "status",
        "trace",
        "explain PV401",
        "schema contract",
        "fix --check",
        "docs --check",
    )
    jobs = [("pv", *one.split()) for one in of_pv]
    jobs += [("apr", "list"), ("apr", "inspect", str(model))]
    return [*jobs, ("ccpa", "validate", str(traces)), ("ccpa", "diff", str(traces))]


def loaded(module: str, arguments: Sequence[str], folder: Path) -> list[str]:
    """Which of the heavy modules a command has loaded when it ends.

    Raises:
        ValueError: it did not come to its end.
    """
    probe = _PROBE.format(heavy=HEAVY, module=module, arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", probe], cwd=folder, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith("loaded:")]
    if done.returncode not in (0, 1) or not told:
        raise ValueError(f"{module} {' '.join(arguments)} ended with exit code {done.returncode}: {done.stderr[-500:]}")
    return told[-1].split()[1:]
