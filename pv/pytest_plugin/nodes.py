"""From a node id back to the case of a claim; the controller of xdist has collected nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.corpus import read

if TYPE_CHECKING:
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Case, Claim

Found = tuple["Claim", "Case"]


class Nodes:
    """Every case of every contract that is asked for, by the node id that pytest gives it."""

    def __init__(self, root: Path, settings: Config) -> None:
        self._root, self._settings = root, settings
        self._known: dict[str, dict[str, Found]] = {}

    def find(self, node: str) -> Found | None:
        """The claim and the case that a node id stands for; None if it is no item of ours."""
        file = node.split("::", maxsplit=1)[0]
        if file not in self._known:
            self._known[file] = self._read(file)
        return self._known[file].get(node)

    def place(self, node: str) -> tuple[str, int]:
        """Where the claim of a node id stands: its file, and its number there; the order of reports."""
        found = self.find(node)
        return node.split("::", maxsplit=1)[0], found[0].index if found else -1

    def _read(self, file: str) -> dict[str, Found]:
        path = self._root / file
        if not any(path.is_relative_to(folder) for folder in self._settings.contracts) or not path.is_file():
            return {}
        contract = read(path, file).contract
        return {
            node: (claim, case)
            for claim in (contract.claims if contract else ())
            for case in claim.cases()
            for node in node_ids(file, claim, case)
        }


def node_ids(file: str, claim: Claim, case: Case) -> list[str]:
    """The node ids that pytest may give a case of a claim."""
    return [
        f"{file}::{claim.id}" + (f"[{label}]" if case.label else "") for label in (case.label, _escaped(case.label))
    ]


def _escaped(label: str) -> str:
    """How pytest writes a label into a node id, unless it is told not to."""
    return label.encode("unicode_escape").decode("ascii")
