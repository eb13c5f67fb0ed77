"""`apr list`: the aliases, which of their models are in the cache, and what other models lie on this machine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from apr.cache import cache_dir, list_models, models_dir
from apr.console import human_size, print_table
from apr.discovery import directories, look_around
from apr.errors import OK

if TYPE_CHECKING:
    import argparse

    from apr.cache import Listed
    from apr.discovery import Candidate

SCHEMA = "apr-models-v1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Show the aliases, what is in the cache, and what other models lie in the folders that `apr find` looks through. "
        "State: present (checked, and unchanged since), changed (not the file that was checked), absent, unknown. "
        "Vouched: who said what the file's hash should be; nobody, where an alias or a source has none."
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def run(args: argparse.Namespace) -> int:
    """Prints the list, as a table or as JSON.

    Raises:
        AprError: an alias table cannot be used.
    """
    models = list_models()
    elsewhere = [path for path in directories() if path.resolve() != models_dir().resolve()]
    found = look_around(elsewhere).candidates
    if args.json:
        content = {
            "schema": SCHEMA,
            "cache_dir": str(cache_dir()),
            "models": [_as_json(model) for model in models],
            "found": [_found_as_json(candidate) for candidate in found],
        }
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return OK
    rows = [
        (
            model.alias.name if model.alias else "-",
            model.state,
            "-" if model.size is None else human_size(model.size),
            (model.sha256 or "-")[:12],
            model.vouched,
            str(model.path) if model.state != "absent" else f"(apr pull {model.alias.name if model.alias else '-'})",
        )
        for model in models
    ]
    print_table(("alias", "state", "size", "sha256", "vouched", "path"), rows, right=(2,))
    if found:
        sys.stdout.write("\n")
        print_table(
            ("found elsewhere", "format", "size"),
            [(str(candidate.path), candidate.format, human_size(candidate.size)) for candidate in found],
            right=(2,),
        )
    return OK


def _as_json(model: Listed) -> dict[str, object]:
    alias = model.alias
    return {
        "alias": alias.name if alias else None,
        "path": str(model.path),
        "present": model.state != "absent",
        "state": model.state,
        "size": model.size,
        "sha256": model.sha256,
        "source": model.source,
        "vouched": model.vouched,
        "licence": alias.licence if alias else None,
        "description": alias.description if alias else None,
    }


def _found_as_json(candidate: Candidate) -> dict[str, object]:
    return {
        "path": str(candidate.path),
        "format": candidate.format,
        "size": candidate.size,
        "mtime_ns": candidate.mtime_ns,
        "problem": candidate.reason,
    }
