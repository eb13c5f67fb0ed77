"""`apr trace`: runs a model over a prompt and saves named stages of the forward pass."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.cache import resolve_model
from apr.capture import expected_keys
from apr.commands.prompts import DEFAULT_PROMPT
from apr.console import Progress, escape, is_terminal, print_table
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.errors import OK, UnusableInput, UsageError
from apr.formats import open_model
from apr.formats.aprt import SIDECAR_NAME, CaptureWriter, Written
from apr.models import load
from apr.ops.arithmetic import ARITHMETICS, EXACT, F32, GGML, arithmetic
from apr.parity.statistics import Statistics, describe
from apr.stages import FIRST_LAYER_ONLY, WHOLE_MODEL, parse_layers, parse_stages, whole_number
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from apr.capture import Array
    from apr.engines.base import Engine
    from apr.formats.model_file import ModelFile
    from apr.models import Model
    from apr.stages import StageKey

_TOP = 5  # most probable next tokens shown with --payload


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a .gguf or .apr file, a safetensors folder, or an alias")
    what = parser.add_argument_group("what to save")
    what.add_argument("--save-tensor", metavar="STAGES", help="`all`, or stage names separated by commas")
    layers = what.add_mutually_exclusive_group()
    layers.add_argument("--layer", metavar="N", help="one layer")
    layers.add_argument("--save-tensor-layers", metavar="A..B", help="layers A to B - 1, or `all`; default 0..1")
    where = what.add_mutually_exclusive_group()
    where.add_argument("--output", "--save-tensor-dir", metavar="DIR", help="default: ./MODEL-trace")
    what.add_argument(
        "--payload", action="store_true", help="print statistics of each stage and the likeliest next tokens"
    )
    run = parser.add_argument_group("what to run")
    prompt = run.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", metavar="TEXT", help=f"default: {DEFAULT_PROMPT!r}")
    prompt.add_argument("--tokens", metavar="IDS", help="token ids separated by commas or blanks, instead of a prompt")
    run.add_argument("--engine", choices=("numpy", "llama.cpp", "transformers"), default="numpy", help="default: numpy")
    run.add_argument(
        "--arithmetic",
        choices=tuple(ARITHMETICS),
        help="how values are rounded; default f32, for llama.cpp always ggml; exact reproduces llama.cpp's AVX2 kernels bit by bit; transformers has f32 and f64",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command; arguments are checked before the model is opened, the model before anything is written."""
    stages = parse_stages(args.save_tensor) if args.save_tensor is not None else ()
    layers = _layers(args)
    typed_tokens = _typed_tokens(args.tokens)
    rounding = _arithmetic(args)
    path = resolve_model(args.model)
    file = open_model(path)
    model = load(file, arithmetic(rounding), ProvedDequantiser(file))
    if not stages and not args.payload:
        _print_structure(model, path, as_json=args.json)
        return OK
    wanted = _wanted(model, stages, layers)
    tokenizer = Tokenizer.from_file(file) if typed_tokens is None else None
    prompt = DEFAULT_PROMPT if args.prompt is None else args.prompt
    tokens = tokenizer.encode(prompt) if tokenizer else typed_tokens or []
    directory = Path(args.output) if args.output is not None else Path(f"{path.stem}-trace")
    with contextlib.ExitStack() as stack:
        engine = _engine(args.engine, file, model, stack)
        summary = _trace(engine, tokens, model, wanted, directory if stages else None, payload=args.payload)
    _report(args, summary, engine, prompt if tokenizer else None, tokenizer or _tokenizer_or_none(file), path)
    return OK


@dataclass(frozen=True)
class Wanted:
    """What of a forward pass is to be saved.

    Attributes:
        keys: the stages.
        layers: the layers asked for.
        notes: what was asked for and does not exist here.
    """

    keys: frozenset[StageKey]
    layers: range
    notes: tuple[str, ...]


@dataclass
class Summary:
    """What a trace did: files, statistics, and the last position's logits."""

    tokens: Sequence[int]
    directory: Path | None
    notes: tuple[str, ...]
    written: list[Written] = field(default_factory=list)
    statistics: list[tuple[StageKey, Statistics]] = field(default_factory=list)
    last_logits: Array | None = None


def _layers(args: argparse.Namespace) -> range | None:
    """The layers asked for; None for all of them."""
    if args.layer is not None:
        layer = whole_number(args.layer.strip(), "--layer", "layers count from 0")
        return range(layer, layer + 1)
    if args.save_tensor_layers is None:
        return range(1)
    return None if args.save_tensor_layers.strip().lower() == "all" else parse_layers(args.save_tensor_layers)


def _typed_tokens(text: str | None) -> list[int] | None:
    if text is None:
        return None
    hint = "write ids as 1780,314,216"
    tokens = [whole_number(word, "--tokens", hint) for word in text.replace(",", " ").split()]
    if not tokens:
        raise UsageError("no token ids are given", where="--tokens", hint=hint)
    return tokens


def _engine(name: str, file: ModelFile, model: Model, stack: contextlib.ExitStack) -> Engine:
    """The engine of that name; the stack closes it."""
    if name == "llama.cpp":
        return stack.enter_context(LlamaCpp(file))
    if name == "transformers":
        from apr.engines.transformers.engine import Transformers  # noqa: PLC0415 - loads torch, where it is installed

        return Transformers(file, model.arithmetic)
    return Reference(file, model.arithmetic, model)


def _arithmetic(args: argparse.Namespace) -> str:
    """The arithmetic asked for, or the engine's usual one.

    Raises:
        UsageError: one in which the engine does not compute.
    """
    if args.engine == "llama.cpp" and args.arithmetic not in (None, GGML.name):
        raise UsageError(
            f"llama.cpp computes in its own arithmetic, not in {args.arithmetic!r}",
            where="--arithmetic",
            hint="leave it out, or use --engine numpy",
        )
    if args.engine == "transformers" and args.arithmetic in (GGML.name, EXACT.name):
        raise UsageError(
            "transformers does not round as llama.cpp does", where="--arithmetic", hint="it has f32 and f64"
        )
    return args.arithmetic or (GGML.name if args.engine == "llama.cpp" else F32.name)


def _wanted(model: Model, stages: tuple[str, ...], layers: range | None) -> Wanted:
    """The keys to save.

    Raises:
        UsageError: a layer that the model does not have.
        UnusableInput: none of the stages exists in this model.
    """
    n_layers = model.config.n_layers
    chosen = range(n_layers) if layers is None else layers
    if chosen.stop > n_layers:
        raise UsageError(f"layer {chosen.stop - 1} does not exist", hint=f"the model has layers 0 to {n_layers - 1}")
    absent = [name for name in stages if name not in model.stages]
    if stages and len(absent) == len(stages):
        raise UnusableInput(
            f"this {model.config.architecture} model has no stage {', '.join(absent)}",
            hint=f"it has {', '.join(model.stages)}",
        )
    keys = [
        key
        for key in expected_keys(tuple(name for name in stages if name in model.stages), n_layers)
        if key.stage in WHOLE_MODEL or key.layer in chosen
    ]
    notes = [f"this {model.config.architecture} model has no stage {name}" for name in absent]
    notes += [
        f"{name} belongs to layer 0, which was not asked for"
        for name in stages
        if name in FIRST_LAYER_ONLY and 0 not in chosen
    ]
    if stages and not keys:
        raise UsageError(f"nothing is left to save: {'; '.join(notes)}")
    return Wanted(frozenset(keys), chosen, tuple(notes))


def _trace(
    engine: Engine, tokens: Sequence[int], model: Model, wanted: Wanted, directory: Path | None, *, payload: bool
) -> Summary:
    """One pass; stages are written as they come, and the pass ends with the last one that is wanted."""
    summary = Summary(tokens, directory, wanted.notes)
    if is_terminal(sys.stderr) and engine.name != "numpy":
        sys.stderr.write(f"running {len(tokens)} tokens in {engine.name} …\n")
    looked_at = set(wanted.keys)
    if payload:
        looked_at |= {key for key in model.stage_keys() if key.layer is None or key.layer in wanted.layers}
    stages = engine.stream(tokens, looked_at)
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(CaptureWriter(directory, engine.provenance(tokens))) if directory else None
        progress = stack.enter_context(Progress("tracing", total=len(model.stage_keys()), unit="stages"))
        for key, array in stages:
            progress.advance()
            if payload and key in looked_at:
                summary.statistics.append((key, describe(array)))
            if key.stage == "lm_head":
                summary.last_logits = array[-1]
            if writer and key in wanted.keys:
                writer.add(key, array)
    if writer:
        summary.written = writer.written
    return summary


def _tokenizer_or_none(file: ModelFile) -> Tokenizer | None:
    """For showing token texts beside ids; ids alone will do where the file has no tokenizer that we know."""
    try:
        return Tokenizer.from_file(file)
    except UnusableInput:
        return None


def _print_structure(model: Model, path: Path, *, as_json: bool) -> None:
    """What a trace of this model could save; nothing is run."""
    c = model.config
    rows = [
        (name, model.width(name), c.n_layers if len(expected_keys((name,), c.n_layers)) > 1 else 1)
        for name in model.stages
    ]
    if as_json:
        stages = [{"stage": name, "width": width, "count": count} for name, width, count in rows]
        print(json.dumps({"model": str(path), "architecture": c.architecture, "layers": c.n_layers, "stages": stages}))
        return
    print(f"model   {escape(str(path))}")
    print(
        f"        {c.architecture}, {c.n_layers} layers, hidden {c.hidden}, heads {c.n_heads}/{c.n_kv_heads} of {c.head_dim}, vocabulary {c.vocabulary}"
    )
    print_table(
        ("stage", "width", "layers"), [(name, str(width), str(count)) for name, width, count in rows], right=(1, 2)
    )
    print("nothing was run: save stages with --save-tensor, or see statistics with --payload")


def _report(
    args: argparse.Namespace,
    summary: Summary,
    engine: Engine,
    prompt: str | None,
    tokenizer: Tokenizer | None,
    path: Path,
) -> None:
    top = _top(summary.last_logits, tokenizer)
    wanted_layers = _layers(args)
    if args.json:
        print(json.dumps(_as_json(summary, engine, prompt, top, path), allow_nan=False))
        return
    lines = [
        f"model   {path}",
        f"engine  {engine.name} ({engine.build}), arithmetic {engine.arithmetic}",
        f"tokens  {len(summary.tokens)}: {' '.join(map(str, summary.tokens[:16]))}{' …' if len(summary.tokens) > 16 else ''}",
    ]
    if prompt is not None:
        lines.insert(2, f"prompt  {prompt!r}")
    if args.layer is None and args.save_tensor_layers is None and wanted_layers is not None:
        lines.append("layers  0..1, the default; --save-tensor-layers all saves every layer")
    lines += [f"note    {note}" for note in summary.notes]
    print("\n".join(escape(line) for line in lines))
    if summary.statistics:
        print_table(
            ("stage", "mean", "std", "min", "max", "NaN", "Inf", ""),
            [(str(key), *statistics.cells()) for key, statistics in summary.statistics],
            right=range(1, 7),
        )
    if args.payload and top:
        print_table(
            ("next token", "id", "logit"),
            [(repr(text), str(token), f"{logit:.4f}") for token, text, logit in top],
            right=(1, 2),
        )
    if summary.directory is not None:
        print(f"wrote {len(summary.written)} stage files and {SIDECAR_NAME} to {escape(str(summary.directory))}")
        for file in summary.written:
            print(f"  {escape(str(file.path))} ({file.nbytes} bytes)")


def _top(logits: Array | None, tokenizer: Tokenizer | None) -> list[tuple[int, str, float]]:
    """The likeliest next tokens, ties by the lower id."""
    if logits is None:
        return []
    order = np.argsort(np.where(np.isnan(logits), np.inf, -logits), kind="stable")[:_TOP]  # NaN is no candidate
    return [(int(token), tokenizer.decode([int(token)]) if tokenizer else "", float(logits[token])) for token in order]


def _as_json(
    summary: Summary, engine: Engine, prompt: str | None, top: list[tuple[int, str, float]], path: Path
) -> dict[str, Any]:
    return {
        "schema": "apr-trace-v1",
        "model": str(path),
        "engine": engine.name,
        "build": engine.build,
        "arithmetic": engine.arithmetic,
        "prompt": prompt,
        "tokens": list(summary.tokens),
        "directory": None if summary.directory is None else str(summary.directory),
        "files": [{"path": str(file.path), "bytes": file.nbytes} for file in summary.written],
        "statistics": [
            {"stage": key.stage, "layer": key.layer, **statistics.as_json()} for key, statistics in summary.statistics
        ],
        "notes": list(summary.notes),
        "top": [
            {"token": token, "text": text, "logit": logit if math.isfinite(logit) else None}
            for token, text, logit in top
        ],
    }
