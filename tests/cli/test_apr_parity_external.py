"""`apr parity` with engines of other people: a program that shares no code with the runtime, and what it left behind."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr.engines.llama_cpp.providers import providers
from apr.formats.aprt import open_stage, write_stage

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "external_engine.py"
ENGINE = shlex.join([sys.executable, str(SCRIPT)])
COMMAND = f"cmd:{ENGINE} --model {{model}} --tokens {{tokens}} --stages {{stages}} --out {{out}}"
TOKENS = "3,1,4,1,5,9,2,6"
# read, not imported: collecting tests does not wait for numpy
BUGS = re.findall(r'^    "([a-z-]+)": Bug\(', SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not providers(), reason="no llama.cpp library was found"),
]


def parity(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "parity", *map(str, args), "--no-shrink"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def verdict(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert last["record"] == "verdict"
    return last


@pytest.fixture(scope="session")
def table() -> dict[str, list[str]]:
    """What the script says of its bugs: stage, layer, kind by name."""
    done = subprocess.run([sys.executable, SCRIPT, "--list"], capture_output=True, text=True, check=True)
    return {name: rest[:3] for name, *rest in (line.split("\t") for line in done.stdout.splitlines())}


@pytest.fixture(scope="session")
def model(fixture_model: Callable[[str], Path]) -> Path:
    return fixture_model("llama-q4_k_m")


@pytest.fixture
def recording(model: Path, tmp_path: Path) -> Callable[..., Path]:
    """A folder that the script wrote."""

    def record(*options: str) -> Path:
        folder = tmp_path / "stages"
        command = [
            sys.executable,
            str(SCRIPT),
            "--model",
            str(model),
            "--tokens",
            TOKENS,
            "--out",
            str(folder),
            *options,
        ]
        subprocess.run(command, check=True)
        return folder

    return record


def test_no_bug_is_left_out(table: dict[str, list[str]]) -> None:
    assert list(table) == BUGS
    assert len(BUGS) >= 10


@pytest.mark.parametrize("name", BUGS)
def test_each_bug_of_another_engine_is_diagnosed(model: Path, table: dict[str, list[str]], name: str) -> None:
    stage, layer, kind = table[name]
    done = parity(f"{COMMAND} --bug {name}", "--against", "llama.cpp", model, "--tokens", TOKENS, "--json")
    found = verdict(done)
    assert done.returncode == 1
    assert (found["outcome"], found["comparable"], found["complete"]) == ("diverges", True, True)
    first = found["first_divergence"]
    assert first["stage"] == stage
    assert first["layer"] == (None if layer == "-" else int(layer))
    assert first["kind"]["name"] == kind
    assert first["culprit"] == "subject"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("llama-q4_k_m", ""),
        ("llama-q4_k_m", " --float64"),
        ("llama-spm-q8_0", ""),
        ("llama-q6_k", " --silent"),
        ("llama-massive-q4_k_m", ""),
    ],
)
def test_an_engine_without_a_bug_agrees(fixture_model: Callable[[str], Path], name: str, options: str) -> None:
    path = fixture_model(name)
    done = parity(f"{COMMAND}{options}", "--against", "llama.cpp", path, "--tokens", TOKENS, "--json")
    found = verdict(done)
    assert (done.returncode, found["outcome"], found["first_divergence"]) == (0, "agrees", None), found["reason"]


def test_the_oracle_may_be_the_one_that_is_wrong(model: Path) -> None:
    done = parity("numpy:f32", "--against", f"{COMMAND} --bug gelu", model, "--tokens", TOKENS, "--json")
    first = verdict(done)["first_divergence"]
    assert (first["stage"], first["layer"], first["culprit"]) == ("ffn_silu", 0, "oracle")


def test_what_a_program_left_behind_is_diagnosed_without_it(recording: Callable[..., Path], model: Path) -> None:
    folder = recording("--bug", "o-transposed")
    done = parity(f"dir:{folder}", "--against", "llama.cpp", model, "--json")
    first = verdict(done)["first_divergence"]
    assert (first["stage"], first["layer"], first["kind"]["name"]) == ("attn_out", 1, "transposition")
    assert "not probed" in parity(f"dir:{folder}", "--against", "llama.cpp", model).stdout


def test_stage_files_that_say_nothing_need_the_command_line(recording: Callable[..., Path], model: Path) -> None:
    folder = recording("--silent")
    done = parity(f"dir:{folder}", "--against", "llama.cpp", model)
    assert done.returncode == 1
    assert "nothing says which tokens and which model" in done.stderr
    assert "give --tokens" in done.stderr
    done = parity(f"dir:{folder}", "--against", "llama.cpp", model, "--tokens", TOKENS, "--json")
    assert (done.returncode, verdict(done)["outcome"]) == (0, "agrees")


def test_other_tokens_are_not_comparable(recording: Callable[..., Path], model: Path) -> None:
    done = parity(f"dir:{recording()}", "--against", "llama.cpp", model, "--tokens", "3,1,4", "--json")
    found = verdict(done)
    assert (done.returncode, found["outcome"], found["comparable"]) == (1, "incomparable", False)


def test_another_model_is_not_comparable(recording: Callable[..., Path], fixture_model: Callable[[str], Path]) -> None:
    other = fixture_model("llama-massive-q4_k_m")
    found = verdict(parity(f"dir:{recording()}", "--against", "llama.cpp", other, "--tokens", TOKENS, "--json"))
    assert (found["outcome"], found["comparable"]) == ("incomparable", False)


def test_logits_of_the_last_position_alone_are_missing_not_equal(recording: Callable[..., Path], model: Path) -> None:
    folder = recording("--silent")
    last = open_stage(folder / "lm_head.bin").values.reshape(8, -1)[-1].copy()
    write_stage(folder / "lm_head.bin", None, last)
    done = parity(f"dir:{folder}", "--against", "llama.cpp", model, "--tokens", TOKENS, "--json")
    found = verdict(done)
    assert (done.returncode, found["outcome"], found["complete"]) == (1, "inconclusive", False)


def test_a_stage_that_was_not_written_is_missing(model: Path) -> None:
    command = COMMAND.replace("{stages}", "embedding,attn_norm,qkv_matmul")
    done = parity(command, "--against", "llama.cpp", model, "--tokens", TOKENS, "--json")
    found = verdict(done)
    assert (done.returncode, found["outcome"], found["complete"]) == (1, "inconclusive", False)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (f"cmd:{sys.executable} -c 'import sys; sys.exit(\"no such luck\")' {{out}}", "no such luck"),
        (f"cmd:{sys.executable} -c pass {{out}}", "wrote no stage file"),
        (f"cmd:{sys.executable} {{outt}}", "did you mean {out}?"),
        ("cmd:/does/not/exist {out}", "cannot be started"),
        ("lama.cpp", "did you mean 'llama.cpp'?"),
        ("dir:/does/not/exist", "does not exist"),
    ],
)
def test_engines_that_fail_are_one_line(model: Path, spec: str, message: str) -> None:
    done = parity(spec, "--against", "numpy:f32", model, "--tokens", TOKENS)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
