"""The parts that every SARIF report of ours shares: where a file is, and what a result is recognised by."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.types import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
LONGEST = 4000  # characters of one message


def fingerprint(key: Sequence[str]) -> str:
    """What stays the same of a result when lines move or its words change: 32 hex digits over what it is about."""
    return hashlib.sha256(json.dumps(list(key)).encode()).hexdigest()[:32]


def uri(path: str) -> str:
    """A path as a URI reference; a colon in its first part would make that a scheme."""
    # a name with bytes that are no UTF-8 holds surrogates, which stand for those bytes
    text = quote(path.replace("\\", "/").encode("utf-8", "surrogateescape"), safe="/-._~")
    return f"file://{text}" if path.startswith("/") else text


def artifact(path: str) -> dict[str, str]:
    """The location of a file: relative to the repository, unless it lies elsewhere."""
    place = {"uri": uri(path)}
    return place if path.startswith("/") else {**place, "uriBaseId": "SRCROOT"}


def region(span: Span) -> dict[str, int]:
    """What a span covers, at least one character."""
    return {"startLine": span.line, "startColumn": span.col, "endColumn": span.col + max(1, span.width)}


def message(text: str) -> dict[str, Any]:
    """A message, in which braces stand for themselves and not for arguments."""
    return {"text": text[:LONGEST].replace("{", "{{").replace("}", "}}")}
