"""How much a tool may read, say and take."""

from __future__ import annotations

# of a file that is read, written or searched; more does not fit any model's window
FILE_BYTES = 16 * 2**20
# of what a tool hands to the model
OUTPUT_CHARACTERS = 30_000
# lines that Read shows where no limit is given, and characters of one line (as Claude Code does it)
READ_LINES = 2000
LINE_CHARACTERS = 2000
# paths that Glob names
GLOB_PATHS = 100
# lines or paths that Grep shows where no limit is given
GREP_LINES = 250
# entries of a folder tree that Glob and Grep look at, and how deep they go
TREE_ENTRIES = 200_000
TREE_DEPTH = 128
# seconds that a search may take: a pattern can take for ever
SEARCH_SECONDS = 10.0
SEARCH_MEMORY = 2 * 2**30
# of a command
BASH_SECONDS = 120.0
BASH_LONGEST_SECONDS = 600.0
BASH_MEMORY = 4 * 2**30
BASH_FILE_BYTES = 2**30
BASH_PROCESSES = 512


def clipped(text: str, limit: int = OUTPUT_CHARACTERS) -> str:
    """The text, or its first and last part with a line between that says how much was left out.

    Args:
        text: of any length.
        limit: characters that are kept.
    """
    if len(text) <= limit:
        return text
    head, tail = limit - limit // 2, limit // 2
    return f"{text[:head]}\n[{len(text) - limit:,} characters left out]\n{text[len(text) - tail :]}"
