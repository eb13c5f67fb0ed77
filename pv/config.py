"""`[tool.pv]` of a project's pyproject.toml."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.limits import ShellLimits, read_limits
from pv.policy import SEVERITIES, Policy
from pv.types import UsageProblem
from pv.words import CONDITIONS, NOTE, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

# the keys and what they say, which docs/reference/pv-validate.md quotes
KEYS = {
    "contracts": 'folders of contracts; default: `["contracts"]`',
    "evidence": "folder of the lines that promotions name; default: `evidence` beside the ledger",
    "falsifiers": 'folders of falsifiers; default: `["falsifiers"]`',
    "ledger": "file of the evidence; default: `.pv/ledger.jsonl`",
    "probes": "programs that say whether something a claim waits for is there: name to argument vector, with `{}` for it",
    "subjects": "whose functions executable contracts judge: a name to a module, or to `{module, mutants}`, a table of its own",
    "schema": "the project's copy of the JSON Schema, which every contract names to editors (PV108); default: none",
    "shell-tests": "what commands of contracts are given where `--run-shell-tests` runs them, a table of its own",
    "validate": "a table of its own, below",
}
VALIDATE = {
    "ignore": "codes, or beginnings of codes, that do not count; default: `[]`; `--ignore` adds to it",
    "select": "codes, or beginnings of codes, that alone count; default: all; `--select` stands instead of both lists",
    "severity": 'code, or beginning of codes, to `"error"`, `"warning"`, `"note"` or `"off"`; the longest that fits decides',
    "strict": "whether warnings count as errors; default: `false`",
}
# how [tool.pv] can be written, quoted or not, as a table, below [tool], or as a dotted key
_OURS = re.compile(
    rb"""tool["']?\s*\.\s*["']?pv\b|^\s*\[\s*tool\s*\][^\[]*^\s*["']?pv\b|\btool["']?\s*=\s*\{[^\n]*\bpv\b""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class SubjectSpec:
    """A module of functions that contracts judge by name, and the one whose `MUTANTS` are planted in it."""

    module: str
    mutants: str | None = None


@dataclass(frozen=True)
class Config:
    """Where a project keeps its contracts, its falsifiers, its ledger and the evidence of promotions.

    `evidence` is the folder of the last where the project names one; `archive` is the folder in any case. `probes` are
    programs that say whether something a claim waits for is there: argument vectors in which `{}` stands for it. `schema` is
    the project's copy of the JSON Schema, which contracts name to editors; `policy` and `strict` are `[tool.pv.validate]`. `subjects` are
    the modules that executable contracts judge, or hold others against; `shell_tests` is what a command of a contract is given if it is run.
    """

    root: Path
    contracts: tuple[Path, ...]
    falsifiers: tuple[Path, ...]
    ledger: Path
    probes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    evidence: Path | None = None
    schema: Path | None = None
    policy: Policy = field(default_factory=Policy)
    strict: bool = False
    subjects: Mapping[str, SubjectSpec] = field(default_factory=dict, hash=False)
    shell_tests: ShellLimits = field(default_factory=ShellLimits)

    @property
    def archive(self) -> Path:
        """The folder that keeps the evidence of promotions: `evidence` beside the ledger, unless the project names another."""
        return self.evidence or self.ledger.parent / "evidence"


def read_config(root: Path, *, foreign: bool = False) -> Config | None:
    """The configuration of the project at `root`; None if it has no `[tool.pv]`.

    With `foreign`, a file that cannot be used and does not speak of `[tool.pv]` is none of our business: None.

    Raises:
        UsageProblem: the file is not TOML, or `[tool.pv]` says something that cannot be used.
    """
    path = root / "pyproject.toml"
    try:
        raw = path.read_bytes() if path.is_file() else b""
    except OSError:
        return None
    if b"tool" not in raw or (foreign and not _OURS.search(raw)):
        return None
    table = _table(path, raw)
    if table is None:
        return None
    _refuse_unnameable(path, table)
    for key in table:
        if key not in KEYS:
            fix = did_you_mean(key, KEYS) or f"the keys are {', '.join(KEYS)}"
            raise UsageProblem(f"{path}: unknown key {key!r} in [tool.pv]; {fix}")
    ledger = table.get("ledger", ".pv/ledger.jsonl")
    if not _is_name(ledger):
        raise UsageProblem(f"{path}: [tool.pv] ledger must be the path of a file")
    return Config(
        root=root,
        contracts=_folders(path, table, "contracts"),
        falsifiers=_folders(path, table, "falsifiers"),
        ledger=Path(normpath(root / ledger)),
        probes=_probes(path, table),
        evidence=_evidence(path, table),
        schema=_schema(path, table),
        subjects=_subjects(path, table),
        shell_tests=read_limits(table.get("shell-tests", {}), f"{path}: [tool.pv.shell-tests]"),
        **_validate(path, table),
    )


def find_config(start: Path) -> Config:
    """The configuration of the nearest folder at or above `start` that has one; defaults if none has.

    They hold for the folder that holds its `contracts`, or else for the current folder where `start` lies below, or for `start`.

    Raises:
        UsageProblem: the nearest configuration cannot be used.
    """
    for folder in (start, *start.parents):
        config = read_config(folder)
        if config:
            return config
    root = _unconfigured(start)
    return Config(root, (root / "contracts",), (root / "falsifiers",), root / ".pv/ledger.jsonl")


def _unconfigured(start: Path) -> Path:
    """The root of a project without a configuration: what holds its `contracts`, or else the current folder, or `start`."""
    here = Path.cwd()
    inside = start.is_relative_to(here)
    above = [folder for folder in (start, *start.parents) if folder.is_relative_to(here) or not inside]
    return next((folder.parent for folder in above if folder.name == "contracts"), here if inside else start)


def _table(path: Path, raw: bytes) -> dict[str, Any] | None:
    try:
        tool = tomllib.loads(raw.decode("utf-8")).get("tool", {})
    except ValueError as problem:
        raise UsageProblem(f"{path}: not TOML: {problem}") from None
    except RecursionError:
        raise UsageProblem(f"{path}: not usable TOML: nested too deep; flatten it") from None
    if not isinstance(tool, dict):
        raise UsageProblem(f"{path}: 'tool' must be a table, as in [tool.pv]")
    table = tool.get("pv")
    if table is not None and not isinstance(table, dict):
        raise UsageProblem(f"{path}: [tool.pv] must be a table")
    return table


def _refuse_unnameable(path: Path, table: dict[str, Any]) -> None:
    """Say at once where a locale without Unicode cannot name the files that the settings name."""
    for key in ("contracts", "falsifiers", "ledger", "evidence", "schema"):
        try:
            os.fsencode(str(table.get(key, "")))
        except UnicodeEncodeError as problem:
            lacks = f"which lacks {problem.object[problem.start]!r}; set PYTHONUTF8=1, or a locale of UTF-8"
            raise UsageProblem(f"{path}: [tool.pv] {key}: file names are {problem.encoding} here, {lacks}") from None


def _folders(path: Path, table: dict[str, Any], key: str) -> tuple[Path, ...]:
    names = table.get(key, [key])
    if not isinstance(names, list) or not names or not all(map(_is_name, names)):
        raise UsageProblem(f"{path}: [tool.pv] {key} must be a list of folders")
    folders = tuple(Path(normpath(path.parent / name)) for name in names)
    for folder in folders:
        try:
            there = folder.exists()
        except OSError as problem:  # a name that is too long
            shown = f"{str(folder)[:80]}…"
            raise UsageProblem(f"{path}: [tool.pv] {key}: {shown} cannot be a folder: {problem.strerror}") from None
        if there and not folder.is_dir():
            raise UsageProblem(f"{path}: [tool.pv] {key}: {folder} is no folder; name the folder it stands in")
        if not there and (key in table or key == "contracts"):
            raise UsageProblem(f"{path}: [tool.pv] {key}: there is no folder {folder}; create it or correct the key")
    return folders


def _evidence(path: Path, table: dict[str, Any]) -> Path | None:
    name = table.get("evidence")
    if name is None:
        return None
    if not _is_name(name):
        raise UsageProblem(f"{path}: [tool.pv] evidence must be the path of a folder")
    return Path(normpath(path.parent / name))


def _schema(path: Path, table: dict[str, Any]) -> Path | None:
    name = table.get("schema")
    if name is None:
        return None
    if not _is_name(name):
        raise UsageProblem(f"{path}: [tool.pv] schema must be the path of a file")
    return Path(normpath(path.parent / name))


def _subjects(path: Path, table: dict[str, Any]) -> dict[str, SubjectSpec]:
    given = table.get("subjects", {})
    where = f"{path}: [tool.pv.subjects]"
    if not isinstance(given, dict):
        raise UsageProblem(f"{where} must be a table")
    found = {}
    for name, value in given.items():
        spec = {"module": value} if isinstance(value, str) else value
        if not isinstance(spec, dict) or "module" not in spec or not set(spec) <= {"module", "mutants"}:
            raise UsageProblem(f'{where} {name} must be a module, as "package.kernels", or {{module = …, mutants = …}}')
        for key, module in spec.items():
            check_module(module, f"{where} {name} {key}")
        found[name] = SubjectSpec(spec["module"], spec.get("mutants"))
    return found


def check_module(name: Any, where: str) -> None:
    """Refuse what cannot be the name of a module.

    Raises:
        UsageProblem: it is none.
    """
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        raise UsageProblem(f"{where}: {name!r} is no module; write it as in an import: package.module")


def _validate(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    given = table.get("validate", {})
    where = f"{path}: [tool.pv.validate]"
    if not isinstance(given, dict):
        raise UsageProblem(f"{where} must be a table")
    for key in given:
        if key not in VALIDATE:
            fix = did_you_mean(key, VALIDATE) or f"the keys are {', '.join(VALIDATE)}"
            raise UsageProblem(f"{where}: unknown key {key!r}; {fix}")
    for key in ("select", "ignore"):
        names = given.get(key, [])
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise UsageProblem(f'{where} {key} must be a list of codes, as ["PV208"]')
    severity = given.get("severity", {})
    if not isinstance(severity, dict):
        raise UsageProblem(f'{where} severity must be a table, as {{PV208 = "warning"}}')
    for code, word in severity.items():
        if word not in SEVERITIES:
            fix = did_you_mean(str(word), SEVERITIES) or f"one of {', '.join(SEVERITIES)}"
            raise UsageProblem(f"{where} severity: {code} cannot be {word!r}; {fix}")
    strict = given.get("strict", False)
    if not isinstance(strict, bool):
        raise UsageProblem(f"{where} strict is true or false")
    policy = Policy(tuple(given.get("select", ())), tuple(given.get("ignore", ())), severity)
    return {"policy": policy, "strict": strict}


def _probes(path: Path, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    probes = table.get("probes", {})
    if not isinstance(probes, dict):
        raise UsageProblem(f"{path}: [tool.pv.probes] must be a table")
    for name, vector in probes.items():
        if name in (*CONDITIONS, NOTE):
            raise UsageProblem(f"{path}: [tool.pv.probes] {name}: pv itself knows what that is; take another name")
        if not isinstance(vector, list) or not vector or not all(map(_is_name, vector)):
            raise UsageProblem(f"{path}: [tool.pv.probes] {name} must be a list of words: a program and its arguments")
        if "{}" in vector[0] or not any("{}" in word for word in vector):
            raise UsageProblem(
                f"{path}: [tool.pv.probes] {name}: one argument must hold '{{}}', for what is asked about"
            )
    return {name: tuple(vector) for name, vector in probes.items()}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value
