"""`pv replay`: one run of the ledger done again, and compared with what it said then."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.commands._evidence import existing_ledger, select
from pv.config import read_config
from pv.environment import KERNELS, THREADS
from pv.ledger import read
from pv.replay import Comparison, Difference, compare
from pv.report.console import Paint, cut, emit, escape, table
from pv.shelltest.source import SHELL
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

    from pv.ledger import Entry, Ledger
    from pv.parse import Case, Claim, Contract

_LINE = re.compile(r"(.+)@([0-9]{1,12})", re.DOTALL)
_SHOWN, _TAIL = 60, 15  # columns of a cell; lines of what pytest said
_FAULT = 3  # pytest's exit code for a bug of its own


@dataclass(frozen=True)
class _Target:
    """A row of the ledger, and the case of today's contracts that it is about."""

    entry: Entry
    claim: Claim
    case: Case

    @property
    def name(self) -> str:
        return f"{self.claim.contract}:{_name(self.claim, self.case)}@{self.entry.number}"

    @property
    def node(self) -> str:
        """How pytest calls the case; as it did then, if the contract stands where it stood."""
        then = str(self.entry.row.get("node", ""))
        if then.partition("::")[0] == self.claim.path:
            return then
        label = self.case.label.encode("unicode_escape").decode("ascii")
        return f"{self.claim.path}::{self.claim.id}" + (f"[{label}]" if label else "")


def run(arguments: argparse.Namespace) -> int:
    """Run one case again as it was run then; 1 if it does not come out the same, or not from the same files.

    Raises:
        UsageProblem: there is no such row, its case is not there any more, several contracts have the claim, or it cannot be run.
    """
    selection = select([])
    ledger = read(existing_ledger(arguments.ledger, selection.config))
    if not ledger.exists:
        raise UsageProblem(f"{escape(str(ledger.path))}: no ledger; `pytest -m falsify` writes it")
    target = _find(arguments.claim, selection.contracts, ledger)
    then = target.entry.row
    falsifier = then.get("falsifier")
    if isinstance(falsifier, dict) and falsifier.get("path") == SHELL:
        raise UsageProblem(
            f"{escape(target.name)}: a command of the contract was run, which only --run-shell-tests does: "
            f"pytest -m falsify --run-shell-tests {escape(target.node)}"
        )
    root = selection.config.root
    if read_config(root) is None:
        raise UsageProblem(f"{escape(str(root))}: no pyproject.toml with [tool.pv] here or above: nothing can be run")
    machine = _machine(ledger, then)
    with tempfile.TemporaryDirectory(prefix="pv-replay-") as folder:
        again = _run(target, machine, root, Path(folder), verbose=arguments.verbose)
        fresh = read(again)
        key = tuple(str(then[name]) for name in ("contract", "claim", "params", "mutant"))
        entry = next((one for one in fresh.newest(key) if one.row["kind"] == "case"), None)  # type: ignore[arg-type]
        now_machine = _machine(fresh, entry.row) if entry else None
    if entry is None:
        raise UsageProblem(f"{escape(target.name)}: cannot be replayed: pytest ran no such case")
    found = compare(then, entry.row, machine, now_machine)
    emit((_as_json(target, found, entry.row) if arguments.json else _as_text(target, found)) + "\n")
    return 0 if found.same else 1


def _find(wanted: str, contracts: Iterable[Contract], ledger: Ledger) -> _Target:
    """The row that is meant, of a case that is still there."""
    claims = [claim for contract in contracts for claim in contract.claims]
    name, number = wanted, 0
    cases = _cases(name, claims)
    split = _LINE.fullmatch(wanted)
    if not cases and split:
        name, number = split[1], int(split[2])
        cases = _cases(name, claims)
    if not cases:
        raise UsageProblem(_no_case(name, claims, ledger))
    homes = sorted({claim.contract for claim, _ in cases})
    if len(homes) > 1:
        raise UsageProblem(
            f"{escape(name)}: {len(homes)} contracts have it; name one of "
            + ", ".join(escape(f"{home}:{name}") for home in homes)
        )
    rows = [
        _Target(entry, claim, case)
        for claim, case in cases
        for entry in ledger.newest((claim.contract, claim.id, case.key, _mutant(case)))
        if entry.row["kind"] == "case" and number in (0, entry.number)
    ]
    if not rows:
        raise UsageProblem(_no_row(name, number, ledger))
    sound = [one for one in rows if one.case.mutant is None]
    return max(sound or rows, key=lambda one: one.entry.number)


def _cases(name: str, claims: Iterable[Claim]) -> list[tuple[Claim, Case]]:
    """The cases that go by a name: all of a claim, or the one with the label behind it."""
    return [
        (claim, case)
        for claim in claims
        for case in claim.cases()
        if name in _spellings(claim.contract, claim.id) or name in _spellings(claim.contract, _name(claim, case))
    ]


def _spellings(contract: str, name: str) -> tuple[str, str]:
    return name, f"{contract}:{name}"


def _name(claim: Claim, case: Case) -> str:
    return f"{claim.id}[{case.label}]" if case.label else claim.id


def _mutant(case: Case) -> str:
    return case.mutant.id if case.mutant else ""


def _no_case(name: str, claims: list[Claim], ledger: Ledger) -> str:
    """What there is instead: a case that a row is about and that is gone, the cases of the claim, or a name that is like it."""
    ids = {one.id: one for one in claims} | {f"{one.contract}:{one.id}": one for one in claims}
    bare = name.partition("[")[0]
    for row in (one.row for one in ledger.entries() if one.row.get("kind") == "case"):
        label = f"[{row['label']}]" if row.get("label") else ""
        if name in (*_spellings(row["contract"], row["claim"]), *_spellings(row["contract"], row["claim"] + label)):
            return f"{escape(name)}: cannot be replayed: no contract has this case any more"
    if bare in ids:
        labels = ", ".join(escape(f"[{case.label}]") for case in ids[bare].cases() if case.label)
        return f"{escape(name)}: the claim has no such case; it has {labels or 'one without a label'}"
    return f"no claim has the id {escape(repr(name))}; " + (
        did_you_mean(name, ids) or "`pv status --format json` lists them"
    )


def _no_row(name: str, number: int, ledger: Ledger) -> str:
    if not number:
        return f"{escape(name)}: nothing has been run of it, says {escape(str(ledger.path))}"
    row = next((one.row for one in ledger.entries() if one.number == number), None)
    if row is None:
        about = "there is no such line"
    elif row["kind"] == "case":
        about = f"it is about {row['contract']}:{row['claim']}" + (f"[{row['label']}]" if row.get("label") else "")
    else:
        about = f"it is a line of kind {row['kind']!r}, which says of no case how it came out"
    return f"{escape(str(ledger.path))}:{number}: no run of {escape(name)}: {escape(about)}"


def _machine(ledger: Ledger, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    named = row.get("environment")
    return ledger.environment(named) if isinstance(named, str) else None


def _run(target: _Target, machine: Mapping[str, Any] | None, root: Path, folder: Path, *, verbose: bool) -> Path:
    """Run the case in a process of its own, with the seeds and the threads of then; the ledger that it wrote."""
    row, ledger, again = target.entry.row, folder / "ledger.jsonl", folder / "again.json"
    examples = row.get("examples") or {}
    again.write_text(json.dumps(examples.get("properties", [])), encoding="utf-8")
    # with "=", because pytest looks for its settings above whatever else stands alone and is there
    command = [sys.executable, "-m", "pytest", "-m", "falsify", f"--rootdir={root}", f"--pv-ledger={ledger}"]
    command += [f"--pv-again={again}", *_seeded(row.get("seed")), *(["-n0"] if _has("xdist") else [])]
    command.append(str(root / target.node))
    if not _has("pytest"):
        raise UsageProblem("pytest is not installed: the extra [falsify]")
    sys.stderr.write(f"replaying {escape(target.name)}\n")
    sys.stderr.flush()
    with (folder / "said").open("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command, cwd=root, env=_variables(machine), stdout=sys.stderr if verbose else said, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()  # it was interrupted as well
            raise
        said.seek(0)
        lines = said.read().splitlines()
    if code in (0, 1) and ledger.exists():
        return ledger
    told = "".join(f"\n  {escape(line)}" for line in lines[-_TAIL:])
    bug = "pytest broke" if code == _FAULT else "pytest could not run it"
    raise UsageProblem(f"{escape(target.name)}: cannot be replayed: {bug} (exit code {code}){told}")


def _seeded(seed: object) -> list[str]:
    """Options that give random numbers the seed that they had."""
    if not isinstance(seed, int):
        return ["-p", "no:randomly"]
    if not _has("pytest_randomly"):
        raise UsageProblem(f"it was run with random numbers from {seed}: pytest-randomly is not installed")
    return [f"--randomly-seed={seed}"]


def _variables(machine: Mapping[str, Any] | None) -> dict[str, str]:
    """Today's variables, but for those that decide in how many threads and by which kernels sums are taken: as they were."""
    if machine is None:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name not in (*THREADS, *KERNELS)}
    for part, known in (("threads", THREADS), ("kernels", KERNELS)):
        given = machine.get(part)
        kept |= {name: str(value) for name, value in given.items() if name in known} if isinstance(given, dict) else {}
    seed = machine.get("hash_seed")
    return kept | ({"PYTHONHASHSEED": seed} if isinstance(seed, str) else {})


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _as_json(target: _Target, found: Comparison, now: Mapping[str, Any]) -> str:
    def listed(differences: Iterable[Difference]) -> list[dict[str, Any]]:
        return [{"field": one.field, "then": one.then, "now": one.now} for one in differences]

    said = {
        "schema": "pv-replay-v1",
        "contract": target.claim.contract,
        "claim": target.claim.id,
        "label": target.case.label,
        "line": target.entry.number,
        "id": target.entry.id,
        "verdict": {"then": target.entry.row["verdict"], "now": now["verdict"]},
        "same": found.same,
        "inputs": listed(found.inputs),
        "differs": listed(found.said),
        "beside": listed(found.beside),
    }
    return json.dumps(said, indent=2)


def _as_text(target: _Target, found: Comparison) -> str:
    paint = Paint.for_stream(sys.stdout)
    verdict = target.entry.row["verdict"]
    if found.same:
        lines = [f"{escape(target.name)}: {paint('the same', 'green')}: {verdict}"]
    elif found.said:
        lines = [f"{escape(target.name)}: {paint('differs', 'red')}"]
    else:
        lines = [f"{escape(target.name)}: {paint('the same', 'yellow')}: {verdict}, but not from the same files"]
    for title, part in (
        ("inputs that have changed", found.inputs),
        ("what differs", found.said),
        ("beside", found.beside),
    ):
        if part:
            lines += ["", paint(title, "bold"), *table([("field", "then", "now"), *_rows(part)], paint)]
    return "\n".join(lines)


def _rows(differences: Iterable[Difference]) -> Iterator[tuple[str, str, str]]:
    for one in differences:
        then, now = (cut(escape(_text(value)), _SHOWN) for value in (one.then, one.now))
        yield escape(one.field), then, now


def _text(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
