"""`pv.lock`, the pins of mirrored contracts: what is accepted is TOML's data, leaves no tree, and is written back the same."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from unicodedata import category

from pv.pins.lock import KEYS, as_toml, read
from pv.types import UsageProblem
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_PIN = """# about it
[[contract]]
path = "contracts/a-v1.yaml"
source = "https://github.com/o/r"
branch = "main"
commit = "0123456789012345678901234567890123456789"
upstream_path = "c/a-v1.yaml"
sha256 = "0123456789012345678901234567890123456789012345678901234567890123"
synced = "2026-01-02T03:04:05Z"
"""
_SEEDS = (
    _PIN.encode(),
    (_PIN + "\n" + _PIN.replace("a-v1", "b-v1").replace("https://github.com/o/r", "../r")).encode(),
    b"# nothing\n",
)
_TOKENS = (
    *(b"[[contract]]\n", b"[contract]\n", b"contract = 1\n", *(f"{key} = ".encode() for key in KEYS)),
    *(
        b'"../x"',
        b'"/x"',
        b'"a/../b"',
        b'".git/config"',
        b'"ext::sh -c x"',
        b'"-u"',
        b'"ssh://-o/x"',
        b'"https://u:p@h/r"',
        b'"a\\\\b"',
    ),
    *(b"'''", b'"""', b"\\u0000", b"\\u001b", b"2026-01-02T03:04:05Z", b"inf", b"{", b"}", b"[", b"]"),
)


def _check(data: bytes, folder: Path) -> bool:
    file = replace(folder / "pv.lock", data)
    try:
        lock = read(file)
    except UsageProblem as problem:
        expect(str(problem).startswith(str(file)), f"a refusal that names no file: {problem}")
        return False
    entries = tomllib.loads(data.decode())
    expect(set(entries) <= {"contract"}, "an unknown table")
    said = [tuple(entry[key] for key in KEYS) for entry in entries.get("contract", [])]
    expect(said == [tuple(getattr(pin, key) for key in KEYS) for pin in lock.pins], "other pins")
    expect(len({pin.path for pin in lock.pins}) == len(lock.pins), "a contract is pinned twice")
    for pin in lock.pins:
        for path in (pin.path, pin.upstream_path):
            parts = PurePosixPath(path).parts
            expect(parts and path[0] != "/" and ".." not in parts and ".git" not in parts, f"leaves its tree: {path!r}")
        expect("::" not in pin.source and pin.source[:1] != "-", f"a source that runs something: {pin.source!r}")
        controls = any(category(sign) == "Cc" for value in (pin.path, pin.branch) for sign in value)
        expect(not controls, f"control characters: {pin!r}")
    again = read(replace(folder / "pv.lock", as_toml(lock).encode()))
    expect(sorted(again.pins, key=str) == sorted(lock.pins, key=str), "is not written back as it was read")
    return True


TARGET = Target(_check, lambda: list(_SEEDS), "toml", _TOKENS)
