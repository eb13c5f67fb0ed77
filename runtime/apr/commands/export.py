"""`apr export`: a model of any format as a GGUF file."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from apr.cache import resolve_model
from apr.commands.output import check_output
from apr.console import Progress, escape, human_size
from apr.convert import Export, Floats
from apr.errors import OK
from apr.formats import open_model

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from apr.convert import Exported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Write a model as a GGUF file that llama.cpp reads. Bytes of types that GGUF has are copied; the others (AprQ4, "
        "AprQ8, rows filled up to whole blocks) are refused unless --dequantise asks for their numbers."
    )
    parser.add_argument("model", metavar="MODEL", help="an .apr file, a safetensors folder, a .gguf file, or an alias")
    parser.add_argument("-o", "--output", metavar="OUT.gguf", help="default: ./MODEL.gguf")
    parser.add_argument("--dequantise", choices=tuple(Floats), help="what types become that GGUF does not have")
    parser.add_argument("--force", action="store_true", help="overwrite OUT.gguf")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command; everything is checked before anything is written.

    Raises:
        AprError: see `apr.convert.Export`.
    """
    source = resolve_model(args.model)
    output = check_output(args.output, source, ".gguf", force=args.force)
    conversion = Export(open_model(source), None if args.dequantise is None else Floats(args.dequantise))
    with Progress(f"writing {output.name}", conversion.nbytes, unit="bytes") as progress:
        done = conversion.write(output, progress.advance)
    _report(source, done, as_json=args.json)
    return OK


def _report(source: Path, done: Exported, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "schema": "apr-export-v1",
            "source": str(source),
            "output": str(done.path),
            "bytes": done.nbytes,
            "tensors": done.tensors,
            "kept": dict(done.kept),
            "changed": dict(done.changed),
            "notes": done.notes,
        }
        sys.stdout.write(f"{json.dumps(summary)}\n")
        return
    lines = [f"{source} -> {done.path}", f"  {done.tensors} tensors, {human_size(done.nbytes)}"]
    lines += [f"  kept     {count:>5} {kind}" for kind, count in sorted(done.kept.items())]
    lines += [f"  changed  {count:>5} {change}" for change, count in sorted(done.changed.items())]
    lines += [f"  note     {note}" for note in done.notes]
    sys.stdout.write("".join(f"{escape(line)}\n" for line in lines))
