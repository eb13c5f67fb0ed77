"""A file of durations that shards are cut by: JSON of node ids and seconds, or a ledger."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from pv.ledger import Ledger
from pv.shards import read_durations
from pv.types import UsageProblem
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEED = b'{"contracts/a-v1.yaml::F-A-001": 1.5, "contracts/a-v1.yaml::F-A-002[x]": 20}'


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "durations.json", data)
    try:
        told = read_durations(path)
    except UsageProblem as problem:
        expect("\n" not in str(problem) and str(path) in str(problem), f"a refusal that names no file: {problem}")
        return False
    if isinstance(told, Ledger):
        list(told.entries())
        return True
    expect(twice(read_loosely(data)) is None, "a node with two durations")
    expect(told == {node: float(seconds) for node, seconds in json.loads(data).items()}, "other durations")
    expect(all(math.isfinite(seconds) and seconds >= 0 for seconds in told.values()), "no duration")
    return True


TARGET = Target(_check, lambda: [_SEED], "json", (b'{"prev":"', b"1e308", b"true", b"1e999"))
