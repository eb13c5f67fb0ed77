"""The hooks of `apr code`, TOML or JSON: a command runs only if it is the one that every reader sees."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from apr.agent.hooks import EVENTS, Hooks
from apr.errors import AprError
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEEDS = (
    b'{"hooks":[{"event":"PreToolUse","matcher":"Bash|Edit","command":"true"},{"event":"Stop","command":"exit 1"}]}',
    b'[[hooks]]\nevent = "SessionStart"\ncommand = "true"\n[[hooks]]\nevent = "PostToolUse"\nmatcher = "*"\ncommand = "x"\n',
)
_TOKENS = (
    b"hooks",
    b"event",
    b"matcher",
    b"command",
    b"*",
    b"|",
    b"[[hooks]]\n",
    *(event.encode() for event in EVENTS),
)


def _check(data: bytes, folder: Path) -> bool:
    as_json = data.lstrip().startswith(b"{")
    path = replace(folder / f"hooks.{'json' if as_json else 'toml'}", data)
    try:
        hooks = Hooks.of(path, folder)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    if as_json:
        loose = read_loosely(data)
        expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    content: dict[str, Any] = json.loads(data) if as_json else tomllib.loads(data.decode())
    commands = [entry["command"] for entry in content["hooks"]]
    expect([hook.command for hook in hooks.hooks] == commands, "other commands")
    expect(all(hook.event in EVENTS and hook.command.strip() for hook in hooks.hooks), "a hook that never runs")
    return True


TARGET = Target(_check, lambda: list(_SEEDS), "json", _TOKENS)
