"""`apr parity` as a user starts it: answers, exit codes, what it keeps and reads again, what it refuses."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apr.engines.llama_cpp.providers import providers

Run = Callable[..., subprocess.CompletedProcess[str]]
TOKENS = "5,9,200,17,42"
needs_llama = pytest.mark.skipif(not providers(), reason="no llama.cpp library: pip install xllamacpp")


@pytest.fixture
def apr(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "apr", *map(str, arguments)],
            cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def model(tiny_llama: Callable[..., Path]) -> Path:
    return tiny_llama("Q8_0")


def last(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert record["record"] == "verdict"
    return record


def damaged(apr: Run, model: Path, folder: Path) -> Path:
    """A capture of the reference in which one number of layer 1's ffn_up is wrong."""
    done = apr(
        "trace", model, "--save-tensor", "all", "--save-tensor-layers", "all", "--tokens", TOKENS.replace(",", " "),
        "--arithmetic", "f32", "--output", folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    path = folder / "layer-1" / "ffn_up.bin"
    raw = bytearray(path.read_bytes())
    raw[12 + 4 * (2 * 96 + 7) + 2] ^= 0x40  # position 2, channel 7, a high bit of the fraction
    path.write_bytes(bytes(raw))
    return folder


@needs_llama
def test_sound_sides_agree(apr: Run, model: Path) -> None:
    done = apr("parity", "numpy:ggml", "--against", "llama.cpp", model, "--tokens", TOKENS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("AGREES")
    assert "alpha" in done.stdout
    assert done.stderr == ""
    said = last(apr("parity", "numpy:ggml", "--against", "llama.cpp", model, "--tokens", TOKENS, "--json"))
    assert said["outcome"] == "agrees"
    assert said["first_divergence"] is None
    assert said["comparable"]
    assert said["complete"]


@needs_llama
def test_exact_arithmetic_runs_free_and_agrees_in_every_bit(apr: Run, model: Path) -> None:
    done = apr("parity", "numpy:exact", "--against", "llama.cpp", model, "--tokens", TOKENS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every bit" in done.stdout


def test_one_wrong_number_is_named_and_its_stage_kept_for_later(apr: Run, model: Path, tmp_path: Path) -> None:
    folder = damaged(apr, model, tmp_path / "theirs")
    done = apr(
        "parity", f"dir:{folder}", "--against", "numpy:f64", model, "--json", "--save", "kept", "--report", "out.html"
    )
    assert done.returncode == 1, done.stderr
    first = last(done)["first_divergence"]
    assert (first["stage"], first["layer"], first["position"], first["channel"]) == ("ffn_up", 1, 2, 7)
    assert first["kind"]["name"] == "element"
    assert first["culprit"] == "subject"
    kept = (tmp_path / "kept" / "measurement.jsonl").read_text(encoding="utf-8")
    assert kept == done.stdout
    assert "ffn_up" in (tmp_path / "out.html").read_text(encoding="utf-8")

    again = apr("parity", "--from", "kept", "--json")
    assert again.returncode == 1
    assert last(again)["first_divergence"] == first
    elsewhere = apr("parity", "--from", "kept", "--layers", "0..1", "--json")
    assert elsewhere.returncode == 0, elsewhere.stderr
    # who reads the wrong number disagrees with a judge who is told the same
    loose = apr("parity", "--from", "kept", "--bound", "ffn_up=1", "--bound", "all=0.9", "--because", "known since May")
    assert loose.returncode == 0, loose.stdout
    assert "known since May" in loose.stdout
    strict = apr("parity", "--from", "kept", "--bound", "attn_norm=0", "--because", "I want it exact", "--json")
    assert last(strict)["first_divergence"]["stage"] == "attn_norm"


def test_what_is_missing_makes_the_answer_inconclusive_and_the_exit_code_tells(
    apr: Run, model: Path, tmp_path: Path
) -> None:
    apr("trace", model, "--save-tensor", "attn_norm,ffn_norm", "--tokens", "5 9", "--output", tmp_path / "some")
    done = apr("parity", f"dir:{tmp_path / 'some'}", "--against", "numpy:f64", model, "--json")
    said = last(done)
    assert done.returncode == 1
    assert (said["outcome"], said["complete"]) == ("inconclusive", False)
    only = ("--stages", "attn_norm", "--layers", "0..1")
    done = apr("parity", f"dir:{tmp_path / 'some'}", "--against", "numpy:f64", model, "--json", *only)
    assert last(done)["complete"] is False, "its input, the embedding, was not captured"


def test_other_tokens_are_incomparable_not_different(apr: Run, model: Path, tmp_path: Path) -> None:
    folder = damaged(apr, model, tmp_path / "theirs")
    done = apr("parity", f"dir:{folder}", "--against", "numpy:f64", model, "--tokens", "5,9,200,17,43", "--json")
    assert done.returncode == 1
    if done.stdout:
        assert last(done)["outcome"] == "incomparable"
    else:
        assert "not comparable" in done.stderr


def test_the_historic_capture_is_told_apart(apr: Run, model: Path, tmp_path: Path) -> None:
    """All positions on one side, the last on the other: ratios of such statistics once cost two weeks."""
    folder = damaged(apr, model, tmp_path / "theirs")
    listing = json.loads((folder / "capture.json").read_text(encoding="utf-8"))
    for entry in listing["files"]:
        path, width = folder / entry["path"], entry["shape"][1]
        raw = path.read_bytes()
        path.write_bytes(raw[:8] + width.to_bytes(4, "little") + raw[-4 * width :])
    (folder / "capture.json").unlink()
    done = apr("parity", f"dir:{folder}", "--against", "numpy:f64", model, "--tokens", TOKENS, "--json")
    assert done.returncode == 1
    verdict = last(done)
    assert verdict["outcome"] in ("inconclusive", "incomparable")
    assert verdict["first_divergence"] is None


def test_several_prompts(apr: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("the inner theory\n\n[5, 9, 200]\n", encoding="utf-8")
    done = apr("parity", "numpy:f32", "--against", "numpy:f64", model, "--prompts", "prompts.txt", "--json")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records[0]["prompts"][1] == [5, 9, 200]
    assert {record["prompt"] for record in records if record["record"] == "stage"} == {0, 1}


@needs_llama
def test_the_replay_shows_it_again(apr: Run, model: Path) -> None:
    """A program whose layer 1 is wrong for one token only: the smallest run has two tokens, one of them that one."""
    root = Path(__file__).resolve().parents[2]
    template = f"cmd:{shlex.quote(sys.executable)} {root / 'tests' / 'external_engine.py'} --bug output-gain"
    template += " --model {model} --tokens {tokens} --stages {stages} --out {out}"
    done = apr("parity", template, "--against", "llama.cpp", model, "--tokens", TOKENS)
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("see it again:")]
    words = shlex.split(line.partition(":")[2])
    assert words[0] == "apr"
    assert len(words[words.index("--tokens") + 1].split(",")) == 2
    again = apr(*words[1:], "--json")
    first = last(again)["first_divergence"]
    assert (first["stage"], first["layer"], first["culprit"]) == ("attn_out", 1, "subject")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a subject is needed"),
        (("numpy:f64",), "an oracle is needed"),
        (("numpi:f64", "--against", "numpy:f64", "MODEL"), "did you mean 'numpy'?"),
        (("numpy:f16", "--against", "numpy:f64", "MODEL"), "has no arithmetic 'f16'"),
        (("numpy:f64", "--against", "numpy:f32"), "needs a model"),
        (("numpy:f64", "--against", "numpy:f32", "nowhere.gguf"), "nowhere.gguf"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--layers", "3..9"), "layer 8 does not exist"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--layers", "3"), "is not a range"),
        (
            ("numpy:f64", "--against", "numpy:f32", "MODEL", "--positions", "70..80", "--tokens", "5"),
            "position 70 does not exist",
        ),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--stages", "ffn_upp"), "did you mean 'ffn_up'?"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--alpha", "2"), "'2' is no probability"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--bound", "ffn_up=1"), "needs a reason"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--bound", "ffn_up", "--because", "x"), "is no bound"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--tokens", "5,a"), "'a' is not a whole number"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--tokens", "99999"), "outside the vocabulary"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--prompts", "nowhere.txt"), "cannot be read"),
        (("numpy:f64", "--against", "numpy:f32", "MODEL", "--report", "no/such/r.html"), "there is no folder"),
        (("--from", "nowhere"), "cannot be read"),
        (("--from", "kept", "--tokens", "5"), "does not go with --from"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:40],
)
def test_refusals_are_one_line(apr: Run, model: Path, arguments: tuple[str, ...], message: str) -> None:
    done = apr("parity", *(str(model) if word == "MODEL" else word for word in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_broken_recording_is_refused_by_line(apr: Run, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "measurement.jsonl").write_text('{"record":"run"}\n', encoding="utf-8")
    done = apr("parity", "--from", "kept")
    assert done.returncode == 2
    assert "measurement.jsonl:1" in done.stderr
    assert done.stderr.count("\n") == 1
