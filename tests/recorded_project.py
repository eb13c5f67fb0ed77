"""A small project in a repository of its own, whose ledger says what a test wants it to say."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

from pv.corpus import read_all, walk
from pv.digest import sha256
from pv.ledger import append

if TYPE_CHECKING:
    from pathlib import Path

    from pv.parse import Case, Claim

FALSIFIERS = """\
from pv import falsifies

CONTRACT = "x-v1"


@falsifies(CONTRACT, "F-1")
def first():
    pass


@falsifies(CONTRACT, "F-2")
def second():
    pass
"""
CLAIM = "  - {id: %s, binds_to: %s, prediction: p, if_fails: q, mutants: [{id: m, stage: s, layer: 1}]%s}\n"
HEAD = """\
metadata: {version: "1.0.0", description: d, references: [r]}
%sequations: {f: {formula: x}, g: {formula: y}}
falsification_tests:
"""
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
_GIT |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def contract(*claims: str, status: str = "") -> str:
    """A contract of these claims; each is an id, or an id with more keys: `F-1, expect: refuted`."""
    lines = [CLAIM % (name, "fg"[index % 2], f", {more}" if more else "") for index, (name, more) in _split(claims)]
    return HEAD % (f"status: {status}\n" if status else "") + "".join(lines)


def _split(claims: tuple[str, ...]) -> list[tuple[int, tuple[str, str]]]:
    return [(index, (one.partition(", ")[0], one.partition(", ")[2])) for index, one in enumerate(claims)]


class RecordedProject:
    """The folder, its git repository, and the evidence that is written into its ledger without running anything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ledger = root / ".pv" / "ledger.jsonl"
        root.mkdir(parents=True, exist_ok=True)
        self.write("pyproject.toml", "[tool.pv]\n")
        self.write(".gitignore", ".pv/\nmodels/\n__pycache__/\n")
        self.write("falsifiers/x_v1.py", FALSIFIERS)
        self.write("contracts/x-v1.yaml", contract("F-1", "F-2"))
        self.git("init", "-q", "-b", "main")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def git(self, *arguments: str) -> str:
        """Run git, and give back what it printed."""
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, env={**os.environ, **_GIT}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything, and give back the commit's id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "m")
        return self.git("rev-parse", "HEAD")

    def record(
        self,
        outcomes: dict[str, str] | None = None,
        mutants: dict[str, str] | None = None,
        *,
        ledger: Path | None = None,
        dirty: bool | None = False,
        inputs: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        """Write a run of every claim as it stands now: by id what it comes to (`""`: it is left out), and what its mutant does.

        `inputs` are files below the root that the evidence rests on, and `more` are keys of every row.
        """
        given = {"run": uuid.uuid4().hex, "commit": self.git("rev-parse", "HEAD"), "dirty": dirty, **more}
        rows = []
        for reading in read_all(walk([self.root / "contracts"]), self.root):
            for claim in reading.contract.claims if reading.contract else ():
                for case in claim.cases():
                    words = (mutants or {}, "killed") if case.mutant else (outcomes or {}, str(claim.expect))
                    word = "" if (outcomes or {}).get(claim.id) == "" else words[0].get(claim.id, words[1])
                    if word:
                        rows.append({**self._row(claim, case, inputs), "verdict": word, **given})
        append(ledger or self.ledger, rows)

    def _row(self, claim: Claim, case: Case, inputs: tuple[str, ...]) -> dict[str, Any]:
        module = self.root / "falsifiers" / "x_v1.py"
        digests = [{"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(self.root / "falsifiers")}]
        digests += [{"kind": "model", "path": name, "sha256": sha256(self.root / name)} for name in inputs]
        return {
            "kind": "case",
            "contract": claim.contract,
            "claim": claim.id,
            "params": case.key,
            "mutant": case.mutant.id if case.mutant else "",
            "fingerprint": claim.fingerprint,
            "level": "independent",
            "engines": [
                {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
                {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
            ],
            "compared": {"x": 1},
            "message": "",
            "where": {"stage": case.mutant.stage, "layer": case.mutant.layer} if case.mutant else {},
            "falsifier": {"path": "falsifiers/x_v1.py", "line": 6, "qualname": "first", "sha256": sha256(module)},
            "inputs": digests,
        }

    def pv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `pv` in the project."""
        command = [sys.executable, "-m", "pv", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def pytest(self) -> int:
        """Run the project's claims, and give back pytest's exit code."""
        command = [sys.executable, "-m", "pytest", "-q", "-m", "falsify", "-p", "no:randomly", "contracts"]
        return subprocess.run(command, cwd=self.root, capture_output=True, check=False).returncode
