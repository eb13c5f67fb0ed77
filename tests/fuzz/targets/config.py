"""`[tool.pv]` of a pyproject.toml, `pv.config`: what is accepted is what tomllib reads, and paths stay texts."""

from __future__ import annotations

import tomllib
from os.path import normpath
from typing import TYPE_CHECKING, Any

from pv.config import KEYS, VALIDATE, read_config
from pv.types import UsageProblem
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_SEEDS = (
    b'[tool.pv]\ncontracts = ["."]\nfalsifiers = ["."]\nledger = ".pv/ledger.jsonl"\nschema = "s.json"\nevidence = "e"\n',
    b'[project]\nname = "x"\n[tool.pv]\ncontracts = ["."]\n[tool.pv.subjects]\nk = {module = "a.b", mutants = "c"}\nm = "d"\n',
    b'[tool.pv]\ncontracts = ["."]\n[tool.pv.probes]\ngh = ["gh", "issue", "{}"]\n',
    b'[tool.pv]\ncontracts = ["."]\n[tool.pv.validate]\nstrict = true\nselect = ["PV2"]\nseverity = {PV3 = "off"}\n',
    b'tool.pv.contracts = ["."]\n',
)
_TOKENS = (
    *(
        b"[tool.pv]\n",
        b"[[tool.pv]]\n",
        b"tool.pv = 1\n",
        b"[tool.pv.validate]\n",
        b"[tool.pv.subjects]\n",
        b"[tool.pv.probes]\n",
    ),
    *(f"{key} = ".encode() for key in (*KEYS, *VALIDATE)),
    *(
        b'"""',
        b"'''",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"true",
        b"inf",
        b"2026-01-02T03:04:05Z",
        b"\\u0000",
        b"\\U0001F642",
        b"a.a.a.",
    ),
    *(b'"PV208"', b'"warning"', b'"off"', b'"{}"', b'"a.b"', b'"claim"', b'"file"', b'"command"'),
)


def _check(data: bytes, folder: Path) -> bool:
    replace(folder / "pyproject.toml", data)
    try:
        config = read_config(folder)
    except UsageProblem as problem:
        said = str(problem)
        expect(said.startswith(str(folder / "pyproject.toml")), f"a refusal that names no file: {said}")
        return False
    if config is None:
        return False
    table: dict[str, Any] = tomllib.loads(data.decode())["tool"]["pv"]
    expect(set(table) <= set(KEYS), f"an unknown key: {sorted(table)}")
    expect(
        all(path.is_relative_to("/") for path in (*config.contracts, *config.falsifiers, config.ledger)),
        "a path that is none",
    )
    expect(config.ledger == _joined(folder, table.get("ledger", ".pv/ledger.jsonl")), "another ledger")
    expect(len(config.contracts) == len(table.get("contracts", ["contracts"])), "other contracts")
    expect({name: list(vector) for name, vector in config.probes.items()} == table.get("probes", {}), "other probes")
    expect(set(config.subjects) == set(table.get("subjects", {})), "other subjects")
    validate = table.get("validate", {})
    expect(set(validate) <= set(VALIDATE), "an unknown key of validate")
    expect(config.strict is validate.get("strict", False), "another strictness")
    expect(list(config.policy.select) == validate.get("select", []), "another selection")
    expect(dict(config.policy.severity) == validate.get("severity", {}), "other severities")
    return True


def _joined(folder: Path, name: str) -> Path:
    return type(folder)(normpath(folder / name))


TARGET = Target(_check, lambda: list(_SEEDS), "toml", _TOKENS)
