"""A student for `ccpa measure`: does one small task for real and writes a trace of it; its first argument says what is wrong with it.

usage: measured_student.py FAULT PROMPT TRACE CWD
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.actions.identity import rfc3339, uuid7
from apr.actions.tree import snapshot, tree_sha256

if TYPE_CHECKING:
    from collections.abc import Callable


def records(prompt: str, cwd: Path, now: datetime) -> list[dict[str, Any]]:
    """Writes notes.txt, and says so."""
    digest = tree_sha256(snapshot(cwd))
    (cwd / "notes.txt").write_text("three words here\n")
    arguments = {"file_path": str(cwd / "notes.txt"), "content": "three words here\n"}
    call = {"type": "tool_use", "id": "a1", "name": "Write", "input": arguments}
    return [
        {
            "v": 1,
            "kind": "session_start",
            "session_id": uuid7(int(now.timestamp() * 1000), os.urandom),
            "ts": rfc3339(now),
            "actor": "apr-code",
            "model": "scripted",
            "cwd_sha256": digest,
        },
        {"v": 1, "kind": "user_prompt", "turn": 0, "text": prompt},
        {"v": 1, "kind": "assistant_turn", "turn": 1, "blocks": [call], "stop_reason": "tool_use"},
        {"v": 1, "kind": "tool_result", "turn": 2, "tool_use_id": "a1", "ok": True, "content": "Created notes.txt."},
        {
            "v": 1,
            "kind": "assistant_turn",
            "turn": 2,
            "blocks": [{"type": "text", "text": "done"}],
            "stop_reason": "end_turn",
        },
        {
            "v": 1,
            "kind": "session_end",
            "turn": 2,
            "stop_reason": "end_turn",
            "elapsed_ms": 1,
            "tokens_in": 0,
            "tokens_out": 0,
        },
    ]


def _aged(start: dict[str, Any], moment: datetime, *keys: str) -> None:
    aged = {"ts": rfc3339(moment), "session_id": uuid7(int(moment.timestamp() * 1000), os.urandom)}
    start |= {key: aged[key] for key in keys}


def _text_only(made: list[dict[str, Any]]) -> None:
    made[2:5] = [made[4] | {"turn": 1}]
    made[-1]["turn"] = 1


def _hooked(made: list[dict[str, Any]], cwd: Path) -> None:
    hook = {"v": 1, "kind": "hook_event", "turn": 2, "event": "PostToolUse", "decision": "allow", "exit_code": 0}
    made.insert(4, hook)
    (cwd / "notes.txt").write_text("Three words here\n")


def _other_words(made: list[dict[str, Any]], cwd: Path) -> None:
    made[2]["blocks"][0]["input"]["content"] = "four words are here\n"
    (cwd / "notes.txt").write_text("four words are here\n")


def _hang() -> None:
    subprocess.Popen(["sleep", "12345.25"], start_new_session=True)  # noqa: S607 - found by PATH
    Path(os.environ["STUDENT_MARK"]).touch()
    time.sleep(12345.25)


def _call_home() -> None:
    try:
        socket.create_connection(("192.0.2.1", 9), timeout=2).close()
    except OSError as error:
        sys.stderr.write(f"no network: {error}\n")


def main() -> int:
    """Plays the student."""
    fault, prompt, trace, cwd = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    assert Path.cwd() == cwd
    now = datetime.now(UTC)
    made = records(prompt, cwd, now)
    start = made[0]
    if fault == "fails":
        sys.stderr.write("something went wrong\n")
        return 7
    if fault == "copy":
        trace.write_bytes(Path(os.environ["TEACHER"]).read_bytes())
    if fault == "link":
        trace.symlink_to(os.environ["TEACHER"])
    if fault == "hard-link":
        trace.hardlink_to(os.environ["TEACHER"])
    if fault in ("silent", "copy", "link", "hard-link"):
        return 0
    faults: dict[str, Callable[[], object]] = {
        "none": lambda: None,
        "hangs": _hang,
        "calls-home": _call_home,
        "stale": lambda: _aged(start, now - timedelta(hours=1), "ts", "session_id"),
        "old-session": lambda: _aged(start, now - timedelta(minutes=1), "session_id"),
        "from-tomorrow": lambda: _aged(start, now + timedelta(days=1), "ts"),
        "too-long": lambda: made[-1].update(elapsed_ms=3_600_000),
        "other-actor": lambda: start.update(actor="claude-code"),
        "other-tree": lambda: start.update(cwd_sha256="f" * 64),
        "other-prompt": lambda: made[1].update(text="something easier"),
        "invalid": lambda: start.update(v=2),
        "cut-off": made.pop,
        "text-only": lambda: _text_only(made),
        "forged": (cwd / "notes.txt").unlink,
        "forged-otherwise": lambda: (cwd / "other.txt").write_text("not told of"),
        "hooked": lambda: _hooked(made, cwd),
        "other-words": lambda: _other_words(made, cwd),
    }
    faults[fault]()
    with trace.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
