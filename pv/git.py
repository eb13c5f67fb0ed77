"""What the git program says of the repository that a project lies in.

Paths are those of git: relative to the top of the working tree, which may stand above the project's root. Nothing here
writes to the repository; `extract` writes into a folder of the caller's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SECONDS = 60  # the longest that one call may take
_NOTHING = "0"  # git writes a blob that is not there as zeros
_LINK = "120000"
# What a hook hands down and what hides objects: neither may decide which repository is read, or what is in it.
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_SHALLOW_FILE",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a replaced commit would show another history
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",  # no network behind the user's back
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}


class GitProblem(UsageProblem):
    """The git program is missing, or cannot tell what was asked; the message says what and what to do."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository stands: the top of its working tree, git's own folder, and whether its history is cut off."""

    top: Path
    folder: Path
    shallow: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What one commit made of one file, compared with one of its parents.

    `blob` is "" where the file is gone afterwards, `old` where it was not there before, or was no regular file. `merge` says
    that the commit has other parents as well.
    """

    commit: str
    authored: datetime
    path: str
    old_path: str
    blob: str
    old: str
    merge: bool = False


def repository(folder: Path) -> Repository | None:
    """The repository that `folder` lies in; None if it lies in none.

    Raises:
        GitProblem: there is one, and git is missing or refuses to read it.
    """
    place = folder.resolve()
    if not any((one / ".git").exists() for one in (place, *place.parents)):
        return None
    told = _text(folder, "rev-parse", "--is-shallow-repository", "--show-cdup", "--git-common-dir")
    shallow, up, common = told.removesuffix("\n").split("\n", 2)
    return Repository((place / up).resolve(), (place / common).resolve(), shallow == "true")


def head(folder: Path) -> str | None:
    """The commit that is checked out; None where there is no git, no repository or no commit yet."""
    try:
        return _text(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
    except GitProblem:
        return None


def is_dirty(folder: Path) -> bool | None:
    """Whether tracked files differ from what is committed; None where git cannot tell."""
    try:
        return bool(_run(folder, "status", "--porcelain", "-z", "--untracked-files=no").strip())
    except GitProblem:
        return None


def is_shallow(folder: Path) -> bool:
    """Whether the history of the repository is cut off.

    Raises:
        GitProblem: git cannot tell.
    """
    return _text(folder, "rev-parse", "--is-shallow-repository").strip() == "true"


def resolve(folder: Path, ref: str) -> str:
    """The full id of the commit that `ref` names.

    Raises:
        GitProblem: it names none.
    """
    if not ref or ref.startswith("-") or "\0" in ref:
        raise GitProblem(f"{ref!r} names no commit; give a branch, a tag or a commit")
    try:
        return _text(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except GitProblem as problem:
        message = f"{ref!r} names no commit of this repository; fetch it, or give another branch, tag or commit"
        raise GitProblem(message) from problem


def merge_base(folder: Path, ref: str) -> str:
    """The commit at which HEAD parted from `ref`.

    Raises:
        GitProblem: there is no such commit, or it is not in this clone.
    """
    other = resolve(folder, ref)
    try:
        return _text(folder, "merge-base", other, "HEAD").strip()
    except GitProblem as problem:
        message = (
            f"no common commit of HEAD and {ref!r} is in this clone; fetch the whole history (git fetch --unshallow)"
        )
        raise GitProblem(message) from problem


def is_ancestor(folder: Path, older: str, newer: str) -> bool:
    """Whether the commit `newer` builds upon `older`.

    Raises:
        GitProblem: one of them names no commit.
    """
    names = resolve(folder, older), resolve(folder, newer)
    return _start(folder, ("merge-base", "--is-ancestor", *names)).returncode == 0


def show(folder: Path, commit: str, path: str) -> bytes | None:
    """The content of a file at a commit; None if there is no such file.

    Raises:
        GitProblem: git cannot be asked, or there is no such commit.
    """
    found = blobs(folder, [f"{resolve(folder, commit)}:{path}"])
    return next(iter(found.values()), None)


def blobs(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The contents of many objects, from one process; a name of which this clone has no file is left out.

    A name is a blob's id, or `COMMIT:PATH`.

    Raises:
        GitProblem: git cannot be asked.
    """
    wanted = [name for name in dict.fromkeys(names) if "\n" not in name]
    if not wanted:
        return {}
    out = _run(
        folder, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode("utf-8", "surrogateescape")
    )
    found: dict[str, bytes] = {}
    at = 0
    for name in wanted:
        end = out.index(b"\n", at)
        words = out[at:end].rsplit(b" ", 2)
        at = end + 1
        if len(words) == 3 and words[2].isdigit():
            size = int(words[2])
            if words[1] == b"blob":
                found[name] = out[at : at + size]
            at += size + 1
    return found


def blob_id(content: bytes, like: str = "") -> str:
    """The id that git gives to a file with this content, in the kind of hash that `like` is one of."""
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()


def log(folder: Path, paths: Iterable[Path], since: str | None = None) -> list[Step]:
    """What every commit of HEAD's history made of the files below `paths`, newest commit first, from one process.

    Merges are compared with each parent, and branches whose changes a merge dropped are walked as well. A file that moved, at
    least half of it unchanged (git's measure), comes with its old path. With `since` only the commits that HEAD has beyond it.

    Raises:
        GitProblem: git cannot be asked, or a path lies outside the repository.
    """
    arguments = ["log", "-z", "--raw", "--no-abbrev", "--full-history", "--topo-order", "-m", "-M", "-l1000"]
    arguments += ["--no-color", "--no-ext-diff", "--no-show-signature", "--root", "--format=tformat:%x01%H %at %P"]
    arguments += [f"{since}..HEAD" if since else "HEAD", "--", *map(str, paths)]
    return list(_steps(_run(folder, *arguments)))


def ancestors(folder: Path, ref: str) -> frozenset[str]:
    """The full ids of the commit that `ref` names and of all that it builds upon, as far as this clone holds them.

    Raises:
        GitProblem: it names none.
    """
    return frozenset(_text(folder, "rev-list", resolve(folder, ref)).split())


def ignored(top: Path) -> list[str]:
    """The files that are there though git is told to ignore them, relative to `top`; a folder of nothing else as a whole.

    Raises:
        GitProblem: git cannot be asked.
    """
    out = _run(top, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    return [os.fsdecode(name).rstrip("/") for name in out.split(b"\0") if name]


def extract(folder: Path, commit: str, into: Path, paths: Sequence[str] = ()) -> None:
    """Write the files of a commit, or those below `paths` (relative to the top), into the folder `into`.

    Raises:
        GitProblem: git cannot be asked, or there is no such commit.
        OSError: the folder cannot be written.
    """
    import tempfile  # noqa: PLC0415  slow to import, needed only here

    into.mkdir(parents=True, exist_ok=True)
    place = repository(folder)
    if place is None:
        raise GitProblem(f"{folder} lies in no git repository")
    with tempfile.TemporaryDirectory() as temporary:
        index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        _run(place.top, "read-tree", resolve(folder, commit), more=index)
        names = _run(place.top, "ls-files", "-z", "--", *paths, more=index)
        _run(place.top, "checkout-index", "-z", "--stdin", "-f", f"--prefix={into.resolve()}/", stdin=names, more=index)


def _steps(out: bytes) -> Iterator[Step]:
    commit, authored, merge = "", datetime.fromtimestamp(0, UTC), False
    tokens = iter(out.split(b"\0"))
    for raw in tokens:
        token = raw.lstrip(b"\n")
        if token.startswith(b"\1"):
            name, seconds, *parents = token[1:].split()
            commit, authored, merge = name.decode(), _time(int(seconds)), len(parents) > 1
        elif token.startswith(b":"):
            old_mode, mode, old, new, kind = token[1:].decode().split()
            old_path = path = os.fsdecode(next(tokens))
            if kind[0] in "RC":
                path = os.fsdecode(next(tokens))
            yield Step(commit, authored, path, old_path, _blob(mode, new), _blob(old_mode, old), merge)


def _blob(mode: str, name: str) -> str:
    return "" if mode == _LINK or not name.strip(_NOTHING) else name


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # git takes any number
        return datetime.max.replace(tzinfo=UTC)


def _text(folder: Path, *arguments: str) -> str:
    return os.fsdecode(_run(folder, *arguments))


def _run(folder: Path, *arguments: str, stdin: bytes = b"", more: Mapping[str, str] | None = None) -> bytes:
    """What git prints.

    Raises:
        GitProblem: it is missing, takes too long, or ends with an error.
    """
    done = _start(folder, arguments, stdin, more)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitProblem(f"git {arguments[0]}: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout


def _start(
    folder: Path, arguments: Sequence[str], stdin: bytes = b"", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "log.diffMerges=separate", "-C", str(folder), *arguments]
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**_environment(), **(more or {})},
        )
    except subprocess.TimeoutExpired:
        raise GitProblem(f"git {arguments[0]}: no answer in {SECONDS} s") from None
    except (OSError, ValueError) as problem:
        raise GitProblem(f"git cannot be run: {problem}; install git") from None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _DROPPED} | _ENVIRONMENT
