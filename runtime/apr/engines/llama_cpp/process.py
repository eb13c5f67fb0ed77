"""Starts the child process that holds llama.cpp and talks to it; a crash there is a message here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import apr
from apr.engines.llama_cpp import wire
from apr.errors import OracleError

_PACKAGE_ROOT = Path(apr.__file__).resolve().parent.parent
_LAST_WORDS = 400  # characters of the child's stderr that a message quotes


class Child:
    """One worker process.

    Args:
        what: names the model in messages.
        timeout: seconds of silence while an answer is awaited.
    """

    def __init__(self, what: str, timeout: float) -> None:
        self._what = what
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(timeout)
        self._channel = ours
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process; close() ends both
        # ggml would otherwise start a debugger on itself when it aborts, which takes seconds
        environment = os.environ | {"GGML_NO_BACKTRACE": "1", "PYTHONPATH": str(_PACKAGE_ROOT)}
        # -P keeps the current folder off the import path: whatever stands there is not ours
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "apr.engines.llama_cpp.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            env=environment,
        )
        theirs.close()
        self._ended: str | None = None  # why no request is taken any more

    def ask(self, doing: str, **request: Any) -> tuple[dict[str, Any], int | None]:
        """One request and its answer, with the descriptor of the shared memory that came with it.

        Raises:
            OracleError: refused, crashed, or no answer in time; `doing` says during what.
        """
        if self._ended:
            raise OracleError(f"llama.cpp {self._ended} while {doing}", where=self._what)
        try:
            wire.send(self._channel, request)
            reply, descriptor = wire.receive(self._channel)
        except TimeoutError:
            self._end("was ended because it gave no answer to an earlier request")
            raise OracleError(
                f"llama.cpp gave no answer in {self._channel.gettimeout():.0f} s while {doing}", where=self._what
            ) from None
        except (EOFError, OSError):
            raise OracleError(
                f"llama.cpp {self._cause_of_death()} while {doing}", where=self._what, hint=self._last_words()
            ) from None
        except BaseException:
            self._end("was ended because an earlier request was interrupted")
            raise
        if "error" in reply:
            telling = [line.strip() for line in reply.get("log", []) if "error" in line or "failed" in line]
            raise OracleError(
                f"{reply['error']} (while {doing})", where=self._what, hint=telling[0] if telling else None
            )
        return reply, descriptor

    def _end(self, why: str) -> None:
        """No further request: its answer could not be told from the one that is still under way, or already there."""
        self._ended = why
        self._process.kill()

    def close(self) -> None:
        """Ends the process at once; it holds nothing worth a farewell."""
        self._ended = "is closed"
        try:
            self._channel.close()
            self._process.kill()
            self._process.wait()
        finally:
            self._stderr.close()

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"crashed ({signal.Signals(-code).name})"
        return f"ended with exit code {code}"

    def _last_words(self) -> str | None:
        self._stderr.seek(0)
        lines = [line.strip() for line in self._stderr.read().decode(errors="replace").splitlines() if line.strip()]
        telling = next(
            (line for line in lines if "GGML_ASSERT" in line or "error" in line.lower()), lines[-1] if lines else None
        )
        return telling and telling[:_LAST_WORDS]
