"""A branch of somebody's repository, read into a repository of our own that is thrown away afterwards.

Only `git` itself is started, from argument vectors, in a session of its own so that nothing can ask at the terminal and
all of it can be ended. The whole branch is fetched: a clone that leaves contents out asks for them by itself later on, and
does so without end where the source lacks them (seen with git 2.39 and a shallow source). `pv.git` asks the repository that the project lies in, and never the network; this does nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pv.pins import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_BLOB = 16 << 20  # bytes of a contract; the largest ones known have a tenth of a mebibyte
SECONDS = 600.0  # for one call of git: at 1 MB/s a history of 600 MB
_MAX_OUTPUT = MAX_BLOB + 1
_TICK = 0.5
_BRANCH = "refs/pv/branch"
# what a hook of git hands down, and what would make ours read another repository than the one it has just made
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_NO_LAZY_FETCH",
    "GIT_DEFAULT_HASH",
)


class NotRun(Exception):
    """Upstream could not be read, so that nothing is known of it; the message says why."""


class Refused(Exception):
    """Upstream was read, and is not what it has to be; the message says how."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file at a commit: its name as an object of git, and its bytes."""

    object: str
    data: bytes


class Branch:
    """What a branch of a repository held when it was read."""

    def __init__(self, git: _Git, source: str, name: str, tip: str) -> None:
        self._git = git
        self.source = source
        self.name = name
        self.tip = tip

    def resolve(self, revision: str) -> str:
        """The full name of a commit that is abbreviated, or that a tag names.

        Raises:
            Refused: upstream has no such commit, or several.
            NotRun: git failed.
        """
        if names.commit_fault(revision, short=True):
            revision = self._of_tag(revision)
        done = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", ok=(0, 1, 128)
        )
        full = done.decode().strip()
        if not full and not names.commit_fault(revision):
            return revision  # `has` says where it is, or that it is nowhere
        if names.commit_fault(full):
            raise Refused(
                f"{revision} is no commit of branch {self.name}, or stands for several; give all of its digits"
            )
        return full

    def has(self, commit: str) -> bool:
        """Whether the branch leads to `commit` (a full name)."""
        return bool(self._object(commit)) and self._git.says(
            "merge-base", "--is-ancestor", "--end-of-options", commit, _BRANCH
        )

    def exists(self, commit: str) -> bool:
        """Whether upstream holds `commit` somewhere; as far as it tells, since servers need not give what no branch has."""
        if not self._object(commit):
            with suppress(NotRun):
                self._git(
                    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1", "--", "upstream", commit
                )
        return bool(self._object(commit))

    def blob(self, commit: str, path: str) -> Blob | None:
        """The file at `path` in `commit`; None if there is none.

        Raises:
            Refused: it is no plain file, or larger than a contract may be.
            NotRun: git failed.
        """
        entry = self._git("ls-tree", "-z", "--end-of-options", commit, "--", path).partition(b"\0")[0]
        if not entry:
            return None
        mode, kind, name = entry.partition(b"\t")[0].decode().split()
        if kind != "blob" or mode == "120000":
            what = "a symbolic link" if mode == "120000" else "a folder" if kind == "tree" else "a submodule"
            raise Refused(f"{path} is {what} upstream, and no file")
        size = int(self._git("cat-file", "-s", name))
        if size > MAX_BLOB:
            raise Refused(f"{path} has {size} bytes upstream; {MAX_BLOB >> 20} MiB is the most that is read")
        data = self._git("cat-file", "blob", name)
        if len(data) != size:
            raise NotRun(f"git gave {len(data)} of the {size} bytes of {path}")
        return Blob(name, data)

    def object_at_tip(self, path: str) -> str:
        """The name of the object at `path` in the newest commit; empty if nothing is there."""
        entry = self._git("ls-tree", "-z", "--end-of-options", self.tip, "--", path).partition(b"\t")[0]
        return entry.decode().split()[2] if entry else ""

    def _object(self, commit: str) -> str:
        """The full name of a commit that has been fetched; empty if it has not."""
        return self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}", ok=(0, 1, 128)
        ).decode()

    def _of_tag(self, tag: str) -> str:
        if names.branch_fault(tag):
            raise Refused(f"{tag[:80]!r} is no commit and no tag")
        wanted = f"refs/tags/{tag}"
        lines = self._git("ls-remote", "--tags", "--", "upstream", wanted, f"{wanted}^{{}}").decode().splitlines()
        found = {ref: name for name, _, ref in (line.partition("\t") for line in lines)}
        name = found.get(f"{wanted}^{{}}") or found.get(wanted)
        if not name:
            raise Refused(f"upstream has no tag {tag}; give a commit or leave --commit out for the newest one")
        return name


@contextmanager
def opened(source: str, branch: str, tell: Callable[[str, float], None]) -> Iterator[Branch]:
    """A branch as it is now; `tell` hears what is being done and for how many seconds.

    Raises:
        NotRun: git or the source cannot be reached.
        Refused: the source has no such branch.
    """
    with tempfile.TemporaryDirectory(prefix="pv-pin-") as folder:
        git = _Git(Path(folder), source, tell)
        ref = f"refs/heads/{branch}"
        line = git("ls-remote", "--heads", "--", source, ref).decode(errors="replace")
        tip = next((name for name, _, found in (one.partition("\t") for one in line.splitlines()) if found == ref), "")
        if not tip:
            raise Refused(f"there is no branch {branch} upstream")
        if names.commit_fault(tip):
            raise NotRun(f"git names the newest commit of {branch} as {tip[:80]!r}")
        kind = "sha1" if len(tip) == 40 else "sha256"
        git("init", "--quiet", "--bare", "--template=", f"--object-format={kind}")
        git("config", "remote.upstream.url", source)
        spec = f"+{ref}:{_BRANCH}"
        git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", "upstream", spec)
        revision = f"{_BRANCH}^{{commit}}"
        tip = git("rev-parse", "--verify", "--quiet", "--end-of-options", revision, ok=(0, 1, 128)).decode().strip()
        if not tip:  # git warns, and ends with 0
            raise NotRun(f"the source gave no branch {branch}; its own history may be cut off (a shallow clone)")
        yield Branch(git, source, branch, tip)


class _Git:
    """Git in a folder, without what could lead it elsewhere."""

    def __init__(self, folder: Path, source: str, tell: Callable[[str, float], None]) -> None:
        self.folder, self.source, self.tell = folder, source, tell
        self.program = shutil.which("git")
        self.environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        self.environment |= {
            "GIT_ALLOW_PROTOCOL": names.ALLOWED_PROTOCOLS,
            "GIT_CEILING_DIRECTORIES": str(folder.parent),  # ls-remote runs before there is a repository here
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }

    def __call__(self, *arguments: str, ok: Sequence[int] = (0,)) -> bytes:
        """What git prints; nothing where it ended with another of the codes in `ok` than 0.

        Raises:
            NotRun: it is absent, takes too long, prints too much, or ends otherwise.
        """
        code, output, complaint = self._run(arguments)
        if code not in ok:
            raise NotRun(f"git {arguments[0]}: {complaint or f'ended with {code}'}")
        return output if code == 0 else b""

    def says(self, *arguments: str) -> bool:
        """Whether git answers yes (0) or no (1).

        Raises:
            NotRun: it says neither.
        """
        code, _, complaint = self._run(arguments)
        if code not in (0, 1):
            raise NotRun(f"git {arguments[0]}: {complaint or f'ended with {code}'}")
        return code == 0

    def _run(self, arguments: Sequence[str]) -> tuple[int, bytes, str]:
        if self.program is None:
            raise NotRun("git is not installed")
        command = [self.program, "-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null", *arguments]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as problem:
                raise NotRun(f"git cannot be started: {problem.strerror or problem}") from None
            try:
                self._wait(process, arguments[0])
            finally:
                _end(process)
            output.seek(0)
            printed = output.read(_MAX_OUTPUT + 1)
            errors.seek(0)
            complaint = errors.read(10_000).decode(errors="replace")
        if len(printed) > _MAX_OUTPUT:
            raise NotRun(f"git {arguments[0]} printed more than {_MAX_OUTPUT >> 20} MiB")
        return process.returncode, printed, _told(complaint)

    def _wait(self, process: subprocess.Popen[bytes], what: str) -> None:
        began = time.monotonic()
        while True:
            try:
                process.wait(_TICK)
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - began
                if passed > SECONDS:
                    raise NotRun(f"git {what} took more than {SECONDS:.0f} s") from None
                self.tell(what, passed)
            else:
                return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started, if it has not ended by itself."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _told(complaint: str) -> str:
    """What git says is wrong, on one line: its own words after `fatal:`, and no password of a URL."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    grave = [line.partition(": ")[2] for line in lines if line.startswith(("fatal: ", "error: "))]
    return re.sub(r"://[^/@\s]*@", "://", "; ".join(grave or lines[-2:]))[:500]
