"""`apr list`: the aliases, and which of their models are in the cache."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from apr.cache import cache_dir, list_models
from apr.console import human_size, print_table
from apr.errors import OK

if TYPE_CHECKING:
    import argparse

    from apr.cache import Listed

SCHEMA = "apr-models-v1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = "Show the aliases and what is in the cache."
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def run(args: argparse.Namespace) -> int:
    """Prints the list, as a table or as JSON.

    Raises:
        AprError: an alias table cannot be used.
    """
    models = list_models()
    if args.json:
        content = {"schema": SCHEMA, "cache_dir": str(cache_dir()), "models": [_as_json(model) for model in models]}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return OK
    rows = [
        (
            model.alias.name if model.alias else "-",
            model.state,
            "-" if model.size is None else human_size(model.size),
            (model.sha256 or "-")[:12],
            str(model.path) if model.state != "absent" else f"(apr pull {model.alias.name if model.alias else '-'})",
        )
        for model in models
    ]
    print_table(("alias", "state", "size", "sha256", "path"), rows, right=(2,))
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
        "source": alias.source if alias else None,
        "licence": alias.licence if alias else None,
        "description": alias.description if alias else None,
    }
