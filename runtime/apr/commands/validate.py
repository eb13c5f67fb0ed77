"""`apr validate FILE…`: numbered checks of model files, from the magic to dead rows."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from apr.console import escape, human_size, print_table
from apr.errors import FINDINGS, OK, AprError, UsageError

if TYPE_CHECKING:
    from apr.checks import Finding, Report

SCHEMA = "apr-validate-v1"
_SHOWN = 5  # findings of one check; JSON has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Make numbered checks of model files. A check that needs what another found to be broken is skipped, "
        "and never passes."
    )
    parser.epilog = (
        "Exit codes: 0 no check fails, 1 findings, 2 one of the files is no model at all, or cannot be read. "
        "A warning is a finding with --strict."
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="an .apr or .gguf file, any part of a split one, a folder with a safetensors model, or an alias",
    )
    parser.add_argument("--only", type=_numbers, metavar="N,…", help="only these checks, by number or name")
    parser.add_argument("--quick", action="store_true", help="leave out the checks that read the tensor data")
    parser.add_argument("--strict", action="store_true", help="warnings count as failures")
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def _numbers(text: str) -> frozenset[int]:
    from apr.checks import CHECKS  # noqa: PLC0415 - `--help` does not wait for numpy

    names = {check.name: number for number, check in CHECKS.items()}
    known = names | {str(number): number for number in CHECKS}
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in known:
            checks = ", ".join(f"{number} {name}" for name, number in names.items())
            raise argparse.ArgumentTypeError(f"{word!r} is no check; there are {checks}")
    return frozenset(known[word] for word in words)


def run(args: argparse.Namespace) -> int:
    """Makes the checks and prints what came out; a file that is no model does not keep the others from being checked.

    Returns:
        0, 1 for findings, or the code of the worst refusal.
    """
    from apr.cache import resolve_model  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.checks import CHECKS, examine  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.engines.llama_cpp.dequantise import ProvedDequantiser  # noqa: PLC0415 - `--help` does not wait for numpy

    numbers = args.only or frozenset(CHECKS)
    if args.quick:
        numbers = frozenset(number for number in numbers if not CHECKS[number].reads_data)
        if not numbers:
            raise UsageError("nothing is left to check", hint="--quick leaves out what --only asks for")
    code = OK
    reports: list[Report] = []
    for text in args.files:
        try:
            report = examine(resolve_model(text), numbers, ProvedDequantiser)
        except AprError as refusal:
            if len(args.files) == 1:
                raise
            sys.stderr.write(f"apr: error: {escape(str(refusal))}\n")
            code = max(code, refusal.exit_code)
            continue
        reports.append(report)
        code = max(code, FINDINGS if _is_bad(report, strict=args.strict) else OK)
        if not args.json:
            _print(report)
    if args.json:
        content = {"schema": SCHEMA, "files": [_as_json(report, strict=args.strict) for report in reports]}
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    return code


def _is_bad(report: Report, *, strict: bool) -> bool:
    from apr.checks import Verdict  # noqa: PLC0415 - `--help` does not wait for numpy

    return bool(report.verdicts(Verdict.FAIL) or (strict and report.verdicts(Verdict.WARN)))


def _as_json(report: Report, *, strict: bool) -> dict[str, Any]:
    from apr.checks import Verdict  # noqa: PLC0415 - `--help` does not wait for numpy

    counts = Counter(outcome.verdict for _, outcome in report.outcomes)
    return {
        "path": str(report.path),
        "format": report.format,
        "size": report.size,
        "ok": not _is_bad(report, strict=strict),
        "counts": {str(verdict): counts[verdict] for verdict in Verdict},
        "checks": [
            {
                "number": check.number,
                "name": check.name,
                "title": check.title,
                "verdict": str(outcome.verdict),
                "seen": outcome.seen,
                "findings": [_finding_json(finding) for finding in outcome.findings],
            }
            for check, outcome in report.outcomes
        ],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "severity": "warning" if finding.warning else "error",
        "file": finding.file,
        "section": finding.section,
        "tensor": finding.tensor,
        "offset": finding.offset,
        "problem": finding.problem,
    }


def _print(report: Report) -> None:
    sys.stdout.write(escape(f"{report.path}: {report.format}, {human_size(report.size)}") + "\n")
    rows = [(str(check.number), check.name, str(outcome.verdict), outcome.seen) for check, outcome in report.outcomes]
    print_table(("", "check", "verdict", "seen"), rows, right=(0,))
    for check, outcome in report.outcomes:
        for finding in outcome.findings[:_SHOWN]:
            kind = "warning" if finding.warning else "error"
            sys.stdout.write(escape(f"{kind} {check.number} {check.name}: {finding.where}: {finding.problem}") + "\n")
        if len(outcome.findings) > _SHOWN:
            sys.stdout.write(f"  and {len(outcome.findings) - _SHOWN} more of check {check.number}; --json has all\n")
    counts = Counter(str(outcome.verdict) for _, outcome in report.outcomes)
    sys.stdout.write(", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + "\n")
