"""A whole contract as `pv validate` takes it: every finding stands in the file, every report is well formed."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pv.corpus import read_text
from pv.index import Index
from pv.report.finding_formats import FINDING_FORMATS, writer
from pv.report.findings import Asked, Tally
from pv.source import Source, decode
from tests.fuzz.given import contracts
from tests.fuzz.target import ROOT, Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"metadata:",
        b"equations:",
        b"proof_obligations:",
        b"falsification_tests:",
        b"status_history:",
        b"domain:",
        b"formal:",
    ),
    *(
        b"- id: ",
        b"test: ",
        b"mutants:",
        b"depends_on:",
        b"kernel:",
        b"version: ",
        b"level: measured",
        b"params:",
        b"x-a: ",
    ),
    *(
        b"# pv: ignore",
        b"# pv: ignore[PV999] x",
        b"pytest -k 'a or b'",
        b"&& rm -rf /",
        b"${A}",
        b"]]>",
        b"::error::",
        b"%0A",
    ),
    *(b"<<: *a", b"&a ", b"*a", b"null", b"1e-6", b"- ", b"1..64", b"softmax(x)", b"2026-01-02"),
)


@functools.cache
def _index() -> Index:
    files = sorted((ROOT / "contracts").glob("*.yaml"))[:8]
    return Index(lambda: files, lambda path: path.name)


def _check(data: bytes, _folder: Path) -> bool:
    source = decode(data, "fuzzed-v1.yaml")
    reading = read_text(ROOT / "contracts" / "fuzzed-v1.yaml", source, index=_index())
    shown = Source("", data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"))
    for found in reading.findings:
        line = shown.line(found.span.line)
        inside = (
            1 <= found.span.line <= len(shown.lines) and 1 <= found.span.col <= len(line) + 1 and found.span.width >= 1
        )
        expect(inside, f"a finding outside of the file: {found}")
        expect(found.message and found.code.startswith("PV"), f"a finding without words: {found}")
    for name in FINDING_FORMATS:
        out, tally = writer(name, Asked(loudness=1)), Tally()
        tally.add(reading)
        told = out.begin() + out.file(reading, source if isinstance(source, Source) else None) + out.end(tally)
        expect("\x1b" not in told and "\0" not in told, f"control characters in the report: {name}")
        if name in ("json", "sarif"):
            json.loads(told)
        elif name in ("junit", "checkstyle"):
            ET.fromstring(told)  # noqa: S314  we wrote it
    return not reading.errors


TARGET = Target(_check, contracts, "yaml", _TOKENS)
