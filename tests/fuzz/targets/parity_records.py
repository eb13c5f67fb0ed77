"""Records of a parity run: no key twice, and written back the same."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.parity.records import read_all, write
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(b"record", b"run", b"gate", b"missing", b"stage", b"vote", b"ladder", b"verdict", b"schema", b"layer", b"prompt"),
    *(b"nan", b"inf", b"-inf", b"attn_norm", b"lm_head", b"side", b"reason", b"tests", b"bound", b"subject", b"oracle"),
)


@functools.cache
def _seeds() -> list[bytes]:
    from apr.stages import StageKey
    from tests.unit.apr.parity.builders import measurement, verdict

    made = []
    for fault in (None, StageKey("lm_head", None)):
        stream, run = io.StringIO(), measurement(layers=0, positions=2, fault=fault)
        write(run, verdict(run, fault), stream)
        made.append(stream.getvalue().encode())
    return made


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "measurement.jsonl", data)
    try:
        recorded = read_all(path)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    for line in data.splitlines():
        loose = read_loosely(line)
        expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    stream = io.StringIO()
    write(*recorded, stream)
    text = stream.getvalue()
    again = io.StringIO()
    write(*read_all(replace(path, text.encode())), again)
    expect(again.getvalue() == text, "is not written back as it was read")
    return True


TARGET = Target(_check, _seeds, "lines", _TOKENS)
