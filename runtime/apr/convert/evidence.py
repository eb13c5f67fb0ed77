"""Whether a model is all there, and what its metadata says it is: looked at before anything is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr_model import EMBEDDING, HEAD
from apr.formats.names import names_of, required, spellings

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile

_BLOCK = re.compile(r"blk\.(\d+)\.", re.ASCII)
_TOKENIZER = ("tokenizer.ggml.model", "tokenizer.ggml.tokens")


def check_model(file: ModelFile) -> None:
    """Every tensor of the architecture is there, no other is, and the embedding has the stated width.

    Tensors tell the truth about the architecture: a qwen2 with head norms is a qwen3 whose metadata is wrong.

    Raises:
        UnusableInput: a tensor or a size is missing, or they contradict each other.
        UnsupportedModel: an architecture whose tensors are not known, or a tensor that it does not have.
    """
    architecture = file.architecture
    where = str(file.path)
    try:
        names_of(architecture)
    except UnsupportedModel as error:
        raise UnsupportedModel(
            error.problem, where=f"{where}: metadata key 'general.architecture'", hint=error.hint
        ) from error
    n_layers = file.require(f"{architecture}.block_count", int)
    if not 0 < n_layers <= len(file.tensors):
        raise UnusableInput(
            f"announces {n_layers} layers, the file holds {len(file.tensors)} tensors",
            where=f"{where}: metadata key '{architecture}.block_count'",
            hint="the file is incomplete",
        )
    for name in file.tensors:
        try:
            spellings(architecture, name)
        except UnsupportedModel as error:
            raise UnsupportedModel(error.problem, where=where, hint=error.hint) from error
        block = _BLOCK.match(name)
        if block is not None and int(block[1]) >= n_layers:
            raise UnusableInput(
                f"belongs to layer {block[1]}, the metadata says that there are {n_layers}",
                where=f"{where}: tensor {name!r}",
                hint="layers were added or lost",
            )
    for name in required(architecture, n_layers):
        if name not in file.tensors:
            raise UnusableInput(
                f"is missing, and every {architecture} has it",
                where=f"{where}: tensor {name!r}",
                hint="the file is incomplete, or its metadata names the wrong architecture",
            )
    _check_shapes(file)


def _check_shapes(file: ModelFile) -> None:
    hidden = file.require(f"{file.architecture}.embedding_length", int)
    embedding = file.tensors[EMBEDDING]
    rows = embedding.shape[0] if embedding.shape else 0
    for name in (EMBEDDING, HEAD):
        if name in file.tensors and file.tensors[name].shape != (rows, hidden):
            raise UnusableInput(
                f"has shape {list(file.tensors[name].shape)}; {rows} tokens of width {hidden} need {[rows, hidden]}",
                where=f"{file.path}: tensor {name!r}",
                hint="the metadata belongs to another model, or dimensions were turned round",
            )
    stated = file.optional(f"{file.architecture}.vocab_size", int)
    if stated not in (None, rows):
        raise UnusableInput(
            f"is {stated}, the embedding has {rows} rows",
            where=f"{file.path}: metadata key '{file.architecture}.vocab_size'",
        )


def check_tokenizer(file: ModelFile) -> None:
    """The tokenizer is there and has no more tokens than the embedding has rows.

    Raises:
        UnusableInput: it is not, or has.
    """
    missing = [key for key in _TOKENIZER if key not in file.metadata]
    if missing:
        raise UnusableInput(
            f"has no tokenizer: metadata key {missing[0]!r} is missing",
            where=str(file.path),
            hint="give a file that has one with --tokenizer",
        )
    tokens = len(file.require("tokenizer.ggml.tokens", list))
    rows = file.tensors[EMBEDDING].shape[0]
    if tokens > rows:
        raise UnusableInput(
            f"{tokens} tokens, the embedding has only {rows} rows",
            where=f"{file.path}: metadata key 'tokenizer.ggml.tokens'",
            hint="the tokenizer belongs to another model",
        )
