"""Nothing that a file says drives a terminal: one hostile text in every place that can hold one, and everything that shows it."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

pytest_plugins = ["pytester"]

# a link (OSC 8), a cleared screen, backspace and return, C1's CSI and OSC, what turns the direction, breaks of lines
EVIL = "a\x1b]8;;http://evil\x07\x1b[2J\x08\r\x9b31m\x9d\u202e\u2066\u200f\u2028\x85z"
FOLDER = EVIL.replace("/", "")
STEER = {"Cc", "Cf", "Cs", "Zl", "Zp"}
Q = json.dumps(EVIL)
HOSTILE = f"""
metadata: {{version: {Q}, description: {Q}, references: [{Q}], status: {Q}, depends_on: [{Q}], created: {Q}, kind: {Q}}}
equations: {{ {Q}: {{formula: {Q}, domain: {Q}, formal: {Q}}} }}
proof_obligations: [{{id: {Q}, type: {Q}, property: {Q}, applies_to: {Q}, formal: {Q}}}]
hypotheses: {{ {Q}: {{statement: {Q}, parent: {Q}}} }}
status_history: [{{status: {Q}, date: {Q}, reason: {Q}}}]
falsification_tests:
  - {{id: F-1, rule: {Q}, prediction: {Q}, if_fails: {Q}, test: {Q}, hypothesis: {Q}, equation: {Q}, mutants: [{{id: {Q}, stage: {Q}}}]}}
  - {{id: {Q}, prediction: {Q}, if_fails: {Q}, binds_to: {Q}, level: {Q}}}
{Q}: {Q}
"""
FREE = f"""
metadata: {{version: "1.0.0", description: {Q}, references: [{Q}]}}
equations: {{f: {{formula: {Q}}}}}
falsification_tests:
  - {{id: F-9, rule: {Q}, prediction: {Q}, if_fails: {Q}, test: {Q}, mutants: [{{id: m, stage: s}}]}}
  - {{id: F-8, rule: {Q}, prediction: {Q}, if_fails: {Q}, test: {Q}}}
"""
FALSIFIERS = f"""
from pv import Refuted, falsifies
E = {EVIL!r}

@falsifies("free-v1", "F-9")
def refutes(mutant, evidence):
    evidence.compared(1, E)
    evidence.skipped(1, E, E)
    evidence.report(**{{E: E}})
    evidence.engine("subject", E, E)
    evidence.counterexample(E)
    raise Refuted(E, stage=E, distance=1.0)

@falsifies("free-v1", "F-8")
def breaks():
    raise ValueError(E)
"""
IGNORING = (
    '[tool.pv]\n[tool.pv.validate]\nignore = ["PV"]\n[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'
)


def steering(text: str) -> list[str]:
    """What in it a terminal would follow."""
    return sorted({ascii(one) for one in text if one != "\n" and unicodedata.category(one) in STEER})


def test_what_is_looked_for_is_found() -> None:
    assert len(steering(EVIL)) == 11


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a contract that holds the text wherever it can, in a folder that is named by it."""
    root = tmp_path / FOLDER
    (root / "contracts").mkdir(parents=True)
    (root / "falsifiers").mkdir()
    (root / "pyproject.toml").write_text(IGNORING)
    (root / "contracts" / "hostile-v1.yaml").write_text(HOSTILE)
    (root / "contracts" / "free-v1.yaml").write_text(FREE)
    (root / "falsifiers" / "free.py").write_text(FALSIFIERS)
    monkeypatch.chdir(root)
    return root


PV = [
    *([f"--format={name}"] for name in ("text", "github", "json", "sarif", "junit", "checkstyle")),
]
COMMANDS = [
    *(["validate", "--select", "PV", *options] for options in PV),
    *(["status", f"--format={name}"] for name in ("text", "json", "markdown", "github", "junit", "sarif", "html")),
    *(
        ["list"],
        ["list", "--json"],
        ["show", "F-9"],
        ["show", "hostile-v1"],
        ["show", EVIL],
        ["missing"],
        ["trace"],
        ["gate"],
    ),
    *(
        ["verify"],
        ["fix", "--diff"],
        ["replay", EVIL],
        ["explain", EVIL],
        ["new", EVIL],
        ["promote", EVIL],
        ["schema", EVIL],
    ),
    *(["validate", EVIL], ["status", "--ledger", EVIL], [EVIL], ["mutants", EVIL]),
]


def run_all(commands: Sequence[Sequence[str]], capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, str]]:
    """The exit code of each command, and everything it showed."""
    from pv.cli import main

    shown = {}
    for command in commands:
        try:
            code = main(list(command))
        except SystemExit as end:
            code = int(str(end.code))
        out, err = capsys.readouterr()
        shown[" ".join(command).replace(EVIL, "EVIL")] = code, out + err
    return shown


@pytest.mark.usefixtures("project")
def test_a_hostile_contract(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run_all(COMMANDS, capsys)
    assert {name: steering(text) for name, (_, text) in shown.items() if steering(text)} == {}
    assert [name for name, (code, _) in shown.items() if code not in (0, 1, 2)] == []
    said = [name for name, (_, text) in shown.items() if "http://evil" in text]
    assert len(said) > len(COMMANDS) // 2  # it was there to be shown


@pytest.mark.parametrize("options", [(), ("-v", "-rA"), ("--tb=no",), ("--pv-strict", "-rs")])
def test_a_hostile_falsifier_and_its_ledger(
    project: Path, options: tuple[str, ...], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with a plain name, which pytest itself shows."""
    plain = project.rename(project.with_name("plain"))
    os.chdir(plain)
    done = pytester.runpytest_subprocess(
        "--rootdir", plain, "-m", "falsify", "-p", "no:cacheprovider", plain / "contracts", *options
    )
    shown = "\n".join((*done.outlines, *done.errlines))
    assert steering(shown.replace("\t", "")) == []
    assert "drive terminals" in shown or "--tb=no" in options  # of the claim whose id it is
    assert json.loads((plain / ".pv" / "ledger.jsonl").read_text().splitlines()[-1])["kind"] == "end"
    if not options:
        told = run_all([*COMMANDS[6:13], ["mutants", "--help"], ["verify"], ["gate"], ["show", "F-9"]], capsys)
        assert {name: steering(text) for name, (_, text) in told.items() if steering(text)} == {}


def test_a_hostile_model_and_table(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from apr.cli import main

    root = tmp_path / FOLDER
    root.mkdir()
    texts = ("general.name", "general.license", "tokenizer.ggml.pre", "tokenizer.chat_template", EVIL)
    spec = maker.Spec(metadata=tuple((name, EVIL) for name in texts))
    weights: dict[str, Any] = dict(maker.tensors(spec))
    weights[EVIL[:50]] = weights["output_norm.weight"]
    model = maker.write_model(root / "m.gguf", spec, weights)
    (root / "aliases.yaml").write_text(
        json.dumps({"b": {"source": "https://x/b.gguf", "unverified": True, "licence": EVIL, "description": EVIL}})
    )
    monkeypatch.chdir(root)
    monkeypatch.setenv("APR_CACHE_DIR", str(root / "cache"))
    monkeypatch.setenv("APR_ALIASES", str(root / "aliases.yaml"))
    commands = [
        *(["inspect", model, "--metadata", "--tensors"], ["validate", model], ["list"], ["find"]),
        *(["run", model, "--prompt", "x", "--chat"], ["trace", model, "--prompt", EVIL, "--out", EVIL]),
        *(["import", model, root / "o.apr"], ["parity", EVIL, "x"], ["pull", EVIL], ["diff", EVIL, EVIL, "--values"]),
    ]
    said = 0
    for command in commands:
        try:
            code = main([str(part) for part in command])
        except SystemExit as end:
            code = int(str(end.code))
        out, err = capsys.readouterr()
        assert code in (0, 1, 2), err
        assert steering(out + err) == [], command[0]
        said += "http:" in out + err
    assert said > len(commands) // 2


def test_a_hostile_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from apr.ccpa.cli import main

    monkeypatch.chdir(tmp_path)
    Path("t.ccpa-trace.jsonl").write_text(json.dumps({"schema": EVIL, EVIL: EVIL, "kind": EVIL}) + "\n")
    for command in (
        ["validate", "t.ccpa-trace.jsonl"],
        ["diff", "t.ccpa-trace.jsonl", "t.ccpa-trace.jsonl"],
        ["validate", EVIL],
    ):
        try:
            code = main(command)
        except SystemExit as end:
            code = int(str(end.code))
        out, err = capsys.readouterr()
        assert code in (1, 2)
        assert steering(out + err) == [], command[0]
        assert out + err
