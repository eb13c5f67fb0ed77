"""Modules of falsifiers: a new one, or one that has more at its end and is otherwise as it was."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.scaffold.falsifier import function, function_name, names_needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.parse import Claim

_ANNOTATIONS = ("Evidence", "Mutant")


class Unusable(ValueError):
    """A module that nothing can be added to; the message says why."""


def new(claims: Sequence[Claim]) -> str:
    """A module with the falsifiers of these claims, all of one contract."""
    names = names_needed(claims)
    taken: set[str] = set()
    known = {name: name for name in names}
    functions = [function(claim, function_name(claim, taken), known) for claim in claims]
    title = escape(claims[0].contract).replace("\\", "\\\\").replace('"', '\\"')
    head = (
        f'"""Falsifiers of `{title}`."""\n\nfrom __future__ import annotations\n\nfrom pv import {", ".join(names)}\n'
    )
    return "\n\n".join([head, *functions])


def added(text: str, claims: Sequence[Claim]) -> str:
    """What to put at the end of a module with this text: the names of `pv` that it lacks, and the falsifiers.

    Raises:
        Unusable: the module is no Python, or is none any more with this at its end.
    """
    tree = _parsed(text)
    bound, ours = Counter(_bound(tree)), Counter(_of_pv(tree))
    known, imports = {}, []
    for name in names_needed(claims):
        at_hand = next(_called(tree, name, bound, ours), None)
        # a name that stands for nothing else may be imported again, as below `if TYPE_CHECKING`
        known[name] = at_hand or (name if bound[name] == ours[name, name] else f"pv_{name}")
        if at_hand is None:
            imports.append(name if known[name] == name else f"{name} as {known[name]}")
    taken = {*bound, *known.values()}
    functions = [function(claim, function_name(claim, taken), known) for claim in claims]
    head = [f"from pv import {', '.join(imports)}\n"] if imports else []
    gap = "" if not text.strip() else "\n\n" if text.endswith("\n") else "\n\n\n"
    more = gap + "\n\n".join([*head, *functions])
    _parsed(text + more)
    return more


def _parsed(text: str) -> ast.Module:
    try:
        tree = ast.parse(text)
        compile(tree, "<module>", "exec")
    except (ValueError, SyntaxError, RecursionError, MemoryError) as problem:
        line = getattr(problem, "lineno", None) or 1
        raise Unusable(f"line {line}: {getattr(problem, 'msg', None) or problem}") from None
    return tree


def _called(tree: ast.Module, name: str, bound: Counter[str], ours: Counter[tuple[str, str]]) -> Iterator[str]:
    """What the module calls a name of `pv` where a function that stands at its end can use it."""
    lazy = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    for node in tree.body:
        below = node.body if isinstance(node, ast.If) and lazy and name in _ANNOTATIONS else [node]
        imports: list[ast.stmt] = [one for one in below if isinstance(one, ast.ImportFrom)]
        for one, alias in _of_pv(ast.Module(imports, [])):
            if one == name and bound[alias] == ours[one, alias]:
                yield alias


def _of_pv(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every name that is imported from `pv`, wherever in the module, and what it is called there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pv" and not node.level:
            yield from ((one.name, one.asname or one.name) for one in node.names)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Every name that the module may give a meaning to, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (one.asname or one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
