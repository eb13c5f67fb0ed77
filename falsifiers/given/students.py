"""A student program that can cheat in every way that a measurement has to refuse; it runs by itself, with nothing but Python."""

from __future__ import annotations

import hashlib
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOTE = {"file_path": "note.txt", "content": "done\n"}
# what a measurement refuses -> how the student is told to do that
CHEATS = {
    "no trace": "nothing",
    "the teacher's own trace": "copy",
    "a trace of an earlier run": "earlier",
    "a trace of another prompt": "prompt",
    "a trace of another tree": "tree",
    "text where the teacher called tools": "text",
    "a trace that is not valid": "invalid",
    "a student that failed": "fail",
}

PROGRAM = """
import hashlib, json, pathlib, secrets, sys, time

how, teacher, prompt, trace = sys.argv[1:]
copied = pathlib.Path(teacher).read_text(encoding="utf-8")
now = time.time() - (3600 if how == "earlier" else 0)
born = f"{int(now * 1000):012x}"
session = f"{born[:8]}-{born[8:]}-7{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}"
tree = json.loads(copied.split("\\n")[0])["cwd_sha256"]
said = lambda turn, stop, *blocks: {"v": 1, "kind": "assistant_turn", "turn": turn, "blocks": list(blocks), "stop_reason": stop}
words = {"type": "text", "text": "Done."}
asks = {"type": "tool_use", "id": "mine-1", "name": "Write", "input": {"file_path": "note.txt", "content": "done\\n"}}
records = [
    {"v": 1, "kind": "session_start", "session_id": session, "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
     "actor": "apr-code", "model": "a program", "cwd_sha256": "0" * 64 if how == "tree" else tree},
    {"v": 1, "kind": "user_prompt", "turn": 0, "text": "Do nothing." if how == "prompt" else prompt},
]
if how == "text":
    records += [said(1, "end_turn", words)]
else:
    pathlib.Path("note.txt").write_text("done\\n", encoding="utf-8")
    result = {"v": 1, "kind": "tool_result", "turn": 2, "tool_use_id": "mine-1", "ok": True, "content": "written"}
    records += [said(1, "tool_use", asks), result, said(2, "end_turn", words)]
last = records[-1]["turn"]
records += [{"v": 1, "kind": "session_end", "turn": last, "stop_reason": "end_turn", "elapsed_ms": 1, "tokens_in": 0, "tokens_out": 0}]
if how == "invalid":
    records[-1]["cost"] = 0
if how != "nothing":
    text = copied if how == "copy" else "".join(json.dumps(record) + "\\n" for record in records)
    pathlib.Path(trace).write_text(text, encoding="utf-8")
sys.exit(how == "fail")
"""


def write_program(folder: Path) -> Path:
    """The program as a file."""
    path = folder / "student.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def command(program: Path, how: str, teacher: Path) -> str:
    """The student as `ccpa measure --student` takes it.

    Args:
        program: see `write_program`.
        how: one of the values of `CHEATS`, or `faithful`.
        teacher: the trace from which it learns the tree, or which it copies.
    """
    words = [sys.executable, "-S", str(program), how, str(teacher)]
    return f"cmd:{shlex.join(words)} {{prompt}} {{trace}}"


def tree_hash(files: dict[str, str]) -> str:
    """The hash of a tree of plain files, as `apr.actions.tree` documents it, by other code."""
    whole = hashlib.sha256(b"apr-tree-v1\0")
    for name, content in sorted((name.encode(), content.encode()) for name, content in files.items()):
        whole.update(b"100644 " + hashlib.sha256(content).hexdigest().encode() + b" " + name + b"\0")
    return whole.hexdigest()
