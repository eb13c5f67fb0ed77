"""Traces as text, sound and odd, for comparing two programs that read them: generated from a seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NUMBERS = (
    *("0", "1", "2", "-1", "1.0", "-0", "-0.0", "0.0", "1e0", "1E2", "0.1", "01", "1.", ".5", "+1", "NaN", "Infinity"),
    *(str(2**32 - 1), str(2**32), str(2**63), str(2**64 - 1), str(2**64), str(-(2**63)), str(-(2**63) - 1), str(2**31)),
    *("1e16", "10000000000000000", "1e400", "1e-400", "1" + "0" * 30, "1" + "0" * 400),
)
ESCAPES = (r'"\ud800"', r'"\udc00"', r'"\ud83d\ude00"', r'"A"', r'"\x"', '"\t"', r'"\ud800A"', r'"\ud83d\\ude00"')
BLANKS = (" ", "\t", "\n", "\x0b", "\x0c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\x1c", "\u200b", "\ufeff")
WORDS = ("", "a", "b", "ls", "ls  -l", "ls -l", "ls ; ;", "ls;", " ls", '"a  b"', "é", "e\u0301", "\\", '"', "5")
TOOLS = {
    "Bash": ("command", "timeout"),
    "Read": ("path", "offset", "limit", "file_path"),
    "Write": ("path", "content"),
    "Edit": ("path", "old_string", "new_string", "post_state_sha256", "replace_all"),
    "Glob": ("pattern", "path"),
    "Grep": ("pattern", "path", "regex"),
    "Agent": ("subagent_type", "prompt"),
    "bash": ("command",),
    "other": ("a", "b"),
}
KINDS = {
    "session_start": "v=n session_id=s ts=s actor=claude-code|apr-code model=s cwd_sha256=s",
    "user_prompt": "v=n turn=n text=s",
    "assistant_turn": "v=n turn=n blocks=B stop_reason=end_turn|tool_use|error",
    "tool_result": "v=n turn=n tool_use_id=s ok=b content=s side_effects=?E",
    "hook_event": "v=n turn=n event=s matcher=?o decision=allow|warn|block exit_code=n output=?s",
    "skill_invocation": "v=n turn=n name=s source=user_invoked|auto_matched instructions_injected=?b",
    "session_end": "v=n turn=n stop_reason=end_turn|max_tokens elapsed_ms=n tokens_in=n tokens_out=n",
}


class Text(str):
    """JSON that is written as it stands."""

    __slots__ = ()


class Fields(list[tuple[str, Any]]):
    """An object whose keys may come twice."""


def written(value: Any) -> str:
    """JSON text of lists, `Fields`, `Text` and scalars."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, Fields):
        return "{" + ",".join(f"{json.dumps(key)}:{written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Odd:
    """Makes traces.

    Attributes:
        chance: the generator.
        rate: how often something is not as it should be.
    """

    chance: random.Random
    rate: float

    def strange(self) -> bool:
        """Whether the next thing is odd."""
        return self.chance.random() < self.rate

    def word(self) -> str:
        """Few different texts, so that two often collide."""
        pick = self.chance.choice
        return pick((pick(WORDS), "a", "b", f"x{pick(BLANKS)}y{pick(BLANKS)}"))

    def anything(self, depth: int = 0) -> Any:
        """Any JSON, and what only looks like it."""
        pick = self.chance.choice
        makers: list[Callable[[], Any]] = [
            self.word,
            lambda: Text(pick(NUMBERS)),
            lambda: Text(pick(ESCAPES)),
            lambda: pick((True, False, None)),
        ]
        if depth < 3:
            size = self.chance.randint(0, 3)
            makers += [
                lambda: [self.anything(depth + 1) for _ in range(size)],
                lambda: Fields((pick(("a", "b", "path")), self.anything(depth + 1)) for _ in range(size)),
            ]
        return pick(makers)()

    def variant(self, names: list[str]) -> Any:
        name = self.chance.choice(names)
        if not self.strange():
            return name
        pairs = [Fields([(name, None)]), Fields([(name, Fields())]), Fields([(name, None)] * 2), Fields([(name, 0)])]
        return self.chance.choice([*pairs, name.upper(), Text("0"), [name], f"{name} "])

    def value(self, kind: str) -> Any:
        if self.strange() and kind != "E":
            return self.anything()
        pick = self.chance.choice
        plain: dict[str, Callable[[], Any]] = {
            "n": lambda: Text(pick("012")),
            "s": self.word,
            "b": lambda: pick((True, False)),
            "o": lambda: pick((None, "Bash", "x")),
            "E": self.effects,
            "B": lambda: [self.block() for _ in range(self.chance.randint(0, 3))],
        }
        return plain[kind]() if kind in plain else self.variant(kind.split("|"))

    def effects(self) -> Any:
        if self.strange():
            return self.chance.choice([None, [["a"], ["b"], 0], [], [["a"]], Fields([("files_read", ["a"])] * 2)])
        return Fields([("files_read", ["a"]), ("exit_code", self.value("n"))][: self.chance.randint(0, 2)])

    def argument(self) -> Any:
        pick = self.chance.choice
        near: tuple[Any, ...] = (
            Text("1"),
            Text("1.0"),
            Text("-0"),
            Text("0"),
            Text(str(2**64)),
            True,
            None,
            [],
            Fields(),
        )
        return pick((self.word(), self.word(), pick(near)))

    def block(self) -> Any:
        kind = self.chance.choice(["text", "thinking", "tool_use", "tool_use", "tool_use"])
        if kind != "tool_use":
            return self.mangled([("type", kind), (kind, self.value("s"))])
        name = self.chance.choice(list(TOOLS))
        given = Fields((key, self.argument()) for key in TOOLS[name] if self.chance.random() < 0.8)
        called = [("id", "t"), ("name", name), ("input", self.anything() if self.strange() else given)]
        return self.mangled([("type", kind), *called])

    def mangled(self, fields: list[tuple[str, Any]]) -> Any:
        """An object of these fields; sometimes one is gone, there twice or unknown, or it is an array."""
        pick, rest = self.chance.choice, list(fields)
        if self.strange():
            tag = (fields[0][0], pick([Text(pick("0127")), None, fields[0][1].upper()]))
            values: list[Any] = [value for _, value in fields]
            odd: list[Any] = [
                rest[1:],
                [*rest, pick(rest)],
                [*rest, ("unknown", self.anything())],
                values,
                [*values, 1],
                values[:-1],
                [tag, *rest[1:]],
            ]
            rest = pick(odd)
            if rest and not isinstance(rest[0], tuple):
                return rest
        self.chance.shuffle(rest)
        return Fields(rest)

    def record(self) -> str:
        kind = self.chance.choice([*KINDS, *["assistant_turn"] * 4])
        fields = [tuple(part.split("=")) for part in KINDS[kind].split()]
        wanted = [(name, what) for name, what in fields if not what.startswith("?") or self.chance.random() < 0.5]
        made = self.mangled([("kind", kind), *((name, self.value(what.removeprefix("?"))) for name, what in wanted)])
        line = written(made)
        if self.strange():
            line = self.chance.choice([f" {line}\t", f"{line}\r", f"\xa0{line}", line * 2, f"\ufeff{line}", line[:-1]])
        return line

    def trace(self) -> bytes:
        """A few records, blank lines among them, and now and then a byte that is another one."""
        lines = [self.record() for _ in range(self.chance.randint(0, 6))]
        if self.chance.random() < 0.2:
            lines.insert(0, self.chance.choice(["", " ", "\xa0", "\u2028", "\x1c", "\r"]))
        data = ("\n".join(lines) + self.chance.choice(["\n", "", "\r\n"])).encode("utf-8", "surrogatepass")
        if data and self.strange():
            place = self.chance.randrange(len(data))
            data = data[:place] + bytes([self.chance.randrange(256)]) + data[place + 1 :]
        return data
