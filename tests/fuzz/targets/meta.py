"""`meta.toml` beside a pair of action traces: what is accepted is what tomllib reads."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.meter.meta import read_meta
from tests.fuzz.given import replace
from tests.fuzz.target import ROOT, Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"[fixture]\n",
        b"[teacher]\n",
        b"[student]\n",
        b"[expect]\n",
        b"[expect.upstream]\n",
        b"id = ",
        b"about = ",
        b"covers = ",
    ),
    *(
        b"cwd = ",
        b"source = ",
        b"score = ",
        b"drifts = ",
        b'"authored"',
        b'"vacuous"',
        b"inf",
        b"nan",
        b"1979-05-27",
        b"{",
        b"[",
        b"'''",
    ),
)


def _seeds() -> list[bytes]:
    found = sorted((ROOT / "fixtures" / "action-traces").rglob("meta.toml"))
    return [
        b'[fixture]\nid = "fuzzed"\n',
        *(path.read_bytes().replace(path.parent.name.encode(), b"fuzzed") for path in found[:8]),
    ]


def _check(data: bytes, folder: Path) -> bool:
    file = replace(folder / "meta.toml", data)
    try:
        meta = read_meta(file, "fuzzed")
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(file) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    content = tomllib.loads(data.decode())
    expect(meta.about == content.get("fixture", {}).get("about", ""), "says something else of what it is about")
    expect(list(meta.covers) == content.get("fixture", {}).get("covers", []), "covers something else")
    expect(
        {side for side in ("teacher", "student") if "cwd" in content.get(side, {})} == set(meta.cwd), "other folders"
    )
    score = content.get("expect", {}).get("score")
    expect((meta.expect is None) == (score is None), "another expectation")
    if meta.expect is not None:
        expect(meta.expect.score == score, f"another score: {meta.expect.score}")
        expect(isinstance(score, str) or 0 <= score <= 1, f"no score: {score}")
    return True


TARGET = Target(_check, _seeds, "toml", _TOKENS)
