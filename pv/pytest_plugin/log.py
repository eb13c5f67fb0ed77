"""The lines that one session writes into the ledger: that it began, where it ran, what became of each case, and its end."""

from __future__ import annotations

import platform
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pv import __version__
from pv.environment import commit
from pv.ledger import append, sync
from pv.ledger.line import environment_name
from pv.naming import unplaced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# what a row tells in words; what it is known by is left as it is
_TOLD = ("message", "reason", "counterexample", "reported", "skipped", "where", "worst")


class Log:
    """One run in a ledger. Nothing is written before its first row, and nothing more once the ledger cannot be written.

    `problem` says why it cannot. `about` is what the line of the run says beside what every such line does.
    """

    def __init__(
        self, path: Path, root: Path, arguments: Sequence[str], about: Mapping[str, Any] | None = None
    ) -> None:
        self.path = path
        self.problem: str | None = None
        self._root, self._arguments, self._about = root, arguments, about or {}
        self._run: dict[str, Any] | None = None
        self._environments: set[str] = set()
        self._cases = 0

    def begin(self) -> None:
        """Say that the run began though it has no case, so that a shard without claims is known to have been run."""
        self._append(self._first()[1])

    def write(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Append a row of a case, and before it what must be said once of its run; return the row as it stands there."""
        run, lines = self._first()
        row = {**portable(row, self._root), "kind": kind, **run}
        data = row.get("environment")
        if isinstance(data, dict):
            row["environment"] = name = environment_name(data)
            if name not in self._environments:
                lines.append({"kind": "environment", "run": row["run"], "environment": name, "data": data})
                self._environments.add(name)
        self._cases += kind == "case"
        self._append([*lines, row])
        return row

    def end(self, exit_code: int) -> None:
        """Say that the run came to an orderly end, and see to it that all of it survives a power cut."""
        if self._run is None:
            return
        self._append([{"kind": "end", "run": self._run["run"], "cases": self._cases, "exit": exit_code}])
        self.sync()

    def sync(self) -> None:
        """See to it that what was written survives a power cut."""
        if self._run is not None and not self.problem:
            try:
                sync(self.path)
            except OSError as problem:
                self.problem = problem.strerror or str(problem)

    def _first(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What each row says of the run, and the line that it begins with, if that is yet to be written."""
        if self._run is not None:
            return self._run, []
        head, dirty = commit(self._root)
        self._run = {"run": uuid.uuid4().hex, "commit": head, "dirty": dirty}
        return self._run, [{"kind": "run", **self._run, **self._began(), **self._about}]

    def _began(self) -> dict[str, Any]:
        return {
            "started": datetime.now(UTC).isoformat(),
            "pv": __version__,
            "python": platform.python_version(),
            "arguments": unplaced(list(self._arguments), self._root),
        }

    def _append(self, rows: list[dict[str, Any]]) -> None:
        if self.problem:
            return
        try:
            append(self.path, rows)
        except OSError as problem:
            self.problem = problem.strerror or str(problem)


def portable(row: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A row that tells nothing of where the project with this root lies."""
    return {**row, **{key: unplaced(row[key], root) for key in _TOLD if key in row}}
