"""The oracle itself, with every provider that is installed, on tiny models; and everything that may go wrong with it."""

from __future__ import annotations

import dataclasses
import mmap
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.llama_cpp import engine as engine_module
from apr.engines.llama_cpp import wire
from apr.engines.llama_cpp.engine import LlamaCpp, instruction_sets
from apr.engines.llama_cpp.process import Child
from apr.engines.llama_cpp.providers import Provider, providers
from apr.engines.reference import Reference
from apr.errors import OracleError, UsageError
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import GGML
from apr.parity.isolated import measure_isolated
from apr.stages import StageKey
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Array

FOUND = providers()
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not FOUND, reason="no llama.cpp library: pip install xllamacpp"),
]
TEXT = "the inner theory on errors, 123 times"


@pytest.fixture(params=FOUND, ids=lambda provider: provider.name)
def provider(request: pytest.FixtureRequest) -> Provider:
    found: Provider = request.param
    return found


@pytest.mark.parametrize("weights", ["F32", "F16", "Q8_0", "Q4_0", "Q4_1"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tied": True, "biased": True},
        {"kv_heads": 4},
        {"kv_heads": 1, "layers": 3},
        {"kv_heads": None},
        {"head_dim": 24},
    ],
    ids=str,
)
def test_every_stage_agrees_for_every_weight_type(
    tiny_llama: Callable[..., Path], provider: Provider, weights: str, options: dict[str, Any]
) -> None:
    file = read_gguf(tiny_llama(weights, **options))
    tokens = Tokenizer.from_file(file).encode(TEXT)
    with LlamaCpp(file, provider) as oracle:
        assert oracle.tokenize(TEXT) == tokens
        capture = oracle.capture(tokens)
        assert oracle.proof.stages == len(capture.stages)
    measured = measure_isolated(Reference(file, GGML), capture)
    assert not measured.missing
    assert not measured.argmax_differs
    worst = max(measured.rows, key=lambda row: row.difference.relative_rms)
    # K is at most 96, so 3 blocks: sqrt(3) u = 1e-7, and up to 2.4 times that (contract stage-parity-v1, rounding_bound);
    # attention sums 28 terms: sqrt(28) u = 3.2e-7
    assert worst.difference.relative_rms < 3.2e-7, worst


def test_parity_beyond_the_padding_of_the_cache(tiny_llama: Callable[..., Path]) -> None:
    """llama.cpp pads its cache to 256 positions; positions beyond them count on."""
    file = read_gguf(tiny_llama("Q8_0", context=512))
    tokens = [(7 * index + 3) % 250 for index in range(300)]
    with LlamaCpp(file) as oracle:
        measured = measure_isolated(Reference(file, GGML), oracle.capture(tokens))
    worst = max(measured.rows, key=lambda row: row.difference.relative_rms)
    # attention adds 300 terms: sqrt(300) u = 1e-6
    assert worst.difference.relative_rms < 1e-6, worst


def test_a_single_token_and_a_long_prompt(tiny_llama: Callable[..., Path]) -> None:
    file = read_gguf(tiny_llama())
    with LlamaCpp(file) as oracle:
        for count in (1, 256):
            capture = oracle.capture([7] * count)
            assert capture[StageKey("lm_head", None)].shape[0] == count
            assert (capture[StageKey("lm_head", None)] == oracle.logits([7] * count)).all()
        with pytest.raises(UsageError, match="257 tokens"):
            oracle.capture([7] * 257)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": float("nan")}, r"crashed \(SIGABRT\) while running; .*GGML_ASSERT\(eps >= 0"),
        ({"layers": 0}, r"crashed \(SIGABRT\) while loading; .*GGML_ASSERT"),
    ],
    ids=["running", "loading"],
)
def test_a_model_that_llama_cpp_aborts_on_is_a_message(
    maker: Any, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    """Our own reader refuses such a file before; here it is handed to the child all the same."""
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(**options), maker.tensors(maker.Spec()))
    child = Child("llama.cpp with m.gguf", 60)

    def load_and_run() -> None:
        child.ask("loading", do="open", library=str(FOUND[0].library), model=str(path))
        child.ask("running", do="logits", tokens=[1, 2])

    try:
        with pytest.raises(OracleError, match=message):
            load_and_run()
    finally:
        child.close()


def test_a_crash_while_running_is_a_message_and_the_next_engine_works(tiny_llama: Callable[..., Path]) -> None:
    file = read_gguf(tiny_llama())
    with LlamaCpp(file) as oracle:
        os.kill(oracle._child._process.pid, signal.SIGSEGV)
        with pytest.raises(OracleError, match=r"crashed \(SIGSEGV\) while running 3 tokens"):
            oracle.capture([1, 2, 3])
    with LlamaCpp(file) as oracle:
        assert oracle.capture([1, 2, 3]).stages


def test_no_answer_in_time(tiny_llama: Callable[..., Path]) -> None:
    with pytest.raises(OracleError, match=r"no answer in 0 s while loading"):
        LlamaCpp(read_gguf(tiny_llama()), timeout=0.001)


def test_an_interrupted_request_is_never_answered_later(
    tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = wire.receive

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    oracle = LlamaCpp(read_gguf(tiny_llama()))
    monkeypatch.setattr(wire, "receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        oracle.logits([1, 2, 3])
    monkeypatch.setattr(wire, "receive", sound)
    assert select.select([oracle._child._channel], [], [], 60)[0]  # the first request's answer, or the channel's end
    with pytest.raises(OracleError, match="an earlier request was interrupted while running 3 tokens"):
        oracle.logits([4, 5, 6])  # that answer must not come back for this one
    oracle.close()
    with pytest.raises(OracleError, match="is closed while running"):
        oracle.logits([4, 5, 6])


def test_closing_does_not_wait_for_a_child_at_work(tiny_llama: Callable[..., Path]) -> None:
    oracle = LlamaCpp(read_gguf(tiny_llama()))
    os.kill(oracle._child._process.pid, signal.SIGSTOP)  # it would not notice that its channel is closed
    oracle.close()
    assert oracle._child._process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked for this on Linux only")
def test_the_child_dies_with_a_parent_that_was_killed(tiny_llama: Callable[..., Path]) -> None:
    start = (
        "import os, sys; from pathlib import Path; from apr.formats.gguf import read_gguf; "
        "from apr.engines.llama_cpp.engine import LlamaCpp; oracle = LlamaCpp(read_gguf(Path(sys.argv[1]))); "
        "child = oracle._child._process.pid; os.kill(child, 19); print(child, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", start, tiny_llama()], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    child = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(200):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child outlives its parent")


def test_nothing_in_the_current_folder_is_imported(
    tiny_llama: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit('not yours')")
    model = read_gguf(tiny_llama())
    monkeypatch.chdir(tmp_path)
    with LlamaCpp(model) as oracle:
        assert oracle.logits([1, 2]).shape == (2, 267)


def test_only_the_wanted_stages_are_captured(tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    sound = LlamaCpp._ask

    def ask(self: LlamaCpp, do: str, tokens: Any, **request: Any) -> tuple[dict[str, Any], Any]:
        reply, memory = sound(self, do, tokens, **request)
        sizes.append(reply["size"])
        return reply, memory

    with LlamaCpp(read_gguf(tiny_llama())) as oracle:
        everything = oracle.capture([5, 6, 7])
        monkeypatch.setattr(LlamaCpp, "_ask", ask)
        for wanted in (
            {StageKey("attention", 0)},
            {StageKey("ffn_silu", 1)},
            {StageKey("ffn_swigl", 0), StageKey("lm_head", None)},
            set(everything.stages),
        ):
            capture = oracle.capture([5, 6, 7], wanted)
            assert capture.stages.keys() == wanted
            for key in wanted:
                assert (capture[key] == everything[key]).all()
    assert sizes[0] == 3 * 64 * 4
    # gate, up and their product, each on a page of its own; and what a library's own kernel makes of the gate
    assert sizes[1] - 3 * 96 * 4 in (2 * mmap.ALLOCATIONGRANULARITY, 3 * mmap.ALLOCATIONGRANULARITY)
    assert sizes[3] > 5 * sizes[1]


def test_a_capture_that_is_looked_at_is_not_written_over(tiny_llama: Callable[..., Path]) -> None:
    key = StageKey("post_ffn_residual", 1)
    with LlamaCpp(read_gguf(tiny_llama())) as oracle:
        folder = Path(f"/proc/{oracle._child._process.pid}/fd")
        view = oracle.capture([5, 6, 7])[key][1:, :3]  # a part of it is enough to keep it
        before = view.copy()
        for _ in range(3):
            other = oracle.capture([8, 9, 10])
            assert not np.array_equal(other[key][1:, :3], before)
        assert np.array_equal(view, before)
        held = len(list(folder.iterdir())) if folder.exists() else 0
        del view, other
        for _ in range(3):
            assert np.array_equal(oracle.capture([5, 6, 7])[key][1:, :3], before)
            oracle.logits([1, 2])
        if folder.exists():
            assert len(list(folder.iterdir())) < held  # what is looked at no more is used again


def test_a_refused_pass_leaks_nothing(tiny_llama: Callable[..., Path]) -> None:
    with LlamaCpp(read_gguf(tiny_llama())) as oracle:
        folder = Path(f"/proc/{oracle._child._process.pid}/fd")
        if not folder.exists():
            pytest.skip("no /proc here")
        before = len(list(folder.iterdir()))
        for _ in range(5):
            with pytest.raises(OracleError, match=r"could not make a context|returned"):
                oracle._child.ask("running", do="capture", tokens=[10**6, 1], wanted=None)
        assert len(list(folder.iterdir())) <= before


def test_numbers_that_are_not_finite_are_captured_as_they_are(maker: Any, tmp_path: Path) -> None:
    file = read_gguf(maker.write_nan_model(tmp_path / "nan.gguf", maker.Spec()))
    with LlamaCpp(file) as oracle:
        capture = oracle.capture([0, 5])
    assert np.isnan(capture[StageKey("ffn_silu", 0)][0]).all()
    assert np.isfinite(capture[StageKey("embedding", 0)][1]).all()


def test_a_model_with_a_tiny_context(tiny_llama: Callable[..., Path]) -> None:
    with LlamaCpp(read_gguf(tiny_llama(context=4))) as oracle:
        assert oracle.proof.tokens == 4
        assert oracle.logits([1]).shape == (1, 267)


def test_instruction_sets_are_told_from_options() -> None:
    said = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | LLAMAFILE = 1 | OPENMP = 1 | REPACK = 1 |"
    assert instruction_sets(said) == {"SSE3", "AVX2"}


def test_a_library_that_is_none(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    fake = tmp_path / "libllama.so"
    fake.write_text("no library")
    with pytest.raises(OracleError, match=r"libllama\.so.*cannot be opened"):
        LlamaCpp(read_gguf(tiny_llama()), Provider("APR_LLAMA_LIB", fake, ""))


def test_another_library_altogether(tiny_llama: Callable[..., Path]) -> None:
    import _ctypes

    other = Path(_ctypes.__file__)
    with pytest.raises(OracleError, match=r"libggml-base|does not export"):
        LlamaCpp(read_gguf(tiny_llama()), Provider("APR_LLAMA_LIB", other, ""))


def test_a_model_that_changed_under_the_engine(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    path = tiny_llama()
    file = read_gguf(path)
    broken = tmp_path / "broken.gguf"
    shutil.copy(path, broken)
    with broken.open("r+b") as stream:
        stream.truncate(4096)
    path.unlink()
    shutil.move(broken, path)
    with pytest.raises(OracleError, match="could not load the model"):
        LlamaCpp(file)


def tampering(monkeypatch: pytest.MonkeyPatch, change: Callable[[int, dict[str, Any], Any], None]) -> None:
    """Lets a test spoil what the child process hands over; `change` gets the number of the answer.

    On load there are three: 0 the plain logits, 1 and 2 two captures.
    """
    sound = LlamaCpp._ask
    count = 0

    def ask(self: LlamaCpp, do: str, tokens: Any, **request: Any) -> tuple[dict[str, Any], Any]:
        nonlocal count
        reply, memory = sound(self, do, tokens, **request)
        spoiled = bytearray(memory)
        change(count, reply, np.frombuffer(spoiled, np.float32))
        count += 1
        return reply, spoiled

    monkeypatch.setattr(LlamaCpp, "_ask", ask)


def slot(reply: dict[str, Any], stage: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in reply["slots"] if entry["stage"] == stage)
    return found


def drop(stage: str) -> Callable[[int, dict[str, Any], Any], None]:
    def change(_: int, reply: dict[str, Any], __: Any) -> None:
        if "slots" in reply:
            reply["slots"].remove(slot(reply, stage))

    return change


def repeat(_: int, reply: dict[str, Any], __: Any) -> None:
    if "slots" in reply:
        reply["slots"] += reply["slots"][:1]


def narrow(_: int, reply: dict[str, Any], __: Any) -> None:
    if "slots" in reply:
        slot(reply, "ffn_gate")["ne"][0] //= 2


def one_value(number: int, stage: str) -> Callable[[int, dict[str, Any], Any], None]:
    def change(count: int, reply: dict[str, Any], values: Any) -> None:
        if count == number:
            place = reply["logits"] if stage == "logits" else slot(reply, stage)
            values[place["offset"] // 4] += 1

    return change


def slightly_more(number: int, stage: str) -> Callable[[int, dict[str, Any], Any], None]:
    def change(count: int, reply: dict[str, Any], values: Any) -> None:
        if count == number:
            place = slot(reply, stage)
            start = place["offset"] // 4
            values[start : start + int(np.prod(place["ne"]))] *= np.float32(1.000002)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("k_post_rope"), r"1 stages were not seen.*layer-0/k_post_rope"),
        (repeat, r"seen twice"),
        (narrow, r"layer-0/ffn_gate has shape"),
        (one_value(0, "logits"), r"with and without the eval callback differ"),
        (one_value(2, "attn_out"), r"two captures of the same tokens differ, first in layer-0/attn_out"),
        (one_value(1, "ffn_up"), r"off llama.cpp's ffn_swigl"),
        (slightly_more(1, "ffn_up"), r"off llama.cpp's ffn_swigl by 2\.\de-06"),
    ],
    ids=["missing", "twice", "narrow", "disturbed", "unsteady", "other-activation", "slightly-other"],
)
def test_an_oracle_that_fails_to_prove_itself_is_refused(
    tiny_llama: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[int, dict[str, Any], Any], None],
    message: str,
) -> None:
    tampering(monkeypatch, change)
    with pytest.raises(OracleError, match=message):
        LlamaCpp(read_gguf(tiny_llama()))


def lose_silu(_number: int, reply: dict[str, Any], _values: Any) -> None:
    reply["slots"] = [entry for entry in reply.get("slots", []) if entry["stage"] != "ffn_silu"]


def spoil_silu(_number: int, reply: dict[str, Any], values: Any) -> None:
    for entry in reply.get("slots", []):
        if entry["stage"] == "ffn_silu":
            values[entry["offset"] // 4] += 1


@pytest.mark.parametrize("change", [lose_silu, spoil_silu])
def test_an_activation_that_the_library_does_not_make_or_makes_wrong_is_derived(
    tiny_llama: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[int, dict[str, Any], Any], None],
) -> None:
    file, key = read_gguf(tiny_llama()), StageKey("ffn_silu", 1)
    with LlamaCpp(file) as oracle:
        made = oracle.capture([5, 6, 7])[key].copy()
        tampering(monkeypatch, change)
        derived = oracle.capture([5, 6, 7])[key]
    # the kernel's exponential and the one computed here are each good to 2 units in the last place, see `_DERIVED_BOUND`
    assert np.allclose(derived, made, rtol=14 * 2.0**-24, atol=0)


@pytest.mark.parametrize("both", [False, True])
def test_the_derived_silu_is_not_the_references(
    both: bool,
    monkeypatch: pytest.MonkeyPatch,
    tiny_llama: Callable[..., Path],
) -> None:
    def other(x: Array) -> Array:
        return x

    if both:  # the product with ffn_up says that it is none
        monkeypatch.setattr(engine_module, "silu_exact", other)
    file = read_gguf(tiny_llama())
    with LlamaCpp(file) as oracle:
        measured = measure_isolated(Reference(file, dataclasses.replace(GGML, silu=other)), oracle.capture([1, 2, 3]))
    first = next(row for row in measured.rows if row.difference.relative_rms > 1e-6)
    assert str(first.key) == "layer-0/ffn_silu"


def test_bits_are_compared_and_not_values() -> None:
    nan = np.array([[np.nan, 0.0]], np.float32)
    assert engine_module._same_bits(nan, nan.copy())
    assert not engine_module._same_bits(nan, np.array([[np.nan, -0.0]], np.float32))


def test_provenance_says_what_was_run(tiny_llama: Callable[..., Path]) -> None:
    file = read_gguf(tiny_llama())
    with LlamaCpp(file) as oracle:
        said = dataclasses.asdict(oracle.provenance([3, 1]))
    assert said["tokens"] == (3, 1)
    assert said["positions"] == (0, 1)
    assert said["model_sha256"] == file.sha256
    assert (said["engine"], said["arithmetic"], said["architecture"]) == ("llama.cpp", "ggml", "llama")
    assert "sha256:" in said["build"]
