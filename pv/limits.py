"""`[tool.pv.shell-tests]`: what a command of a contract is given when it is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pv.types import UsageProblem
from pv.words import did_you_mean

# the keys and what they say, which docs/how-to/shell-tests.md quotes
SHELL_TESTS = {
    "env": "names of variables that commands are given beside those that all get; default: `[]`",
    "seconds": "after which a command is ended; default: `60`",
    "memory-mib": "address space of each of its processes, in MiB; default: `2048`",
}
_LONGEST = 86_400  # seconds; a day
_LEAST = 16  # MiB; with less not even a shell starts
_MOST = 1 << 30  # MiB; the kernel counts bytes in 63 bits


@dataclass(frozen=True)
class ShellLimits:
    """What a command of a contract is given.

    Attributes:
        env: names of variables that are handed on, if they are set.
        seconds: after which it is ended.
        memory: bytes of address space of each of its processes.
    """

    env: tuple[str, ...] = ()
    seconds: float = 60.0
    memory: int = 2048 << 20


def read_limits(given: Any, where: str) -> ShellLimits:
    """The table as it stands in pyproject.toml; `where` names it in messages.

    Raises:
        UsageProblem: it says something that cannot be used.
    """
    if not isinstance(given, dict):
        raise UsageProblem(f"{where} must be a table")
    for key in given:
        if key not in SHELL_TESTS:
            fix = did_you_mean(key, SHELL_TESTS) or f"the keys are {', '.join(SHELL_TESTS)}"
            raise UsageProblem(f"{where}: unknown key {key!r}; {fix}")
    env, seconds, memory = given.get("env", []), given.get("seconds", 60), given.get("memory-mib", 2048)
    if not isinstance(env, list) or not all(isinstance(one, str) and re.fullmatch(r"[A-Za-z_]\w*", one) for one in env):
        raise UsageProblem(f'{where} env must be a list of names of variables, as ["CARGO_HOME"]')
    if not _is_number(seconds, (int, float)) or not 0 < seconds <= _LONGEST:
        raise UsageProblem(f"{where} seconds must be above 0, and {_LONGEST} at most")
    if not _is_number(memory, int) or not _LEAST <= memory <= _MOST:
        raise UsageProblem(f"{where} memory-mib must be a whole number from {_LEAST} to {_MOST}")
    return ShellLimits(tuple(env), float(seconds), memory << 20)


def _is_number(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
