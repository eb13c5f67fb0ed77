"""`apr import`: a model of any format as an .apr file."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from apr.cache import resolve_model
from apr.commands.output import check_output
from apr.console import Progress, escape, human_size
from apr.convert import Import, ImportOptions, Quantise, read_tokenizer
from apr.convert.sharding import shard_paths
from apr.errors import OK, UsageError
from apr.formats import open_model
from apr.formats.apr import Layout
from apr.formats.apr_model import EMBEDDING

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from apr.convert import Imported, TokenizerKeys
    from apr.formats.model_file import ModelFile

_SIZE = re.compile(r"(?P<number>[0-9]{1,15})(?P<unit>[KMG]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30}
LAYOUTS = {"hf": Layout.APR, "gguf": Layout.GGML}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Write a model as an .apr file. Bytes of types that the file can hold are copied, never encoded anew; the others are "
        "refused unless --dequantise or --quantise asks for something else. Metadata comes along whole, so `apr export` "
        "gives the same GGUF file back."
    )
    parser.add_argument("model", metavar="MODEL", help="a .gguf file, a safetensors folder, an .apr file, or an alias")
    parser.add_argument("-o", "--output", metavar="OUT.apr", help="default: ./MODEL.apr")
    parser.add_argument(
        "--layout",
        choices=tuple(LAYOUTS),
        default="hf",
        help="whose .apr file: hf as `apr import` upstream writes (F32, F16, BF16, Q4_K, Q6_K), "
        "gguf as its --preserve-q4k (most GGUF types); default hf",
    )
    numbers = parser.add_mutually_exclusive_group()
    numbers.add_argument("--dequantise", action="store_true", help="make F32 of types that the layout does not have")
    numbers.add_argument(
        "--quantise",
        choices=tuple(one.value for one in Quantise),  # argparse would show the members' repr
        help="encode matrices anew: as F16, AprQ8 or AprQ4; norms, biases, routers and what is small stay",
    )
    parser.add_argument(
        "--tokenizer", metavar="FILE", help="take the tokenizer of another model, or a tokenizer.json, instead"
    )
    parser.add_argument(
        "--keep-tied",
        action="store_true",
        help="do not write a tied head as a copy of the embedding; other readers may miss it",
    )
    parser.add_argument(
        "--shard-size",
        metavar="SIZE",
        help="write several files of at most so many bytes of tensors, and a manifest: 500M, 2G (layout hf)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT.apr")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command; everything is checked before anything is written.

    Raises:
        AprError: see `apr.convert.Import`.
    """
    limit = _shard_size(args.shard_size)
    source = resolve_model(args.model)
    # the name that shards are named after may be there: it is not written
    output = check_output(args.output, source, ".apr", force=args.force or limit is not None)
    options = ImportOptions(
        LAYOUTS[args.layout],
        dequantise=args.dequantise,
        quantise=None if args.quantise is None else Quantise(args.quantise),
        keep_tied=args.keep_tied,
    )
    file = open_model(source)
    conversion = Import(file, options, None if args.tokenizer is None else _tokenizer(args.tokenizer, file))
    if limit is not None:
        for path in shard_paths(output, len(conversion.shards(limit))):
            check_output(str(path), source, ".apr", force=args.force)
    with Progress(f"writing {output.name}", conversion.nbytes, unit="bytes") as progress:
        done = (
            conversion.write(output, progress.advance)
            if limit is None
            else conversion.write_shards(output, limit, progress.advance)
        )
    _report(source, done, args.layout, as_json=args.json)
    return OK


def _shard_size(given: str | None) -> int | None:
    if given is None:
        return None
    match = _SIZE.fullmatch(given)
    size = int(match["number"]) << _SHIFTS[match["unit"].upper()] if match else 0
    if size == 0:
        raise UsageError(f"{given!r} is no size", where="--shard-size", hint="write 500M or 2G; K, M and G are binary")
    return size


def _tokenizer(given: str, file: ModelFile) -> TokenizerKeys:
    embedding = file.tensors.get(EMBEDDING)
    return read_tokenizer(resolve_model(given), embedding.shape[0] if embedding else 0)


def _report(source: Path, done: Imported, layout: str, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "schema": "apr-import-v1",
            "source": str(source),
            "output": str(done.path),
            "layout": layout,
            "bytes": done.nbytes,
            "tensors": done.tensors,
            "kept": dict(done.kept),
            "changed": dict(done.changed),
            "tied": done.tied,
            "shards": [str(path) for path in done.shards],
        }
        sys.stdout.write(f"{json.dumps(summary)}\n")
        return
    lines = [f"{source} -> {done.path}", f"  {done.tensors} tensors in layout {layout}, {human_size(done.nbytes)}"]
    lines += [f"  kept     {count:>5} {kind}" for kind, count in sorted(done.kept.items())]
    lines += [f"  changed  {count:>5} {change}" for change, count in sorted(done.changed.items())]
    lines += [f"  shard    {path}" for path in done.shards]
    if done.tied:
        lines.append("  the head is the embedding")
    sys.stdout.write("".join(f"{escape(line)}\n" for line in lines))
