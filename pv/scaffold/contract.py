"""Contracts to be filled in, one skeleton a kind."""

from __future__ import annotations

import json
import os
import re
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# kinds whose blocks differ from those of all others
_OWN = ("beat-benchmark", "competitive-parity", "kaizen", "kernel")
KINDS = (
    "kernel",
    "registry",
    "model-family",
    "model-family-variant",
    "tokenizer",
    "training-loop",
    "pretraining-corpus",
    "training-precondition-gate",
    "corpus-assembly",
    "pattern",
    "schema",
    "beat-benchmark",
    "competitive-parity",
    "kaizen",
)
_NAME = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)-v[0-9]+")
_DESCRIPTION = "FILL IN: what is claimed, and of what, in a sentence or two"


def is_name(name: str) -> bool:
    """Whether a contract can be called so: `<topic>-v<major>`, in small letters, digits and dashes."""
    return _NAME.fullmatch(name) is not None


def words(name: str) -> dict[str, str]:
    """What stands in a template for the name of a contract: itself, and its topic as an id and as a name of Python."""
    found = _NAME.fullmatch(name)
    topic = found[1] if found else name
    return {"name": name, "ID": topic.upper(), "topic": topic.replace("-", "_")}


def skeleton(name: str, kind: str, description: str | None, today: str, later: str) -> str:
    """A contract of this name and kind in which every text that its author owes begins with `FILL IN`.

    `pv validate` accepts it and warns of each such text; under `--strict` it fails until none is left.
    """
    text = template(f"kinds/{kind if kind in _OWN else 'common'}.yaml")
    given = {**words(name), "kind": kind, "today": today, "later": later}
    return filled(text, {**given, "description": quoted(description or _DESCRIPTION)})


def template(name: str) -> str:
    """The text of a file that stands beside this module."""
    return resources.files("pv.scaffold").joinpath(name).read_text("utf-8")


def filled(text: str, values: dict[str, str]) -> str:
    """A template with these values in place of `@name@`."""
    return re.sub(r"@(\w+)@", lambda found: values.get(found[1], found[0]), text)


def quoted(text: str) -> str:
    """`text` as a double-quoted scalar of YAML on one line."""
    told = json.dumps(text, ensure_ascii=False)
    # YAML refuses some characters that JSON lets stand
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in told)


def modeline(file: Path, schema: Path | None) -> str:
    """The comment that names the schema to editors, as seen from `file`; empty where the project keeps no copy of it."""
    if schema is None:
        return ""
    return f"# yaml-language-server: $schema={os.path.relpath(schema, file.parent).replace(os.sep, '/')}\n"
