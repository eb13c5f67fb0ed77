"""Runs mutmut on one module and says what came out."""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.mutation.results import Result, Survivor
from tests.mutation.workspace import ROOT, folder_of, prepare, source_of

if TYPE_CHECKING:
    from tests.mutation.modules import Module

_HARVEST = Path(__file__).with_name("harvest.py")
_NOTICED = frozenset({"killed", "timeout", "segfault", "suspicious", "check was interrupted by user"})
_NOBODY = frozenset({"survived", "no tests"})
_FAR = re.compile(r"(\d+)/(\d+) ")
_QUIET = 30  # seconds between two lines of progress where nobody looks on


class Unusable(Exception):
    """mutmut did not come to an end, and why."""


def run(module: Module, jobs: int, *, survivors: bool = False) -> Result:
    """Every mutant of a module under its tests; those that an interrupted run has tried are not tried again.

    With `survivors` only those that lived in the last run are tried again, whatever has become of the tests.

    Raises:
        Unusable: the tests fail without a mutant, or mutmut cannot be run.
    """
    again = [one["key"] for one in _harvest(module)["mutants"] if one["fate"] in _NOBODY] if survivors else []
    digest = module.digest(ROOT)
    folder = prepare(module, keep=survivors)
    if again:
        _mutmut(folder, jobs, again)
    if not survivors or any(one["fate"] == "not checked" for one in _harvest(module)["mutants"]):
        _mutmut(folder, jobs, [])
    late = [one["key"] for one in _harvest(module)["mutants"] if one["fate"] == "timeout"]
    if late:  # was it the mutant, or a machine with too much to do?
        _mutmut(folder, jobs, late)
    found = _harvest(module)
    fates = [one["fate"] for one in found["mutants"]]
    unknown = sorted(set(fates) - _NOTICED - _NOBODY)
    if unknown or not fates:
        raise Unusable(
            f"{module.name}: {len(fates)} mutants, some of them {', '.join(unknown) or 'none'}; run it again"
        )
    return Result(
        module.name,
        len(fates),
        sum(fate in _NOTICED for fate in fates),
        fates.count("timeout"),
        datetime.now(UTC).date().isoformat(),
        found["tool"],
        platform.python_version(),
        digest,
        tuple(sorted(_survivor(folder, one) for one in found["mutants"] if one["fate"] in _NOBODY)),
    )


def _mutmut(folder: Path, jobs: int, names: list[str]) -> None:
    """Run it, and tell how far it is: on one line of a terminal, else a line every half minute."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs), *names]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "COLUMNS": "200"}
    last: deque[str] = deque(maxlen=25)
    told = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        for line in running.stdout or ():  # a carriage return ends a line too
            last.append(line.rstrip())
            far = _FAR.search(line)
            seen = sys.stderr.isatty()
            if far and (seen or time.monotonic() - told > _QUIET):
                told = time.monotonic()
                text = f"{folder.name}: {far[1]} of {far[2]} mutants tried"
                sys.stderr.write(f"\r{text}" if seen else f"{text}\n")
                sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if running.returncode:
        said = "\n".join(last)
        raise Unusable(f"{folder.name}: mutmut ended with {running.returncode}\n{said}".rstrip())


def _harvest(module: Module) -> dict[str, Any]:
    folder = folder_of(module)
    if not folder.is_dir():
        raise Unusable(f"{module.name}: nothing has been run; leave --survivors out")
    done = subprocess.run([sys.executable, _HARVEST], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"{module.name}: what mutmut left cannot be read: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _survivor(folder: Path, one: dict[str, Any]) -> Survivor:
    """A mutant at its place in the file: mutmut counts lines from the comments above its function on."""
    name = f"runtime/{one['file']}" if one["file"].startswith("apr/") else one["file"]
    lines = source_of(folder, name).read_text("utf-8").splitlines()
    top, end = _extent(ast.parse("\n".join(lines)), one["function"])
    while lines[top - 2].lstrip().startswith("#"):
        top -= 1
    return Survivor(name, min(top + one["line"] - 1, end), one["function"], one["was"], one["now"])


def _extent(tree: ast.Module, function: str) -> tuple[int, int]:
    """The first and the last line of a function, or of a method as `Class.method`."""
    owner, _, name = function.rpartition(".")
    body = next((one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == owner), tree.body)
    found = next(one for one in body if isinstance(one, ast.FunctionDef) and one.name == name)
    return found.lineno, found.end_lineno or found.lineno
