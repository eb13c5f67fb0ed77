"""Falsifiers of `apr-cli-trace-save-tensor-v1`: the real program, started as a user starts it, and the files it leaves.

Files are taken apart here byte by byte and not with the runtime's own reader, which would share its mistakes.
"""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv import Claim, Evidence

CONTRACT = "apr-cli-trace-save-tensor-v1"
ROOT = Path(__file__).resolve().parent.parent
CONTRACT_FILE = ROOT / "contracts" / f"{CONTRACT}.yaml"
PROSE = ROOT / "fixtures" / "prose.txt"
NAN_MODEL = ROOT / "fixtures" / "models" / "llama-nan-f32.gguf"
# what fixtures/tinymodels plants in the first embedding row: NaNs of several kinds, infinities, a negative zero
NAN_BITS = [0x7FC00000, 0x7FC12345, 0xFFC00001, 0x7F800000, 0xFF800000, 0x80000000]
STAGES = [
    "embedding",
    "attn_norm",
    "qkv_matmul",
    "qkv_bias",
    "q_norm",
    "k_norm",
    "q_post_rope",
    "k_post_rope",
    "attention",
    "attn_out",
    "post_attn_residual",
    "ffn_norm",
    "moe_router_indices",
    "moe_router",
    "ffn_gate",
    "ffn_up",
    "ffn_silu",
    "ffn_swigl",
    "ffn_out",
    "moe_ffn_out",
    "post_ffn_residual",
    "layer_output",
    "final_norm",
    "lm_head",
]
# what the llama of these claims does not have
ABSENT = ("qkv_bias", "q_norm", "k_norm", "moe_router_indices", "moe_router", "moe_ffn_out")
# of SmolLM2-135M, from its metadata: hidden 576, feed forward 1536, 9 query and 3 key heads of 64, vocabulary 49152
WIDTHS = {"qkv_matmul": 576 + 2 * 192, "k_post_rope": 192, "lm_head": 49152}
WIDTHS |= dict.fromkeys(("ffn_gate", "ffn_up", "ffn_silu", "ffn_swigl"), 1536)
WHOLE_MODEL = 0xFFFFFFFF
PROMPT = "What is 2+2?"
PROMPT_TOKENS = [1780, 314, 216, 34, 27, 34, 47]


def _save(apr: Any, model: Path, directory: Path, *arguments: str, **environment: str) -> Path:
    """Runs a trace that has to succeed."""
    done = apr("trace", model, "--output", directory, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return directory


def _files(directory: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative name."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def _place(name: str) -> tuple[str, int | None]:
    """Stage and layer from a file's name."""
    stage = name.rpartition("/")[2].removesuffix(".bin")
    layer = re.fullmatch(r"layer-(\d+)/.+", name)
    return stage, int(layer[1]) if layer else None


def _forward_order(name: str) -> tuple[float, int, str]:
    """Sorts files as the forward pass makes them; other files come last."""
    stage, layer = _place(name)
    rank = STAGES.index(stage) if stage in STAGES else len(STAGES)
    return (math.inf if layer is None else layer, rank, name)


def _stage_file(layer: int, values: list[float]) -> bytes:
    """A stage file, written by hand."""
    return struct.pack(f"<4sII{len(values)}f", b"APRT", layer, len(values), *values)


def _refute_unless_equal(evidence: Evidence, first: Mapping[str, bytes], second: Mapping[str, bytes]) -> None:
    for name in sorted(first.keys() | second.keys(), key=_forward_order):
        evidence.compared(1, "files, byte by byte")
        if first.get(name) != second.get(name):
            stage, layer = _place(name)
            raise Refuted(f"{name} is not the same in both", stage=stage, layer=layer)


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-001")
def the_option_is_recognised(evidence: Evidence, apr: Any, tmp_path: Path) -> None:
    """In the help, with each of its values, and with a wrong one."""
    shown = apr("trace", "--help")
    evidence.compared(1, "help text")
    if shown.returncode or "--save-tensor " not in shown.stdout:
        raise Refuted("`apr trace --help` does not name --save-tensor", stage="help")
    evidence.input("fixture", NAN_MODEL)
    for stage in STAGES:
        directory = tmp_path / stage
        done = apr("trace", NAN_MODEL, "--save-tensor", stage, "--tokens", "5,6", "--output", directory)
        evidence.compared(1, "stage names")
        written = list(directory.rglob("*.bin"))
        # a llama does not have all of them: such a stage is known and cannot be made; it says so and writes nothing
        expected = (2, 0, f"no stage {stage}") if stage in ABSENT else (0, 1, "")
        if (done.returncode, len(written)) != expected[:2] or expected[2] not in done.stderr:
            raise Refuted(f"--save-tensor {stage}: {done.stderr or len(written)}", stage=stage)
    wrong = apr("trace", NAN_MODEL, "--save-tensor", "ffn_gat", "--output", tmp_path / "wrong")
    evidence.compared(1, "unknown names")
    listed = all(stage in wrong.stderr for stage in STAGES)
    if wrong.returncode != 2 or "'ffn_gate'" not in wrong.stderr or not listed or (tmp_path / "wrong").exists():
        raise Refuted(f"an unknown stage is not refused as it should be: {wrong.stderr}", stage="refusal")


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-002")
def runs_repeat(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """Two processes, every byte of every file; and two more, over a shorter text, that share their sums between two threads."""
    evidence.level("measured")
    evidence.input("model", model_path)
    evidence.input("fixture", PROSE)
    text = PROSE.read_text(encoding="utf-8")
    # threads that share two busy cores with anything spin, so they get a tenth of the work
    for threads, part in (("1", text), ("2", text[: len(text) // 10])):
        first, second = (
            _files(
                _save(
                    apr,
                    model_path,
                    tmp_path / threads / run,
                    "--save-tensor",
                    "all",
                    "--prompt",
                    part,
                    OPENBLAS_NUM_THREADS=threads,
                )
            )
            for run in ("1", "2")
        )
        _refute_unless_equal(evidence, first, second)


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-003")
def the_formats_differ_in_layer_3(
    claim: Claim, evidence: Evidence, apr: Any, model_path: Path, imported: Any, tmp_path: Path
) -> None:
    """Both files traced over the same prompt, every position of both; the claim is that a divergence is there."""
    evidence.level("measured")
    evidence.input("model", model_path)
    files = {"gguf": model_path, "apr": imported(model_path, "gguf").path}
    rows = {}
    for name, path in files.items():
        directory = _save(apr, path, tmp_path / name, "--save-tensor", "ffn_gate", "--layer", "3", "--prompt", PROMPT)
        rows[name] = np.frombuffer((directory / "layer-3" / "ffn_gate.bin").read_bytes()[12:], "<f4").astype(np.float64)
    assert rows["apr"].size == rows["gguf"].size == len(PROMPT_TOKENS) * WIDTHS["ffn_gate"]
    ratio = float(np.abs(rows["apr"] - rows["gguf"]).max() / rows["gguf"].std())
    evidence.compared(rows["gguf"].size, "numbers")
    evidence.report(greatest_difference_over_standard_deviation=ratio)
    if not ratio > claim.tolerance:
        raise Refuted(
            f"the greatest difference is {ratio:.2e} of a standard deviation, not more than {claim.tolerance}",
            stage="ffn_gate",
            layer=3,
            distance=ratio,
            bound=claim.tolerance,
        )


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-012")
def other_positions_are_not_compared(
    evidence: Evidence, apr: Any, model_path: Path, imported: Any, tmp_path: Path
) -> None:
    """The capture that the claim of 003 came from: all positions of the one file, the last one of the other."""
    evidence.level("measured")
    evidence.input("model", model_path)
    stage = ("--save-tensor", "ffn_gate", "--layer", "3", "--prompt", PROMPT)
    every = _save(apr, imported(model_path, "gguf").path, tmp_path / "every", *stage)
    last = _save(apr, model_path, tmp_path / "last", *stage)
    path, width = last / "layer-3" / "ffn_gate.bin", WIDTHS["ffn_gate"]
    path.write_bytes(struct.pack("<4sII", b"APRT", 3, width) + path.read_bytes()[-4 * width :])
    said = json.loads((last / "capture.json").read_text(encoding="utf-8"))
    said["provenance"]["positions"] = [len(PROMPT_TOKENS) - 1]
    said["files"][0]["shape"] = [1, width]
    (last / "capture.json").write_text(json.dumps(said), encoding="utf-8")
    done = apr("diff", every, last, "--values")
    evidence.compared(1, "comparisons")
    if done.returncode != 1 or "not comparable" not in done.stderr or "positions" not in done.stderr:
        raise Refuted(f"exit {done.returncode}: {done.stderr or done.stdout}", stage="positions")


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-004")
def the_header_describes_the_file(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """Magic, layer, count and length, against the widths that the model's metadata gives."""
    evidence.level("measured")
    evidence.input("model", model_path)
    directory = _save(
        apr,
        model_path,
        tmp_path / "out",
        "--save-tensor",
        "ffn_gate,k_post_rope",
        "--layer",
        "2",
        "--tokens",
        "504,28,30",
    )
    for stage, width in (("ffn_gate", 1536), ("k_post_rope", 3 * 64)):
        content = (directory / f"layer-2/{stage}.bin").read_bytes()
        magic, layer, count = struct.unpack_from("<4sII", content)
        evidence.compared(4, "header facts")
        if (magic, layer, count, len(content)) != (b"APRT", 2, 3 * width, 12 + 4 * 3 * width):
            raise Refuted(
                f"{stage}.bin: magic {magic!r}, layer {layer}, count {count}, {len(content)} bytes",
                stage=stage,
                layer=2,
            )


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-005")
def several_stages_in_one_run(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """Three together, and each alone."""
    evidence.level("measured")
    evidence.input("model", model_path)
    stages = ("embedding", "qkv_matmul", "ffn_gate")
    together = _save(apr, model_path, tmp_path / "all", "--save-tensor", ",".join(stages), "--prompt", PROMPT)
    names = {path.name for path in together.rglob("*.bin")}
    for stage in stages[::-1]:
        evidence.compared(1, "stages")
        if f"{stage}.bin" not in names:
            raise Refuted(f"{stage} was asked for and is not there", stage=stage, layer=0)
        alone = _save(apr, model_path, tmp_path / stage, "--save-tensor", stage, "--prompt", PROMPT)
        name = f"layer-0/{stage}.bin"
        if (alone / name).read_bytes() != (together / name).read_bytes():
            raise Refuted(f"{stage} differs when it is saved alone", stage=stage, layer=0)
    if len(names) != len(stages):
        raise Refuted(f"{sorted(names)} were written instead of {stages}", stage="files")


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-006")
def bits_of_nans_are_kept(evidence: Evidence, apr: Any, tmp_path: Path) -> None:
    """Token 0's embedding row starts with them."""
    evidence.input("fixture", NAN_MODEL)
    for rounding in ("f32", "ggml"):
        directory = _save(
            apr,
            NAN_MODEL,
            tmp_path / rounding,
            "--save-tensor",
            "embedding",
            "--tokens",
            "7,0",
            "--arithmetic",
            rounding,
        )
        content = (directory / "layer-0/embedding.bin").read_bytes()
        width = struct.unpack_from("<4sII", content)[2] // 2
        bits = list(struct.unpack_from(f"<{len(NAN_BITS)}I", content, 12 + 4 * width))
        evidence.compared(len(NAN_BITS), "bit patterns")
        if bits != NAN_BITS:
            raise Refuted(
                f"written {[hex(b) for b in bits]}, stored {[hex(b) for b in NAN_BITS]}",
                stage="embedding",
                layer=0,
                position=1,
            )


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-007")
def only_the_layers_asked_for(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """One layer, a range, a layer that is not there."""
    evidence.level("measured")
    evidence.input("model", model_path)
    stages = ("--save-tensor", "ffn_up,attn_norm", "--tokens", "504,28")
    for selection, layers in ((("--layer", "3"), {3}), (("--save-tensor-layers", "1..4"), {1, 2, 3})):
        directory = _save(apr, model_path, tmp_path / selection[0].strip("-"), *stages, *selection)
        seen = {_place(name) for name in _files(directory) if name.endswith(".bin")}
        expected = {(stage, layer) for stage in ("attn_norm", "ffn_up") for layer in layers}
        evidence.compared(len(seen | expected), "files")
        wrong = sorted(seen ^ expected, key=lambda place: (place[1] is None, place[1], place[0] != "ffn_up"))
        if wrong:
            raise Refuted(
                f"{' '.join(selection)}: {len(wrong)} files too many or too few", stage=wrong[0][0], layer=wrong[0][1]
            )
    beyond = apr("trace", model_path, *stages, "--layer", "30", "--output", tmp_path / "beyond")
    evidence.compared(1, "refusals")
    if beyond.returncode != 2 or "0 to 29" not in beyond.stderr or (tmp_path / "beyond").exists():
        raise Refuted(f"layer 30 of 30 is not refused: {beyond.stderr}", stage="refusal")


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-008")
def this_contract_is_valid(evidence: Evidence, pv: Any, tmp_path: Path) -> None:
    """As it stands, and with one prediction taken out."""
    evidence.input("contract", CONTRACT_FILE)
    accepted = pv("validate", CONTRACT_FILE)
    evidence.compared(1, "contracts")
    if accepted.returncode:
        raise Refuted(f"it is not valid: {accepted.stdout}{accepted.stderr}", stage="validate")
    text = CONTRACT_FILE.read_text(encoding="utf-8")
    place = text.index("    prediction:")
    line = text.count("\n", 0, text.rindex("  - id:", 0, place)) + 1
    broken = tmp_path / CONTRACT_FILE.name
    lost = re.sub(r"    prediction:.*?\n(?=    \w)", "", text[place:], count=1, flags=re.DOTALL)
    broken.write_text(text[:place] + lost, encoding="utf-8")
    refused = pv("validate", broken)
    evidence.compared(1, "broken contracts")
    said = re.search(rf"{re.escape(broken.name)}:{line}:\d+: error.*predict", refused.stdout)
    if refused.returncode != 1 or not said:
        raise Refuted(
            f"a claim without prediction: exit {refused.returncode}, {refused.stdout}{refused.stderr}", stage="validate"
        )


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-009")
def stage_files_are_compared(evidence: Evidence, apr: Any, tmp_path: Path) -> None:
    """Files written by hand, so that the program's reader is judged and not its agreement with its writer."""
    values = [1.0, -2.0, 0.5, 3.0]
    written = {
        "same": _stage_file(3, values),
        "twin": _stage_file(3, values),
        "changed": _stage_file(3, [1.0, -2.0, 0.75, 3.0]),
        "nan": _stage_file(3, [1.0, math.nan, 0.5, 3.0]),
        "longer": _stage_file(3, [*values, 0.0]),
        "layer": _stage_file(4, values),
        "cut": _stage_file(3, values)[:-1],
        "other": b"GGUF" + bytes(24),
    }
    for name, content in written.items():
        (tmp_path / f"{name}.bin").write_bytes(content)

    def diff(other: str) -> tuple[int, dict[str, Any], str]:
        done = apr("diff", tmp_path / "same.bin", tmp_path / f"{other}.bin", "--values", "--json")
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else {}, done.stderr

    def expect(condition: object, what: str) -> None:
        evidence.compared(1, "comparisons")
        if not condition:
            raise Refuted(what, stage="diff")

    code, shown, _ = diff("twin")
    expect(
        (code, shown.get("max_abs_diff"), shown.get("rms_diff")) == (0, 0.0, 0.0), f"equal files: exit {code}, {shown}"
    )
    expect(abs(shown.get("cosine_sim", 0.0) - 1) < 1e-12, f"equal files have cosine {shown.get('cosine_sim')}")
    code, shown, _ = diff("changed")
    expect(
        (code, shown.get("max_abs_diff"), shown.get("max_abs_diff_index")) == (1, 0.25, 2),
        f"one changed: exit {code}, {shown}",
    )
    expect(math.isclose(shown["rms_diff"], 0.125), f"rms of one quarter among four is 1/8, not {shown['rms_diff']}")
    code, shown, _ = diff("nan")
    expect(code == 1 and shown.get("max_abs_diff_index") == 1, f"a NaN: exit {code}, {shown}")
    for other, said in (("longer", "5"), ("layer", "4")):
        code, _, message = diff(other)
        expect(code == 1 and said in message, f"{other}: exit {code}, {message!r}")
    for other in ("cut", "other", "absent"):
        code, _, message = diff(other)
        expect(
            code == 2 and f"{other}.bin" in message and "Traceback" not in message, f"{other}: exit {code}, {message!r}"
        )


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-010")
def logits_belong_to_the_whole_model(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """Asked for together with layer 5."""
    evidence.level("measured")
    evidence.input("model", model_path)
    directory = _save(
        apr, model_path, tmp_path / "out", "--save-tensor", "lm_head,ffn_norm", "--layer", "5", "--tokens", "504,28"
    )
    names = [name for name in _files(directory) if name.endswith(".bin")]
    evidence.compared(len(names), "files")
    if names != ["layer-5/ffn_norm.bin", "lm_head.bin"]:
        raise Refuted(f"written: {names}", stage="lm_head")
    layer = struct.unpack_from("<4sI", (directory / "lm_head.bin").read_bytes())[1]
    if layer != WHOLE_MODEL:
        raise Refuted(f"lm_head.bin says layer {layer}", stage="lm_head", found=layer)


@falsifies(CONTRACT, "FALSIFY-APR-TRACE-SAVE-011")
def end_to_end(evidence: Evidence, apr: Any, model_path: Path, tmp_path: Path) -> None:
    """Everything the model has, from a prompt to files."""
    evidence.level("measured")
    evidence.input("model", model_path)
    directory = _save(
        apr, model_path, tmp_path / "out", "--save-tensor", "all", "--save-tensor-layers", "all", "--prompt", PROMPT
    )
    sidecar = json.loads((directory / "capture.json").read_text(encoding="utf-8"))
    tokens = sidecar["provenance"]["tokens"]
    evidence.compared(len(PROMPT_TOKENS), "tokens")
    if tokens != PROMPT_TOKENS:
        raise Refuted(f"the prompt became {tokens}", stage="tokens")
    layered = [
        stage for stage in STAGES if stage not in ("embedding", *ABSENT, "layer_output", "final_norm", "lm_head")
    ]
    expected: set[tuple[str, int | None]] = {(stage, layer) for stage in layered for layer in range(30)}
    expected |= {("embedding", 0), ("final_norm", None), ("lm_head", None)}
    shapes = {(entry["stage"], entry["layer"]): entry["shape"] for entry in sidecar["files"]}
    on_disk = {_place(name): content for name, content in _files(directory).items() if name.endswith(".bin")}
    for place in sorted(expected | shapes.keys() | on_disk.keys(), key=str):
        evidence.compared(1, "stages")
        if place not in expected or place not in shapes or place not in on_disk:
            raise Refuted(f"{place}: expected, listed and written do not agree", stage=place[0], layer=place[1])
        rows, width = shapes[place]
        values = np.frombuffer(on_disk[place], "<f4", offset=12)
        as_known = (rows, width) == (len(PROMPT_TOKENS), WIDTHS.get(place[0], 576))
        if not as_known or values.size != rows * width or not np.isfinite(values).all():
            raise Refuted(f"{place}: shape {shapes[place]}, {values.size} values", stage=place[0], layer=place[1])
