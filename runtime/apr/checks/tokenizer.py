"""Check 14: whether the tokenizer is there, and agrees with itself and with the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.quality import EMBEDDING
from apr.checks.verdict import Check, Finding, Outcome, finding_of, judged
from apr.errors import UnusableInput
from apr.text import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apr.checks.subject import Subject
    from apr.formats.model_file import ModelFile, Value

PREFIX = "tokenizer.ggml."
_SHOWN = 5  # of each kind of fault


def _run(subject: Subject) -> Outcome:
    file = subject.file
    kind, tokens = file.metadata.get(f"{PREFIX}model"), file.metadata.get(f"{PREFIX}tokens")
    if tokens is None:
        return judged([_at(file, f"{PREFIX}tokens", "is missing: the file has no tokenizer")], "no tokenizer")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
        return judged([_at(file, f"{PREFIX}tokens", "is no list of texts")], "no tokenizer")
    found = [*_doubles(file, tokens), *_lengths(file, len(tokens)), *_ids(file, len(tokens)), *_merges(file, tokens)]
    found += _rows(subject, len(tokens))
    if not isinstance(kind, str):
        found.append(_at(file, f"{PREFIX}model", "is missing: nobody can say how to cut a text"))
    if all(finding.warning for finding in found):
        try:
            vocabulary.read(file)
        except UnusableInput as error:
            found.append(finding_of(error, [file.path], lenient=True))
    return judged(found, f"{kind}, {len(tokens)} tokens")


def _at(file: ModelFile, key: str, problem: str, *, warning: bool = False) -> Finding:
    return Finding(str(file.path), problem, f"metadata key {key!r}", warning=warning)


def _doubles(file: ModelFile, tokens: list[Value]) -> Iterator[Finding]:
    ids: dict[Value, int] = {}
    shown = 0
    for index, token in enumerate(tokens):
        first = ids.setdefault(token, index)
        if first != index and shown < _SHOWN:
            shown += 1
            yield _at(file, f"{PREFIX}tokens", f"tokens {first} and {index} are both {token!r}")


def _lengths(file: ModelFile, count: int) -> Iterator[Finding]:
    for name in ("token_type", "scores"):
        key = f"{PREFIX}{name}"
        value = file.metadata.get(key)
        if value is None:
            continue
        if not isinstance(value, list):
            yield _at(file, key, "is no list")
        elif len(value) != count:
            yield _at(file, key, f"has {len(value)} entries for {count} tokens")


def _ids(file: ModelFile, count: int) -> Iterator[Finding]:
    for key in file.metadata:
        if not (key.startswith(PREFIX) and key.endswith("_token_id")):
            continue
        value = file.metadata[key]
        if type(value) is not int or not 0 <= value < count:
            yield _at(file, key, f"is {value!r}; ids are 0 to {count - 1}")


def _merges(file: ModelFile, tokens: list[Value]) -> Iterator[Finding]:
    key = f"{PREFIX}merges"
    merges = file.metadata.get(key)
    if merges is None:
        if file.metadata.get(f"{PREFIX}model") == "gpt2":
            yield _at(file, key, "is missing: byte-level BPE is made of merges")
        return
    if not isinstance(merges, list):
        yield _at(file, key, "is no list")
        return
    known = set(tokens)
    shown = 0
    for index, merge in enumerate(merges):
        problem = _merge_fault(merge, known)
        if problem and shown < _SHOWN:
            shown += 1
            yield _at(file, key, f"merge {index}, {merge!r}, {problem}")


def _merge_fault(merge: Value, known: set[Value]) -> str | None:
    if not isinstance(merge, str):
        return "is no text"
    cut = merge.find(" ", 1)  # the first character belongs to the left one, whatever it is
    if cut < 0 or cut == len(merge) - 1:
        return "is no pair"
    left, right = merge[:cut], merge[cut + 1 :]
    unknown = next((token for token in (left, right, left + right) if token not in known), None)
    return None if unknown is None else f"needs {unknown!r}, which is no token"


def _rows(subject: Subject, count: int) -> Iterator[Finding]:
    embedding = subject.file.tensors.get(EMBEDDING)
    if embedding is None or not embedding.shape:
        return
    rows = embedding.shape[0]
    if count > rows:
        yield subject.finding(EMBEDDING, f"has {rows} rows for {count} tokens: the last ones cannot be looked up")
    elif count < rows:
        yield subject.finding(EMBEDDING, f"has {rows} rows for {count} tokens; llama.cpp wants as many", warning=True)


CHECKS = (Check(14, "tokenizer", "the tokenizer is there and agrees with itself and the embedding", _run),)
