"""Patterns of paths, as Glob and Grep take them: `*` `?` `[a-z]` `[!a]` within a name, `**` for folders, `{a,b}` for choices.

The matcher never tries more than pattern times text, whatever a model writes; a pattern made into a regular expression can take
for ever.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from apr.agent.confinement import Refused

_CHOICES = 256  # that braces may stand for
_LONGEST = 1000  # characters of a pattern


class PathPattern:
    """A pattern of paths.

    Args:
        text: as written. `./` in front is dropped.

    Raises:
        Refused: it is empty, leaves the folder, or is too long.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise Refused(f"a pattern of {len(text):,} characters is too long; {_LONGEST:,} are allowed")
        self._choices = [_names(choice) for choice in _spread(text)]

    def matches(self, path: str) -> bool:
        """Whether a path, relative, with `/` between the names, is meant."""
        names = tuple(path.split("/"))
        return any(_path_matches(choice, names) for choice in self._choices)


def name_matches(pattern: str, name: str) -> bool:
    """Whether one name matches one part of a pattern; a name that begins with a dot is a name like any other."""
    parts = _parts(pattern)
    at, part, star, kept = 0, 0, -1, 0
    while at < len(name):
        if part < len(parts) and parts[part] == "*":
            star, kept = part, at
            part += 1
        elif part < len(parts) and _char_matches(parts[part], name[at]):
            part, at = part + 1, at + 1
        elif star >= 0:  # the last star takes one character more; an earlier one never has to
            kept += 1
            part, at = star + 1, kept
        else:
            return False
    return all(rest == "*" for rest in parts[part:])


def _path_matches(pattern: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """One row a part of the pattern: how many names can have been used up."""
    reached = {0}
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached), len(names) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(names) and name_matches(part, names[at])}
    return len(names) in reached


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split("/") if name not in ("", "."))
    if not names or text.startswith("/"):
        raise Refused(f"the pattern {text!r} must be relative, and name something; say where to look with path")
    if ".." in names:
        raise Refused(f"the pattern {text!r} must not hold '..'; say where to look with path")
    return names


@lru_cache(maxsize=512)
def _parts(pattern: str) -> tuple[str, ...]:
    """`*`, `?`, one character behind a backslash for itself, `[…]` whole."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        # a `]` right behind `[` or `[!` is one of the characters
        end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] in ("!", "^") else 2)) if char == "[" else -1
        if end > 0:
            parts.append(pattern[at : end + 1])
            at = end + 1
        elif char in "*?":
            if char != "*" or not parts or parts[-1] != "*":
                parts.append(char)
            at += 1
        else:
            literal = pattern[at + 1] if char == "\\" and at + 1 < len(pattern) else char
            parts.append(f"\\{literal}")
            at += 2 if char == "\\" and at + 1 < len(pattern) else 1
    return tuple(parts)


def _char_matches(part: str, char: str) -> bool:
    if part == "?":
        return True
    if part[0] == "\\":
        return part[1] == char
    inner = part[1:-1]
    negated = inner[0] in "!^"
    found, at, inner = False, 0, inner[1:] if negated else inner
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            found |= inner[at] <= char <= inner[at + 2]
            at += 3
        else:
            found |= inner[at] == char
            at += 1
    return found is not negated


def _spread(text: str) -> list[str]:
    """The pattern with its braces written out; braces without an end, or without a comma, are characters."""
    done: list[str] = []
    waiting = [text]
    while waiting:
        one = waiting.pop()
        choice = _first_choice(one)
        if choice is None:
            done.append(one)
        else:
            before, options, after = choice
            waiting.extend(before + option + after for option in reversed(options))
        if len(done) + len(waiting) > _CHOICES:
            raise Refused(f"the braces of the pattern stand for more than {_CHOICES} patterns")
    return done


def _first_choice(text: str) -> tuple[str, list[str], str] | None:
    """The first `{…,…}`: what stands before it, its options, what stands behind it."""
    for start, char in enumerate(text):
        if char != "{":
            continue
        depth, cuts = 0, [start]
        for at in range(start, len(text)):
            depth += (text[at] == "{") - (text[at] == "}")
            if (text[at] == "," and depth == 1) or depth == 0:
                cuts.append(at)
            if depth == 0:
                break
        if depth == 0 and len(cuts) > 2:
            options = [text[left + 1 : right] for left, right in pairwise(cuts)]
            return text[:start], options, text[cuts[-1] + 1 :]
    return None
