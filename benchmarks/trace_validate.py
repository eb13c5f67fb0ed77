"""What it takes to validate action traces: time, and memory however long the trace is.

python benchmarks/trace_validate.py [MEGABYTES ...] [--quick] [--json]    default: 10 100

One trace of so many megabytes a row: turns of text, thinking and tools as agents write them, each call with an id of its own. `ccpa
validate` reads it in a process of its own; seconds are of the CPU, start and all, and the peak is that process's greatest resident size. Beside it what the same lines take
`json.loads` alone, in this process, and the same trace with one finding a record.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = [
    "the",
    "tests",
    "of",
    "module",
    "fail",
    "because",
    "path",
    "joined",
    "twice;",
    "ä",
    "-",
    "returns",
    "None",
    "\n",
]
SMALL = "say hello"


def session(nbytes: int) -> Iterator[dict[str, Any]]:
    """Records of about so many bytes in all."""
    chance, turn, written = random.Random(7), 0, 0  # noqa: S311 - the same trace each time

    def some(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=count))

    yield {
        "v": 1,
        "kind": "session_start",
        "session_id": "01900000-0000-7000-8000-000000000001",
        "ts": "2026-01-31T12:00:00.000Z",
        "actor": "apr-code",
        "model": "made up",
        "cwd_sha256": "0" * 64,
    }
    yield {"v": 1, "kind": "user_prompt", "turn": 0, "text": SMALL}
    while written < nbytes:
        turn += 1
        use = {
            "type": "tool_use",
            "id": f"toolu_{turn:022d}",
            "name": "Bash",
            "input": {"command": some(8), "timeout": 60},
        }
        blocks = [{"type": "text", "text": some(12)}, use]
        records: list[dict[str, Any]] = [
            {"v": 1, "kind": "assistant_turn", "turn": turn, "blocks": blocks, "stop_reason": "tool_use"},
            {
                "v": 1,
                "kind": "tool_result",
                "turn": turn + 1,
                "tool_use_id": use["id"],
                "ok": True,
                "content": some(20),
                "side_effects": {"files_read": [some(1)], "exit_code": 0},
            },
        ]
        yield from records
        written += sum(len(json.dumps(record)) + 1 for record in records)
    yield {
        "v": 1,
        "kind": "session_end",
        "turn": turn + 1,
        "stop_reason": "error",
        "elapsed_ms": 1,
        "tokens_in": 1,
        "tokens_out": 1,
    }


def validated(path: Path) -> tuple[float, float, str]:
    """CPU seconds, MB at the peak, and what was said, of `ccpa validate`."""
    script = (
        "import resource, sys, time; from apr.ccpa.cli import main; main(['validate', '--max-findings', '0', sys.argv[1]]);"
        " print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    *_, said, measured = done.stdout.splitlines()
    seconds, kilobytes = measured.split()
    return float(seconds), int(kilobytes) * 1024 / 1e6, said


def plain_json(path: Path) -> float:
    """CPU seconds for `json.loads` of each line."""
    started = time.process_time()
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
    return time.process_time() - started


def row(sheet: Sheet, name: str, path: Path) -> str:
    """What one trace takes, in one line."""
    size = path.stat().st_size / 1e6
    alone = plain_json(path)
    seconds, peak, said = validated(path)
    key = name.replace(" ", "-")
    sheet.add(f"{key}-cpu", f"ccpa validate, {size:.0f} MB, {name}", seconds, "s", against=("json.loads", alone))
    sheet.add(
        f"{key}-memory", f"ccpa validate, {size:.0f} MB, {name}: memory", peak, "MB", at_most=200, at_any_size=True
    )
    ratio = f"{seconds / alone:4.1f} x json.loads"
    return f"{name:>22}  {seconds:6.2f} s  {size / seconds:6.1f} MB/s  {ratio}  peak {peak:5.0f} MB  {said}"


def main(sheet: Sheet) -> None:
    """Prints a row for each size."""
    sizes = [int(word) for word in sys.argv[1:]] or ([2, 4] if sheet.quick else [10, 100])
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in sizes:
            path = Path(folder) / "t.ccpa-trace.jsonl"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(
                    json.dumps(record, ensure_ascii=False) + "\n" for record in session(megabytes * 1_000_000)
                )
            print(row(sheet, f"{megabytes} MB", path), flush=True)
            bad = Path(folder) / "bad.ccpa-trace.jsonl"
            with path.open("rb") as source, bad.open("wb") as target:
                target.writelines(line.replace(b'"v": 1', b'"v": 2') for line in source)
            print(row(sheet, f"{megabytes} MB all wrong", bad), flush=True)
    print(
        f"this process: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    sys.exit(told(main))
