"""One parser fuzzed: children are started, watched and started again where one dies; what they found is judged and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fuzz import kept
from tests.fuzz.box import Box
from tests.fuzz.guard import name_of
from tests.fuzz.planted import PLANTED
from tests.fuzz.target import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK = 0.2  # seconds between two looks at a child
_STUCK = (
    20.0  # seconds of processor time at one input, after which its child is killed: nothing else could interrupt it
)
_SILENT = 30.0  # seconds without any use of the processor, after which a child waits for what never comes
_START = 120.0  # seconds that a child may take to begin and to end
_SMALLER = 20.0  # seconds of looking for a smaller case
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Report:
    """What came of fuzzing one parser, or one planted bug.

    `findings` are outcomes as `judge.py` prints them, each with the path where it is kept (empty where it is not).
    """

    name: str
    engine: str
    seconds: float = 0.0
    inputs: int = 0
    accepted: int = 0
    deaths: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def heading() -> str:
        """Names of the columns of `as_line`."""
        return f"{'parser':30} {'engine':10} {'seconds':>8} {'inputs':>9} {'accepted':>9}  found"

    def as_line(self) -> str:
        """One line, and one more for each finding."""
        head = f"{self.name:30} {self.engine:10} {self.seconds:8.1f} {self.inputs:9} {self.accepted:9}  {len(self.findings)}"
        head += f", begun again {self.deaths} times" if self.deaths else ""
        return "\n".join(
            [
                head,
                *(f"    {one['kind']}: {one['message'] or one['signature']}  {one['kept']}" for one in self.findings),
            ]
        )

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**vars(self), "seconds": round(self.seconds, 1)}


class Campaign:
    """See the module.

    Args:
        name: of the parser, or of the bug if `plant`.
        engine: `atheris` or `hypothesis`.
        seconds: how long; with `plant`, at most, for the first finding ends it.
        seed: where chance begins.
        plant: whether `name` is a bug that is planted into its parser.
        keep: whether what is found goes to the other cases.
    """

    def __init__(
        self, name: str, engine: str, seconds: float, seed: int, *, plant: bool = False, keep: bool = True
    ) -> None:
        self.target = PLANTED[name].target if plant else name
        self._report = Report(name, engine)
        self._seconds, self._seed, self._plant, self._keep = seconds, seed, plant, keep and not plant
        self._seen: set[str] = set()

    def run(self, progress: Callable[[str], None]) -> Report:
        """Fuzzes for the time given; tells now and then where it stands."""
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            number = 0
            while (left := self._seconds - (time.monotonic() - begun)) > 1 and not (
                self._plant and self._report.findings
            ):
                self._child(Path(folder) / str(number), left, self._seed + number, progress)
                number += 1
        self._report.seconds = time.monotonic() - begun
        return self._report

    def _child(self, folder: Path, seconds: float, seed: int, progress: Callable[[str], None]) -> None:
        folder.mkdir()
        box = Box(folder / "box", fresh=True)
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.child",
            self.target,
            str(folder),
            f"--engine={self._report.engine}",
        ]
        command += [f"--seconds={seconds}", f"--seed={seed}", f"--corpus={kept.FOUND / self.target}"]
        if self._plant:
            command += [f"--plant={self._report.name}", "--first"]
        begun = time.monotonic()
        before = self._report.inputs, self._report.accepted
        with (folder / "log").open("wb") as log:
            child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=_environment())
            try:
                stuck = self._watch(child, box, begun + seconds + _START, lambda: self._count(before, box, progress))
            finally:
                child.kill()
                child.wait()
        self._count(before, box, progress)
        if not box.counts[0]:
            raise SystemExit(
                f"{self._report.name}: fuzzing did not begin:\n{(folder / 'log').read_text('utf-8', 'replace')[-2000:]}"
            )
        over = time.monotonic() - begun >= seconds - 1
        raw = {
            path.with_suffix(".bin").read_bytes(): json.loads(path.read_bytes())
            for path in sorted(folder.glob("*.json"))
        }
        if stuck or not (over or (self._plant and raw)):  # it died, and the input at hand is why
            self._report.deaths += 1
            kind = "hang" if stuck else "crash"
            said = {
                "signature": f"{kind} of the process",
                "message": f"the process {'hangs' if stuck else 'dies'}",
                "seconds": 0.0,
            }
            raw[box.data] = {"kind": kind, **said}
        for data, outcome in raw.items():
            self._take(data, outcome)

    def _count(self, before: tuple[int, int], box: Box, progress: Callable[[str], None]) -> None:
        inputs, accepted = box.counts
        self._report.inputs, self._report.accepted = before[0] + inputs, before[1] + accepted
        progress(f"{self._report.name}: {self._report.inputs} inputs, {len(self._report.findings)} found")

    def _watch(self, child: subprocess.Popen[bytes], box: Box, until: float, tell: Callable[[], None]) -> bool:
        """Waits for the child; True if it had to be stopped because one input took too long, or it did nothing any more."""
        tried, since, told = 0, 0.0, time.monotonic()
        last, woke = 0.0, time.monotonic()
        while child.poll() is None:
            time.sleep(_LOOK)
            used = _used(child.pid)
            if used != last:
                last, woke = used, time.monotonic()
            if box.counts[0] != tried:
                tried, since = box.counts[0], used
            if (tried and used - since > _STUCK) or time.monotonic() > min(until, woke + _SILENT):
                return True
            if time.monotonic() > told + 1:
                told = time.monotonic()
                tell()
        return False

    def _take(self, data: bytes, outcome: dict[str, Any]) -> None:
        """One finding of a child: told if it is new, and a process that nobody watches finds it too."""
        if outcome["signature"] in self._seen:
            return
        self._seen.add(outcome["signature"])
        if self._plant:  # only the child has the bug
            self._report.findings.append({**outcome, "kept": ""})
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "case.bin"
            file.write_bytes(data)
            outcome = judge(self.target, [file], smaller=_SMALLER)[0]
            data = file.read_bytes()
        if outcome["kind"] in ("accepted", "refused"):
            return  # slow only while it was watched
        shown = outcome["message"] or outcome["signature"]
        place = str(kept.keep(self.target, data, outcome["kind"], shown).relative_to(ROOT)) if self._keep else ""
        self._report.findings.append({**outcome, "kept": place, "name": name_of(data)})


def judge(target: str, files: list[Path], *, smaller: float = 0.0) -> list[dict[str, Any]]:
    """What `judge.py` says of files, in order; a file at which it hangs or dies is a finding too."""
    told: list[dict[str, Any]] = []
    while len(told) < len(files):
        rest = [str(file) for file in files[len(told) :]]
        command = [sys.executable, "-m", "tests.fuzz.judge", target, *rest, f"--smaller={smaller}"]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=_environment(), capture_output=True, timeout=_START + 10 * len(rest), check=False
            )
            out, kind, said = (
                done.stdout,
                "crash",
                f"the process ends with {done.returncode}: {done.stderr[-150:].decode('utf-8', 'replace')}",
            )
        except subprocess.TimeoutExpired as error:
            out, kind, said = error.stdout or b"", "hang", "the process hangs"
        lines = [json.loads(line) for line in out.splitlines()]
        told += lines
        if len(lines) < len(rest):
            told.append({"file": rest[len(lines)], "kind": kind, "signature": said, "message": said, "seconds": 0.0})
    return told


def _environment() -> dict[str, str]:
    """Without what would measure coverage, which takes more time than some inputs may."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def _used(process: int) -> float:
    """Seconds of processor time that a process has used; 0 if it is no more."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / _TICKS  # utime and stime


def _memory() -> str | None:
    """A folder whose files never see a disk, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  files in it have names that nobody can guess
