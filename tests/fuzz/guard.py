"""One input under watch: what became of it, and under which limits."""

from __future__ import annotations

import gc
import hashlib
import resource
import signal
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.fuzz.target import ROOT, Wrong

if TYPE_CHECKING:
    from types import FrameType

    from tests.fuzz.target import Target

SECONDS = 2.0  # of processor time that an input may take
BYTES = 1 << 30  # that it may take beyond what the program takes by itself
FINE = ("accepted", "refused")
_LONG = 0.1  # seconds: nothing that is quicker can have filled much memory


class Outcome(NamedTuple):
    """What became of an input.

    Attributes:
        kind: `accepted`, `refused`, `crash`, `wrong`, `hang` or `memory`.
        signature: what two inputs have in common that show the same fault: the exception and where in our code it came from.
        message: for people, one line.
        seconds: of processor time.
    """

    kind: str
    signature: str = ""
    message: str = ""
    seconds: float = 0.0

    @property
    def fine(self) -> bool:
        """Whether it is no finding."""
        return self.kind in FINE


class _TookTooLongError(BaseException):
    """Raised out of the parser; no `except Exception` of its own can swallow it."""


def limit_memory(nbytes: int = BYTES) -> None:
    """Lets this process take so many bytes of addresses beyond those that it has."""
    have = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (have + nbytes, have + nbytes))


def peak() -> int:
    """The most memory that this process has ever held, in bytes; not what its parent held."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status says nothing of VmHWM")


class Guard:
    """Runs inputs one after the other.

    Args:
        target: the parser.
        folder: that it may write into.
        seconds: of processor time that one input may take.
    """

    def __init__(self, target: Target, folder: Path, seconds: float = SECONDS) -> None:
        self._target, self._folder, self._seconds = target, folder, seconds
        self._base = peak()
        signal.signal(signal.SIGPROF, self._ring)

    def run(self, data: bytes) -> Outcome:
        """What becomes of an input."""
        begun = time.process_time()
        try:
            signal.setitimer(signal.ITIMER_PROF, self._seconds)
            try:
                accepted = self._target.check(data, self._folder)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            outcome = Outcome("accepted" if accepted else "refused")
        except _TookTooLongError as error:
            outcome = Outcome("hang", f"hang at {_place(error)}", f"more than {self._seconds:g} s of processor time")
        except MemoryError as error:
            gc.collect()
            outcome = Outcome("memory", f"memory at {_place(error)}", f"more than {BYTES >> 20} MiB")
        except Wrong as error:
            said = self._plain(error)
            outcome = Outcome("wrong", f"wrong: {said.partition(':')[0]}", said)
        except Exception as error:  # noqa: BLE001  whatever a parser lets through is what is looked for
            said = f"{type(error).__name__}: {self._plain(error)}"
            outcome = Outcome("crash", f"{type(error).__name__} at {_place(error)}", said)
        took = time.process_time() - begun
        if outcome.fine and took > _LONG and peak() - self._base > BYTES:
            outcome = Outcome("memory", "memory", f"{peak() - self._base >> 20} MiB")
        return outcome._replace(seconds=took)

    def _plain(self, error: Exception) -> str:
        """One line, without the folder, whose name is another each time."""
        return " ".join(str(error).replace(str(self._folder), "").split())[:300]

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        raise _TookTooLongError


def _place(error: BaseException) -> str:
    """The innermost function of ours that the error came through; of a fuzzed library, what called it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and "/.venv/" not in frame.filename]
    if not ours:
        return "?"
    inner = next((frame for frame in reversed(ours) if "/tests/fuzz/" not in frame.filename), ours[-1])
    return f"{Path(inner.filename).relative_to(ROOT)}:{inner.name}"


def name_of(data: bytes) -> str:
    """The name of a found case: the first eight hex digits of its sha256."""
    return hashlib.sha256(data).hexdigest()[:8]
