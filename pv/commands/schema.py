"""`pv schema`: the JSON Schema of contracts, of the lines of a ledger, of a status or of findings as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import emit

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the schema that such files are checked against."""
    from importlib import resources  # noqa: PLC0415  slow to import

    emit(resources.files("pv").joinpath(f"schema/{arguments.of}.schema.json").read_text("utf-8"))
    return 0
