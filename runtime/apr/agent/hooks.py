"""Hooks: commands of the user that run when something happens in a session, and may warn of it or block it.

A file of hooks is TOML or JSON: `hooks`, a list of tables with `event`, `command` and, for events about a tool, `matcher` (names
of tools with `|` between; without it every tool). A command runs in bash in the working folder. What happened stands, as JSON, in
the file that `APR_HOOK_INPUT` names. It allows with exit code 0, warns with 1, which the user sees, and blocks with 2; any other
code ends the session, as nobody can tell what was meant.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.actions.inputs import read_small
from apr.actions.lines import BLANK, parse
from apr.agent.events import Hooked
from apr.agent.limits import BASH_FILE_BYTES, BASH_MEMORY
from apr.agent.processes import run_watched
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOOL_EVENTS = ("PreToolUse", "PostToolUse")
# there are no sub-agents here, so nothing of theirs ever stops
EVENTS = ("SessionStart", "UserPromptSubmit", *TOOL_EVENTS, "Stop")
DECISIONS = ("allow", "warn", "block")  # by exit code
_SECONDS = 60.0
_OUTPUT = 10_000  # characters of what a hook says
_FIELDS = {"event", "matcher", "command"}


@dataclass(frozen=True)
class Hook:
    """One hook.

    Attributes:
        event: one of `EVENTS`.
        command: for bash.
        tools: that it is for; empty for all.
    """

    event: str
    command: str
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Hooks:
    """The hooks of a session.

    Attributes:
        hooks: in the order in which they run.
        cwd: the folder they run in.
        where: names their file in messages.
    """

    hooks: tuple[Hook, ...] = ()
    cwd: Path = field(default_factory=Path)
    where: str = ""

    @classmethod
    def of(cls, path: Path, cwd: Path) -> Hooks:
        """The hooks of a file.

        Raises:
            UnusableInput: it cannot be read, or says something else than hooks.
        """
        try:
            text = read_small(path)
            content = parse(text.encode().strip(BLANK)) if path.suffix == ".json" else tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # of JSON or TOML
            raise UnusableInput(f"is neither TOML nor JSON: {error}", where=str(path)) from error
        listed = content.get("hooks") if isinstance(content, dict) else None
        if not isinstance(listed, list) or set(content) != {"hooks"}:
            raise UnusableInput("has to hold `hooks`, a list, and nothing else", where=str(path))
        return cls(
            tuple(_hook(entry, f"{path}: hook {number}") for number, entry in enumerate(listed, 1)), cwd, str(path)
        )

    def run(self, event: str, turn: int, about: Mapping[str, Any], tool: str | None = None) -> Iterator[Hooked]:
        """Runs the hooks of an event one after the other; none after one that blocks.

        Args:
            event: one of `EVENTS`.
            turn: for the record.
            about: what happened, plain data.
            tool: its name, where the event is about one.

        Raises:
            UnusableInput: a hook left with another code than 0, 1 or 2, or took too long.
        """
        for hook in self.hooks:
            if hook.event != event or (tool is not None and hook.tools and tool not in hook.tools):
                continue
            code, output = self._run(hook, {"event": event, **about})
            yield Hooked(turn, event, tool, DECISIONS[code], code, output)
            if code == DECISIONS.index("block"):
                return

    def _run(self, hook: Hook, about: Mapping[str, Any]) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix="apr-hook-", ignore_cleanup_errors=True) as folder:
            given = Path(folder) / "input.json"
            given.write_text(json.dumps(about, ensure_ascii=False), "utf-8")
            done = run_watched(
                ["bash", "-c", hook.command],
                cwd=self.cwd,
                env=os.environ | {"APR_HOOK_INPUT": str(given)},
                seconds=_SECONDS,
                limits={"memory": BASH_MEMORY, "file_bytes": BASH_FILE_BYTES, "core": 0},
                keep=_OUTPUT,
            )
        if done.timed_out or not 0 <= done.exit_code < len(DECISIONS):
            left = f"took more than {_SECONDS:g} s" if done.timed_out else f"left with {done.exit_code}"
            said = f": {done.output.strip()[:200]}" if done.output.strip() else ""
            raise UnusableInput(
                f"the hook of {hook.event} {left}{said}", where=self.where, hint="0 allows, 1 warns, 2 blocks"
            )
        return done.exit_code, done.output.strip()


def _hook(entry: Any, where: str) -> Hook:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise UnusableInput("has to be a table of texts", where=where)
    unknown = set(entry) - _FIELDS
    if unknown:
        raise UnusableInput(f"{min(unknown)!r} is not known", where=where, hint=", ".join(sorted(_FIELDS)))
    if entry.get("event") not in EVENTS:
        raise UnusableInput(f"event {entry.get('event')!r} does not happen here", where=where, hint=", ".join(EVENTS))
    if not entry.get("command", "").strip():
        raise UnusableInput("has no command", where=where)
    if "matcher" in entry and entry["event"] not in TOOL_EVENTS:
        raise UnusableInput(f"{entry['event']} is about no tool, so there is nothing to match", where=where)
    tools = frozenset(name.strip() for name in entry.get("matcher", "").split("|")) - {"", "*"}
    return Hook(entry["event"], entry["command"], tools)
