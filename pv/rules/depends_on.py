"""A dependency that is no contract here (PV332).

`metadata.depends_on` names the contracts that this one builds on, by name, by file name or by path. Who changes one of them
looks here for what must be looked at again; a name that fits no contract of the project is never found.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], depends_on: [softmaks-kernel-v1]}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], depends_on: [softmax-kernel-v1]}

Not flagged: a name with a repository before it (`aprender:softmax-kernel-v1`, `https://…`, `../other/contracts/x.yaml`); and
anything at all where the project has no other contract, since then its contracts are not known.

Upstream: the gate depends-on-present.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import names, stem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract

CODE = "PV332"
SEVERITY = Severity.ERROR


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield each entry of `depends_on` that names no contract of the project."""
    asking = [
        name for name in names(contract.metadata.get("depends_on"), "metadata", "depends_on") if _is_ours(name.text)
    ]
    if not asking or not any(known != contract.name for known in index.names):
        return
    for name in asking:
        wanted = stem(name.text)
        if wanted == contract.name or index.get(wanted) is not None:
            continue
        what = "is a file, but no contract" if wanted in index.names else "is no contract of this project"
        fix = _meant(wanted, index) or "name a contract, as in softmax-kernel-v1"
        yield Problem(contract.document.value_span(*name.path), f"depends on {wanted!r}, which {what}", fix)


@functools.lru_cache(maxsize=64)  # the same name is missing in many contracts at once
def _meant(wanted: str, index: Index) -> str | None:
    return did_you_mean(wanted, index.like(wanted), near=0.75)


def _is_ours(name: str) -> bool:
    return ":" not in name and not name.startswith("../")
