"""Snapshots of working trees: what is in each file, not when it was written.

Links are leaves and never followed; folders count by what is in them, so that an empty one is not there (as in git). What is
neither file, folder nor link is refused: a pipe has no content to speak of. Names that are not UTF-8 keep their bytes, by
`surrogateescape`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

# of the upstream's contract; a `.git` that is a file names another folder of the machine
EXCLUDED = (".git/", ".git", "target/", "*.lock")
_HEADER = b"apr-tree-v1\0"
_CHUNK = 1 << 20


class Leaf(NamedTuple):
    """A file or a link.

    Attributes:
        sha256: of the file's bytes, of a link's target; 64 lower hex digits.
        executable: its owner may run it; never for a link.
        link: what the link says, as it stands there; None for a file.
    """

    sha256: str
    executable: bool = False
    link: str | None = None


class Tree(dict[str, Leaf]):
    """Relative paths, with `/` between their parts -> leaves.

    Attributes:
        root: the folder.
        excluded: what was left out, see `snapshot`.
    """

    def __init__(self, leaves: Mapping[str, Leaf], root: Path, excluded: Sequence[str] = EXCLUDED) -> None:
        super().__init__(leaves)
        self.root, self.excluded = root, tuple(excluded)

    def content(self, path: str) -> bytes | None:
        """A file's bytes as they were when the snapshot was made; of one that was left out, as they are now.

        Returns:
            None where there is no such file, or a link is in the way.

        Raises:
            UnusableInput: it cannot be read, or is another one by now.
        """
        leaf = self.get(path)
        if leaf is None and not Exclusions(self.excluded).match(path):
            return None
        if leaf is not None and leaf.link is not None:
            return None
        with contextlib.ExitStack() as held:
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, folder)
            *parents, name = path.split("/")
            try:
                for parent in parents:
                    folder = os.open(_raw(parent), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                    held.callback(os.close, folder)
                chunks: list[bytes] = []
                found = _read(folder, name, self.root / path, chunks.append)
            except (OSError, UnusableInput):
                if leaf is None:
                    return None
                raise
        if leaf is not None and found.sha256 != leaf.sha256:
            raise _changed(self.root / path)
        return b"".join(chunks)


class Exclusions:
    """What a snapshot leaves out.

    Args:
        patterns: `name/` a folder of that name anywhere, `name` a file or link of that name anywhere, `*.end` every file that
            ends so, `/a/b` or `a/b` this file or folder alone.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._folders = {one[:-1] for one in patterns if one.endswith("/") and "/" not in one[:-1]}
        named = [one for one in patterns if "/" not in one]
        self._names = {one for one in named if not one.startswith("*")}
        self._ends = tuple(one[1:] for one in named if one.startswith("*"))
        self._paths = {one.strip("/") for one in patterns if "/" in one[:-1] or one.startswith("/")}

    def folder(self, path: str, name: str) -> bool:
        """Whether a folder is left out, with all that is in it."""
        return name in self._folders or path in self._paths

    def file(self, path: str, name: str) -> bool:
        """Whether a file or a link is left out."""
        return name in self._names or path in self._paths or name.endswith(self._ends)

    def match(self, path: str) -> bool:
        """Whether a file is left out, by itself or with one of the folders above it."""
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        return any(self.folder(folder, folder.rpartition("/")[2]) for folder in above) or self.file(path, parts[-1])


def snapshot(root: Path, excluded: Sequence[str] = EXCLUDED) -> Tree:
    """What is in a folder and the folders below it.

    Args:
        root: the folder; may be a link to one.
        excluded: what is left out, see `Exclusions`.

    Raises:
        UnusableInput: there is no such folder; something in it cannot be read, is no file, folder or link, or changes meanwhile.
    """
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unreadable(root, error) from error
    leaves: dict[str, Leaf] = {}
    left_out = Exclusions(excluded)
    above: list[tuple[int, str, Iterator[os.DirEntry[str]]]] = []  # folders that are being read, from the root down
    try:
        above.append((folder, "", _entries(folder, root)))
        while above:
            folder, prefix, entries = above[-1]
            entry = next(entries, None)
            if entry is None:
                os.close(above.pop()[0])
                continue
            name = _text(entry.name)
            path, place = prefix + name, root / (prefix + entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not left_out.folder(path, name):
                    inner = _open(folder, entry.name, place, os.O_DIRECTORY)
                    above.append((inner, path + "/", _entries(inner, place)))
            elif not left_out.file(path, name):
                leaves[path] = _leaf(folder, entry, place)
    finally:
        for folder, _, _ in above:
            os.close(folder)
    return Tree(leaves, root, excluded)


def tree_sha256(tree: Mapping[str, Leaf]) -> str:
    """One number for a whole tree; 64 lower hex digits.

    It is the sha256 of `apr-tree-v1` and a zero byte, and then for each leaf, in the order of the bytes of their paths:
    git's mode (`100644`, `100755` executable, `120000` link), a blank, the leaf's sha256 in hex, a blank, the path's bytes,
    a zero byte.
    """
    whole = hashlib.sha256(_HEADER)
    for path, leaf in sorted((_raw(path), leaf) for path, leaf in tree.items()):
        mode = b"120000" if leaf.link is not None else b"100755" if leaf.executable else b"100644"
        whole.update(b"%s %s %s\0" % (mode, leaf.sha256.encode(), path))
    return whole.hexdigest()


def _leaf(folder: int, entry: os.DirEntry[str], place: Path) -> Leaf:
    if entry.is_symlink():
        try:
            target = os.fsencode(os.readlink(entry.name, dir_fd=folder))
        except OSError as error:
            raise _unreadable(place, error) from error
        return Leaf(hashlib.sha256(target).hexdigest(), link=target.decode("utf-8", "surrogateescape"))
    # a pipe is told by its type before anybody opens it: opening a device may already do something
    if not entry.is_file(follow_symlinks=False):
        raise _special(place)
    return _read(folder, entry.name, place)


def _read(folder: int, name: str, place: Path, take: Callable[[bytes], None] = lambda _: None) -> Leaf:
    """A file, piece by piece, as it may be larger than memory; `take` is given each of them."""
    file = _open(folder, name, place, os.O_NONBLOCK)
    try:
        before = os.fstat(file)
        if not stat.S_ISREG(before.st_mode):
            raise _special(place)
        digest, size = hashlib.sha256(), 0
        while chunk := os.read(file, _CHUNK):
            digest.update(chunk)
            size += len(chunk)
            take(chunk)
        after = os.fstat(file)
    except OSError as error:
        raise _unreadable(place, error) from error
    finally:
        os.close(file)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise _changed(place)
    return Leaf(digest.hexdigest(), bool(before.st_mode & stat.S_IXUSR))


def _open(folder: int, name: str, place: Path, flags: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=folder)
    except OSError as error:
        raise _unreadable(place, error) from error


def _entries(folder: int, place: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, all of it at once: one that is written meanwhile may list a name twice or never."""
    try:
        with os.scandir(folder) as found:
            return iter(list(found))
    except OSError as error:
        raise _unreadable(place, error) from error


def _text(name: str) -> str:
    """A name in UTF-8, whatever the locale says about file names."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _unreadable(place: Path, error: OSError) -> UnusableInput:
    return UnusableInput(f"cannot be read: {error.strerror or error}", where=str(place))


def _special(place: Path) -> UnusableInput:
    return UnusableInput(
        "is no file, folder or link, so a snapshot cannot say what is in it", where=str(place), hint="move it elsewhere"
    )


def _changed(place: Path) -> UnusableInput:
    return UnusableInput(
        "changed while the snapshot was made", where=str(place), hint="stop what writes it, and try again"
    )
