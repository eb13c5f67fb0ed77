"""A binding registry that cannot be read (PV601).

A binding registry says which function of a program implements which equation of which contract: `version`, `target_crate`, and in
`bindings` a list of entries with `contract`, `equation`, `status` (implemented, partial, not_implemented or pending) and, where
there is a function, `module_path`, `function` and `signature`. An entry without its two names, or with a status that is none, counts for
nothing; a misspelt key is dropped.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implementd, module_path: "a::softmax", function: softmax}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Upstream: a parse error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._bindings import BLOCK, STATUSES
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.load import Document

CODE = "PV601"
SEVERITY = Severity.ERROR
REQUIRED = ("contract", "equation", "status")
TEXTS = ("module_path", "function", "signature", "notes")
KEYS = (*REQUIRED, *TEXTS)


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each part of the registry of the wrong shape."""
    del index
    data = document.data
    for key, wanted in (("version", (str, int, float)), ("target_crate", (str,))):
        if isinstance(data.get(key), bool) or not isinstance(data.get(key), wanted) or is_blank(data.get(key)):
            yield Problem(document.value_span(key), f"a binding registry needs {key!r}, as text")
    block = data.get(BLOCK)
    if not isinstance(block, list):
        yield Problem(document.value_span(BLOCK), f"{BLOCK!r} must be a list of entries")
        return
    for place, entry in enumerate(block):
        if isinstance(entry, dict):
            yield from _entry(document, place, entry)
        else:
            fix = "an entry is a mapping with 'contract', 'equation' and 'status'"
            yield Problem(document.value_span(BLOCK, place), f"'{BLOCK}[{place}]' must be a mapping", fix)


def _entry(document: Document, place: int, entry: dict[str, Any]) -> Iterator[Problem]:
    for key in REQUIRED:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            span = document.value_span(BLOCK, place, key)
            yield Problem(span, f"'{BLOCK}[{place}]' needs {key!r}, as text")
        elif key == "status" and value not in STATUSES:
            fix = did_you_mean(value, STATUSES) or f"one of {', '.join(STATUSES)}"
            yield Problem(document.value_span(BLOCK, place, key), f"unknown status {value!r} of a binding", fix)
    for key in TEXTS:
        if not isinstance(entry.get(key), (str, type(None))):
            yield Problem(document.value_span(BLOCK, place, key), f"{key!r} of '{BLOCK}[{place}]' must be text")
    for key in entry:
        meant = None if key in KEYS or key.startswith("x-") else did_you_mean(key, KEYS, near=0.75)
        if meant:
            yield Problem(document.key_span(BLOCK, place, key), f"unknown key {key!r} in a binding", meant)
