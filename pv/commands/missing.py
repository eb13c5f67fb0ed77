"""`pv missing`: the falsifiers that are still to be written, as Python."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.commands._evidence import select
from pv.corpus import display
from pv.report.console import emit, escape
from pv.report.files import write
from pv.report.wording import counted
from pv.scaffold.module import Unusable, added, new
from pv.scaffold.project import module
from pv.types import UsageProblem
from pv.written import written

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Claim, Contract
    from pv.written import Modules


@dataclass(frozen=True)
class Piece:
    """What one contract lacks: its claims without a falsifier, the module they belong into, and what is to be put there."""

    contract: Contract
    claims: tuple[Claim, ...]
    file: Path
    before: str  # what stands in the module
    python: str  # what it lacks


def run(arguments: argparse.Namespace) -> int:
    """Print, or write, a falsifier for each claim that none is bound to; 1 if there are any that have not been written by this.

    Raises:
        UsageProblem: a path does not exist, a contract or a module of falsifiers cannot be used, or a file cannot be written.
    """
    selection = select(arguments.contracts)
    config = selection.config
    modules = written(config.falsifiers, config.root)
    if arguments.write and modules.problems:
        what = "\n".join(map(escape, modules.problems))
        raise UsageProblem(f"{what}\nnothing was written: what stands there may be what is missing")
    lacking = [(one, _lacking(one, modules)) for one in selection.contracts]
    pieces = _pieces([(one, claims) for one, claims in lacking if claims], config, modules)
    if arguments.write:
        _write(pieces, config)
    total = sum(len(one.claims) for one in selection.contracts)
    executable = sum(claim.property is not None for one in selection.contracts for claim in one.claims)
    shown = (
        _as_json(pieces, total, modules, config)
        if arguments.json
        else _as_text(pieces, total, executable, config, arguments)
    )
    emit(shown + "\n")
    for problem in modules.problems if not arguments.json else ():
        sys.stderr.write(f"pv: {escape(problem)}\n")
    selection.complain()
    return 1 if pieces and not arguments.write else 0


def _lacking(contract: Contract, modules: Modules) -> tuple[Claim, ...]:
    """The claims without a falsifier that are not executable as they stand, each id once."""
    found = {
        claim.id: claim
        for claim in contract.claims
        if (contract.name, claim.id) not in modules.falsifiers and claim.property is None
    }
    return tuple(found.values())


def _pieces(lacking: Iterable[tuple[Contract, tuple[Claim, ...]]], config: Config, modules: Modules) -> list[Piece]:
    """What to put where; a second contract for the same module finds there what the first one has put in.

    Raises:
        UsageProblem: nothing can be added to a module.
    """
    texts: dict[Path, str] = {}
    pieces = []
    for contract, claims in lacking:
        file = _home(contract, config, modules)
        before = texts.get(file, _read(file))
        try:
            python = added(before, claims) if before.strip() else new(claims)
        except Unusable as problem:
            if not modules.problems:
                name = escape(display(file, config.root))
                raise UsageProblem(f"{name}: nothing can be added to it: {problem}; mend or move it") from None
            python = new(claims)  # only printed: what is wrong with the module is said beside it
        if "\r\n" in before:
            python = python.replace("\n", "\r\n")
        texts[file] = before + python
        pieces.append(Piece(contract, claims, file, before, python))
    return pieces


def _home(contract: Contract, config: Config, modules: Modules) -> Path:
    """The module that has most of the contract's falsifiers; the one named after it where none has any."""
    homes = Counter(
        one.path for (name, _), found in modules.falsifiers.items() if name == contract.name for one in found
    )
    if homes:
        return config.root / homes.most_common(1)[0][0]
    return config.falsifiers[0] / f"{module(contract.name)}.py"


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "not UTF-8"
        raise UsageProblem(f"{escape(str(file))}: cannot be read: {why}") from None


def _write(pieces: Iterable[Piece], config: Config) -> None:
    texts = {piece.file: piece.before + piece.python for piece in pieces}
    for file, text in texts.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            name = escape(display(file.parent, config.root))
            raise UsageProblem(f"{name}: no such folder can be made: {problem.strerror or problem}") from None
        write(file, text)


def _as_text(pieces: list[Piece], total: int, executable: int, config: Config, arguments: argparse.Namespace) -> str:
    if not pieces:
        stands = f" or executable as it stands ({counted(executable, 'claim')})" if executable else ""
        return f"nothing is missing: {counted(total, 'claim')}, each with a falsifier{stands}"
    if arguments.write:
        return "\n".join(
            f"{escape(display(one.file, config.root))}: {counted(len(one.claims), 'falsifier')} of "
            f"{escape(one.contract.name)} to be filled in"
            for one in pieces
        )
    lines = []
    for one in pieces:
        verb = "add to" if one.before.strip() else "write"
        lines += [
            f"# {verb} {escape(display(one.file, config.root))}",
            one.python.replace("\r\n", "\n").strip(),
            "",
            "",
        ]
    missing = sum(len(one.claims) for one in pieces)
    return "\n".join([*lines, f"# {missing} of {counted(total, 'claim')} without a falsifier; --write puts them there"])


def _as_json(pieces: list[Piece], total: int, modules: Modules, config: Config) -> str:
    """One JSON object of schema `pv-missing-v1`."""
    return json.dumps(
        {
            "schema": "pv-missing-v1",
            "claims": total,
            "missing": [
                {
                    "contract": one.contract.name,
                    "file": display(one.file, config.root),
                    "exists": bool(one.before.strip()),
                    "claims": [
                        {"claim": claim.id, "path": claim.path, "line": claim.span.line, "col": claim.span.col}
                        for claim in one.claims
                    ],
                    "python": one.python,
                }
                for one in pieces
            ],
            "problems": modules.problems,
        },
        indent=2,
    )
