"""`ccpa measure` as the upstream's program does it: what the student prints becomes the one text block of a made-up trace."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from apr.ccpa.upstream.traces import parity_as_json, print_drifts
from apr.console import escape
from apr.errors import FINDINGS, OK, AprError, UnusableInput
from apr.meter.upstream.records import read_records
from apr.meter.upstream.score import INDIVIDUAL_MIN, compare
from apr.meter.upstream.text import pretty, trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SHOWN = 400  # characters of what a failed student wrote
Records = list[tuple[str, dict[str, Any]]]


def measure(
    teacher: Path,
    *,
    program: str = "apr",
    max_turns: int = 1,
    individual_min: float = INDIVIDUAL_MIN,
    emit_student: Path | None = None,
    as_json: bool = False,
) -> int:
    """Runs `PROGRAM code -p PROMPT --max-turns N` and scores a trace made of what it printed.

    The student's trace has no actions whatever the program does, so the teacher alone decides the score; the default `ccpa measure` is
    the one that measures.

    Returns:
        0 where the score is `individual_min` or more, else 1.

    Raises:
        UnusableInput: the upstream would not read the teacher, or it calls tools, or has no prompt of turn 0.
        AprError: the program cannot be started or fails.
    """
    wanted = read_records(teacher)
    if any(
        kind == "assistant_turn" and any(block[0] == "tool_use" for block in fields["blocks"])
        for kind, fields in wanted
    ):
        raise UnusableInput("calls tools, and what a student prints says nothing about tools", where=str(teacher))
    prompt = next(
        (str(fields["text"]) for kind, fields in wanted if kind == "user_prompt" and fields["turn"] == 0), None
    )
    if prompt is None:
        raise UnusableInput("has no user_prompt of turn 0", where=str(teacher))
    student = _student(wanted, prompt, _printed([program, "code", "-p", prompt, "--max-turns", str(max_turns)]))
    if emit_student is not None:
        emit_student.write_text("".join(_line(kind, fields) for kind, fields in student), encoding="utf-8")
    parity = compare(wanted, student)
    if as_json:
        report = parity_as_json(parity, individual_min)
        print(pretty(report | {"apr_bin": program, "prompt": prompt, "measured": True}))
    else:
        print(
            f"ccpa measure: parity_score = {parity.score:.4f}"
            f"  ({parity.matched}/{parity.teacher} matched, measured against {escape(program)})"
        )
        print_drifts(parity.drifts)
    return OK if parity.score >= individual_min else FINDINGS


def _printed(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except (OSError, ValueError) as error:
        raise AprError(f"cannot be started: {error}", where=command[0]) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace")[:_SHOWN].strip()
        raise AprError(f"ended with exit code {done.returncode}: {said or 'it wrote nothing'}", where=command[0])
    return done.stdout.decode(errors="replace")


def _student(teacher: Records, prompt: str, printed: str) -> Records:
    start = next((fields for kind, fields in teacher if kind == "session_start"), {})
    copied = {
        "session_id": start.get("session_id", "00000000-0000-0000-0000-000000000000"),
        "ts": start.get("ts", "1970-01-01T00:00:00Z"),
        "actor": "apr-code",
        "model": "apr-code-measured",
        "cwd_sha256": start.get("cwd_sha256", "0" * 64),
    }
    blocks = [("text", {"text": trimmed(printed)})]
    end = {"stop_reason": "end_turn", "elapsed_ms": 0, "tokens_in": 0, "tokens_out": 0}
    return [
        ("session_start", {"v": 1, **copied}),
        ("user_prompt", {"v": 1, "turn": 0, "text": prompt}),
        ("assistant_turn", {"v": 1, "turn": 1, "blocks": blocks, "stop_reason": "end_turn"}),
        ("session_end", {"v": 1, "turn": 1, **end}),
    ]


def _line(kind: str, fields: dict[str, Any]) -> str:
    plain = dict(fields)
    if "blocks" in plain:
        plain["blocks"] = [{"type": name, **content} for name, content in plain["blocks"]]
    return json.dumps({"kind": kind, **plain}, ensure_ascii=False, separators=(",", ":")) + "\n"
