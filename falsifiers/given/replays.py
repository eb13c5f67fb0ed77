"""Recordings given again, students that differ from run to run, and what a real run writes down."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from given.edited import plant
from given.failing_traces import parsed
from given.sessions import Call, lines, session
from given.students import tree_hash
from pv import Refuted

if TYPE_CHECKING:
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Evidence


def replayed(tracing: Tracing, recorded: list[dict[str, Any]], folder: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Gives the answers of a recording in a new folder: how the program ended, and the trace that it emitted."""
    folder.mkdir()
    if found := tracing.rules(lines(recorded)):
        raise ValueError(f"the recording breaks {found}")
    work, recording, emitted = folder / "work", folder / "recorded.jsonl", folder / "emitted.jsonl"
    work.mkdir()
    recording.write_bytes(lines(recorded))
    ran = tracing.apr(
        "code", "-p", "Do it.", "--cwd", work, "--answers-from", recording, "--emit-trace", emitted
    )  # fmt: skip
    if not emitted.exists():
        return ran, []
    if found := tracing.rules(emitted.read_bytes()):
        raise Refuted(f"what `apr code` emits breaks {found}", stage="emission")
    return ran, parsed(emitted.read_bytes())


def answers(records: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The blocks of every answer, without the ids of calls."""
    return [
        [{name: value for name, value in block.items() if name != "id"} for block in record["blocks"]]
        for record in records
        if record["kind"] == "assistant_turn"
    ]


def unsteady(folder: Path) -> dict[str, tuple[tuple[Path, Path], tuple[Path, Path]]]:
    """Two runs each of students that do something else every time: their traces and the folders that they left."""
    code = "print(list({'alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'}))"
    orders = [
        subprocess.run([sys.executable, "-S", "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    if orders[0] == orders[1]:
        raise ValueError("a set is in one order under both hash seeds")

    def run(name: str, number: int) -> tuple[Path, Path]:
        work, trace = folder / f"{name} {number}", folder / f"{name} {number}.ccpa-trace.jsonl"
        arguments = {
            "wall clock in a tool's argument": str(time.time_ns()),
            "order of a set in a tool's argument": orders[number].decode(),
        }
        write = Call("Write", {"file_path": "a.txt", "content": arguments.get(name, "a")})
        answer = f"I drew {uuid.uuid4()}." if name == "random number in an answer" else "Done."
        plant(work, {"a.txt": f"{number}" if name == "other files behind the same words" else "a"})
        if name == "another result of the same call":
            write = replace(write, content=f"written for the {number + 1}. time")
        records = session([write], answer=answer)
        if name == "results of two calls exchanged":
            records = session([[replace(write, content="1"), replace(write, content="2")]])
            first, second = (record["tool_use_id"] for record in records[3:5])
            if number:
                records[3:5] = [records[3] | {"tool_use_id": second}, records[4] | {"tool_use_id": first}]
        trace.write_bytes(lines(records))
        return trace, work

    names = (
        "wall clock in a tool's argument",
        "order of a set in a tool's argument",
        "random number in an answer",
        "another result of the same call",
        "results of two calls exchanged",
        "other files behind the same words",
    )
    return {name: (run(name, 0), run(name, 1)) for name in names}


def hold_emission(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """Two sessions of the same program in two folders: who they are, when they were, and in which tree."""
    seen = set()
    for number, files in enumerate(({}, {"a.txt": "one\n", "b/c.txt": "two\n"})):
        own = folder / f"emission-{number}"
        work, recording, emitted = own / "work", own / "recorded.jsonl", own / "emitted.jsonl"
        plant(work, files)
        recording.write_bytes(lines(session([Call("Write", {"file_path": "d.txt", "content": "x"})])))
        before = time.time()
        ran = tracing.apr("code", "-p", "Do it.", "--cwd", work, "--answers-from", recording, "--emit-trace", emitted)
        if ran.code or tracing.rules(emitted.read_bytes()):
            raise Refuted(f"exit code {ran.code}, {ran.err!r}, {tracing.rules(emitted.read_bytes())}", stage="emission")
        records = parsed(emitted.read_bytes())
        first, last = records[0], records[-1]
        moments = (
            datetime.fromisoformat(first["ts"]).timestamp(),
            int(first["session_id"].replace("-", "")[:12], 16) / 1000,
        )
        seen.add(first["session_id"])
        evidence.compared(1, "emitted traces")
        if not all(before - 0.01 <= moment <= time.time() + 0.01 for moment in moments):
            raise Refuted(f"a session of {before} says it was at {moments}", stage="emission")
        if first["cwd_sha256"] != tree_hash(files) or first["actor"] != "apr-code":
            raise Refuted(f"{first} is no session of apr-code in a tree of {sorted(files)}", stage="emission")
        if last["elapsed_ms"] > (time.time() - before) * 1000 + 1:
            raise Refuted(f"a session says it took {last['elapsed_ms']} ms", stage="emission")
    if len(seen) != 2:
        raise Refuted("two sessions have one id", stage="emission")


def hold_real_model(evidence: Evidence, tracing: Tracing, model: Path, folder: Path) -> None:
    """A plain prompt: four records, written by a run that took tokens, and no score, since nothing was done."""
    prompt, kept = "Say hello.", folder / "kept"
    teacher = folder / "plain.ccpa-trace.jsonl"
    teacher.write_bytes(lines(session(prompt=prompt, answer="Hello!", tree=tree_hash({}))))
    ran = tracing.ccpa(
        "measure", "--teacher", teacher, "--student", "apr-code", "--model", model, "--tools", "none", "--keep", kept, "--json"
    )  # fmt: skip
    report = json.loads(ran.out)
    records = parsed((kept / "student.ccpa-trace.jsonl").read_bytes()) if report["measured"] else []
    evidence.compared(len(records), "records of a real run")
    kinds = [record["kind"] for record in records]
    if kinds != ["session_start", "user_prompt", "assistant_turn", "session_end"]:
        raise Refuted(f"a plain prompt is traced as {kinds}: {report['reason']} {ran.err}", stage="real model")
    answer, last = records[2:]
    text = "".join(block["text"] for block in answer["blocks"])
    evidence.report(answer=text, tokens=[last["tokens_in"], last["tokens_out"]], stopped=last["stop_reason"])
    if not text.strip() or not last["tokens_in"] > 0 < last["tokens_out"] or last["elapsed_ms"] <= 0:
        raise Refuted(f"the model is said to have answered {text!r} in {last}", stage="real model")
    if (report["vacuous"], report["scored"], report["mean"], report["supports"], ran.code) != (
        1,
        0,
        None,
        "nothing",
        1,
    ):
        raise Refuted(f"a run without actions is given {report['mean']}, exit code {ran.code}", stage="real model")


def of_now(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a session of now, so that a copy of it is not refused for its age."""
    born = f"{time.time_ns() // 10**6:012x}"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = records[0] | {"session_id": f"{born[:8]}-{born[8:]}-7a11-8b22-0123456789ab", "ts": now}
    return [first, *records[1:]]
