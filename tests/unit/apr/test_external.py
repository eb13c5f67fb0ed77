"""Any program as an engine: how it is called, what it may say of itself, and how it may fail."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.engines.external import External, parse_template
from apr.engines.recorded import UNKNOWN
from apr.engines.reference import Reference
from apr.errors import AprError, NotComparable, OracleError, UnusableInput, UsageError
from apr.formats import open_model
from apr.ops.arithmetic import F32, F64
from apr.parity.comparable import check_provenance
from apr.parity.metrics import compare_arrays
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Array
    from apr.formats.model_file import ModelFile

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "tests" / "external_engine.py"
PYTHON = shlex.quote(sys.executable)
SOUND = f"{PYTHON} {shlex.quote(str(SCRIPT))} --model {{model}} --tokens {{tokens}} --stages {{stages}} --out {{out}}"
TOKENS = [3, 1, 4, 1, 5, 9, 2]
HEAD = StageKey("lm_head", None)


@pytest.fixture(scope="module")
def model(fixture_model: Callable[[str], Path]) -> ModelFile:
    return open_model(fixture_model("llama-spm-q8_0"))


@pytest.fixture
def program(tmp_path: Path, model: ModelFile) -> Callable[..., External]:
    """An engine made of a few lines of Python; `sys.argv` holds model, tokens, stages and out."""

    def make(body: str, *, arguments: str = "{model} {tokens} {stages} {out}", timeout: float = 30.0) -> External:
        path = tmp_path / "a program.py"
        path.write_text(f"import os, struct, sys, time\nfrom pathlib import Path\n{body}\n", encoding="utf-8")
        return External(parse_template(f"{PYTHON} {shlex.quote(str(path))} {arguments}"), model, timeout)

    return make


ONE_STAGE = """
def write(count, out=sys.argv[-1], layer=0xFFFFFFFF, name="lm_head.bin"):
    (Path(out) / name).write_bytes(struct.pack("<4sII", b"APRT", layer, count) + bytes(4 * count))
"""


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "names no program"),
        ("   ", "names no program"),
        ("run {model} {tokens}", r"has no \{out\}"),
        ("run {token} {out}", r"unknown placeholder \{token\}; did you mean \{tokens\}"),
        ("run {} {out}", r"unknown placeholder \{\}"),
        ("run {model.path} {out}", r"unknown placeholder \{model.path\}"),
        ("run 'x {out}", "cannot be cut into words: No closing quotation"),
        ("run {{out}}", r"has no \{out\}"),
    ],
)
def test_commands_that_cannot_work_are_refused(template: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_template(template)


def test_values_stay_in_their_word_and_no_shell_sees_them() -> None:
    template = parse_template("run --m={model} '{tokens} {{x}}' {stages}{out}")
    values = {"model": "/a b/$(touch x); '\"{out}", "tokens": "1,2", "stages": "all", "out": "/o"}
    assert template.filled(values) == ["run", "--m=/a b/$(touch x); '\"{out}", "1,2 {x}", "all/o"]
    assert template.program == "run"
    assert template.asks == {"model", "tokens", "stages", "out"}


def test_a_path_with_blanks_and_quotes_arrives_whole(tmp_path: Path, fixture_model: Callable[[str], Path]) -> None:
    odd = tmp_path / "a 'b' $(c);.gguf"
    odd.write_bytes(fixture_model("llama-spm-q8_0").read_bytes())
    capture = External(parse_template(SOUND), open_model(odd)).capture(TOKENS)
    assert capture[HEAD].shape == (7, 415)


@pytest.mark.parametrize("name", ["llama-spm-q8_0", "llama-q4_k_m", "llama-q6_k", "llama-massive-q4_k_m"])
def test_a_sound_engine_agrees_with_the_reference_within_float32(
    fixture_model: Callable[[str], Path], name: str
) -> None:
    file = open_model(fixture_model(name))
    engine = External(parse_template(SOUND), file)
    capture = engine.capture(TOKENS)
    reference = Reference(file, F64)
    assert list(capture.stages) == reference.model.stage_keys()
    check_provenance(capture.provenance, Reference(file, F32).provenance(TOKENS))
    for key, expected in reference.isolated(capture):
        seen = capture[key].astype(np.float64)
        assert seen.shape == expected.shape
        difference = compare_arrays(seen, expected, seen.shape, limit=1)
        # the longest sum has 256 terms: each of at most 256 products and sums is off by no more than u = 2**-24, and errors that
        # do not conspire add up to sqrt(2 * 256) u = 1.3e-6 of the terms' size; softmax and norm are single operations
        assert difference.relative_rms < np.sqrt(2 * 256) * 2.0**-24, key


def test_an_engine_in_float64_is_another_run(model: ModelFile) -> None:
    engine = External(parse_template(f"{SOUND} --float64"), model)
    capture = engine.capture(TOKENS)
    assert engine.arithmetic == capture.provenance.arithmetic == "f64"
    expected = Reference(model, F64).capture(TOKENS)
    # rounded once, when it was written: half a unit in the last place
    assert all(np.allclose(capture[key], expected[key], rtol=2.0**-24, atol=1e-30) for key in expected.stages)


def test_what_the_program_declares_counts(model: ModelFile) -> None:
    engine = External(parse_template(SOUND), model)
    assert (engine.name, engine.build, engine.arithmetic) == (Path(sys.executable).name, UNKNOWN, UNKNOWN)
    provenance = engine.capture(TOKENS).provenance
    assert (provenance.engine, provenance.arithmetic) == ("external_engine.py", "f32")
    assert provenance.model_sha256 == model.sha256
    assert (engine.name, engine.arithmetic) == ("external_engine.py", "f32")
    assert engine.provenance(TOKENS).engine == "external_engine.py"


def test_a_program_that_ran_other_tokens_says_so(model: ModelFile) -> None:
    template = SOUND.replace("{tokens}", "5,6")
    assert External(parse_template(template), model).capture(TOKENS).provenance.tokens == (5, 6)


def test_a_program_that_says_nothing_ran_what_it_was_told(model: ModelFile) -> None:
    engine = External(parse_template(f"{SOUND} --silent"), model)
    provenance = engine.capture(TOKENS).provenance
    assert (provenance.engine, provenance.arithmetic) == (Path(sys.executable).name, UNKNOWN)
    assert provenance.tokens == tuple(TOKENS)
    assert provenance.weights_sha256 == model.weights_sha256


@pytest.mark.parametrize(("arguments", "untold"), [("{model} {out}", "{tokens}"), ("{tokens} {out}", "{model}")])
def test_a_program_that_was_told_nothing_and_says_nothing_is_refused(
    program: Callable[..., External], arguments: str, untold: str
) -> None:
    with pytest.raises(OracleError, match=f"was not told {untold} and wrote no capture.json"):
        program(f"{ONE_STAGE}\nwrite(415)", arguments=arguments).capture(TOKENS)


def test_stages_that_were_not_written_are_missing(program: Callable[..., External]) -> None:
    capture = program(f"{ONE_STAGE}\nwrite(7 * 415)").capture(TOKENS)
    assert list(capture.stages) == [HEAD]
    assert capture[HEAD].shape == (7, 415)


def test_logits_ask_for_the_head_alone(model: ModelFile) -> None:
    engine = External(parse_template(SOUND), model)
    assert list(engine.capture(TOKENS, [HEAD]).stages) == [HEAD]
    assert np.array_equal(engine.logits(TOKENS), engine.capture(TOKENS)[HEAD])


def test_stages_are_asked_for_by_name_in_forward_order(program: Callable[..., External], tmp_path: Path) -> None:
    engine = program(f"{ONE_STAGE}\nwrite(7 * 415)\nPath({str(tmp_path / 'asked')!r}).write_text(sys.argv[3])")
    engine.capture(TOKENS)
    assert (tmp_path / "asked").read_text() == "all"
    list(engine.stream(TOKENS, [HEAD, StageKey("ffn_up", 1), StageKey("ffn_up", 0)]))
    assert (tmp_path / "asked").read_text() == "ffn_up,lm_head"


@pytest.mark.parametrize(("count", "seen"), [(415, "those of 1 positions"), (0, "those of 0 positions")])
def test_logits_of_some_positions_are_no_logits(program: Callable[..., External], count: int, seen: str) -> None:
    with pytest.raises(OracleError, match=f"wrote not the logits of 7 positions but {seen}"):
        program(f"{ONE_STAGE}\nwrite({count})").logits(TOKENS)


def test_logits_that_are_not_there_are_no_logits(program: Callable[..., External]) -> None:
    body = f"{ONE_STAGE}\nwrite(7 * 64, name='final_norm.bin')"
    with pytest.raises(OracleError, match="wrote not the logits of 7 positions but none"):
        program(body).logits(TOKENS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit('no such luck')", "ended with exit code 1; it said: no such luck"),
        ("sys.exit(7)", "ended with exit code 7; it said nothing"),
        ("os.abort()", r"crashed \(SIGABRT\)"),
        ("os.kill(os.getpid(), 40)", r"crashed \((SIGRTMIN\+6|signal 40)\)"),
        ("for i in range(9): print('line', i, file=sys.stderr)\nsys.exit(1)", r"it said: line 4 \| .* \| line 8"),
        ("sys.stderr.write('x' * 300000 + '\\nthe end\\n')\nsys.exit(2)", r"x \| the end"),
        ("pass", r"ended well but wrote no stage file into \{out\}"),
        ("os.rmdir(sys.argv[-1])", r"ended well but wrote no stage file"),
        ("print('odd', file=sys.stderr)", r"wrote no stage file into \{out\}; it said: odd"),
    ],
)
def test_failures_are_named_with_the_last_words(program: Callable[..., External], body: str, message: str) -> None:
    with pytest.raises(OracleError, match=message):
        program(body).capture(TOKENS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(Path(sys.argv[-1]) / 'lm_head.bin').write_bytes(b'APRT')", r"\{out\}/lm_head.bin: header.*is cut off"),
        (f"{ONE_STAGE}\nwrite(3, layer=2)", r"\{out\}/lm_head.bin.*the header says layer 2"),
        (f"{ONE_STAGE}\nwrite(3)\n(Path(sys.argv[-1]) / 'capture.json').write_text('{{')", "capture.json.*is no JSON"),
    ],
)
def test_broken_files_are_the_programs_fault(program: Callable[..., External], body: str, message: str) -> None:
    with pytest.raises(UnusableInput, match=message) as caught:
        program(body).capture(TOKENS)
    assert (caught.value.where or "").startswith("cmd:")


@pytest.mark.parametrize(
    ("key", "values", "error", "message"),
    [
        ("tokens", [10**30, 1, 1, 1, 1, 1, 1], UnusableInput, "{out}/capture.json: provenance.tokens[0] token id 1000"),
        (
            "positions",
            [0, 1, 2, 3, 4, 5, 2**62],
            UnusableInput,
            "provenance.positions[6] position 4611686018427387904 is",
        ),
        (
            "positions",
            [6, 5, 4, 3, 2, 1, 0],
            NotComparable,
            "{out}/capture.json: provenance.positions[0] not comparable",
        ),
    ],
)
def test_a_declaration_that_no_run_can_have_is_the_programs_fault(
    model: ModelFile, tmp_path: Path, key: str, values: list[int], error: type[AprError], message: str
) -> None:
    """The sound engine, whose `capture.json` is changed after it ran."""
    after = tmp_path / "after.py"
    after.write_text(
        "import json, pathlib, subprocess, sys\n"
        "subprocess.run([sys.executable, *sys.argv[1:]], check=True)\n"
        "path = pathlib.Path(sys.argv[-1]) / 'capture.json'\n"
        "content = json.loads(path.read_text())\n"
        f"content['provenance'][{key!r}] = {values!r}\n"
        "path.write_text(json.dumps(content))\n"
    )
    template = SOUND.replace(PYTHON, f"{PYTHON} {shlex.quote(str(after))}", 1)
    with pytest.raises(error) as caught:
        External(parse_template(template), model).capture(TOKENS)
    assert message in caught.value.problem
    assert (caught.value.where or "").startswith("cmd:")


@pytest.mark.parametrize("command", ["/does/not/exist {out}", "{out}", "/etc/passwd {out}"])
def test_programs_that_cannot_be_started_are_named(model: ModelFile, command: str) -> None:
    with pytest.raises(UsageError, match="cannot be started"):
        External(parse_template(command), model).capture(TOKENS)


def alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize(
    ("last", "message"),
    [("time.sleep(600)", "was ended: no result in 5 s; it said: waiting"), ("sys.exit(4)", "exit code 4")],
)
def test_nothing_is_left_of_a_program(
    program: Callable[..., External], tmp_path: Path, last: str, message: str
) -> None:
    child = "import os, sys, time; sys.stderr.write('waiting\\n'); open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    body = f"""
import subprocess
subprocess.Popen([sys.executable, "-c", {child!r}, {str(tmp_path / "pid")!r}])
while not os.path.exists({str(tmp_path / "pid")!r}) or not os.path.getsize({str(tmp_path / "pid")!r}):
    time.sleep(0.01)
{last}
"""
    with pytest.raises(OracleError, match=message):
        program(body, timeout=5).capture(TOKENS)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


def test_the_folder_goes_and_the_values_stay(model: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    capture = External(parse_template(SOUND), model).capture(TOKENS)
    assert list(tmp_path.iterdir()) == []
    assert np.isfinite(capture[HEAD]).all()


def test_tokens_that_no_engine_runs_start_nothing(program: Callable[..., External], tmp_path: Path) -> None:
    engine = program(f"Path({str(tmp_path / 'ran')!r}).write_text('')")
    for tokens in ([], [415], [-1], [1] * 257):
        with pytest.raises(UsageError):
            engine.capture(tokens)
    assert not (tmp_path / "ran").exists()


def listed() -> list[list[str]]:
    done = subprocess.run([sys.executable, SCRIPT, "--list"], capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_the_engine_for_tests_shares_no_code() -> None:
    imports = [line.split()[1] for line in SCRIPT.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert {name.split(".")[0] for name in imports} <= {*sys.stdlib_module_names, "numpy", "gguf"}


def test_each_bug_of_the_engine_for_tests_is_born_where_its_table_says(fixture_model: Callable[[str], Path]) -> None:
    """In one process, since starting Python twenty times is most of the time this would take."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("external_engine", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    path = fixture_model("llama-q4_k_m")
    file = open_model(path)
    reference, numbers = Reference(file, F64), script.Model(path, np.float32)
    table = listed()
    assert len(table) >= 10
    for name, stage, layer, _kind, _what in table:
        expected_key = StageKey(stage, None if layer == "-" else int(layer))
        stages = {StageKey(*key): array for key, array in script.run(numbers, TOKENS, name).items()}
        positions = np.arange(len(TOKENS))
        born = [
            key
            for key in reference.model.stage_keys()
            if not _agree(stages[key], reference.model.compute(key, np.array(TOKENS), positions, stages))
        ]
        assert born[0] == expected_key, (name, born)


def _agree(seen: Array, expected: Array) -> bool:
    """Within what the roundings of a sum of 256 terms can make, see above."""
    scale = np.sqrt((expected**2).mean())
    return bool(np.sqrt(((seen - expected) ** 2).mean()) < np.sqrt(2 * 256) * 2.0**-24 * scale)
