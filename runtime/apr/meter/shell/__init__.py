"""The blanks of a shell command: which of them say nothing.

Between the words of a command bash takes any number of blanks and tabs for one, and a `;` behind the last command for nothing.
Elsewhere blanks mean what they are: in quotes, in `${…}`, in arithmetic, in here-documents. A comment is kept because it is part of
what was said, a newline because it ends a command. Wherever this reader of bash's grammar is not sure, it leaves the whole command
as it is: then two commands are the same only to the letter. In doubt are quotes and parentheses that do not close, `case` patterns,
extended patterns, `=~`, subscripts with blanks, quotes in backquotes.

Nothing is read by the locale: a no-break space is a letter, as it is to bash.
"""

from __future__ import annotations

from apr.meter.shell.quotes import Doubt
from apr.meter.shell.reader import Reader


def normalise(command: str) -> str:
    """A command without the blanks, and the last `;`, that bash does not see.

    Args:
        command: as it is given to `bash -c`.

    Returns:
        The same command. What comes out stays as it is when it is put in again.
    """
    if "  " not in command and "\t" not in command and not command.startswith(" ") and not command.endswith((" ", ";")):
        return command
    try:
        reader = Reader(command)
        reader.read(inner=False)
        return reader.squeezed()
    except Doubt:
        return command
