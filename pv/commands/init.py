"""`pv init`: a repository set up for contracts."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pv.corpus import display
from pv.report.console import emit, escape
from pv.report.files import write
from pv.scaffold.contract import is_name
from pv.scaffold.project import Step, steps
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

_NEXT = """
next
  {cd}pv validate              reads the contracts
  {cd}pytest -m falsify        tries to refute their claims, and the planted faults
  {cd}pv status                says what the evidence supports
"""


def run(arguments: argparse.Namespace) -> int:
    """Write what is missing below the folder, and say what was left alone. Nothing that is there is replaced.

    Raises:
        UsageProblem: the folder is a file, the name is none for a contract, or a file cannot be read or written.
    """
    root = Path(os.path.normpath(Path.cwd() / arguments.folder))
    name = arguments.name
    if name is not None and not is_name(name):
        raise UsageProblem(
            f"--name {escape(name)!r} is no name for a contract; it is <topic>-v<major>, as in softmax-v1"
        )
    if root.exists() and not root.is_dir():
        raise UsageProblem(f"{escape(str(root))}: not a folder")
    planned = list(steps(root, name, arguments.ci, datetime.now(UTC).date().isoformat()))
    _refuse_unwritable(planned)
    for step in planned:
        if step.text is not None and not arguments.dry_run:
            _write(step.path, step.text)
        emit(_line(step, root, dry=arguments.dry_run))
    if all(step.text is None for step in planned):
        emit("nothing to do\n")
    elif not arguments.dry_run:
        cd = "" if root.resolve() == Path.cwd() else f"cd {escape(arguments.folder)} && "
        emit(_NEXT.format(cd=cd))
    return 0


def _refuse_unwritable(planned: list[Step]) -> None:
    """Say it before anything is written if a folder on the way is a file, or a link that leads nowhere.

    Raises:
        UsageProblem: it is.
    """
    for step in planned:
        if step.text is None:
            continue
        blocked = next((one for one in step.path.parents if os.path.lexists(one) and not one.is_dir()), None)
        if blocked is not None:
            raise UsageProblem(f"{escape(str(blocked))}: a folder is needed here; nothing was written")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        why = problem.strerror or problem
        raise UsageProblem(f"{escape(str(path.parent))}: no such folder can be made: {why}") from None
    write(path, text)


def _line(step: Step, root: Path, *, dry: bool) -> str:
    word = "left" if step.text is None else "would write" if dry else "wrote"
    return f"{word:<{11 if dry else 5}}  {escape(display(step.path, root))}  ({escape(step.why)})\n"
