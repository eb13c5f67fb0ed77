"""What a line of each kind must hold; schema/ledger.schema.json says the same to others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pv import row as case
from pv.ledger.line import SCHEMA, environment_name
from pv.row import is_count, is_hex, is_time, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EVERY = frozenset({"schema", "kind", "run"})
_RUN = _EVERY | {"started", "commit", "dirty", "pv", "python", "arguments"}
_OF_SHARDS = frozenset({"shard", "plan"})
_ENVIRONMENT = _EVERY | {"environment", "data"}
_END = _EVERY | {"cases", "exit"}

_SHARD = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}")
_PLAN = re.compile(r"[0-9a-f]{8,64}")


def fault(row: Mapping[str, Any]) -> str:
    """What keeps a line from being a row of its kind, in words; empty if nothing does."""
    kind = row.get("kind")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if row.get("schema") != SCHEMA:
        return f"not a line of {SCHEMA}"
    if check is None:
        return "its kind is no known word"
    if not is_hex(row.get("run"), 32):
        return "names no run"
    return check(row)


def _run(row: Mapping[str, Any]) -> str:
    return _keys(row, _RUN, _OF_SHARDS) or _session(row) or _shard(row) or sources(row)


def _session(row: Mapping[str, Any]) -> str:
    if not is_time(row["started"]):
        return "started is no time of RFC 3339"
    if not isinstance(row["pv"], str) or not isinstance(row["python"], str):
        return "names no version of pv and python"
    arguments = row["arguments"]
    told = isinstance(arguments, list) and all(isinstance(one, str) for one in arguments)
    return "" if told else "its arguments are no texts"


def _shard(row: Mapping[str, Any]) -> str:
    if "shard" in row and not (isinstance(row["shard"], str) and _SHARD.fullmatch(row["shard"])):
        return "its shard is no 'N/M'"
    if "plan" in row and not (isinstance(row["plan"], str) and _PLAN.fullmatch(row["plan"])):
        return "its plan is no hash"
    return ""


def _environment(row: Mapping[str, Any]) -> str:
    if wrong := _keys(row, _ENVIRONMENT):
        return wrong
    if not is_hex(row["environment"], 16) or not isinstance(row["data"], dict):
        return "it names no environment and its data"
    return "" if environment_name(row["data"]) == row["environment"] else "its data is of another environment"


def _end(row: Mapping[str, Any]) -> str:
    if wrong := _keys(row, _END):
        return wrong
    return "" if is_count(row["cases"]) and is_count(row["exit"]) else "it holds no count and no exit code"


def _keys(row: Mapping[str, Any], required: frozenset[str], optional: frozenset[str] = frozenset()) -> str:
    if lacking := required - row.keys():
        return f"lacks the key {min(lacking)!r}"
    unknown = row.keys() - required - optional
    return f"the key {min(unknown)!r} is unknown" if unknown else ""


_CHECKS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "run": _run,
    "environment": _environment,
    "begin": case.fault,
    "case": case.fault,
    "end": _end,
}
