"""`python -m tests.mutation`: whether the tests of what decides verdicts notice a fault there."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.mutation import reasons, results
from tests.mutation.modules import MODULES
from tests.mutation.page import HEADINGS, PAGE, page, table
from tests.mutation.run import Unusable, run
from tests.mutation.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.mutation.modules import Module
    from tests.mutation.results import Result


def main() -> int:
    """Run the modules asked for, keep what came out, write the page; 1 if too many mutants lived, or one without a reason."""
    names = [module.name for module in MODULES]
    arguments = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    arguments.add_argument(
        "--only", action="append", choices=names, metavar="MODULE", help=f"one of {', '.join(names)}"
    )
    arguments.add_argument("--again", action="store_true", help="also what has not changed since it was run")
    arguments.add_argument(
        "--survivors", action="store_true", help="try those again that lived, with tests added since"
    )
    arguments.add_argument("--page", action="store_true", help="run nothing, write the page")
    arguments.add_argument("--jobs", type=int, default=1, help="how many mutants at a time (default 1)")
    arguments.add_argument("--json", action="store_true", help="print results as JSON")
    given = arguments.parse_args()
    chosen = [module for module in MODULES if given.only is None or module.name in given.only]
    try:
        kept = results.read()
        for module in chosen if not given.page else ():
            old = kept.get(module.name)
            if old and old.digest == module.digest(ROOT) and not (given.again or given.survivors):
                _tell(f"{module.name}: nothing has changed since {old.date}")
                continue
            _tell(f"{module.name}: mutants of {', '.join(module.files)}")
            found = run(module, given.jobs, survivors=given.survivors)
            kept = {**results.read(), module.name: found}  # another run may have ended meanwhile
            results.write(kept, tuple(names))
        PAGE.write_text(page(kept), "utf-8", newline="\n")
        wrong = list(_wrong(chosen, kept))
    except (Unusable, OSError, ValueError) as problem:
        _tell(str(problem))
        return 2
    if given.json:
        sys.stdout.write(json.dumps({name: asdict(kept[name]) for name in names if name in kept}, indent=1) + "\n")
    else:
        _show([row for row in table(kept) if row[0] in {module.name for module in chosen}])
    for line in wrong:
        _tell(line)
    return 1 if wrong else 0


def _wrong(modules: Iterable[Module], kept: dict[str, Result]) -> Iterable[str]:
    for module in modules:
        if module.name not in kept:
            yield f"{module.name}: not run yet"
            continue
        one = kept[module.name]
        if one.score < results.ENOUGH:
            yield f"{module.name}: {one.score:.1%} killed, {results.ENOUGH:.0%} are asked for"
        for each in reasons.unexplained(one.survivors):
            yield (
                f"{each.file}:{each.line}: {each.function}: no test notices\n    was {each.was}\n    now {each.now}\n"
                f"    write a test, simplify the code, or give the reason in tests/mutation/{reasons.FILE.name}"
            )
        for reason in reasons.idle(one.survivors, module.files):
            yield f"{reason.file}: {reason.function}: {reason.now!r} does not live any more; take its reason out of {reasons.FILE.name}"


def _show(rows: list[tuple[str, ...]]) -> None:
    lines = [
        tuple(cell for name, cell in zip(HEADINGS, row, strict=True) if name != "files") for row in (HEADINGS, *rows)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
