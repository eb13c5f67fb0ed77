"""Action traces: every record that is taken is what `json` reads, says nothing twice, and fits the published schema."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from apr.actions.lines import LIMIT
from apr.actions.reading import examine, read_trace
from apr.actions.trace import InvalidTrace
from apr.errors import AprError
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import ROOT, Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"session_start",
        b"user_prompt",
        b"assistant_turn",
        b"tool_result",
        b"hook_event",
        b"skill_invocation",
        b"session_end",
    ),
    *(
        b"kind",
        b"turn",
        b"blocks",
        b"type",
        b"tool_use",
        b"tool_use_id",
        b"id",
        b"name",
        b"input",
        b"stop_reason",
        b"end_turn",
        b"ok",
    ),
    *(
        b"content",
        b"side_effects",
        b"files_changed",
        b"v",
        b"ts",
        b"2026-01-31T12:00:00Z",
        b"thinking",
        b"text",
        b"call-1",
        b"Bash",
    ),
)


@functools.cache
def _schema() -> Any:
    from jsonschema.validators import validator_for

    text = resources.files("apr.actions").joinpath("schema", "action-trace-v1.schema.json").read_text("utf-8")
    schema = json.loads(text)
    return validator_for(schema)(schema)


@functools.cache
def _seeds() -> list[bytes]:
    found = sorted((ROOT / "fixtures" / "action-traces").rglob("*.jsonl"), key=lambda path: (path.stat().st_size, path))
    return [path.read_bytes() for path in found[:: max(1, len(found) // 12)] if path.stat().st_size < 6_000][:12]


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "t.ccpa-trace.jsonl", data)
    findings = list(examine(path))
    last = data.count(b"\n") + 1
    for finding in findings[:1000]:
        expect(
            finding.problem and finding.path[:1] == "$" and "\n" not in str(finding),
            f"a finding without words: {finding}",
        )
        expect(0 <= finding.line <= last, f"a finding outside of the file: {finding}")
    try:
        entries = read_trace(path)
    except InvalidTrace:
        expect(findings, "refused, and nothing is found wrong with it")
        return False
    except AprError as refusal:
        expect(str(path) in str(refusal), f"a refusal that names no file: {refusal}")
        return False
    expect(not findings, f"accepted, and something is wrong with it: {findings[:1]}")
    lines = [line for line in data.split(b"\n") if line.strip(b" \t\r")]
    expect(len(lines) == len(entries), f"another number of records: {len(entries)} of {len(lines)}")
    for line, entry in zip(lines, entries, strict=True):
        expect(
            len(line) <= LIMIT + 1 and json.loads(line.decode()) == entry.record, f"another record: line {entry.line}"
        )
        loose = read_loosely(line)
        expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
        json.dumps(entry.record, ensure_ascii=False, allow_nan=False).encode()
        expect(_schema().is_valid(entry.record), f"does not fit the schema: line {entry.line}")
    return True


TARGET = Target(_check, _seeds, "lines", _TOKENS)
