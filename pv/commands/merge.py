"""`pv merge`: the ledgers of several machines as one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.merge import Broken, merge
from pv.report.console import Paint, emit, escape
from pv.report.wording import counted

if TYPE_CHECKING:
    import argparse

    from pv.merge import Merged

_SHORT = 12  # digits of a commit, a plan or a run that are shown


def run(arguments: argparse.Namespace) -> int:
    """Join ledgers; 1 if one of them is not what was written, and then nothing is.

    Raises:
        UsageProblem: they do not fit together, a shard is missing, or the result cannot be written.
    """
    out = Path(arguments.output)
    try:
        merged = merge(
            [Path(name) for name in arguments.ledgers], out, partial=arguments.partial, force=arguments.force
        )
    except Broken as broken:
        emit((_broken(broken) if arguments.json else escape(f"pv: {broken}")) + "\n")
        return 1
    emit((_as_json(merged, out) if arguments.json else _as_text(merged, out, Paint.for_stream(sys.stdout))) + "\n")
    if merged.missing:
        sys.stderr.write(f"pv: PARTIAL: shard {', '.join(merged.missing)} is missing; its claims are not run\n")
    return 0


def _as_text(merged: Merged, out: Path, paint: Paint) -> str:
    lines = [paint(escape(note), "yellow") for note in merged.notes]
    lines += [f"{escape(str(part.path))}: {counted(part.added, 'line')} of {len(part.ids)}" for part in merged.parts]
    if merged.plan:
        lines.append(f"shards {', '.join(merged.shards)} of plan {merged.plan[:_SHORT]}")
    lines += [
        paint(f"run {name[:_SHORT]} never ended: what it had not run is not run", "yellow") for name in merged.unended
    ]
    what = f"{counted(merged.lines, 'line')}, {merged.common} of them common"
    return "\n".join([*lines, f"{escape(str(out))}: {what}, commit {merged.commit[:_SHORT] or 'unknown'}"])


def _as_json(merged: Merged, out: Path) -> str:
    return json.dumps(
        {
            "schema": "pv-merge-v1",
            "output": str(out),
            "lines": merged.lines,
            "common": merged.common,
            "head": merged.head or None,
            "commit": merged.commit or None,
            "plan": merged.plan or None,
            "shards": list(merged.shards),
            "missing": list(merged.missing),
            "unended": list(merged.unended),
            "ledgers": [{"path": str(part.path), "lines": len(part.ids), "added": part.added} for part in merged.parts],
            "notes": list(merged.notes),
        },
        indent=2,
    )


def _broken(broken: Broken) -> str:
    faults = [{"line": one.number, "kind": str(one.kind), "text": one.text} for one in broken.faults]
    return json.dumps({"schema": "pv-merge-v1", "broken": str(broken.path), "faults": faults}, indent=2)
