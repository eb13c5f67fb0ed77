"""What a lock may name: each function says what is wrong with a value, and nothing where nothing is.

A lock is a file that somebody else may have written, and its values become arguments of git. So only transports that
run no program of the lock's choice are taken, and no value can be mistaken for an option or leave its tree.
"""

from __future__ import annotations

import re
from datetime import datetime

SCHEMES = ("file", "git", "http", "https", "ssh")
# what git takes over, beside plain paths; the same list keeps out what a user's own rewriting of URLs leads to
ALLOWED_PROTOCOLS = ":".join(SCHEMES)
_LONGEST = 2_000
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/@]*)@)?(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")  # without a name git looks for a program as well
_SSH = re.compile(r"(?:[^/:@]+@)?[^/:@]+:")  # host:path, as git reads it: a colon before the first slash
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{4,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_IN_A_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)")


def text_fault(value: str) -> str:
    """What keeps any value from being used: it is empty, too long, or would drive a terminal or end an argument."""
    if not value.strip():
        return "is empty"
    if len(value) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    odd = next((character for character in value if ord(character) < 32 or 0x7F <= ord(character) < 0xA0), None)
    if odd is not None:
        return f"holds the control character U+{ord(odd):04X}"
    return "is no text that UTF-8 can hold" if any(0xD800 <= ord(character) < 0xE000 for character in value) else ""


def source_fault(source: str) -> str:
    """What keeps `source` from being fetched from."""
    fault = text_fault(source)
    if fault:
        return fault
    if source.startswith("-"):
        return "begins with '-' and would be read as an option"
    if _HELPER.match(source):
        return "names a transport helper, which may run any program; give a URL or a path"
    return _url_fault(source)


def is_local(source: str) -> bool:
    """Whether `source` is a path on this machine, and no URL."""
    return _URL.match(source) is None and _SSH.match(source) is None


def path_fault(path: str) -> str:
    """What keeps `path` from being one inside its tree: relative, with `/` between its parts, none of them `.` or `..`."""
    fault = text_fault(path)
    if fault:
        return fault
    parts = path.split("/")
    if path.startswith("/") or re.match(r"[A-Za-z]:[/\\]", path):
        return "is no relative path"
    if "\\" in path:
        return "holds a backslash; write '/' between folders"
    if any(part in ("", ".", "..") for part in parts):
        return "leaves its tree or is not plain: no part may be empty, '.' or '..'"
    return "leads into a .git folder" if ".git" in (part.lower() for part in parts) else ""


def branch_fault(branch: str) -> str:
    """What keeps `branch` from being the name of one (git-check-ref-format)."""
    fault = text_fault(branch)
    if fault:
        return fault
    odd = _NOT_IN_A_BRANCH.search(branch) or branch[0] in "-/." or branch[-1] in "/." or branch == "@"
    return "is no name of a branch" if odd else ""


def commit_fault(commit: str, *, short: bool = False) -> str:
    """What keeps `commit` from being the name of one commit for ever; with `short`, an abbreviation will do."""
    if _COMMIT.fullmatch(commit):
        return ""
    if _SHORT.fullmatch(commit):
        return (
            ""
            if short
            else f"has {len(commit)} digits; a pin needs all 40 (or 64), because a short one can come to mean another"
        )
    return "is no commit: 40 or 64 lower-case hexadecimal digits"


def sha256_fault(value: str) -> str:
    """What keeps `value` from being a sha256."""
    return "" if _SHA256.fullmatch(value) else "is no sha256: 64 lower-case hexadecimal digits"


def time_fault(value: str) -> str:
    """What keeps `value` from being a moment (RFC 3339, with its distance from UTC)."""
    fault = text_fault(value)
    if fault:  # a NUL at its end is nothing to `fromisoformat`
        return fault
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return "is no moment as in 2026-11-22T04:00:00Z"
    return (
        "" if moment.tzinfo is not None and "T" in value.upper() else "says not which time zone it is of; end it with Z"
    )


def _url_fault(source: str) -> str:
    url = _URL.match(source)
    if url is None:
        return ""
    scheme, user, rest = url.groups()
    if scheme.lower() not in SCHEMES:
        return f"has the scheme {scheme!r}; those that can be fetched from are {', '.join(SCHEMES)}"
    if ":" in (user or ""):
        return "holds a password, which everyone who reads the lock would know; leave that to git's credential helper"
    return "" if rest.strip("/") else "names no repository"
