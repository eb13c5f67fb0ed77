"""The flat `pin.lock` that the companion repository of the action-trace parity meter keeps: `key: value`, one contract.

`#` begins a comment, and `note: |` a block of indented lines, which is for people. Unlike the check that came with the
format, the first of two equal keys does not win: such a file is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.pins import names
from pv.pins.lock import Lock, Pin, check_fields, read_text
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

_FIELDS = {
    "contract_path": "path",
    "aprender_repo": "source",
    "aprender_branch": "branch",
    "aprender_commit": "commit",
    "aprender_path": "upstream_path",
    "contract_sha256": "sha256",
    "last_synced_utc": "synced",
}
KEYS = (*_FIELDS, "aprender_pr", "aprender_pr_state", "note")
_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*:(?:[ \t]+(.*))?")
_ON_GITHUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")
_BLOCK = ("|", "|-", "|+", ">", ">-", ">+")


def read(file: Path, root: Path) -> Lock:
    """The pin in `file`, whose `contract_path` is relative to `root`; its commit may be a short one.

    Raises:
        UsageProblem: it cannot be read, or a line or a value cannot be used.
    """
    values = _values(file, read_text(file))
    missing = [key for key in _FIELDS if key not in values]
    if missing:
        raise UsageProblem(f"{file}: lacks {', '.join(missing)}")
    found = {name: values[key] for key, name in _FIELDS.items()}
    if _ON_GITHUB.fullmatch(found["source"]):  # the format's own way to write a source; a path begins with '.' or '/'
        found["source"] = f"https://github.com/{found['source']}"
    fault = names.commit_fault(found["commit"], short=True)
    if fault:
        raise UsageProblem(f"{file}: aprender_commit {found['commit'][:80]!r} {fault}")
    check_fields(str(file), {name: value for name, value in found.items() if name != "commit"})
    return Lock(file, root, (Pin(**found),), flat=True)


def _values(file: Path, text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or (inside and line[:1] in " \t") or line.lstrip().startswith("#"):
            continue
        inside = False
        found = _LINE.fullmatch(line.rstrip())
        if not found:
            raise UsageProblem(f"{file}:{number}: {line.strip()[:80]!r} is no line of the form 'key: value'")
        key, value = found[1], (found[2] or "").strip()
        if key not in KEYS:
            fix = did_you_mean(key, KEYS) or f"the keys are {', '.join(KEYS)}"
            raise UsageProblem(f"{file}:{number}: unknown key {key!r}; {fix}")
        if key in values:
            raise UsageProblem(f"{file}:{number}: {key} stands twice; keep one of the two lines")
        inside = value in _BLOCK
        values[key] = "" if inside else _plain(value)
    return values


def _plain(value: str) -> str:
    """A value without its quotes, or without the comment behind it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
