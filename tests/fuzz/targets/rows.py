"""Rows of a capability matrix, YAML: what is accepted is what PyYAML's safe loader reads, with no key and no row twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from apr.errors import AprError
from apr.meter.rows import Feature, load_rows
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEED = b"""rows:
- id: bash
  about: runs a command
  status: SHIPPED
  feature: {tool: Bash, field: command, where: {command: 'ls*'}}
- {id: hooks, about: asks hooks, status: PARTIAL, feature: [{hook: Pre*, field: decision}, {skill: tidy}]}
- {id: net, about: fetches, status: SHIPPED, out_of_scope: no trace shows it}
- {id: gone, about: is not there, status: MISSING}
- {id: ok, about: says ok, status: SHIPPED, feature: {result: ok}}
"""
_TOKENS = (
    *(
        b"rows:",
        b"- id: ",
        b"about: ",
        b"status: ",
        b"feature: ",
        b"out_of_scope: ",
        b"where: ",
        b"field: ",
        b"SHIPPED",
        b"MISSING",
    ),
    *(f"{kind}: ".encode() for kind in Feature.KINDS),
    *(
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!int ",
        b"!!float ",
        b"!!bool ",
        b"!!timestamp ",
        b"!!binary ",
        b"!!set ",
        b"!!omap ",
        b"!!pairs ",
    ),
    *(
        b"? ",
        b"[",
        b"{",
        b"- ",
        b"2026-02-30",
        b"190:20:30",
        b"0b1",
        b"0x",
        b"=",
        b"---\n",
        b"!!map ",
        b"!!str ",
        b"!!null ",
    ),
)


def _check(data: bytes, folder: Path) -> bool:
    file = replace(folder / "rows.yaml", data)
    try:
        rows = load_rows(file)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(file) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    content = yaml.load(data.decode(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["rows"]  # noqa: S506  a safe loader
    expect([row.id for row in rows] == [entry["id"] for entry in content], "other rows")
    expect(len({row.id for row in rows}) == len(rows), "a row stands twice")
    for row, entry in zip(rows, content, strict=True):
        given = entry.get("feature", [])
        expect(len(row.features) == (len(given) if isinstance(given, list) else 1), f"other features: {row}")
        expect(not (row.wanted and not row.features), f"nothing shows it: {row}")
    return True


TARGET = Target(_check, lambda: [_SEED], "yaml", _TOKENS)
