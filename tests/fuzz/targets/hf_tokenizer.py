"""tokenizer.json of a model in Hugging Face's layout: every token has one id, within the vocabulary, as the file says."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from apr.errors import AprError
from apr.formats.hf_folder import read_hf
from tests.fuzz.given import model_folder, write_files
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"model",
        b"vocab",
        b"merges",
        b"type",
        b"BPE",
        b"Unigram",
        b"byte_fallback",
        b"added_tokens",
        b"id",
        b"content",
        b"special",
    ),
    *(
        b"pre_tokenizer",
        b"Sequence",
        b"Split",
        b"ByteLevel",
        b"pattern",
        b"Regex",
        b"normalizer",
        b"decoder",
        b"post_processor",
        b"unk_token",
    ),
    *(
        b"TemplateProcessing",
        b"pretokenizers",
        b"\xc4\xa0",
        b"a b",
        b"ignore_merges",
        b"<|im_start|>",
        b"lstrip",
        b"behavior",
    ),
)
_NAME = "tokenizer.json"


@functools.cache
def _seeds() -> list[bytes]:
    return [model_folder()[_NAME]]


def _check(data: bytes, folder: Path) -> bool:
    place = write_files(folder / "model", {**model_folder(), _NAME: data})
    model = read_hf(place)
    try:
        tokens: Any = model.metadata.get("tokenizer.ggml.tokens")
    except AprError as refusal:
        said = str(refusal)
        expect(
            "\n" not in said and str(place) in said,
            f"a refusal that names no file, or of several lines: {said[:200]!r}",
        )
        return False
    if tokens is None:
        return False
    loose = read_loosely(data)
    expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    said_ = json.loads(data)
    expect(len(tokens) == model.config.vocabulary, f"another number of tokens: {len(tokens)}")
    for token, number in (said_["model"].get("vocab") or {}).items():
        expect(tokens[number] == token, f"another token: {number}")
    for entry in said_.get("added_tokens") or ():
        expect(tokens[entry["id"]] == entry["content"], f"another added token: {entry['id']}")
    kinds: Any = model.metadata["tokenizer.ggml.token_type"]
    expect(len(kinds) == len(tokens), "another number of kinds")
    for key in ("bos", "eos", "unknown", "padding"):
        number = model.metadata.get(f"tokenizer.ggml.{key}_token_id")
        expect(
            number is None or (isinstance(number, int) and 0 <= number < len(tokens)),
            f"an id of no token: {key} {number}",
        )
    return True


TARGET = Target(_check, _seeds, "json", _TOKENS)
