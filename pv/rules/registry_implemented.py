"""Implemented, but nobody says where (PV605).

A binding with `status: implemented` (or `partial`) names the function: `module_path` and `function`. Without them there is nothing to
call, and no test can be made from it. Where `notes` say why there is none (a formula that is only calculated with, as in 91 bindings of
one real registry) it is a note.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Upstream: none; both keys are optional there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._bindings import IMPLEMENTED, bindings
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.load import Document

CODE = "PV605"
SEVERITY = Severity.WARNING


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each binding that is said to be implemented and names no function."""
    del index
    for one in bindings(document):
        if str(one.data.get("status")) in {IMPLEMENTED, "partial"}:
            missing = [key for key in ("module_path", "function") if is_blank(one.data.get(key))]
            if missing:
                told = None if is_blank(one.data.get("notes")) else Severity.NOTE
                message = f"{one.equation or one.index!r} is {one.data['status']}, but lacks {' and '.join(missing)}"
                yield Problem(one.span("status"), message, "name the function, or say not_implemented", told)
