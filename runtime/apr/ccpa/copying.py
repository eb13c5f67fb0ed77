"""Copies of a tree, for somebody to work in."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from apr.errors import UnusableInput


def copy_tree(source: Path, target: Path) -> None:
    """Copies a folder with its links as links; of the copy the owner may write everything, whatever the source allows.

    Args:
        source: a folder.
        target: a folder that is new or empty.

    Raises:
        UnusableInput: something in it cannot be copied.
    """
    try:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        for folder, _, files in os.walk(target):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                mode = path.lstat().st_mode
                if not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)
    except shutil.Error as error:
        path, _, reason = error.args[0][0]
        raise UnusableInput(f"cannot be copied: {reason}", where=str(path)) from error
    except OSError as error:
        raise UnusableInput(f"cannot be copied: {error.strerror}", where=str(error.filename or source)) from error
