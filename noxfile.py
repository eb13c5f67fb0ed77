"""The supported matrix: `nox -l` lists it, `nox -s tests-3.13` runs one of it.

Pythons that are not on the machine are skipped locally; the workflow `house` has all of them, and there a missing one is an error.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "lowest", "providers"]

PYTHONS = ["3.11", "3.12", "3.13"]
HOUSE = ("-m", "not falsify", "tests")
# what says whether an oracle is what it claims to be
ORACLE = ("contracts/oracle-v1.yaml", "contracts/exact-arithmetic-v1.yaml")


def _pytest(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-m", "pytest", "-n", "2", *arguments, env={"OPENBLAS_NUM_THREADS": "1"})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests of the house with the newest of everything."""
    session.install("--upgrade", "--editable", ".[dev]")
    _pytest(session, *(session.posargs or HOUSE))


@nox.session(python="3.11", venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The same with the lowest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", "--editable", ".[dev]")
    _pytest(session, *(session.posargs or HOUSE))


@nox.session(python="3.12")
@nox.parametrize("provider", ["xllamacpp", "llama-cpp-python"])
def providers(session: nox.Session, provider: str) -> None:
    """The oracle's claims on the real model, with one provider of llama.cpp at a time."""
    session.install("--editable", f".[falsify,{provider}]", env={"CMAKE_ARGS": "-DGGML_NATIVE=OFF -DLLAMA_OPENSSL=OFF"})
    session.run("apr", "pull", "smollm2")
    _pytest(session, "-m", "falsify", "-k", "not mutant", *(session.posargs or ORACLE))
