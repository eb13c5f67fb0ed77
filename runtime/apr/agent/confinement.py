"""A folder that nothing leaves: paths are walked one name at a time from an open descriptor, and every link is read here.

Nothing is checked first and opened by name afterwards. A path is a list of names; each folder on the way is opened by its name
in the one before it (`openat`), never through a link (`O_NOFOLLOW`); a link's target is read and walked the same way; `..` goes
back to the folder that was passed on the way in, and at the root there is no way back. So it makes no difference who exchanges
a folder for a link at which moment: the walk ends inside, or it is refused.

A hard link to a file outside cannot be told from any other file and is read like one. Writing puts a new file in the name's
place (`Confinement.replace`), so that what lies outside keeps its content.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import weakref
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINKS = 40  # as many as Linux follows in one path
_LONGEST = 4096  # Linux's PATH_MAX
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Refused(Exception):
    """A path that may not be used, or cannot be; the message is a sentence for a model."""


class Place:
    """A name in a folder that is inside; use it as a context manager.

    Attributes:
        folder: descriptor of the folder.
        name: in it; `.` for the root itself. It need not exist, and it was no link when it was looked at.
        inside: the path from the root, `/` between the names, links and `..` resolved; `.` for the root.
    """

    def __init__(self, folder: int, name: str, inside: str) -> None:
        self.folder, self.name, self.inside = folder, name, inside

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.folder)

    def stat(self) -> os.stat_result | None:
        """What is there, a link not followed; None where nothing is."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None


class Confinement:
    """A folder, held open, and what is inside it.

    Args:
        root: an existing folder.

    Attributes:
        root: its path without links.

    Raises:
        UsageError: no such folder, or it may not be read.
    """

    def __init__(self, root: Path) -> None:
        self._given = Path(os.path.abspath(root))  # noqa: PTH100 - `Path.absolute` keeps `..`
        try:
            self.root = self._given.resolve(strict=True)
            self.fd = os.open(self.root, _FOLDER)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            said = error.strerror if isinstance(error, OSError) else "its links go round in a circle"
            raise UsageError(f"cannot be the working folder: {said}", where=str(root)) from error
        self._end = weakref.finalize(self, os.close, self.fd)

    def close(self) -> None:
        """Lets go of the folder; nothing can be asked afterwards."""
        self._end()

    @contextlib.contextmanager
    def locate(self, given: str, *, make_folders: bool = False) -> Iterator[Place]:
        """Walks to a path.

        Args:
            given: relative to the root, or absolute and below it.
            make_folders: whether folders that are missing on the way are made.

        Yields:
            Where it is. What is at the place itself may be missing, and may be of any kind but a link.

        Raises:
            Refused: the path leaves the root, cannot be a path, or a folder on the way is missing or none.
        """
        try:
            place = self._walk(given, make_folders)
        except OSError as error:
            raise Refused(f"{given!r} cannot be reached: {error.strerror}") from error
        with place:
            yield place

    def read(self, given: str, limit: int) -> tuple[str, bytes]:
        """The content of a regular file.

        Args:
            given: see `locate`.
            limit: a larger file is refused.

        Returns:
            Its path from the root, links resolved, and its bytes.

        Raises:
            Refused: it is not there, not inside, no regular file, too large, or may not be read.
        """
        with self.locate(given) as place:
            try:
                return place.inside, read_at(place.folder, place.name, given, limit)
            except OSError as error:
                raise Refused(f"{given!r} cannot be read: {error.strerror}") from error

    def replace(self, given: str, content: bytes, *, make_folders: bool = False) -> tuple[str, bool]:
        """Puts a file at a place, whole or not at all: written beside it, then renamed.

        An existing file keeps its permissions (but for set-user-id and its like). Its other hard links keep the old content.

        Args:
            given: see `locate`; a link to a file inside is followed.
            content: of the file.
            make_folders: see `locate`.

        Returns:
            The path from the root, links resolved, and whether there was a file before.

        Raises:
            Refused: not inside, something there that is no regular file or is write-protected, or the disk refused.
        """
        with self.locate(given, make_folders=make_folders) as place:
            try:
                before = place.stat()
                if before is not None:
                    _check_regular(before, given)
                    if not before.st_mode & 0o222:
                        raise Refused(f"{given!r} is write-protected")
                _put(place, content, None if before is None else stat.S_IMODE(before.st_mode) & 0o777)
            except OSError as error:
                raise Refused(f"{given!r} cannot be written: {error.strerror}") from error
            return place.inside, before is not None

    def _walk(self, given: str, make_folders: bool) -> Place:
        names = deque(self._names(given))
        passed: list[tuple[int, str]] = []  # folders on the way, from below the root
        links = 0
        try:
            while names:
                name = names.popleft()
                if name == "..":
                    if not passed:
                        raise _left(given)
                    os.close(passed.pop()[0])
                    continue
                here = passed[-1][0] if passed else self.fd
                target = _link_target(name, here)
                if target is not None:
                    links += 1
                    if links > _LINKS:
                        raise Refused(f"{given!r} goes through too many links")
                    if target.startswith("/"):
                        _close(passed)
                    names.extendleft(reversed(self._names(target, link=given)))
                elif not names:
                    return Place(os.dup(here), name, readable("/".join([*(one for _, one in passed), name])))
                else:
                    # below a folder that is missing there is nothing to go back through, so nothing is made for what is refused
                    make = make_folders and ".." not in names
                    passed.append((_open_folder(name, here, given, make), name))
            here = passed[-1][0] if passed else self.fd
            return Place(os.dup(here), ".", readable("/".join(name for _, name in passed)) or ".")
        finally:
            _close(passed)

    def _names(self, path: str, *, link: str | None = None) -> list[str]:
        """The names of a path below the root, `.` and empty ones left out.

        Args:
            path: as given, or a link's target.
            link: the path on whose way the link stands.
        """
        shown = link if link is not None else path
        if not path:
            raise Refused("an empty path names no file")
        if len(path) > _LONGEST:
            raise Refused(f"a path of {len(path):,} characters is longer than any the system takes ({_LONGEST:,})")
        if "\0" in path:
            raise Refused(f"{shown!r} holds a NUL character, which no path can")
        if link is None and not _encodable(path):
            raise Refused(f"{shown!r} is no text that a path can be written in")
        if path.startswith("/"):
            for root in (self.root, self._given):
                below = _below(path, str(root))
                if below is not None:
                    path = below
                    break
            else:
                raise _left(shown)
        return [name for name in path.split("/") if name not in ("", ".")]


def readable(name: str) -> str:
    r"""A file's name as text that can be written down: bytes that are no UTF-8 become `\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_at(folder: int, name: str, shown: str, limit: int) -> bytes:
    """The content of a regular file in an open folder; nothing else is even opened, so that no pipe keeps anybody waiting.

    Args:
        folder: descriptor.
        name: in it, not followed if it is a link.
        shown: the path for messages.
        limit: a larger file is refused.

    Raises:
        Refused: no regular file, or too large.
        OSError: as the system says it.
    """
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), shown)
    # what is there may have been exchanged since: hence no waiting, no link, and a second look
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        _check_regular(os.fstat(descriptor), shown)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Refused(f"{shown!r} is larger than {limit:,} bytes")
    return content


def open_folder(folder: int, name: str) -> int:
    """Descriptor of a folder in an open folder; a link is not followed.

    Raises:
        OSError: it is none, or may not be read.
    """
    return os.open(name, _FOLDER, dir_fd=folder)


def _link_target(name: str, folder: int) -> str | None:
    """Where a link leads; None for anything else, and for nothing."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def _open_folder(name: str, folder: int, shown: str, make: bool) -> int:
    try:
        return open_folder(folder, name)
    except FileNotFoundError:
        if not make:
            raise Refused(f"{shown!r} does not exist: there is no folder {name!r}") from None
    except NotADirectoryError:
        raise Refused(f"{shown!r} does not exist: {name!r} is no folder") from None
    with contextlib.suppress(FileExistsError):  # somebody else made it; if it is no folder, opening it says so
        os.mkdir(name, dir_fd=folder)
    return open_folder(folder, name)


def _put(place: Place, content: bytes, mode: int | None) -> None:
    beside = f".apr-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o666, dir_fd=place.folder)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(content)
            if mode is not None:
                os.fchmod(descriptor, mode)
        os.rename(beside, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        os.unlink(beside, dir_fd=place.folder)
        raise


def _check_regular(found: os.stat_result, shown: str) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise Refused(f"{shown!r} is {_KINDS.get(kind, 'a link')}, no file")


def _below(path: str, root: str) -> str | None:
    """What is left of an absolute path below a root, perhaps nothing; None where it is elsewhere."""
    prefix = root.rstrip("/")
    return path[len(prefix) :] if path == prefix or path.startswith(f"{prefix}/") else None


def _encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def _left(shown: str) -> Refused:
    return Refused(f"{shown!r} is outside the working folder; only paths in it can be used")


def _close(passed: list[tuple[int, str]]) -> None:
    while passed:
        os.close(passed.pop()[0])
