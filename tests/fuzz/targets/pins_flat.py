"""The flat `pin.lock`: what is accepted has each key once, and values that a plain reading of the lines finds too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.pins.flat import KEYS, read
from pv.types import UsageProblem
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEED = b"""# the pin
contract_path: contracts/a-v1.yaml
aprender_repo: "o/r"
aprender_branch: main
aprender_commit: 0123456  # short
aprender_path: c/a-v1.yaml
contract_sha256: 0123456789012345678901234567890123456789012345678901234567890123
last_synced_utc: '2026-01-02T03:04:05Z'
aprender_pr: 12
note: |
  for people: anything
  # and so on
"""
_TOKENS = (
    *(f"{key}: ".encode() for key in KEYS),
    b"|",
    b">-",
    b" #",
    b"'",
    b'"',
    b"../",
    b"/",
    b"\x1b",
    b"\n\n",
    b"ext::",
)


def _check(data: bytes, folder: Path) -> bool:
    file = replace(folder / "pin.lock", data)
    try:
        lock = read(file, folder)
    except UsageProblem as problem:
        expect(str(problem).startswith(str(file)), f"a refusal that names no file: {problem}")
        return False
    (pin,) = lock.pins
    text = data.decode()
    for name, value in (("contract_path", pin.path), ("aprender_commit", pin.commit), ("aprender_branch", pin.branch)):
        lines = [line for line in text.split("\n") if line.partition(":")[0].rstrip(" \t") == name]
        expect(len(lines) == 1 and value in lines[0], f"another {name}: {value!r} of {lines}")
    expect(".." not in pin.path.split("/") and pin.path[0] != "/", f"leaves its tree: {pin.path!r}")
    return True


TARGET = Target(_check, lambda: [_SEED], "yaml", _TOKENS)
