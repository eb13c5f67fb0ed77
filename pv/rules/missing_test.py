"""A test that is named but is not there (PV407).

A node id, a script or a falsifier that nobody wrote tests nothing, and a name that was changed in the code but not in the
contract looks exactly like one that is bound. Python files and shell scripts are looked up from the contract's folder upwards to
the root of the project (where `.git` or `pyproject.toml` stands); functions and classes are read from the text of the module,
which is not imported. The same holds for what `evidence_discharged_by` names.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, test: "contracts/base-v1.yaml::FALSIFY-A-002"}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, test: "contracts/base-v1.yaml::FALSIFY-A-001"}

Not flagged: names of Rust tests, which `cargo` finds by any part of their path; files with a wildcard or a variable in their
name; anything where no root is found, or where the command changes its folder first.

Upstream: PV-VER-001 and PV-VER-002, which look for Rust tests; here those of Python and scripts are looked for.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pv.commandline import TestKind, references
from pv.commandline.roles import commands as commands_of
from pv.commandline.roles import unwrapped
from pv.commandline.shell import parse
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._tests import tests
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract
    from pv.types import Span

CODE = "PV407"
SEVERITY = Severity.WARNING

_FILE = lazy(r"(?:\.{0,2}/)?[\w./@+-]+\.(?:py|sh)")
_NODE = lazy(r"([\w./@+-]+\.py)::([\w.:]+?)(?:\[.*\])?")
_CLAIM = lazy(r"(?:[\w./@+-]*/)?([\w.+-]+)\.ya?ml::([\w.+-]+?)(?:\[.*\])?")
_DOTTED = lazy(r"(falsifiers(?:\.\w+)*)[.:](\w+)")
_INTERPRETERS = lazy(r"(?:ba|z|da)?sh|python[\d.]*|pytest|py\.test")
_FLAG = lazy(r"-[eiqsuvx]+")  # options that take no value
_EVIDENCE = "evidence_discharged_by"
_MAX_BYTES = 2_000_000


class _Name(NamedTuple):
    """One name of a test: a file, and what is looked for in it."""

    span: Span
    file: str
    symbol: str = ""


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield each reference to a claim, a file or a function that does not exist."""
    for span, text in _named(contract):
        found = _CLAIM.fullmatch(text)
        if found:
            yield from _claim(contract, index, span, found[1], found[2])
    names = list(_files(contract))
    folders = _folders(contract, index) if names else []
    for name in names if folders else ():
        yield from _check(name, folders)


def _named(contract: Contract) -> Iterator[tuple[Span, str]]:
    """What tests and evidence name, each with its place."""
    document = contract.document
    for one in tests(contract):
        if not one.kind.is_prose and not one.kind.is_command:
            for text in references(one.text):
                yield document.value_span(*one.path), text
    for claim in contract.claims:
        value = claim.data.get(_EVIDENCE)
        for place, text in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(text, str):
                path = (*claim.at, _EVIDENCE, place) if isinstance(value, list) else (*claim.at, _EVIDENCE)
                yield document.value_span(*path), references(text)[0]


def _files(contract: Contract) -> Iterator[_Name]:
    for span, text in _named(contract):
        dotted = _DOTTED.fullmatch(text)
        if dotted:
            yield _Name(span, dotted[1].replace(".", "/") + ".py", dotted[2])
        else:
            yield from _name(span, text)
    for one in tests(contract):
        script = list(commands_of(parse(one.text) or ())) if one.kind in {TestKind.SHELL, TestKind.STACK} else []
        if any(command.program in {"cd", "pushd", "git"} for command in script):
            continue
        for command in script:
            word = _script(unwrapped(command))
            yield from _name(contract.document.value_span(*one.path), word)


def _script(words: tuple[str, ...]) -> str:
    """The script that a command runs, or the file that it gives to an interpreter; empty if it does neither."""
    if words and _INTERPRETERS.fullmatch(words[0].rpartition("/")[2]):
        return next((word for word in words[1:] if not _FLAG.fullmatch(word)), "")
    return words[0] if words and "/" in words[0] else ""


def _name(span: Span, text: str) -> Iterator[_Name]:
    node = _NODE.fullmatch(text)
    if node:
        yield _Name(span, node[1], node[2])
    elif _FILE.fullmatch(text):
        yield _Name(span, text)


def _folders(contract: Contract, index: Index) -> list[Path]:
    """The folders in which a name may begin, from the contract's own to the project's root; none if there is no root."""
    found = index.names.get(contract.name, ())
    path = next((one for one in found if one.as_posix().endswith(contract.path)), next(iter(found), None))
    folders: list[Path] = []
    for folder in path.absolute().parents if path else ():
        folders.append(folder)
        if (folder / ".git").exists() or (folder / "pyproject.toml").is_file():
            return folders
    return []


def _check(name: _Name, folders: list[Path]) -> Iterator[Problem]:
    plain = PurePosixPath(name.file)
    if plain.is_absolute() or ".." in plain.parts:
        return
    try:
        file = next((folder / plain for folder in folders if (folder / plain).is_file()), None)
        if file is None:
            message = f"no file {name.file!r} in the project"
            yield Problem(name.span, message, "write it, or correct its path (from the root of the project)")
        elif name.symbol and file.stat().st_size <= _MAX_BYTES and not _defines(file.read_bytes(), name.symbol):
            message = f"{name.file} defines no {name.symbol!r}"
            yield Problem(name.span, message, "write it, or correct its name", Severity.ERROR)
    except (OSError, ValueError):  # a name that no file can have, or a file that cannot be read: not for a rule to tell
        return


def _defines(text: bytes, symbol: str) -> bool:
    """Whether a module has a function, class or variable of this name (`Class::method` included), or may have it."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    for part in re.split(r"::|\.", symbol):
        found = next((node for node in _all(body) if part in _names_of(node)), None)
        if found is None:
            return any("*" in _names_of(node) for node in _all(body))
        if not isinstance(found, ast.ClassDef) or found.bases:  # a method may be inherited
            return True
        body = found.body
    return True


def _all(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, and those that stand under `if`, `try` or `with`."""
    for node in body:
        yield node
        for below in (getattr(node, "body", []), getattr(node, "orelse", []), getattr(node, "finalbody", [])):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _all(below)


def _names_of(node: ast.stmt) -> set[str]:
    """The names that a statement gives to something; `*` where it takes those of another module."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {one.asname or one.name for one in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}


def _claim(contract: Contract, index: Index, span: Span, stem: str, claim: str) -> Iterator[Problem]:
    """A claim of a contract, by the name of its file."""
    if stem == contract.name:
        claims = frozenset(one.id for one in contract.claims)
    else:
        other = index.get(stem)
        if other is None:
            if index.names:
                yield Problem(span, f"no contract named {stem!r} in the project", "correct the name")
            return
        claims = other.claims
    if claim not in claims:
        yield Problem(span, f"{stem} has no claim {claim!r}", "correct the id", Severity.ERROR)
