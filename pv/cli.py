"""The command line of `pv`.

Exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug in pv.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING

from pv.arguments import parser
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `pv` with these arguments and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the encoding, something readable comes out
    # Thousands of contracts are millions of objects that live until the end: looking through them for cycles again and again
    # takes as long as reading them.
    gc.set_threshold(200_000, 20, 100)
    atexit.register(gc.freeze)  # at the end they need not be looked through either: the process gives all of it back
    try:
        arguments = parser().parse_args(argv)
        code: int = importlib.import_module(f"pv.commands.{arguments.command}").run(arguments)
    except UsageProblem as problem:
        _complain(f"pv: {_harmless(str(problem))}\n")
        _forget_output()
        return 2
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        _forget_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001  the last line of defence says whose fault it is
        import traceback  # noqa: PLC0415  needed only here

        _complain(_harmless(traceback.format_exc()))
        _complain("pv: this is a bug in pv, not in your files; please report it with the lines above\n")
        return 3
    return code


def _complain(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # there is nowhere left to say it; the exit code still does
            sys.stderr.write(text)
            sys.stderr.flush()


def _harmless(text: str) -> str:
    """`text` with everything but its line breaks made visible: a message may name any file and quote any text."""
    from pv.report.console import escape  # noqa: PLC0415  needed only where something is wrong

    return "\n".join(map(escape, text.split("\n")))


def _forget_output() -> None:
    """Let Python's last flush at exit write what is still buffered to nowhere, if it cannot be written."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
