"""Which claims are run by the command that their `test:` holds, in a session that runs such commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.bind import Falsifier
from pv.commandline import kind_of
from pv.shelltest.source import SHELL, digest

if TYPE_CHECKING:
    from pv.parse import Claim


def commanded(claim: Claim) -> Falsifier | None:
    """The falsifier that runs a claim's command; None if it has no command, or parameters, which no command is given."""
    if claim.params or not kind_of(claim.test).is_command:
        return None
    from pv.shelltest.falsifier import runs_as_written  # noqa: PLC0415  few sessions run commands

    module = sys.modules[runs_as_written.__module__]
    return Falsifier(claim.contract, claim.id, runs_as_written, module, Path(str(module.__file__)), 1, digest(), SHELL)
