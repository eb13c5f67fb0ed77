"""What docs/how-to/contracts.md and editors.md show, done in an empty folder, in their order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# with --strict the skeleton does not pass, and `pv missing` says that something is
ENDS = {"pv validate --strict contracts/attention-scores-v1.yaml": 1, "pv missing": 1}


def blocks(name: str, kind: str) -> list[str]:
    found = re.findall(rf"```{kind}\n(.*?)```", (ROOT / "docs/how-to" / name).read_text(), re.DOTALL)
    assert found
    return found


def run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    python = f"{shlex.quote(sys.executable)} -m pv"
    script = re.sub(r"^pv\b", python, line).replace("python -m pytest", f"{shlex.quote(sys.executable)} -m pytest")
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_from_an_empty_folder_to_a_claim_that_was_tested(tmp_path: Path) -> None:
    lines = [line for text in blocks("contracts.md", "sh") for line in text.splitlines()]
    assert len(lines) >= 11
    told = {}
    for line in lines:
        done = run(tmp_path, line)
        assert done.returncode == ENDS.get(line, 0), (line, done.stdout, done.stderr)
        told[line] = done.stdout
    assert "1 claim: 1 discharged, 0 refuted, 0 inconclusive, 1/1 mutants killed" in told["python -m pytest -m falsify"]
    assert '"FALSIFY-ATTENTION-SCORES-001"' in told["pv missing"]
    assert "2 contracts, 2 claims: 2 bound" in told["pv list"]
    # as the page says: another falsifier has come into the folder since
    assert "discharged, algorithm, seen " in told["pv show FALSIFY-EXAMPLE-001"]
    assert "stale: falsifiers" in told["pv show FALSIFY-EXAMPLE-001"]
    (python,) = blocks("contracts.md", "python")
    compile(python, "shown", "exec")
    assert python.splitlines()[0] in told["pv missing"]


def test_an_editor_is_led_to_the_schema(tmp_path: Path) -> None:
    run(tmp_path, "pv init")
    run(tmp_path, "pv new softmax-v1")
    schema = tmp_path / "contracts/contract.schema.json"
    known = schema.read_bytes()
    schema.unlink()
    for line in (line for text in blocks("editors.md", "sh") for line in text.splitlines()):
        done = run(tmp_path, line)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert schema.read_bytes() == known
    (toml,) = blocks("editors.md", "toml")
    assert tomllib.loads(toml)["tool"]["pv"]["schema"] == "contracts/contract.schema.json"
    (modeline,) = blocks("editors.md", "yaml")
    first = modeline.splitlines()[0]
    assert (tmp_path / "contracts/softmax-v1.yaml").read_text().startswith(first + "\n")
    assert set(yaml.safe_load(modeline)) == {"metadata"}
    (settings,) = blocks("editors.md", "json")
    ((path, _),) = json.loads(settings)["yaml.schemas"].items()
    assert (tmp_path / path).is_file()


def test_the_schema_is_one_that_editors_understand(tmp_path: Path) -> None:
    """Draft-07 is what they take; the example is sound by it, and a misspelt key is not."""
    import jsonschema

    run(tmp_path, "pv init")
    schema = json.loads((tmp_path / "contracts/contract.schema.json").read_text())
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    checker = jsonschema.Draft7Validator(schema)
    text = (tmp_path / "contracts/example-v1.yaml").read_text()
    assert list(checker.iter_errors(yaml.safe_load(text))) == []
    (problem,) = checker.iter_errors(yaml.safe_load(text.replace("if_fails:", "if_fail:")))
    assert "if_fail" in problem.message
