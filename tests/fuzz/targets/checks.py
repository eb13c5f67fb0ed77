"""The numbered checks of damaged model files: what the readers refuse fails at least one of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apr.checks import CHECKS, Verdict, examine
from apr.errors import AprError
from apr.formats import open_model
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect, load_target

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_FORMATS = ("gguf", "apr", "safetensors")


@functools.cache
def _parts() -> dict[str, Target]:
    return {name: load_target(name) for name in _FORMATS}


def _format(data: bytes) -> str:
    return {b"GGUF": "gguf", b"APR\0": "apr"}.get(data[:4], "safetensors")


def _seeds() -> list[bytes]:
    return [seed for name in _FORMATS for seed in list(_parts()[name].seeds())[:2] if len(seed) < 2_000]


def _own(data: bytes, random: Random) -> bytes:
    own = _parts()[_format(data)].own
    return data if own is None else own(data, random)


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / f"m.{_format(data)}", data)
    try:
        report = examine(path, CHECKS)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    for check, outcome in report.outcomes:
        expect("\n" not in outcome.seen, f"a reason of several lines: {check.number} {outcome.seen!r}")
    if path.suffix == ".safetensors":
        return True  # one file is no model that could be opened
    try:
        open_model(path)
    except AprError as refusal:
        expect(report.verdicts(Verdict.FAIL), f"the reader refuses what no check fails: {refusal}")
    return True


TARGET = Target(_check, _seeds, "binary", (b"GGUF", b"APR\0"), _own)
