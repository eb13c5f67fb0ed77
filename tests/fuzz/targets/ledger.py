"""The ledger and the archive of promotions: what `verify` calls sound is chained, hash by hash, and holds no key twice."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from pv.ledger import append, read, verify
from pv.ledger.breaks import Kind
from pv.ledger.line import environment_name
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

_TOKENS = (
    *(
        b'{"prev":"',
        b'","schema":"pv-ledger-v2",',
        b'"kind":"run"',
        b'"kind":"case"',
        b'"kind":"begin"',
        b'"kind":"end"',
        b'"run":"',
    ),
    *(
        b"schema",
        b"kind",
        b"run",
        b"contract",
        b"claim",
        b"params",
        b"mutant",
        b"verdict",
        b"discharged",
        b"refuted",
        b"error",
        b"compared",
    ),
    *(
        b"environment",
        b"data",
        b"cases",
        b"exit",
        b"started",
        b"prev",
        b"pv-ledger-v1",
        b"pv-ledger-v2",
        b"begin",
        b"case",
        b"end",
        b"level",
    ),
)
_PREV = re.compile(rb'\{"prev":"([0-9a-f]{64})",')
_TORN = (Kind.TORN, Kind.OLDER)


@functools.cache
def _seeds() -> list[bytes]:
    run, data = "ab" * 16, {"python": "3.11"}
    where = environment_name(data)
    about = {
        "started": "2026-01-02T03:04:05+00:00",
        "pv": "1",
        "python": "3",
        "arguments": ["-m"],
        "commit": None,
        "dirty": None,
    }
    rows: list[dict[str, Any]] = [
        {"kind": "run", "run": run, **about},
        {"kind": "environment", "run": run, "environment": where, "data": data},
    ]
    for number, params in enumerate(("{}", '{"é":"\\\\"}')):
        key = {"run": run, "contract": "c", "claim": f"F-{number}", "params": params, "mutant": ""}
        seen: dict[str, Any] = {"level": "algorithm", "inputs": [], "fingerprint": "0" * 64, "falsifier": None}
        rows.append({"kind": "begin", **key, **seen, "verdict": "error", "compared": {}})
        sound = {"falsifier": {"path": "f.py", "sha256": "0" * 64}, "environment": where}
        rows.append({"kind": "case", **key, **seen, "verdict": "discharged", "compared": {"x": 1}, **sound})
    rows.append({"kind": "end", "run": run, "cases": 2, "exit": 0})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l.jsonl"
        append(path, rows)
        return [path.read_bytes(), b"".join(path.read_bytes().splitlines(keepends=True)[:1])]


def _repair(data: bytes) -> bytes:
    """Every line holds the hash of the one before, where it can."""
    lines, before = [], b""
    for line in data.split(b"\n"):
        found = _PREV.match(line)
        chained = (
            b'{"prev":"%b",%b' % (hashlib.sha256(before).hexdigest().encode(), line[found.end() :]) if found else line
        )
        before = chained or before
        lines.append(chained)
    return b"\n".join(lines)


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "ledger.jsonl", data)
    ledger = read(path)
    rows = [entry.row for entry in ledger.entries()]
    told = ledger.problems
    expect(
        all(str(path) in one and "\n" not in one for one in told),
        f"a problem that names no file, or of several lines: {told}",
    )
    found = verify(path)
    expect(found.lines >= len(rows), f"more rows than lines: {len(rows)} of {found.lines}")
    for row in rows:
        json.dumps(row, allow_nan=False)
    if found.faults or any(note.kind in _TORN for note in found.notes):
        return False
    before = b""
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        prev = _PREV.match(line)
        expect(prev is not None, f"no line of a ledger: line {number}")
        assert prev is not None
        expect(prev[1].decode() == hashlib.sha256(before).hexdigest(), f"a chain that is broken: line {number}")
        loose = read_loosely(line)
        expect(loose is not None, f"no JSON: line {number}")
        expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
        before = line
    expect(len(rows) == found.lines, f"sound, and not all of it is read: {len(rows)} of {found.lines}")
    expect(not told, f"sound, and there are problems: {told}")
    return True


TARGET = Target(_check, _seeds, "lines", _TOKENS, None, _repair)
