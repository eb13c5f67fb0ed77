"""A dask scheduler and its workers as processes of their own, on the loopback address, for tests that send them work."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.mortal import mortal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 120.0  # seconds; a loaded machine is slow, a broken one is told by its log
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False",
    # the process that forks others takes a second to start, and nobody here needs another
    "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn",
}


@dataclass
class DaskCluster:
    """One scheduler; a context manager.

    Attributes:
        folder: where its files and logs are.
        options: of `dask scheduler`.
        environment: of the scheduler, besides what is in ours.
    """

    folder: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self._stack = contextlib.ExitStack()
        self._count = 0
        about = self.folder / "scheduler.json"
        self.scheduler = self._started(
            "scheduler", ["--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(about), *self.options],
            self.environment,
        )  # fmt: skip
        self._wait("scheduler", self.scheduler, lambda: about.exists() and b"}" in about.read_bytes()[-2:])
        self.address: str = json.loads(about.read_text("utf-8"))["address"]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def worker(
        self, *options: str, folder: Path | None = None, nanny: bool = False, **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """One more worker with one thread, registered; it is gone from the scheduler's books when the block ends."""
        self._count += 1
        name = f"worker-{self._count}"
        with contextlib.ExitStack() as stack:
            process = self._started(
                "worker",
                [self.address, "--nthreads", "1", "--no-dashboard", "--name", name, "--nanny" if nanny else "--no-nanny",
                 "--local-directory", str(self.folder), *options],
                environment, name=name, folder=folder, stack=stack,
            )  # fmt: skip
            log = self.folder / f"{name}.log"
            self._wait(name, process, lambda: b"Registered to" in log.read_bytes())
            yield process

    def _started(
        self,
        kind: str,
        options: list[str],
        environment: dict[str, str],
        *,
        name: str = "scheduler",
        folder: Path | None = None,
        stack: contextlib.ExitStack | None = None,
    ) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            mortal(sys.executable, "-m", "dask", kind, "--host", "127.0.0.1", *options),
            stdout=log, stderr=log, cwd=folder or self.folder, env=os.environ | _QUIET | environment,
        )  # fmt: skip
        stack = stack or self._stack
        stack.callback(log.close)
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process

    def _wait(self, name: str, process: subprocess.Popen[bytes], ready: object) -> None:
        until = time.monotonic() + _PATIENCE
        while not (callable(ready) and ready()):
            if process.poll() is not None or time.monotonic() > until:
                said = (self.folder / f"{name}.log").read_text("utf-8", "replace")
                raise RuntimeError(f"{name} did not start (exit {process.poll()}):\n{said}")
            time.sleep(0.02)
