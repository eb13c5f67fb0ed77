"""The folder of the pages: what should stand in it, what does, and what has to be written or removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from pv.report.files import write
from pv.report.pages.index import index
from pv.report.pages.page import INDEX, MADE, page
from pv.report.pages.witness import witness
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Contract

_MARK = f'<meta name="generator" content="{MADE}">'.encode()


def made(asked: Sequence[Contract], project: Sequence[Contract], folder: Path, config: Config) -> dict[str, str]:
    """The pages by their file names: of the contracts asked for, and the index of these and of those that have a page there.

    Args:
        asked: whose pages are made.
        project: all contracts that there are.
        folder: where the pages stand, or will.
        config: of the project.

    Raises:
        UsageProblem: two contracts are of one name, a picture cannot be drawn, or an archive cannot be read.
    """
    names = {one.name for one in asked}
    twice = next((one.name for one in asked if sum(other.name == one.name for other in asked) > 1), None)
    if twice is not None:
        raise UsageProblem(f"two contracts are called {twice}: a page can be of one alone")
    others = [one for one in project if one.name not in names and (folder / f"{one.name}.html").is_file()]
    seen = {one.name: witness(one, config) for one in (*asked, *others)}
    pages = {}
    for one in asked:
        source = quote(os.path.relpath(config.root / one.path, folder).replace(os.sep, "/"))
        pages[f"{one.name}.html"] = page(seen[one.name], source, seen.keys())
    return {**pages, INDEX: index(list(seen.values()))}


def outdated(pages: Mapping[str, str], folder: Path, *, whole: bool) -> dict[str, str]:
    """Name of each page that is not as it should be to why; with `whole` also those of contracts that are not there any more."""
    found = {}
    for name, text in pages.items():
        path = folder / name
        if not path.is_file():
            found[name] = "missing"
        elif path.read_bytes() != text.encode():
            found[name] = "out of date"
    return found | dict.fromkeys(_left_over(pages, folder) if whole else (), "of no contract")


def write_all(pages: Mapping[str, str], folder: Path, *, whole: bool) -> dict[str, str]:
    """Write what is not as it should be; name of each page to what was done with it.

    Raises:
        UsageProblem: the folder cannot be made, or a page cannot be written or removed.
    """
    done = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, why in outdated(pages, folder, whole=whole).items():
            if name in pages:
                write(folder / name, pages[name])
            else:
                (folder / name).unlink()
            done[name] = {"missing": "written", "out of date": "written anew"}.get(why, "removed")
    except OSError as problem:
        raise UsageProblem(f"{folder}: {problem.strerror or problem}") from None
    return done


def _left_over(pages: Mapping[str, str], folder: Path) -> list[str]:
    """Pages that were written here and are of no contract now; what others put there stays."""
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.glob("*.html") if path.name not in pages and path.is_file())
    return [path.name for path in found if _MARK in path.read_bytes()]
