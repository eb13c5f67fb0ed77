"""`pv mutants`: every claim run on the mutants that it names, and the kill matrix."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.commands._evidence import Selection, existing_ledger, seen, select
from pv.config import read_config
from pv.matrix import UNSEEN, WRONG, Fate
from pv.report.console import Paint, emit, escape
from pv.report.matrix_data import as_json, as_markdown
from pv.report.matrix_text import as_lines
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.fold import Folded
    from pv.status import Report

_PYTESTS_BUG, _RAN = 3, (0, 1, 5)  # pytest's exit codes: internal error; passed, failed, nothing to run


def run(arguments: argparse.Namespace) -> int:
    """Run the claims chosen on their mutants and print the matrix; 1 if a mutant is not killed or a claim is vacuous.

    A mutant that could not be judged, as for want of a model, is a finding only under `--strict`.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, no claim has the id given, or pytest could not run.
    """
    selection = select(arguments.contracts)
    _check_claim(selection, arguments.claim)
    if arguments.no_run:
        ledger, code = existing_ledger(arguments.ledger, selection.config), 0
    else:
        ledger = Path(arguments.ledger).absolute() if arguments.ledger else selection.config.ledger
        code = _run_pytest(selection, arguments.claim, ledger, arguments.workers)
    if code == _PYTESTS_BUG:
        return code
    report = seen(selection, ledger)
    claims = [one for one in report.claims if arguments.claim in (None, one.claim.id)]
    text = {"json": lambda: as_json(report, claims), "markdown": lambda: as_markdown(report, claims)}
    emit(text.get(arguments.format, lambda: _as_text(report, claims))() + "\n")
    selection.complain()
    if code not in _RAN:
        raise UsageProblem(f"pytest could not run all of it (exit code {code}); what it said stands above")
    return 1 if any(_is_a_finding(one, strict=arguments.strict) for one in claims) else 0


def _is_a_finding(claim: Folded, *, strict: bool) -> bool:
    wrong = WRONG | UNSEEN | ({Fate.INCONCLUSIVE} if strict else set())
    return bool(claim.vacuous) or any(one.fate in wrong for one in claim.cells)


def _as_text(report: Report, claims: Sequence[Folded]) -> str:
    paint = Paint.for_stream(sys.stdout)
    columns = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    *lines, last = as_lines(claims, paint, columns, getattr(sys.stdout, "encoding", None))
    lines += [paint(escape(problem), "yellow") for problem in report.problems]
    if not report.ledger_exists:
        lines.append(f"no ledger at {escape(str(report.ledger))}: nothing has been run")
    return "\n".join([*lines, last])


def _check_claim(selection: Selection, claim: str | None) -> None:
    ids = [one.id for contract in selection.contracts for one in contract.claims]
    if claim is not None and claim not in ids:
        fix = did_you_mean(claim, ids) or "`pv status --format json` lists them"
        raise UsageProblem(f"no claim has the id {claim!r}; {fix}")


def _run_pytest(selection: Selection, claim: str | None, ledger: Path, workers: int | None) -> int:
    """Run the claims and return pytest's exit code; what it prints goes to standard error, because the matrix is what was asked for."""
    root = selection.config.root
    if importlib.util.find_spec("pytest") is None:
        raise UsageProblem("pytest is not installed: the extra [falsify]; --no-run shows what the ledger holds")
    if workers is not None and importlib.util.find_spec("xdist") is None:
        raise UsageProblem("--workers needs pytest-xdist, which is not installed: the extra [falsify]")
    if read_config(root) is None:
        raise UsageProblem(
            f"{escape(str(root))}: no pyproject.toml with [tool.pv] here or above: nothing can be run; "
            "add one, or show what the ledger holds with --no-run"
        )
    named = [
        str(file.absolute()) if claim is None else f"{file.absolute()}::{claim}"
        for contract, file in zip(selection.contracts, selection.files, strict=True)
        if claim in (None, *(one.id for one in contract.claims))
    ]
    command = [sys.executable, "-m", "pytest", "-m", "falsify", "--mutants", "--pv-no-matrix", "--rootdir", str(root)]
    # with "=", because pytest looks for its settings above whatever else stands alone and is there
    command += [f"--pv-ledger={ledger}", *(["-n", str(workers)] if workers is not None else []), *named]
    output = sys.stderr if sys.stderr is not None else subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=root, stdout=output)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # it was interrupted as well, and writes down what it has
        raise
