"""A user's table of model aliases: what is accepted is what PyYAML's safe loader reads, with no key twice."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import yaml

from apr.cache.aliases import load_aliases
from apr.errors import AprError
from tests.fuzz.given import replace
from tests.fuzz.target import ROOT, Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"source: ",
        b"sha256: ",
        b"size: ",
        b"licence: ",
        b"description: ",
        b"unverified: true\n",
        b"hf://o/r",
        b"hf://o/r:Q4_K_M",
    ),
    *(
        b"https://[::",
        b"https://h/../x.gguf",
        b"http://h/x.gguf",
        b"file:///etc/passwd",
        b"pypi://a==1/m.gguf",
        b"#sha256=",
        b"%2e%2e%2f",
    ),
    *(
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!int ",
        b"!!float ",
        b"!!bool ",
        b"!!timestamp ",
        b"!!binary ",
        b"!!set ",
        b"!!omap ",
        b"!!python/x ",
    ),
    *(
        b"? ",
        b"[",
        b"{",
        b"- ",
        b"2026-02-30",
        b"190:20:30",
        b"0b1",
        b"0x",
        b"=",
        b"---\n",
        b"!!map ",
        b"!!str ",
        b"!!null ",
    ),
)


@functools.cache
def _seeds() -> list[bytes]:
    table = (ROOT / "runtime" / "apr" / "aliases.yaml").read_bytes()
    own = b"mine:\n  source: https://h.example/x.gguf\n  unverified: true\n  licence: MIT\n  description: mine\n"
    return [
        own,
        table[:1200].rpartition(b"\nqwen")[0] + b"\n",
        b"b: {source: hf://o/s, unverified: true, licence: x, description: y}\n",
        b"a: &a {source: hf://o/r, unverified: true, licence: x, description: y}\n",
    ]


def _check(data: bytes, folder: Path) -> bool:
    file = replace(folder / "aliases.yaml", data)
    try:
        table = load_aliases(file)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said, f"a refusal of several lines: {said}")
        expect(str(file) in said or "alias" in said, f"a refusal that names no file: {said}")
        return False
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the two differ in places; ours is the first
    content = yaml.load(data.decode(), loader)  # noqa: S506  a safe loader
    top: Any = yaml.compose(data.decode(), loader)
    keys = [key.value for key, _ in top.value]
    expect(len(set(keys)) == len(keys), f"an alias stands twice: {keys}")
    for name, entry in content.items():
        alias = table[str(name)]
        expect(alias.source == entry["source"] and alias.size == entry.get("size"), f"another entry: {name}")
        expect(alias.sha256 is None or len(alias.sha256) == 64, f"no hash: {alias.sha256}")
        parts = alias.filename.split("/")
        expect(parts[0] and not {".", ".."} & set(parts), f"a file outside of the cache: {alias.filename!r}")
        expect("\0" not in alias.filename and "\\" not in alias.filename, f"a name that is none: {alias.filename!r}")
    return True


TARGET = Target(_check, _seeds, "yaml", _TOKENS)
