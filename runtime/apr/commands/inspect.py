"""`apr inspect FILE`: what a model file says about itself; only its head is read."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from apr.console import escape, human_size, print_table
from apr.errors import OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SCHEMA = "apr-inspect-v1"
_ELEMENTS = 8  # of an array that are shown
_CHARACTERS = 200  # of a text
_TABLES = ("types", "metadata", "tensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Show what a model file says about itself: sizes, types, tokenizer, and on request every key and tensor. "
        "Nothing of the tensor data is read. Keys and names are GGUF's, whatever the format."
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="an .apr or .gguf file, any part of a split one, a folder with a safetensors model, or an alias",
    )
    parser.add_argument("--metadata", action="store_true", help=f"every key; of arrays the first {_ELEMENTS} elements")
    parser.add_argument("--tensors", action="store_true", help="every tensor with type, shape, bytes and place")
    parser.add_argument("--filter", metavar="TEXT", default="", help="only keys and tensors with this in their name")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the container alone, with keys and names as it spells them; works where the model cannot be opened",
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def run(args: argparse.Namespace) -> int:
    """Prints what the file says.

    Raises:
        AprError: it is no model, or contradicts itself.
    """
    from apr.cache import resolve_model  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.describe import describe, describe_container  # noqa: PLC0415 - `--help` does not wait for numpy

    path = resolve_model(args.file)
    described = describe_container(path) if args.raw else describe(path)
    content = {"schema": SCHEMA, **described.facts}
    if args.metadata:
        keys = [key for key in described.metadata if args.filter in key]
        content["metadata"] = {key: described.value(key, _ELEMENTS, _CHARACTERS) for key in keys}
    if args.tensors:
        content["tensors"] = [
            tensor
            for tensor in described.tensors
            if any(args.filter in name for name in (tensor["name"], *tensor["stored"]))
        ]
    if args.json:
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    else:
        _print(content)
    return OK


def _print(content: dict[str, Any]) -> None:
    del content["schema"]
    files = content.pop("files")
    lines = [("path", content.pop("path")), ("size", human_size(sum(file["size"] for file in files)))]
    if len(files) > 1:
        lines.append(("files", str(len(files))))
    for name, value in content.items():
        if name not in _TABLES and value is not None:
            lines += _lines(name, value)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        sys.stdout.write(escape(f"{name.ljust(width)}  {text}") + "\n")
    for name in _TABLES:
        if content.get(name) is not None:
            sys.stdout.write("\n")
            _print_table(name, content[name])


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A fact in lines; the members of an object are facts of their own."""
    if isinstance(value, dict) and value:
        for inner, member in value.items():
            if member is not None:
                yield from _lines(inner if name == "hyper_parameters" else f"{name}.{inner}", member)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    elif isinstance(value, int) and name == "parameters":
        yield name, f"{value:,}"
    elif isinstance(value, float):
        yield name, f"{value:.8g}"  # a float32's digits
    else:
        yield name, str(value)


def _print_table(name: str, content: Any) -> None:
    if name == "types":
        rows = [
            (each["type"], str(each["tensors"]), f"{each['parameters']:,}", human_size(each["bytes"]))
            for each in content
        ]
        print_table(("type", "tensors", "parameters", "size"), rows, right=(1, 2, 3))
    elif name == "metadata":
        print_table(("key", "value"), [(key, _short(value)) for key, value in content.items()])
    else:
        names = any(each["stored"] not in ([each["name"]], []) for each in content)
        header = ("tensor", "type", "shape", "bytes", "offset", *(["stored as"] if names else []))
        rows = [
            (
                each["name"],
                each["type"],
                "x".join(map(str, each["shape"])),
                str(each["bytes"]),
                "-" if each["offset"] is None else f"{each['offset']:#x}",
                *([_stored(each["stored"])] if names else []),
            )
            for each in content
        ]
        print_table(header, rows, right=(3, 4))


def _stored(names: list[str]) -> str:
    if not names:
        return "(computed)"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _short(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"length", "first"}:
        first = ", ".join(json.dumps(each, ensure_ascii=False) for each in value["first"])
        more = ", …" if value["length"] > len(value["first"]) else ""
        return f"[{first}{more}] ({value['length']})"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
