"""Which falsifiers the modules of a project hold, read from their text, and which claims are executable as they stand.

Importing the modules would load what they drive.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pv.corpus import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pv.parse import Claim, Contract

OBLIGATIONS = "proof_obligations"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Written:
    """A falsifier of one claim: the module, the line of its `@falsifies(…)`, the name of the function.

    `property` is the type of the obligation that a claim runs as it stands: then the place is the obligation's, in the contract.
    """

    contract: str
    claim: str
    path: str
    line: int
    qualname: str
    property: str = ""


@dataclass
class Modules:
    """What was found: falsifiers by contract and claim, and what could not be read."""

    falsifiers: dict[tuple[str, str], list[Written]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def written(folders: Iterable[Path], root: Path) -> Modules:
    """The falsifiers in the modules of `folders` that the harness would import, named relative to `root`.

    Names of contracts and claims are texts, f-strings, or constants of the module; what a program would have to compute is a
    problem, said with its place.
    """
    found = Modules()
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                _module(path, display(path, root), found)
    return found


def bound(modules: Modules, contracts: Iterable[Contract]) -> dict[tuple[str, str], list[Written]]:
    """The falsifiers, with what contracts themselves say of claims for which nobody wrote any."""
    found = dict(modules.falsifiers)
    for contract in contracts:
        for claim in contract.claims:
            if (contract.name, claim.id) not in found and claim.property is not None:
                found[contract.name, claim.id] = [_as_it_stands(contract, claim)]
    return found


def _as_it_stands(contract: Contract, claim: Claim) -> Written:
    entries = contract.document.data[OBLIGATIONS]
    stands = claim.executable
    index = next(place for place, entry in enumerate(entries) if stands is not None and entry is stands.obligation)
    line = contract.document.value_span(OBLIGATIONS, index).line
    name, type_ = (claim.property.id, claim.property.type) if claim.property else ("", "")
    return Written(contract.name, claim.id, claim.path, line, f"{name} ({type_})", type_)


def _module(path: Path, name: str, found: Modules) -> None:
    try:
        tree = ast.parse(path.read_bytes(), name)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as problem:
        line = getattr(problem, "lineno", None) or 1
        found.problems.append(f"{name}:{line}: cannot be read: {getattr(problem, 'msg', None) or problem}")
        return
    names = set(_aliases(tree))
    constants = _constants(tree)
    for function, qualname in _functions(tree, ""):
        for call in function.decorator_list:
            if not (isinstance(call, ast.Call) and _is_falsifies(call.func, names)):
                continue
            words = list(_words(call.args, constants))
            if None in words or not words or call.keywords:
                found.problems.append(
                    f"{name}:{call.lineno}: which claims {qualname} falsifies is computed when it runs"
                )
                continue
            contract, *claims = (word for word in words if word is not None)
            for claim in claims:
                one = Written(contract, claim, name, call.lineno, qualname)
                found.falsifiers.setdefault((contract, claim), []).append(one)


def _aliases(tree: ast.Module) -> Iterator[str]:
    """The names under which the module knows `falsifies`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("pv", "pv.bind"):
            yield from (one.asname or one.name for one in node.names if one.name == "falsifies")


def _is_falsifies(function: ast.expr, names: set[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in names
    return isinstance(function, ast.Attribute) and function.attr == "falsifies"


def _constants(tree: ast.Module) -> dict[str, str | list[str | None]]:
    """The texts, and lists of texts, that the module gives a name to, each exactly once."""
    found: dict[str, str | list[str | None]] = {}
    often: set[str] = set()
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        for target in targets:
            if isinstance(target, ast.Name):
                if target.id in found:
                    often.add(target.id)
                known = _text(value, found) if value else None
                if known is not None:
                    found[target.id] = known
                elif isinstance(value, (ast.Tuple, ast.List)):
                    found[target.id] = list(_words(value.elts, found))
    return {name: value for name, value in found.items() if name not in often}


def _words(nodes: Iterable[ast.expr], constants: Mapping[str, str | list[str | None]]) -> Iterator[str | None]:
    """The texts that arguments stand for; None for one that cannot be told."""
    for node in nodes:
        if isinstance(node, ast.Starred):
            several = constants.get(node.value.id) if isinstance(node.value, ast.Name) else None
            yield from several if isinstance(several, list) else [None]
        else:
            yield _text(node, constants)


def _text(node: ast.expr, constants: Mapping[str, str | list[str | None]]) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        known = constants.get(node.id)
        return known if isinstance(known, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [
            _text(part.value, constants)
            if isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None
            else _text(part, constants)
            for part in node.values
        ]
        return None if None in parts else "".join(part for part in parts if part is not None)
    return None


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[_Function, str]]:
    """Every function and method of a module, with its qualified name; those that a function makes when it runs are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield child, prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif not isinstance(child, ast.expr):
            yield from _functions(child, prefix)
