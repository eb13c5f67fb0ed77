"""One line about the contracts that a session leaves out without having been asked to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pv.corpus import display, walk
from pv.report.console import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pv.config import Config


class LeftOut:
    """Under `-m falsify`, names the contracts that `testpaths` or the folder of the call leave out."""

    def __init__(self, config: pytest.Config, files: Iterable[Path]) -> None:
        here = config.invocation_params.dir
        wanted = re.search(r"(?<!not )\bfalsify\b", str(config.getoption("markexpr", "") or ""))
        chosen = config.args_source is pytest.Config.ArgsSource.ARGS
        tops = [Path(os.path.normpath(here / argument.split("::")[0])) for argument in config.args]
        self._root = config.rootpath
        self._missed = [
            file for file in sorted(files) if wanted and not chosen and not any(map(file.is_relative_to, tops))
        ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the line."""
        if self._missed:
            folders = sorted({display(file.parent, self._root) for file in self._missed})
            terminalreporter.write_line(
                f"pv: {_counted(len(self._missed))} not collected; run `pytest -m falsify {escape(' '.join(folders))}` "
                f"in {escape(str(self._root))}, or add the folder to 'testpaths'",
                yellow=True,
            )


class OtherRoot:
    """Names the contracts of the folder of the call where pytest's root is another folder."""

    def __init__(self, settings: Config, root: Path) -> None:
        self._count = sum(1 for _ in walk(folder for folder in settings.contracts if folder.is_dir()))
        self._here, self._root = settings.root, root

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the line."""
        terminalreporter.write_line(
            f"pv: {_counted(self._count)} not collected, because pytest's root is {escape(str(self._root))}; "
            f"run `pytest --rootdir {escape(str(self._here))} -m falsify`",
            yellow=True,
        )


def _counted(number: int) -> str:
    return f"{number} contract{' was' if number == 1 else 's were'}"
