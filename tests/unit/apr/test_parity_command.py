"""What `apr parity` asks of prompts before it runs one, how long it holds captures, and the command lines that it hands out."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr.cli import main
from apr.commands import parity, prompts, replay
from apr.engines.reference import Reference
from apr.errors import UnusableInput, UsageError
from apr.formats import open_model
from apr.formats.aprt import SIDECAR_NAME, write_capture
from apr.ops.arithmetic import F32
from apr.parity import measure, sides, verdict
from apr.parity.shrink import Shrunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile


@pytest.fixture(scope="module")
def model(fixture_model: Callable[[str], Path]) -> Path:
    return fixture_model("llama-spm-q8_0")


@pytest.fixture(scope="module")
def file(model: Path) -> ModelFile:
    return open_model(model)


def test_the_default_prompt_is_written_once() -> None:
    folder = Path(prompts.__file__).parent
    places = [
        path.name for path in folder.glob("*.py") if repr(prompts.DEFAULT_PROMPT)[1:-1] in path.read_text("utf-8")
    ]
    assert places == ["prompts.py"]


def test_only_line_feeds_end_a_prompt_and_lines_are_counted_as_an_editor_does(file: ModelFile, tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    odd = "a\u2028b\x0cc\x1cd\x85e\rf"
    path.write_bytes(f"one\r\n\r\n{odd}\n \n[3, 1, 4]\n".encode())
    found = prompts.from_file(path, file)
    assert found.texts == ("one", odd, "[3, 1, 4]")
    assert found.places == (f"{path}:1", f"{path}:3", f"{path}:5")
    assert found.tokens[2] == [3, 1, 4]


@pytest.mark.parametrize(
    "line", ["[1, 2", "[]", "[1, -2]", "[1.5]", "[true]", "[1, 2147483648]", "[" * 100_000, f"[{'9' * 5000}]"]
)
def test_lines_that_are_no_ids_are_named(file: ModelFile, tmp_path: Path, line: str) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text(f"\n\n{line}\n")
    with pytest.raises(UnusableInput, match="is no list of token ids") as caught:
        prompts.from_file(path, file)
    assert caught.value.where == f"{path}:3"


def test_a_file_of_prompts_has_an_end(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate((16 << 20) + 1)
    with pytest.raises(UnusableInput, match=r"holds more than 16\.0 MiB"):
        prompts.from_file(large, None)
    with pytest.raises(UnusableInput, match="neither a file nor a pipe"):
        prompts.from_file(Path("/dev/zero"), None)
    with pytest.raises(UnusableInput, match="is a folder"):
        prompts.from_file(tmp_path, None)
    bad = tmp_path / "bad"
    bad.write_bytes(b"fine\n\nn\xffo\n")
    with pytest.raises(UnusableInput, match="is not UTF-8") as caught:
        prompts.from_file(bad, None)
    assert caught.value.where == f"{bad}:3"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_read_and_one_without_an_end_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def feed(content: bytes) -> threading.Thread:
        def write() -> None:
            with contextlib.suppress(BrokenPipeError):  # the reader had enough
                pipe.write_bytes(content)

        thread = threading.Thread(target=write)
        thread.start()
        return thread

    writer = feed(b"[3]\n")
    assert prompts.from_file(pipe, None).tokens == [[3]]
    writer.join()
    writer = feed(b"[3]\n" * (5 << 20))
    with pytest.raises(UnusableInput, match="holds more than"):
        prompts.from_file(pipe, None)
    writer.join()


def test_every_prompt_is_checked_against_every_model(file: ModelFile, tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("[3]\n\n[414, 415]\n")
    with pytest.raises(UsageError, match="token id 415 at position 1 is outside the vocabulary of 415") as caught:
        prompts.check(prompts.from_file(path, None), (None, file))
    assert caught.value.where == f"{path}:3"
    path.write_text(f"[3]\n{[1] * 257}\n")
    with pytest.raises(UsageError, match="257 tokens are more than the model's context of 256") as caught:
        prompts.check(prompts.from_file(path, None), (file, file))
    assert caught.value.where == f"{path}:2"
    with pytest.raises(UsageError, match="--tokens: token id 415"):
        prompts.check(prompts.from_tokens("415"), (file, None))
    prompts.check(prompts.from_tokens("414"), (file, file))
    prompts.check(prompts.Prompts([]), (file, file))


def test_nothing_is_run_before_the_last_prompt_is_known_to_be_possible(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a prompt was run")

    monkeypatch.setattr(measure, "capture", never)
    path = tmp_path / "prompts.txt"
    path.write_text("[3]\n\n[3, 99999]\n")
    assert main(["parity", "numpy:f32", "--against", "numpy:f64", str(model), "--prompts", str(path)]) == 2
    assert f"{path}:3: token id 99999 at position 1 is outside the vocabulary of 415" in capsys.readouterr().err


def test_one_file_has_one_judge(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[sides.Judge] = []
    sound = sides.Judge

    def counted(*args: Any) -> sides.Judge:
        made.append(sound(*args))
        return made[-1]

    monkeypatch.setattr(sides, "Judge", counted)
    command = ["parity", "numpy:f32", "--against", "numpy:f64", str(model), "--tokens", "3", "--stages", "attn_norm"]
    assert main(command) == 0, capsys.readouterr().err
    assert len(made) == 1
    assert main([*command, "--oracle-model", str(model)]) == 0, capsys.readouterr().err
    assert len(made) == 3


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({}, 0, None),
        (
            {"tokens": [10**30, 1, 4]},
            2,
            "provenance.tokens[0]: token id 10000000000000000000… is outside the vocabulary",
        ),
        ({"tokens": [3, 1, 1000000]}, 2, "provenance.tokens[2]: token id 1000000 is outside the vocabulary of 415"),
        ({"positions": [0, 1, 10**30]}, 2, "provenance.positions[2]: position 10000000000000000000… is beyond"),
        ({"positions": [0, 1, 2**62]}, 2, "provenance.positions[2]: position 4611686018427387904 is beyond"),
        ({"positions": [0, 0, 0]}, 1, "provenance.positions[1]: not comparable: row 1 belongs to position 0"),
        ({"positions": [2, 1, 0]}, 1, "provenance.positions[0]: not comparable: row 0 belongs to position 2"),
    ],
)
def test_a_recording_of_no_possible_run_is_not_compared_with_itself(
    model: Path,
    file: ModelFile,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, list[int]],
    code: int,
    message: str | None,
) -> None:
    write_capture(tmp_path / "stages", Reference(file, F32).capture([3, 1, 4]))
    path = tmp_path / "stages" / SIDECAR_NAME
    content = json.loads(path.read_text(encoding="utf-8"))
    content["provenance"].update(change)
    path.write_text(json.dumps(content), encoding="utf-8")
    spec = f"dir:{tmp_path / 'stages'}"
    assert main(["parity", spec, "--against", spec, str(model)]) == code
    said = capsys.readouterr()
    if message is None:
        assert said.out.startswith("AGREES")
    else:
        assert f"{path}: {message}" in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""


def test_a_text_needs_a_model_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("[3]\nsome text\n")
    with pytest.raises(UsageError, match="needs a model") as caught:
        prompts.from_file(path, None)
    assert caught.value.where == f"{path}:2"


def test_captures_of_a_prompt_go_when_the_next_one_is_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken: list[weakref.ref[Capture]] = []
    alive: list[int] = []
    sound = measure.capture

    def counted(*args: Any) -> Capture:
        made = sound(*args)
        taken.append(weakref.ref(made))
        alive.append(sum(one() is not None for one in taken))
        return made

    monkeypatch.setattr(measure, "capture", counted)
    path = tmp_path / "prompts.txt"
    path.write_text("".join(f"[3, 1, {last}]\n" for last in range(4, 12)))
    command = ["parity", "numpy:f32", "--against", "numpy:f64", str(model), "--prompts", str(path), "--no-shrink"]
    assert main(command) == 0, capsys.readouterr().err
    assert len(taken) == 16
    assert max(alive) <= 4, "two sides of this prompt, and at most two of the one before"

    # the first prompt diverges, and is not the one that was run last: it is run again for a closer look
    taken.clear()
    strict = ["--bound", "ffn_up=0", "--because", "a test", "--json"]
    assert main([*command, *strict]) == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["first_divergence"]["prompt"] == 0
    assert len(taken) > 16


@pytest.mark.parametrize(
    ("prompt", "positions", "message"),
    [
        ([3, 1, 4], "0..4", "position 3 does not exist"),
        ([3, 1, 4], "0..99", "position 3 does not exist"),
        ([3, 1, 4], "7..9", "position 7 does not exist"),
        ([3, 1, 4], "0..3", None),
    ],
)
def test_positions_that_a_prompt_does_not_have_are_refused(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prompt: list[int],
    positions: str,
    message: str | None,
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text(f"[1, 2, 3, 4, 5]\n{prompt}\n")
    arguments = ["numpy:f32", "--against", "numpy:f64", str(model), "--prompts", str(path), "--positions", positions]
    code, said = main(["parity", *arguments, "--stages", "attn_norm"]), capsys.readouterr()
    assert code == (0 if message is None else 2), said.err
    if message is not None:
        assert message in said.err
        assert "the shortest prompt has positions 0 to 2" in said.err
        assert said.out == ""


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parity.add_arguments(parser)
    return parser.parse_intermixed_args(words)


def test_a_replay_judges_to_the_last_bit_as_the_run_did() -> None:
    alpha, bound = 1.2345678901234e-7, 1.23456789e-5
    args = options(
        "a b", "--against", "numpy:f64", "m.gguf", "--alpha", repr(alpha), "--timeout", "1.25", "--bound", f"ffn_up={bound!r}",
        "--because", "it's so",
    )  # fmt: skip
    bounds = verdict.Bounds(alpha, {"ffn_up": bound}, "it's so")
    filters = measure.Filters(("ffn_up",), range(1, 2), range(3, 4))
    words = shlex.split(replay.smallest(args, Shrunk((5, 9), filters, None, 0), bounds))  # type: ignore[arg-type] # the divergence is not shown
    assert words[:2] == ["apr", "parity"]
    again = options(*words[2:])
    assert (again.subject, again.against, again.model) == ("a b", "numpy:f64", "m.gguf")
    assert (again.alpha, again.timeout, again.tokens) == (alpha, 1.25, "5,9")
    assert (again.stages, again.layers, again.positions) == ("ffn_up", "1..2", "3..4")
    assert parity._bounds(again) == bounds


def test_derived_drops_the_bounds_before_it() -> None:
    typed = ("--bound", "ffn_up=1", "--bound", "derived", "--bound", "attn_norm=2", "--because", "x")
    assert parity._bounds(options(*typed)).by_hand == {"attn_norm": 2.0}


@pytest.mark.parametrize(
    ("command", "more", "kept"),
    [
        (("apr", "parity", "--save", "x", "a", "--report=y"), (), "apr parity a"),
        (("apr", "parity", "--save=--report", "a"), ("--alpha", "1e-9"), "apr parity a --alpha 1e-9"),
        ((), ("--alpha", "1e-9"), ""),
    ],
)
def test_who_sees_it_again_overwrites_nothing(command: Sequence[str], more: Sequence[str], kept: str) -> None:
    assert replay.whole(command, more) == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bound", "lm_head,attn_norm=1", "--because", "x"), "--bound: unknown stage 'lm_head,attn_norm'"),
        (("--bound", "nope=1", "--because", "x"), "--bound: unknown stage 'nope'"),
        (("--bound", "=1", "--because", "x"), "--bound: a stage name is empty"),
        (("--stages", ""), "--stages: a stage name is empty"),
        (("--stages", "attn_norm,nope"), "--stages: unknown stage 'nope'"),
    ],
)
def test_stages_are_refused_at_the_option_where_they_stand(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], message: str
) -> None:
    assert main(["parity", "numpy:f64", "--against", "numpy:f32", "m.gguf", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


PLACE = ("prompt", "stage", "layer", "view", "position", "channel", "test", "distance", "bound")


def saved(model: Path, folder: Path, *arguments: str) -> int:
    command = [
        "parity",
        "numpy:f32",
        "--against",
        "numpy:f64",
        str(model),
        "--tokens",
        "3,1,4,1,5",
        "--save",
        str(folder),
    ]
    return main([*command, *arguments])


def last(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def replayed(text: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith("see it again:")]
    return shlex.split(line.partition(":")[2])


def test_a_saved_run_is_judged_as_it_was(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    by_hand = ("--bound", "ffn_up=0", "--because", "I want it exact", "--alpha", "1e-8", "--json")
    assert saved(model, kept, *by_hand) == 1
    done = capsys.readouterr().out
    before = last(done)
    assert (before["by_hand"], before["because"], before["alpha"]) == ({"ffn_up": 0.0}, "I want it exact", 1e-8)
    assert main(["parity", "--from", str(kept), "--json"]) == 1
    again = last(capsys.readouterr().out)
    note = again["notes"].pop()
    assert note == "judged as it was when it was saved: alpha 1e-08, bounds set by hand for ffn_up"
    assert again == before

    # the smallest run is kept with the measurements, and shown again
    small = json.loads(done.splitlines()[0])["origin"]["replay"]
    assert main(["parity", "--from", str(kept)]) == 1
    shown = replayed(capsys.readouterr().out)
    assert shown == shlex.split(small)
    assert shown[shown.index("--bound") + 1] == "ffn_up=0.0"
    assert len(shown[shown.index("--tokens") + 1].split(",")) < 5
    assert main(shown[1:]) == 1
    assert replayed(capsys.readouterr().out)[:2] == ["apr", "parity"]


def test_options_judge_a_saved_run_otherwise_and_say_so(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    assert saved(model, kept, "--bound", "ffn_up=0", "--because", "I want it exact") == 1
    capsys.readouterr()
    assert main(["parity", "--from", str(kept), "--bound", "derived", "--json"]) == 0
    sound = last(capsys.readouterr().out)
    assert sound["by_hand"] == {}
    assert sound["because"] == ""
    assert sound["notes"][-1].startswith("judged otherwise than when it was saved: alpha 1e-06, derived bounds; then ")

    assert main(["parity", "--from", str(kept), "--bound", "attn_norm=0", "--because", "that too", "--json"]) == 1
    records = capsys.readouterr().out
    assert last(records)["by_hand"] == {"attn_norm": 0.0}
    assert last(records)["first_divergence"]["stage"] == "attn_norm"
    assert json.loads(records.splitlines()[0])["origin"]["replay"] == "", "what was found then shows another place"
    assert main(["parity", "--from", str(kept), "--bound", "attn_norm=0", "--because", "that too"]) == 1
    words = replayed(capsys.readouterr().out)
    assert words[-6:] == ["--bound", "derived", "--bound", "attn_norm=0.0", "--because", "that too"]
    assert "--save" not in words
    assert main([*words[1:], "--no-shrink", "--json"]) == 1
    found, expected = last(capsys.readouterr().out)["first_divergence"], last(records)["first_divergence"]
    assert {name: found[name] for name in PLACE} == {name: expected[name] for name in PLACE}

    # each option for itself: bounds by hand stay where only alpha is given
    assert main(["parity", "--from", str(kept), "--alpha", "1e-9", "--json"]) == 1
    other = last(capsys.readouterr().out)
    assert (other["alpha"], other["by_hand"]) == (1e-9, {"ffn_up": 0.0})
