"""`pv docs`: a page a contract, and an index of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pv.commands._evidence import select
from pv.corpus import display
from pv.report.console import emit, escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

FOLDER = "docs/contracts"


def run(arguments: argparse.Namespace) -> int:
    """Write the pages of the contracts given, or of all, and the index; with `--check`, 1 if one is not what would be written.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, a picture cannot be drawn, or a page cannot be written.
    """
    from pv.report.pages import made, outdated, write_all  # noqa: PLC0415  only this command needs them
    from pv.report.pages.curves import can_compute  # noqa: PLC0415  as above

    selection = select(arguments.contracts)
    selection.complain()
    folder = Path(arguments.into) if arguments.into else selection.config.root / FOLDER
    if folder.exists() and not folder.is_dir():
        raise UsageProblem(f"{escape(str(folder))}: is no folder; --into names the one for the pages")
    whole = not arguments.contracts
    project = selection.contracts if whole else select([]).contracts
    wanted = any(
        "plot" in one.data for contract in selection.contracts for one in contract.equations.values() if one.data
    )
    if arguments.check and wanted and not can_compute():
        raise UsageProblem("--check draws the pictures anew, which needs numpy: pip install numpy")
    pages = made(selection.contracts, project, folder.absolute(), selection.config)
    shown = escape(display(folder, Path.cwd()))
    if arguments.check:
        found = outdated(pages, folder, whole=whole)
        emit("".join(f"{shown}/{escape(name)}: {why}; run `pv docs`\n" for name, why in found.items()))
        return 1 if found else 0
    done = write_all(pages, folder, whole=whole)
    lines = [f"{shown}/{escape(name)}: {what}\n" for name, what in done.items()]
    emit("".join(lines) or f"{shown}: {len(pages)} pages, all as they should be\n")
    return 0
