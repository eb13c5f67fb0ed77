"""Becomes a command, with its limits and its environment: `python -I -S start.py REQUEST PROGRAM ARGUMENT…`.

REQUEST is a JSON object with `memory`, `file_bytes` and `env`. A process of its own does this, because what is done between fork and exec
in a process with threads may hang.
"""

import json
import os
import resource
import signal
import sys

CANNOT = 127  # the exit status of shells for a program that cannot be run


def main() -> None:
    """Sets the limits and becomes the command; never returns."""
    request, command = json.loads(sys.argv[1]), sys.argv[2:]
    wanted = (
        (resource.RLIMIT_AS, request["memory"]),
        (resource.RLIMIT_FSIZE, request["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, value in wanted:
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; a program expects what is usual
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, request["env"])  # noqa: S606  an argument vector, and no shell
    except OSError as problem:
        os.write(2, f"{command[0]} cannot be run: {problem.strerror}\n".encode(errors="backslashreplace"))
        os._exit(CANNOT)


if __name__ == "__main__":
    main()
