"""Two contracts of a project under one name (PV009).

The name of a file is the name of its contract: claims are told apart by it, and falsifiers are found by it. Which of two
files of one name is meant would depend on the order in which a folder is read.

Bad:

    contracts/softmax-v1.yaml
    contracts/old/softmax-v1.yaml

Good:

    contracts/softmax-v1.yaml
    contracts/softmax-v2.yaml

Upstream: PV-DUP-001, which lets files of the same content be. Here they are told as well: evidence is kept by name and claim id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract

CODE = "PV009"
SEVERITY = Severity.ERROR


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield a problem if another file holds a contract of the same name."""
    if len(index.names.get(contract.name, ())) > 1:
        # the first other one is enough: where a hundred share a name, each would name the hundred
        other = next((one.path for one in index.contracts(contract.name) if one.path != contract.path), None)
        if other is not None:
            message = f"a contract named {contract.name!r} stands in {other} as well"
            yield Problem(Span(1, 1), message, "rename one of the files")
