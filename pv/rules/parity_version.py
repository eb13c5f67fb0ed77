"""A competitor without a fixed version (PV535).

What a row was measured against must stay what it was: `competitor_version` pins it. A release (`0.12.4`, `pkg==1.2`), a build
number, a commit and a digest are pins. A word for whatever is newest, a branch, a range of versions and a bare name are not.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", competitor: llama.cpp, competitor_version: "llama.cpp@main"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr run --gpu"
          competitor: llama.cpp
          competitor_version: "b4589 (0f1d51b2c9e4)"
          invocation_apr: "apr run m.gguf --gpu"
          invocation_competitor: "llama-bench -m m.gguf"
          dimension: decode_tok_s
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: serving
          evidence: bench/decode-2026-10-01.json

Not flagged: a branch beside the commit that it stood at (`main@0f1d51b2c9e4`); the commit is the pin.

Upstream: PARITY-004; a range of versions passes there, and `main` beside a commit does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.rules._parity import rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV535"
SEVERITY = Severity.ERROR

_MOVING = {
    "any", "current", "head", "latest", "main", "master", "na", "newest", "nightly", "tbd", "todo", "trunk", "unknown",
    "unpinned", "whatever",
}  # fmt: skip
_COMMIT = r"(?ai)\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b"
_RANGE = r"(?ai)(?:[<>]=?|!=|~=?|\^)\s*v?\d+(?:[.,\s]|$)|\d\.[x*](?:\W|$)"
_FIX = "give the release, build or commit that was run, such as 0.12.4, b4589 or sha256:…"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row whose competitor is not pinned."""
    for row in rows(contract):
        value = row.data.get("competitor_version")
        if isinstance(value, (bool, list, dict)):
            continue  # the shape is for another rule to report
        wrong = "says no version of the competitor" if is_blank(value) else _wrong(str(value))
        if wrong:
            yield Problem(row.span("competitor_version"), f"{row.label} {wrong}", _FIX)


def _wrong(version: str) -> str | None:
    if re.search(_COMMIT, version):
        return None
    moving = next((word for word in re.findall(r"[a-z]+", version.lower()) if word in _MOVING), None)
    if moving:
        return f"names a competitor that moves: {version!r}"
    if re.search(_RANGE, version):
        return f"gives a range of versions: {version!r}"
    return None if re.search(r"\d", version, re.ASCII) else f"names the competitor but no version of it: {version!r}"
