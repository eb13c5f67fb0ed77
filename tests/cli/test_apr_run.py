"""The real program `apr run`: text as it comes, what ends it, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROMPT = "the king of the"


def run(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "run", *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, encoding="utf-8", check=False, env=os.environ | {"NO_COLOR": "1"}
    )  # fmt: skip


def said(*arguments: str | Path) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


@pytest.fixture
def model(fixture_model: Callable[[str], Path]) -> Path:
    return fixture_model("llama-q6_k")


def test_the_text_is_the_tokens_and_the_json_says_what_was_done(model: Path) -> None:
    answer = said(model, "--prompt", PROMPT, "--max-tokens", "8", "--ignore-eos")
    assert answer["schema"] == "apr-run-v1"
    assert (len(answer["tokens"]), answer["stop"], answer["sampling"]) == (8, "limit", None)
    plain = run(model, "--prompt", PROMPT, "--max-tokens", "8", "--ignore-eos")
    assert plain.returncode == 0
    shown = plain.stdout.removesuffix("\n")
    assert shown.isprintable() or "\n" in shown or "\t" in shown  # whatever could steer a terminal is escaped
    assert said(model, "--prompt", PROMPT, "--max-tokens", "8", "--ignore-eos") | {"seconds": 0} == answer | {
        "seconds": 0
    }


def test_tokens_are_those_of_passes_over_the_whole_text(model: Path) -> None:
    import numpy as np

    from apr.engines.reference import Reference
    from apr.formats import open_model
    from apr.ops.arithmetic import F32

    answer = said(model, "--prompt", PROMPT, "--max-tokens", "4", "--ignore-eos")
    text = list(answer["prompt_tokens"])
    reference = Reference(open_model(model), F32)
    for token in answer["tokens"]:
        capture = reference.capture(text)
        assert token == int(np.argmax(capture[capture.keys_in_order()[-1]][-1]))
        text.append(token)


def test_a_token_that_ends_the_text_is_not_part_of_it(model: Path, tmp_path: Path) -> None:
    import gguf

    free = said(model, "--prompt", PROMPT, "--max-tokens", "6", "--ignore-eos")
    assert free["tokens"][2] not in free["tokens"][:2]
    reader = gguf.GGUFReader(model)
    stopping = tmp_path / "stopping.gguf"
    content = bytearray(model.read_bytes())
    field = reader.fields["tokenizer.ggml.eos_token_id"]
    place = field.offset + sum(int(part.nbytes) for part in field.parts[:-1])
    content[place : place + 4] = int(free["tokens"][2]).to_bytes(4, "little")
    stopping.write_bytes(content)
    answer = said(stopping, "--prompt", PROMPT, "--max-tokens", "6")
    assert (answer["tokens"], answer["stop"]) == (free["tokens"][:2], "stop")


def test_a_seed_repeats_and_another_does_not(model: Path) -> None:
    def sampled(seed: str) -> Any:
        answer = said(
            model, "--prompt", PROMPT, "--max-tokens", "12", "--ignore-eos", "--temperature", "2", "--top-k", "50", "--seed", seed
        )  # fmt: skip
        assert answer["sampling"]["top_k"] == 50
        return answer["tokens"]

    assert sampled("1") == sampled("1") != sampled("2")


def test_a_prompt_from_standard_input(model: Path) -> None:
    options = ("--max-tokens", "3", "--ignore-eos", "--json")
    piped = run(model, "--prompt", "-", *options, stdin=PROMPT)
    assert piped.returncode == 0, piped.stderr
    assert json.loads(piped.stdout)["prompt_tokens"] == said(model, "--prompt", PROMPT, *options[:-1])["prompt_tokens"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompt", PROMPT, "--greedy", "--top-k", "4"), "greedy or sampled"),
        (("--prompt", PROMPT, "--max-tokens", "0"), "must be 1 or more"),
        (("--prompt", PROMPT, "--max-tokens", "many"), "not a whole number"),
        (("--prompt", PROMPT, "--system", "Be brief."), "goes with --chat"),
        (("--prompt", PROMPT, "--temperature", "0"), "greedy is what 0 would be"),
        (("--prompt", PROMPT, "--engine", "llama.cpp", "--arithmetic", "f64"), "its own arithmetic"),
        (("--prompt", PROMPT, "--chat"), "has no chat template"),
        (("--prompt", ""), "no tokens to run"),
        (("--prompt", "the king of " * 400), "do not fit"),
        ((), "--prompt"),
    ],
)
def test_what_cannot_be_run_is_one_message(model: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(model, *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_an_apr_file_gives_the_same_text(model: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "apr", "import", model, "-o", tmp_path / "m.apr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    options = ("--prompt", PROMPT, "--max-tokens", "6", "--ignore-eos")
    assert said(tmp_path / "m.apr", *options)["tokens"] == said(model, *options)["tokens"]
    refused = run(tmp_path / "m.apr", *options, "--engine", "llama.cpp")
    assert refused.returncode == 2
    assert "reads GGUF, not apr" in refused.stderr


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["llama-q6_k", "qwen2-q8_0", "qwen3-q8_0", "qwen3moe-f32"])
def test_llama_cpp_generates_too(fixture_model: Callable[[str], Path], name: str) -> None:
    options = ("--prompt", PROMPT, "--max-tokens", "4", "--ignore-eos", "--arithmetic", "ggml")
    path = fixture_model(name)
    ours, theirs = (said(path, *options, "--engine", engine) for engine in ("numpy", "llama.cpp"))
    assert theirs["engine"] == "llama.cpp"
    assert ours["tokens"] == theirs["tokens"]


@pytest.mark.real_model
@pytest.mark.oracle
@pytest.mark.parametrize("engine", ["numpy", "llama.cpp"])
def test_the_real_model_answers_a_message(engine: str) -> None:
    answer = said("smollm2", "--prompt", "What is 2+2?", "--chat", "--max-tokens", "16", "--engine", engine)
    assert answer["text"] == "The answer to this classic math problem is 4."
    assert answer["stop"] == "stop"


@pytest.mark.parametrize("option", [("--temperature", "3"), ("--top-p", "0.5"), ("--min-p", "0.01"), ("--top-k", "9")])
def test_each_option_of_sampling_samples(model: Path, option: tuple[str, str]) -> None:
    answer = said(model, "--prompt", PROMPT, "--max-tokens", "2", "--ignore-eos", *option)
    name = option[0].removeprefix("--").replace("-", "_")
    assert answer["sampling"][name] == float(option[1])


def test_the_end_of_the_context_ends_a_text_and_says_so(tiny_llama: Callable[..., Path]) -> None:
    path = tiny_llama(context=8)
    answer = said(path, "--prompt", "abc", "--max-tokens", "50", "--ignore-eos")
    assert (answer["stop"], len(answer["tokens"])) == ("context", 8 - len(answer["prompt_tokens"]) + 1)


def test_the_arithmetic_asked_for_is_the_one_it_runs_in(model: Path) -> None:
    assert said(model, "--prompt", PROMPT, "--max-tokens", "1", "--arithmetic", "f64")["arithmetic"] == "f64"
