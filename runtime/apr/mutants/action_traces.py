"""Every fault of action traces, their meter and the agent; `python -m apr.mutants.action_traces NAME PROGRAM ARGUMENTS…`.

PROGRAM is `apr` or `ccpa`, run with that fault planted.
"""

from __future__ import annotations

import importlib
import sys

from apr.errors import USAGE
from apr.mutants import agents, meters, traces

MUTANTS = traces.MUTANTS | meters.MUTANTS | agents.MUTANTS
_PROGRAMS = {"apr": "apr.cli", "ccpa": "apr.ccpa.cli"}


def main() -> int:
    """Plants the fault that the first argument names and runs the program that the second names with the rest."""
    if len(sys.argv) < 3 or sys.argv[1] not in MUTANTS or sys.argv[2] not in _PROGRAMS:
        programs = " or ".join(_PROGRAMS)
        sys.stderr.write(
            f"usage: python -m apr.mutants.action_traces NAME {programs} ARGUMENTS…; names: {', '.join(MUTANTS)}\n"
        )
        return USAGE
    MUTANTS[sys.argv[1]].plant()
    code: int = importlib.import_module(_PROGRAMS[sys.argv[2]]).main(sys.argv[3:])
    return code


if __name__ == "__main__":
    sys.exit(main())
