"""No command loads at its start what it does not need; how long it takes, `benchmarks/start.py` says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from commands import HEAVY, commands, light, loaded

if TYPE_CHECKING:
    from pathlib import Path

# what these do is arithmetic on models, or writes them
NUMERIC = {("apr", name) for name in ("run", "trace", "import", "export")}
MODULES = {"pv": "pv.cli", "apr": "apr.cli", "ccpa": "apr.ccpa.cli"}
HELP = """
import contextlib, importlib, io, sys
main = importlib.import_module({module!r}).main
for command in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main([command, "--help"])
    assert "usage:" in said.getvalue(), command
    print(command, *[name for name in {heavy!r} if name in sys.modules])
"""
# what the small real work of `light` may load; numpy is what GGUF's own library brings along
WORK = {"pv": {"yaml"}, "apr list": {"yaml"}, "apr inspect": {"yaml", "numpy", "gguf"}, "ccpa": set()}


def helped(program: str, names: list[str]) -> dict[str, set[str]]:
    """Which heavy modules are there after the help of each command, all in one process."""
    script = HELP.format(module=MODULES[program], commands=names, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}


@pytest.mark.parametrize("program", MODULES)
def test_the_help_of_a_command_loads_nothing_heavy(program: str) -> None:
    plain = [name for name in commands()[program] if (program, name) not in NUMERIC]
    found = helped(program, plain)
    assert list(found) == plain
    assert {name: heavy for name, heavy in found.items() if heavy} == {}


def test_commands_on_models_load_no_more_than_models_need() -> None:
    found = helped("apr", [name for _, name in sorted(NUMERIC)])
    assert found
    assert set().union(*found.values()) <= {"numpy", "gguf", "yaml"}


def test_no_program_is_without_commands_that_are_looked_at() -> None:
    known = commands()
    assert known.keys() == MODULES.keys()
    for program, names in known.items():
        done = subprocess.run(
            [sys.executable, "-m", MODULES[program].removesuffix(".cli"), "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        words = done.stdout.split()
        assert names
        assert [name for name in names if name not in words] == []


def test_small_work_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    jobs = light(tmp_path)
    seen = {job: set(loaded({"ccpa": "apr.ccpa"}.get(job[0], job[0]), job[1:], tmp_path)) for job in jobs}
    allowed = {job: WORK.get(" ".join(job[:2]), WORK.get(job[0], set())) for job in jobs}
    assert {" ".join(job[:2]): seen[job] - allowed[job] for job in jobs if seen[job] - allowed[job]} == {}
    assert len(jobs) >= 10


def test_a_module_that_is_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import asyncio\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "asyncio" in loaded("pv", ["--help"], tmp_path)
