"""What the meter of action traces takes: `ccpa corpus` on many pairs, and the alignment of very long traces.

python benchmarks/trace_meter.py [--pairs 1000] [--records 200] [--actions 1000000] [--rounds 3] [--quick] [--json]

The corpus is made in a temporary folder: sessions with eight tools, of which every other student departs in three places. Each
figure of a command is the least of a few rounds from start to end, beside it what reading the same bytes as JSON takes in one
process. Alignments are made at n and 2n actions, so that the ratio shows how the cost grows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.meter.align import align
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
WORDS = [f"word{number}" for number in range(400)]
PLAIN_JSON = """
import json, sys
from pathlib import Path
for path in Path(sys.argv[1]).rglob("*.jsonl"):
    with path.open() as file:
        for line in file:
            json.loads(line)
"""
Keys = tuple[list[int], list[int]]


def call(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A tool and what it is asked for."""
    path, words = f"src/{rng.choice(WORDS)}/{rng.choice(WORDS)}.py", " ".join(rng.choices(WORDS, k=12))
    calls: list[tuple[str, dict[str, Any]]] = [
        ("Bash", {"command": f"grep -rn '{words[:20]}' src | head -{rng.randrange(50)}"}),
        ("Bash", {"command": f"python -m pytest -q tests/{rng.choice(WORDS)}.py"}),
        ("Read", {"file_path": path, "offset": rng.randrange(900), "limit": 100}),
        ("Write", {"file_path": path, "content": words * 8}),
        ("Edit", {"file_path": path, "old_string": words, "new_string": words[::-1]}),
        ("Grep", {"pattern": rng.choice(WORDS), "path": "src", "output_mode": "content", "-n": True}),
        ("Glob", {"pattern": f"**/{rng.choice(WORDS)}*.py"}),
        ("WebFetch", {"url": f"https://example.org/{rng.choice(WORDS)}", "prompt": words}),
    ]
    return rng.choice(calls)


def session(actor: str, number: int, calls: list[tuple[str, dict[str, Any], str]]) -> str:
    """A trace as text."""
    side = len(actor) - 8
    records: list[dict[str, Any]] = [
        {
            "kind": "session_start",
            "session_id": f"0190{side}000-0000-7000-8000-{number:012x}",
            "ts": "2026-02-03T04:05:06Z",
            "actor": actor,
            "model": "made up",
            "cwd_sha256": "0" * 64,
        },
        {"kind": "user_prompt", "turn": 0, "text": f"task {number}"},
    ]
    for turn, (name, given, said) in enumerate(calls, 1):
        use = {"type": "tool_use", "id": f"toolu_{side}_{turn}", "name": name, "input": given}
        text = {"type": "text", "text": f"Now I look at {name}."}
        records.append({"kind": "assistant_turn", "turn": turn, "blocks": [text, use], "stop_reason": "tool_use"})
        records.append({"kind": "tool_result", "turn": turn + 1, "tool_use_id": use["id"], "ok": True, "content": said})
    last = len(calls) + 1
    done = {"type": "text", "text": "Done."}
    records.append({"kind": "assistant_turn", "turn": last, "blocks": [done], "stop_reason": "end_turn"})
    numbers = {"elapsed_ms": 1, "tokens_in": 1, "tokens_out": 1}
    records.append({"kind": "session_end", "turn": last, "stop_reason": "end_turn", **numbers})
    return "".join(json.dumps({"v": 1, **record}) + "\n" for record in records)


def make_corpus(folder: Path, pairs: int, records: int) -> int:
    """Writes the pairs; gives how many records they have in all."""
    rng = random.Random(20260203)  # noqa: S311 - the same corpus each time
    number_of_calls = (records - 4) // 2
    for number in range(pairs):
        teacher = [(*call(rng), "\n".join(rng.choices(WORDS, k=40))) for _ in range(number_of_calls)]
        student = list(teacher)
        if number % 2:
            student[rng.randrange(len(student))] = (*call(rng), "something else")
            moved = student.pop(rng.randrange(len(student)))
            student.insert(rng.randrange(len(student)), moved)
            at = rng.randrange(len(student))
            student[at] = (*student[at][:2], "other words")
        inner = folder / f"{number:04}-pair"
        inner.mkdir()
        (inner / "teacher.ccpa-trace.jsonl").write_text(session("claude-code", number, teacher))
        (inner / "student.ccpa-trace.jsonl").write_text(session("apr-code", number, student))
    return pairs * 2 * (2 * number_of_calls + 4)


def least(command: list[str], rounds: int) -> dict[str, float]:
    """Wall and CPU seconds of a command, the least of a few rounds after one that is not counted."""
    walls, cpus = [], []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)[:200]} ended with exit code {process.returncode}")
        walls.append(time.perf_counter() - start)
        cpus.append(usage.ru_utime + usage.ru_stime)
    return {"wall_s": min(walls[1:]), "cpu_s": min(cpus[1:])}


def keys(rng: random.Random, length: int, letters: int) -> list[int]:
    """A trace of random actions, of so many different ones."""
    return [rng.randrange(letters) for _ in range(length)]


def few_differences(rng: random.Random, n: int) -> Keys:
    """30 actions altered and 30 left out."""
    teacher = keys(rng, n, 50)
    student = list(teacher)
    for _ in range(30):
        student[rng.randrange(n - 30)] = -1
        del student[rng.randrange(len(student))]
    return teacher, student


def moved(teacher: list[int]) -> Keys:
    """The first tenth of the teacher's actions stands in the middle."""
    n = len(teacher)
    return teacher, teacher[n // 10 : n // 2] + teacher[: n // 10] + teacher[n // 2 :]


CASES: dict[str, Callable[[random.Random, int], Keys]] = {
    "few differences, 50 actions": few_differences,
    "a tenth moved, 50 actions": lambda rng, n: moved(keys(rng, n, 50)),
    "a tenth moved, all different": lambda _, n: moved(list(range(n))),
    "all the same": lambda _, n: ([0] * n, [0] * (n - n // 7)),
    "random, 2 actions": lambda rng, n: (keys(rng, n, 2), keys(rng, n, 2)),
    "random, 1000 actions": lambda rng, n: (keys(rng, n, 1000), keys(rng, n, 1000)),
    "random, n actions": lambda rng, n: (keys(rng, n, n), keys(rng, n, n)),
    "reversed, 50 actions": lambda rng, n: (found := keys(rng, n, 50), found[::-1]),
    "reversed, all different": lambda _, n: (list(range(n)), list(range(n))[::-1]),
}


def alignments(n: int) -> list[dict[str, Any]]:
    """Each case at n and 2n actions."""
    found = []
    for name, make in CASES.items():
        seconds = []
        for length in (n, 2 * n):
            teacher, student = make(random.Random(7), length)  # noqa: S311 - the same lists each time
            start = time.perf_counter()
            answer = align(teacher, student)
            seconds.append(time.perf_counter() - start)
        row = {
            "case": name,
            "n": n,
            "seconds_n": seconds[0],
            "seconds_2n": seconds[1],
            "ratio": seconds[1] / seconds[0],
        }
        found.append(row | {"lower": answer.lower, "upper": answer.upper, "exact": answer.exact})
    return found


def corpus(pairs: int, records: int, rounds: int) -> dict[str, Any]:
    """`ccpa corpus` beside plain reading of the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = make_corpus(folder, pairs, records)
        size = sum(path.stat().st_size for path in folder.rglob("*.jsonl"))
        program = [sys.executable, "-m", "apr.ccpa", "corpus", name, "--aggregate-min", "0"]
        return {
            "pairs": pairs,
            "records": written,
            "megabytes": size / 1e6,
            "ccpa corpus": least(program, rounds),
            "ccpa corpus --jobs 1": least([*program, "--jobs", "1"], rounds),
            "json.loads alone": least([sys.executable, "-c", PLAIN_JSON, name], rounds),
        }


def main(sheet: Sheet) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50 if sheet.quick else 1000)
    parser.add_argument("--records", type=int, default=200, help="of each trace")
    parser.add_argument(
        "--actions", type=int, default=20_000 if sheet.quick else 1_000_000, help="n; 0 leaves the alignments out"
    )
    parser.add_argument("--rounds", type=int, default=1 if sheet.quick else 3)
    args = parser.parse_args()
    found: dict[str, Any] = {}
    if args.pairs:
        found["corpus"] = corpus(args.pairs, args.records, args.rounds)
    if args.actions:
        found["alignments"] = alignments(args.actions)
    if args.pairs:
        taken = found["corpus"]
        print(f"{taken['pairs']} pairs, {taken['records']} records, {taken['megabytes']:.0f} MB; asked for: under 3 s")
        base = taken["json.loads alone"]["cpu_s"]
        for name in ("ccpa corpus", "ccpa corpus --jobs 1", "json.loads alone"):
            one = taken[name]
            ratio = one["cpu_s"] / base
            peer = ("json.loads of the same bytes", taken["json.loads alone"]["wall_s"])
            if name == "ccpa corpus":
                what = f"{name}, {taken['pairs']} pairs of {args.records} records"
                sheet.add("corpus", what, one["wall_s"], "s", against=peer, at_most=3)
            print(f"{name:24} {one['wall_s']:6.2f} s wall {one['cpu_s']:6.2f} s CPU {ratio:6.1f} times json.loads")
    for row in found.get("alignments", []):
        # twice the actions may take three times as long; a quadratic aligner takes four
        what = f"{2 * row['n']} actions aligned: {row['case']}"
        peer = ("half as many", row["seconds_n"])
        sheet.add(row["case"], what, row["seconds_2n"], "s", against=peer, at_most=3, of_ratio=True)
        said = " (exact)" if row["exact"] else f", at most {row['upper']}"
        print(
            f"{row['case']:30} n {row['n']}: {row['seconds_n']:6.2f} s, 2n: {row['seconds_2n']:6.2f} s, ratio {row['ratio']:.2f}; "
            f"{row['lower']} pairs{said}"
        )


if __name__ == "__main__":
    sys.exit(told(main))
