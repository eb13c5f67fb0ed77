"""Where a command that makes a file puts it."""

from __future__ import annotations

from pathlib import Path

from apr.errors import UsageError


def check_output(given: str | None, source: Path, suffix: str, *, force: bool) -> Path:
    """The file to write, before any work is done for it.

    Args:
        given: as typed; None takes the source's name in the current folder.
        source: file or folder that is read.
        suffix: of what is made: `.apr`.
        force: whether a file that is there may be replaced.

    Raises:
        UsageError: it is there already, is the source itself, or has no folder to be in.
    """
    name = source.name if source.is_dir() else source.stem
    output = Path(f"{name}{suffix}") if given is None else Path(given)
    if output.is_dir():
        raise UsageError("is a folder", where=str(output), hint=f"give the file's name: {output / name}{suffix}")
    if output.exists():
        if not output.is_file():  # a device, a pipe: what replaces a file would replace the thing itself
            raise UsageError("is no regular file", where=str(output), hint="give a file's name")
        if output.samefile(source):
            raise UsageError("is the model itself", where=str(output), hint="give another name with -o")
        if not force:
            raise UsageError("is there already", where=str(output), hint="use --force to replace it, or another name")
    if not output.parent.is_dir():
        raise UsageError(
            "there is no such folder", where=str(output.parent), hint="make it first, or choose another one"
        )
    return output
