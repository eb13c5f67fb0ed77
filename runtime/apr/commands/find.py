"""`apr find`: which model is meant where none is named, and why that one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from apr.console import Progress, escape, human_size, print_table
from apr.discovery import DEFAULT_QUANT, choose, directories, examined, explain, in_order, look_around
from apr.errors import OK, AprError

if TYPE_CHECKING:
    import argparse

    from apr.discovery import Candidate, Survey
    from apr.discovery.order import Placed

SCHEMA = "apr-find-v1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Print the path of the model that is meant: the one that is named, else the best that is found. Found models come in "
        "this order: valid (it opens and has a tokenizer), preferred name, newest, .apr before .gguf, then folder and name."
    )
    parser.epilog = (
        "environment: APR_MODEL_DIRS (folders to look in, separated as in PATH; an empty entry stands for the usual ones), "
        "APR_PREFERRED_MODELS (parts of preferred names, separated by commas)"
    )
    parser.add_argument("--model-path", metavar="MODEL", help="a path, a folder, an alias or a source; it wins")
    parser.add_argument("--model-repo", metavar="ORG/REPO", help="the repository of a model that is on this machine")
    parser.add_argument(
        "--quant", default=DEFAULT_QUANT, help="with --model-repo: its quantisation (%(default)s if not given)"
    )
    parser.add_argument(
        "--dir",
        action="append",
        type=Path,
        metavar="DIR",
        help="look here and nowhere else; may be given several times",
    )
    parser.add_argument(
        "--why", action="store_true", help="show every model that was found and what put it in its place"
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}, with all of --why")


def run(args: argparse.Namespace) -> int:
    """Prints the model that is meant.

    Raises:
        AprError: there is none; with --why or --json after what was found was shown.
    """
    folders = [path.expanduser().absolute() for path in args.dir] if args.dir else directories()
    refusal: AprError | None = None
    try:
        choice = choose(model_path=args.model_path, model_repo=args.model_repo, quant=args.quant, folders=folders)
    except AprError as error:
        if not args.why and not args.json:
            raise
        choice, refusal = None, error
    if not args.why and not args.json:
        sys.stdout.write(f"{escape(str(choice.path))}\n" if choice else "")
        return OK
    survey = look_around(folders)
    placed = explain(_opened(survey))
    if args.json:
        content = {
            "schema": SCHEMA,
            "chosen": str(choice.path) if choice else None,
            "by": choice.by if choice else None,
            "problem": str(refusal) if refusal else None,
            "directories": [{"path": str(path), "state": state} for path, state in survey.directories],
            "candidates": [_as_json(number, entry) for number, entry in enumerate(placed, 1)],
        }
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        if choice:
            sys.stdout.write(f"{escape(str(choice.path))}\nchosen by {choice.by}\n\n")
        _print(placed, survey)
    if refusal is not None:
        sys.stdout.flush()
        raise refusal
    return OK


def _opened(survey: Survey) -> list[Candidate]:
    with Progress("opening models", len(survey.candidates), unit="models") as meter:
        opened = []
        for candidate in survey.candidates:
            opened.append(examined(candidate))
            meter.advance()
    return in_order(opened)


def _as_json(number: int, entry: Placed) -> dict[str, object]:
    found = entry.candidate
    return {
        "place": number,
        "path": str(found.path),
        "format": found.format,
        "size": found.size,
        "mtime_ns": found.mtime_ns,
        "health": found.health.name.lower() if found.health is not None else None,
        "reason": found.reason,
        "criterion": entry.criterion.name if entry.criterion else None,
        "why": entry.why,
    }


def _print(placed: list[Placed], survey: Survey) -> None:
    if placed:
        rows = [
            (
                str(number),
                str(entry.candidate.path),
                entry.candidate.format,
                human_size(entry.candidate.size),
                entry.why,
            )
            for number, entry in enumerate(placed, 1)
        ]
        print_table(("place", "model", "format", "size", "why it is there"), rows, right=(0, 3))
        sys.stdout.write("\n")
    for path, state in survey.directories:
        sys.stdout.write(f"{escape(str(path))}: {escape(state)}\n")
