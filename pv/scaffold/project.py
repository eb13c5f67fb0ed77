"""What a repository needs for its first claim, and which of it is there already."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from pv.config import Config, read_config
from pv.corpus import walk
from pv.scaffold.contract import filled, modeline, template, words
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYPROJECT = "pyproject.toml"
DEFAULT = "example-v1"
_SCHEMA = "contracts/contract.schema.json"
_TABLE = f"""\
[tool.pv]
contracts = ["contracts"]
schema = "{_SCHEMA}"
"""
_FALSIFIERS = 'falsifiers = ["falsifiers"]\n'
_IGNORED = """\
# what runs have left; .pv/evidence, which promotions rest on, is kept
.pv/*
!.pv/evidence/
"""
# lines of a .gitignore that say something of our folder already
_SAYS_OURS = re.compile(r"^\s*!?/?\.pv(?:/|\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """One file: its whole new text; or, without one, why it is left as it is."""

    path: Path
    text: str | None
    why: str


def steps(root: Path, name: str | None, ci: str, today: str) -> Iterator[Step]:
    """What to write below `root` so that it has a contract that can be run; what is there keeps its text.

    Where there are contracts already, another one is written only under a name that was asked for. `pyproject.toml` comes
    last, since it names folders that have to be there.

    Raises:
        UsageProblem: a file that would be added to cannot be used.
    """
    pyproject = root / PYPROJECT
    told = text_of(pyproject)
    ours = told is not None and _has_table(pyproject, told)
    config = (read_config(root) if ours else None) or _planned(root)
    example = list(_contract(config, name, today))
    yield from example
    # a folder that is named has to be there, and without the example nothing may be in it yet
    there = config.falsifiers[0].is_dir() or any(config.falsifiers[0] in one.path.parents for one in example)
    table = _TABLE + (_FALSIFIERS if there else "")
    if ci == "github":
        yield new_file(root / ".github/workflows/contracts.yml", template("first/workflow.yml"), "the claims in CI")
    if config.ledger.parent == root / ".pv":
        yield _ignoring(root / ".gitignore")
    if ours:
        yield Step(pyproject, None, "has [tool.pv] already")
    elif told is None:
        yield Step(pyproject, table, "[tool.pv]")
    else:
        yield Step(pyproject, appended(told, table), "[tool.pv] is added at its end")


def _planned(root: Path) -> Config:
    """The configuration that `_TABLE` stands for."""
    return Config(root, (root / "contracts",), (root / "falsifiers",), root / ".pv/ledger.jsonl", schema=root / _SCHEMA)


def _contract(config: Config, name: str | None, today: str) -> Iterator[Step]:
    """The schema, a contract and its falsifier, in the folders that the project has for them."""
    folder, schema = config.contracts[0], config.schema
    if schema is not None:
        text = resources.files("pv").joinpath("schema/contract.schema.json").read_text("utf-8")
        yield new_file(schema, text, "what editors complete and check contracts with")
    there = next((one for one in config.contracts if one.is_dir() and any(walk([one]))), None)
    if there is not None and name is None:
        yield Step(there, None, "has contracts already; --name adds the example to them")
        return
    name = name or DEFAULT
    file, given = folder / f"{name}.yaml", {**words(name), "today": today}
    text = modeline(file, schema) + filled(template("first/contract.yaml"), given)
    yield new_file(file, text, "a contract with one claim")
    text = filled(template("first/falsifier.py.txt"), given)
    yield new_file(config.falsifiers[0] / f"{module(name)}.py", text, "its falsifier")


def new_file(path: Path, text: str, why: str) -> Step:
    """A file with this text, unless one of that name is there."""
    if not os.path.lexists(path):
        return Step(path, text, why)
    same = path.is_file() and path.read_bytes() == text.encode()
    return Step(path, None, "is there already" if same else "is there already, with another text")


def module(name: str) -> str:
    """The name of the module that holds the falsifiers of a contract; one that begins with `_` would not be imported."""
    found = re.sub(r"\W", "_", name).lstrip("_")
    return found if found.isidentifier() else f"contract_{found}"


def _ignoring(path: Path) -> Step:
    told = text_of(path)
    if told is None:
        return Step(path, f"{_IGNORED}__pycache__/\n", "the ledger is made by runs")
    if _SAYS_OURS.search(told):
        return Step(path, None, "speaks of .pv already")
    return Step(path, appended(told, _IGNORED), "the ledger is added at its end")


def _has_table(path: Path, text: str) -> bool:
    try:
        tool = tomllib.loads(text).get("tool", {})
    except (ValueError, RecursionError) as problem:
        raise UsageProblem(f"{path}: not TOML, so nothing can be added to it: {problem}") from None
    if isinstance(tool, dict) and "pv" in tool:
        return True
    # `tool = {…}` or a dotted key below [tool] allow no table of ours at the end
    try:
        tomllib.loads(appended(text, _TABLE))
    except ValueError as problem:
        raise UsageProblem(f"{path}: [tool.pv] cannot be added at its end ({problem}); write it in by hand") from None
    return False


def appended(told: str, more: str) -> str:
    """`more` after what is there, in the same line endings, an empty line between."""
    end = "\r\n" if "\r\n" in told else "\n"
    gap = "" if not told.strip() else (end if told.endswith("\n") else end * 2)
    return told + gap + more.replace("\n", end)


def text_of(path: Path) -> str | None:
    """What a file holds, line endings as they are; None if there is none."""
    if not os.path.lexists(path):
        return None
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "not UTF-8"
        raise UsageProblem(f"{path}: cannot be read: {why}; nothing was written") from None
