"""The files that a command line names: files, folders, quoted globs, standard input; or all contracts of the project."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pv.config import find_config, read_config
from pv.corpus import SUFFIXES, display
from pv.report.console import escape
from pv.source import decode, read_source
from pv.types import Diagnostic, Severity, Span, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pv.config import Config
    from pv.source import Source

STDIN = "-"
_NO_NAME = "<stdin>"
_ENDS = " or ".join(SUFFIXES)


class Target(NamedTuple):
    """One file to be read, under the name it is reported by; `problem` says why what was met on the way cannot be."""

    path: Path
    name: str
    stdin: bool = False
    problem: str = ""

    def read(self, stdin: Callable[[], bytes]) -> Source | Diagnostic:
        """Its text, or the finding that says why there is none; `stdin` is asked where that is what was named."""
        if self.problem:
            message = f"cannot be read: {self.problem}"
            fix = "check the path and its permissions"
            return Diagnostic(self.name, Span(1, 1), "PV001", Severity.ERROR, message, fix)
        return decode(stdin(), self.name) if self.stdin else read_source(self.path, self.name)


class Targets(NamedTuple):
    """What a command line named, each file once, in that order, and the project that the first of it belongs to."""

    files: tuple[Target, ...]
    config: Config

    def projects(self) -> list[Targets]:
        """The files by the project that each belongs to: the nearest folder at or above it that has `[tool.pv]`.

        Raises:
            UsageProblem: one of their configurations cannot be used.
        """
        known: dict[Path, Config | None] = {self.config.root: self.config}
        parts: dict[Path | None, list[Target]] = {}
        for target in self.files:
            config = _nearest(Path(os.path.abspath(target.path.parent)), known)  # noqa: PTH100  without `..`
            parts.setdefault(config.root if config else None, []).append(target)
        return [
            Targets(tuple(files), (root and known[root]) or find_config(files[0].path.absolute().parent))
            for root, files in parts.items()
        ] or [self]

    def project(self) -> Iterator[Path]:
        """The files here and all others of the project's contracts folders: those that rules across files ask about."""
        seen, folders = set(), _Folders()
        for target in self.files:
            seen.add(folders.real(target.path))
            if target.stdin or target.path.is_file():  # a pipe cannot be read a second time
                yield target.path
        for target in self._beside():
            real = folders.real(target.path)
            if real not in seen and not target.problem:
                seen.add(real)
                yield target.path

    def _beside(self) -> Iterator[Target]:
        """The contracts of the project; of files elsewhere what lies below the nearest `contracts`, or else beside them."""
        yield from _below(self.config.contracts)
        known = {str(folder) for folder in self.config.contracts}
        for folder in sorted({os.path.abspath(target.path.parent) for target in self.files}):  # noqa: PTH100  without `..`
            above = [folder, *map(str, Path(folder).parents)]
            if known.isdisjoint(above):
                top = next((name for name in above if os.path.basename(name) == "contracts"), None)  # noqa: PTH119  text
                known.add(top or folder)
                yield from _below([Path(top)]) if top else _in(Path(folder))


def find(names: Sequence[str], stdin_name: str | None = None) -> Targets:
    """The files that `names` stand for; without any, the contracts of the project that the current folder is in.

    A folder stands for the YAML files below it, hidden ones left out; so does one that a glob matches. Links to folders are
    not followed.

    Raises:
        UsageProblem: a path does not exist, a folder or a glob holds no YAML file, or the project cannot be used.
    """
    if stdin_name is not None and STDIN not in names:
        raise UsageProblem("--stdin-filename names what `-` reads: give `-` as well")
    for name in names:
        if name != STDIN and not os.path.lexists(name) and not glob.has_magic(name):
            raise UsageProblem(f"{escape(name)}: no such file or folder")
    config = _project_of(names, stdin_name)
    found = [one for name in names for one in _named(name, stdin_name)] if names else _of_project(config)
    return Targets(tuple(_once(found)), config)


def shown(path: Path) -> str:
    """`path` as it is reported: relative to the current folder where it lies below."""
    return display(path, Path.cwd())


def _named(name: str, stdin_name: str | None) -> list[Target]:
    path = Path(name)
    if name == STDIN:
        path = Path(stdin_name or _NO_NAME)
        return [Target(path, shown(path), stdin=True)]
    if not os.path.lexists(name):
        found = list(_matching(path))
    elif path.is_dir():
        found = list(_below([path]))
    else:
        return [Target(path, shown(path))]
    if not found:
        where = "lies in this folder" if path.is_dir() else "matches this pattern"
        raise UsageProblem(f"{escape(name)}: no YAML file ({_ENDS}) {where}: nothing to check")
    return found


def _of_project(config: Config) -> list[Target]:
    found = list(_below(config.contracts))
    if not found:
        folders = ", ".join(escape(shown(folder)) for folder in config.contracts)
        raise UsageProblem(f"no YAML file ({_ENDS}) in {folders}: name files or folders, or set [tool.pv] contracts")
    return found


def _below(folders: Iterable[Path]) -> Iterator[Target]:
    """The YAML files below these folders, in the order of their names; hidden files and folders are left out."""
    waiting = [(folder, True) for folder in reversed([*folders]) if folder.is_dir()]
    while waiting:
        path, goes_on = waiting.pop()
        if not goes_on:
            yield _met(path)
            continue
        try:
            names = _entries(path)
        except OSError as problem:
            yield _unread(path, problem)
            continue
        below = [one for one in names if _is_file(one[0]) or (one[1] and not one[0].startswith("."))]
        waiting += [(path / name, is_folder) for name, is_folder in reversed(below)]


def _in(folder: Path) -> Iterator[Target]:
    """The YAML files of one folder, none of those below it."""
    with contextlib.suppress(OSError):  # what stands there was named by itself, and will be told of
        names = _entries(folder)
        yield from (_met(folder / name) for name, is_folder in names if _is_file(name) and not is_folder)


def _matching(pattern: Path) -> Iterator[Target]:
    """The YAML files that a pattern matches, and those below the folders that it matches; `**` is any folders or none."""
    waiting = [(Path(*_fixed(pattern)), pattern.parts[len(_fixed(pattern)) :])]
    met: set[tuple[Path, int]] = set()  # several `**` come to the same folder on many ways
    while waiting:
        folder, parts = waiting.pop()
        if (folder, len(parts)) in met:
            continue
        met.add((folder, len(parts)))
        if not parts:
            yield from _below([folder]) if folder.is_dir() else [_met(folder)] if folder.suffix in SUFFIXES else []
        elif not glob.has_magic(parts[0]):
            waiting += [(folder / parts[0], parts[1:])] if os.path.lexists(folder / parts[0]) else []
        elif folder.is_dir():
            try:
                names = _entries(folder)
            except OSError as problem:
                yield _unread(folder, problem)
                continue
            waiting += reversed(list(_steps(folder, parts, names)))


def _steps(
    folder: Path, parts: tuple[str, ...], names: Iterable[tuple[str, bool]]
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Where a pattern goes on from a folder."""
    if parts[0] == "**":
        yield folder, parts[1:]
        yield from ((folder / name, parts) for name, is_folder in names if is_folder and not name.startswith("."))
        return
    for name, _ in names:
        if fnmatchcase(name, parts[0]) and name.startswith(".") <= parts[0].startswith("."):
            yield folder / name, parts[1:]


def _fixed(pattern: Path) -> tuple[str, ...]:
    """The folders of a pattern in front of its first part with a wildcard."""
    return pattern.parts[: next(at for at, part in enumerate(pattern.parts) if glob.has_magic(part))]


def _is_file(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".")


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder in order, each with whether it is a folder; links to folders are left out."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries]
    return sorted((name, is_folder) for name, is_folder, link in found if not (link and (folder / name).is_dir()))


def _met(path: Path) -> Target:
    """A file that nobody named by itself; what would block or has no end is told, not read."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as problem:
        return _unread(path, problem)
    return Target(path, shown(path), problem="" if regular else "no regular file")


def _unread(path: Path, problem: OSError) -> Target:
    return Target(path, shown(path), problem=problem.strerror or str(problem))


def _nearest(folder: Path, known: dict[Path, Config | None]) -> Config | None:
    """The configuration of the nearest folder at or above that has one."""
    if folder not in known:
        above = None if folder.parent == folder else _nearest(folder.parent, known)
        known[folder] = read_config(folder) or above
    return known[folder]


class _Folders(dict[str, str]):
    """Folders without links, each looked up once for all the files in it."""

    def __missing__(self, folder: str) -> str:
        self[folder] = os.path.realpath(folder)
        return self[folder]

    def real(self, path: Path) -> str:
        """The path of a file without links."""
        folder, name = os.path.split(path)
        if name in {"", ".", ".."} or os.path.islink(path):  # noqa: PTH114  a text is enough
            return os.path.realpath(path)
        return os.path.join(self[folder], name)  # noqa: PTH118  as above


def _once(found: Iterable[Target]) -> Iterator[Target]:
    seen: set[str] = set()
    folders = _Folders()
    for one in found:
        real = STDIN if one.stdin else folders.real(one.path)
        if real not in seen:
            seen.add(real)
            yield one


def _project_of(names: Sequence[str], stdin_name: str | None) -> Config:
    """The project that the first name belongs to; without names, the one that the current folder belongs to."""
    path = Path(names[0] if names else ".")
    if names and names[0] == STDIN:
        path = Path(stdin_name or _NO_NAME)
    elif not os.path.lexists(path):
        path = Path(*_fixed(path))
    path = Path(os.path.abspath(path))  # noqa: PTH100  without `..`, or its parents would be others
    return find_config(path if path.is_dir() else path.parent)
