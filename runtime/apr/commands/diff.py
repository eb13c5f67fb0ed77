"""`apr diff A B --values`: two stage files, or two folders of them, element by element."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.console import escape, print_table
from apr.errors import FINDINGS, OK, NotComparable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apr.parity.diff import CaptureDiff, StageDiff
    from apr.parity.metrics import Difference, Element

STAGE_SCHEMA = "apr-stage-diff-v1"
CAPTURE_SCHEMA = "apr-capture-diff-v1"
_ALLOWABLE = ("arithmetic", "model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Compare two stage files, or two folders of them, that `apr trace --save-tensor` or another engine wrote. "
        "A is the subject, B the reference."
    )
    parser.epilog = "Exit codes: 0 every bit is the same, 1 they differ or must not be compared, 2 unusable input."
    parser.add_argument("a", type=Path, metavar="A", help="stage file or folder under judgement")
    parser.add_argument("b", type=Path, metavar="B", help="stage file or folder it is held against")
    parser.add_argument(
        "--values", action="store_true", help="compare the values (needed: there is no other comparison yet)"
    )
    parser.add_argument(
        "--limit", type=_limit, default=10, metavar="N", help="how many differing elements to name (default 10)"
    )
    parser.add_argument(
        "--json", action="store_true", help=f"one JSON object, schema {STAGE_SCHEMA} or {CAPTURE_SCHEMA}"
    )
    parser.add_argument(
        "--allow",
        type=_allow,
        default=(),
        metavar="WHAT",
        help=f"compare although these differ: {', '.join(_ALLOWABLE)}",
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 10000")
    return int(text)


def _allow(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in _ALLOWABLE:
            raise argparse.ArgumentTypeError(f"{name!r} cannot be allowed, only {', '.join(_ALLOWABLE)}")
    return names


def run(args: argparse.Namespace) -> int:
    """Compares and prints.

    Raises:
        AprError: unusable input, or two sides that must not be compared.
    """
    if not args.values:
        raise UsageError(
            "say what to compare", hint="--values compares stage files or folders of them; nothing else exists yet"
        )
    from apr.parity.diff import CaptureDiff, diff_paths  # noqa: PLC0415 - `--help` does not wait for numpy

    try:
        outcome = diff_paths(args.a, args.b, limit=args.limit, allow=args.allow)
    except NotComparable as refusal:
        if args.json:  # exit code 1 alone would not tell a refusal from a difference
            schema = CAPTURE_SCHEMA if args.a.is_dir() and args.b.is_dir() else STAGE_SCHEMA
            told = {
                "schema": schema,
                "path_a": str(args.a),
                "path_b": str(args.b),
                "comparable": False,
                "reason": refusal.problem,
            }
            sys.stdout.write(json.dumps(told, indent=2) + "\n")
        raise
    if isinstance(outcome, CaptureDiff):
        content = _capture_json(outcome) if args.json else None
        identical = outcome.identical
    else:
        content = _stage_json(outcome) if args.json else None
        identical = outcome.difference.bit_identical
    if content is not None:
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    elif isinstance(outcome, CaptureDiff):
        _print_capture(outcome)
    else:
        _print_stage(outcome)
    return OK if identical else FINDINGS


def _finite(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same object for JSON: what is not finite becomes null and is told apart under `not_finite`."""
    lost = {
        name: str(value) for name, value in content.items() if isinstance(value, float) and not math.isfinite(value)
    }
    kept = {name: None if name in lost else value for name, value in content.items()}
    return {**kept, "not_finite": lost} if lost else kept


def _elements_json(elements: Iterable[Element]) -> list[dict[str, Any]]:
    return [
        _finite({"index": element.index, "a": element.a, "b": element.b, "abs_diff": element.abs_diff})
        for element in elements
    ]


def _stage_json(diff: StageDiff) -> dict[str, Any]:
    from apr.parity.diff import measures  # noqa: PLC0415 - `--help` does not wait for numpy

    numbers = measures(diff.difference)
    if diff.difference.integers:
        numbers["cosine"] = None  # between ids it has no meaning
    return {
        "schema": STAGE_SCHEMA,
        "path_a": str(diff.path_a),
        "path_b": str(diff.path_b),
        "comparable": True,
        "stage": diff.key.stage if diff.key else None,
        "layer": "whole-model" if diff.layer is None else diff.layer,
        "dim_product": numbers.pop("count"),
        **_finite({"cosine_sim": numbers.pop("cosine"), **numbers}),
        "top_diffs": _elements_json(diff.difference.top),
        "first_diffs": _elements_json(diff.difference.first),
        "notes": list(diff.notes),
    }


def _capture_json(diff: CaptureDiff) -> dict[str, Any]:
    first = diff.first_difference
    return {
        "schema": CAPTURE_SCHEMA,
        "path_a": str(diff.path_a),
        "path_b": str(diff.path_b),
        "comparable": True,
        "identical": diff.identical,
        "first_difference": str(first.key) if first else None,
        "only_a": [str(key) for key in diff.only_a],
        "only_b": [str(key) for key in diff.only_b],
        "incomparable": [{"stage": str(key), "reason": reason} for key, reason in diff.incomparable],
        "notes": list(diff.notes),
        "stages": [_stage_json(stage) for stage in diff.stages],
    }


def _say(line: str) -> None:
    sys.stdout.write(escape(line) + "\n")


def _print_stage(diff: StageDiff) -> None:
    outcome = diff.difference
    what = (
        str(diff.key)
        if diff.key
        else "stage not known, " + ("whole model" if diff.layer is None else f"layer {diff.layer}")
    )
    _say(f"A: {diff.path_a}")
    _say(f"B: {diff.path_b}")
    _say(f"stage: {what}, {outcome.count} values")
    for note in diff.notes:
        _say(f"note: {note}")
    if outcome.integers:
        _print_ids(outcome)
        return
    _say("bit-identical" if outcome.bit_identical else f"different: {outcome.n_different} of {outcome.count} values")
    if outcome.max_abs_diff_index is None:
        _say(f"max|a-b|:      {outcome.max_abs_diff:.6e}")
    else:
        _say(f"max|a-b|:      {outcome.max_abs_diff:.6e} at index {outcome.max_abs_diff_index}")
    if outcome.max_ulp is not None:
        _say(f"max ULP:       {outcome.max_ulp}")
    _say(f"RMS:           {outcome.rms_diff:.6e}")
    _say(f"relative RMS:  {outcome.relative_rms:.6e}")
    _say(f"NMSE:          {outcome.nmse:.6e}")
    _say(f"cosine:        {outcome.cosine:.10f}")
    if outcome.worst_position is not None and outcome.worst_position_relative_rms is not None:
        _say(
            f"position:      worst is {outcome.worst_position}, relative RMS {outcome.worst_position_relative_rms:.6e}"
        )
    if outcome.worst_channel is not None and outcome.worst_channel_relative_rms is not None:
        _say(f"channel:       worst is {outcome.worst_channel}, relative RMS {outcome.worst_channel_relative_rms:.6e}")
    if not outcome.all_finite:
        _say(f"not finite:    A {outcome.nan_a} NaN, {outcome.inf_a} Inf; B {outcome.nan_b} NaN, {outcome.inf_b} Inf; ")
        _say(f"               {outcome.nonfinite_mismatches} where the two sides do not agree on it")
    for title, elements in (("first", outcome.first), ("greatest", outcome.top)):
        if elements:
            _say(f"{title} differences:")
            rows = [(str(item.index), f"{item.a:.9g}", f"{item.b:.9g}", f"{item.abs_diff:.6e}") for item in elements]
            print_table(("index", "a", "b", "|a-b|"), rows, right=range(4))


def _print_ids(outcome: Difference) -> None:
    """Ids are equal or not; no distance between them says anything."""
    _say("all ids are equal" if outcome.bit_identical else f"unequal ids: {outcome.n_different} of {outcome.count}")
    if outcome.worst_position is not None and not outcome.bit_identical:
        _say(f"position:      worst is {outcome.worst_position}")
    if outcome.first:
        _say("first unequal ids:")
        print_table(
            ("index", "a", "b"),
            [(str(item.index), f"{item.a:.9g}", f"{item.b:.9g}") for item in outcome.first],
            right=range(3),
        )


def _severity(stage: StageDiff) -> tuple[bool, float, int]:
    """Orders stages from harmless to bad: NaN is worst, then the relative RMS, then the number of differing values."""
    relative = stage.difference.relative_rms
    broken = math.isnan(relative) and not stage.difference.bit_identical
    return broken, 0.0 if math.isnan(relative) else relative, stage.difference.n_different


def _greatest(layers: list[StageDiff]) -> str:
    """The greatest |a-b| of a stage over its layers, NaN first, and the layer that has it; a dash for ids."""
    if layers[0].difference.integers:
        return "-"
    worst = max(layers, key=lambda one: (math.isnan(one.difference.max_abs_diff), one.difference.max_abs_diff))
    where = "" if worst.layer is None or worst.difference.bit_identical else f" @{worst.layer}"
    return f"{worst.difference.max_abs_diff:.3e}{where}"


def _most_steps(layers: list[StageDiff]) -> str:
    """The greatest ULP distance of a stage over its layers, NaN first."""
    steps = [layer.difference.max_ulp for layer in layers if layer.difference.max_ulp is not None]
    return str(max(steps, key=lambda each: (math.isnan(each), each))) if steps else "-"


def _print_capture(diff: CaptureDiff) -> None:
    _say(f"A: {diff.path_a}")
    _say(f"B: {diff.path_b}")
    for note in diff.notes:
        _say(f"note: {note}")
    by_stage: dict[str, list[StageDiff]] = {}
    for compared in diff.stages:
        by_stage.setdefault(compared.key.stage if compared.key else "?", []).append(compared)
    rows = []
    for stage, layers in by_stage.items():
        worst = max(layers, key=_severity)
        outcome = worst.difference
        same = sum(layer.difference.bit_identical for layer in layers)
        rows.append(
            (
                stage,
                f"{same}/{len(layers)}",
                "-" if worst.layer is None else str(worst.layer),
                "-" if outcome.integers else f"{outcome.relative_rms:.3e}",
                _greatest(layers),
                _most_steps(layers),
                "-" if outcome.integers else f"{outcome.cosine:.8f}",
                "-" if outcome.worst_position is None or outcome.bit_identical else str(outcome.worst_position),
                "-" if outcome.worst_channel is None or outcome.bit_identical else str(outcome.worst_channel),
                str(sum(layer.difference.nonfinite_mismatches for layer in layers)),
            )
        )
    header = (
        "stage",
        "identical",
        "worst layer",
        "relative RMS",
        "max|a-b| @layer",
        "max ULP",
        "cosine",
        "worst row",
        "worst channel",
        "NaN/Inf mismatches",
    )
    print_table(header, rows, right=range(1, len(header)))
    for side, keys in (("A", diff.only_a), ("B", diff.only_b)):
        if keys:
            _say(f"only in {side}: {', '.join(map(str, keys))}")
    for key, reason in diff.incomparable:
        _say(f"not comparable: {key}: {reason}")
    first = diff.first_difference
    if first is not None:
        _say(f"first difference: {first.key}")
        _print_stage(first)
    same = sum(stage.difference.bit_identical for stage in diff.stages)
    missing = len(diff.only_a) + len(diff.only_b) + len(diff.incomparable)
    _say(
        f"{same} of {len(diff.stages)} compared stages are bit-identical"
        + (f"; {missing} were not compared" if missing else "")
    )
