"""Skills: instructions that stand in `.apr/skills/NAME.md` of the working folder, used by a prompt that begins with `/NAME`."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".apr/skills"
_USED = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_-]{0,63})(?=\s|\Z)")
_LONGEST = 256 * 2**10  # bytes


class Skill(NamedTuple):
    """A skill, and what the model is told because of it."""

    name: str
    instructions: str


def used(prompt: str, root: Path) -> tuple[Skill | None, str]:
    """The skill that a prompt uses, if it does.

    Args:
        prompt: what the user said.
        root: the working folder.

    Returns:
        The skill, or None; and a note for the user where the prompt names one that is not there.

    Raises:
        UnusableInput: it cannot be read: a link, no text, too long.
    """
    named = _USED.match(prompt)
    if named is None:
        return None, ""
    name = named[1]
    path = root / FOLDER / f"{name}.md"
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None, f"there is no skill {name!r} in {root / FOLDER}: the prompt is taken as it stands"
    except OSError as error:
        raise UnusableInput(f"the skill cannot be read: {error.strerror}", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UnusableInput("the skill is no regular file", where=str(path))
    with os.fdopen(file, "rb") as content:
        data = content.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise UnusableInput(f"the skill has more than {_LONGEST:,} bytes", where=str(path))
    try:
        return Skill(name, data.decode().strip()), ""
    except UnicodeDecodeError as error:
        raise UnusableInput(f"the skill is no UTF-8: {error.reason} at byte {error.start}", where=str(path)) from error
