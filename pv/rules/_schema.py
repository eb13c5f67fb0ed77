"""The published JSON Schema, compiled once, and what it finds in a contract."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pv.rules._valid import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.protocols import Validator

    from pv.load import Document

_FILE = Path(__file__).resolve().parents[1] / "schema" / "contract.schema.json"


def schema_text() -> str:
    """The schema as it is shipped."""
    return _FILE.read_text("utf-8")


@functools.cache
def schema() -> dict[str, Any]:
    """The schema as data."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


@functools.cache
def blocks(kind: str) -> dict[str, Any]:
    """The top-level blocks that a contract of this kind may have, each with its schema."""
    more = schema()["definitions"]["kaizen_record"]["properties"] if kind == "kaizen" else {}
    return {**schema()["properties"], **more}


@functools.cache
def _is_valid() -> Callable[[Any], bool]:
    return compiled(schema())


@functools.cache
def _validator() -> Validator:
    from jsonschema import Draft7Validator  # noqa: PLC0415  slow to import, needed only when something departs

    return Draft7Validator(schema())


class Departure(NamedTuple):
    """One way in which a document departs from the schema."""

    keyword: str
    path: tuple[str | int, ...]
    value: Any
    wanted: Any
    known: tuple[str, ...]
    message: str


def is_within_domain(path: tuple[str | int, ...]) -> bool:
    """Whether a path leads into a domain, of which PV241 speaks."""
    return len(path) > 3 and (path[0], path[2]) in {("equations", "domain"), ("proof_obligations", "forall")}


@functools.lru_cache(maxsize=4)
def departures(document: Document) -> tuple[Departure, ...]:
    """Every way in which the document departs from the schema."""
    if _is_valid()(document.data):
        return ()
    return tuple(
        Departure(
            str(error.validator),
            tuple(error.absolute_path),
            error.instance,
            error.validator_value,
            tuple(error.schema.get("properties", ())) if isinstance(error.schema, dict) else (),
            error.message,
        )
        for error in _validator().iter_errors(document.data)
    )
