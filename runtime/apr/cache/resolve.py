"""What a user means by a model: a path, a folder, an alias, or a source that was pulled."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from apr.cache.aliases import Alias, load_aliases
from apr.cache.place import pulled_from
from apr.cache.pulling import place_of
from apr.cache.source import is_source, parse_source
from apr.errors import UnusableInput

_SHARD = re.compile(r".+-\d{5}-of-\d{5}\.safetensors", re.IGNORECASE)
# what an interrupted conversion of the upstream program leaves behind
_LEFTOVER = "rosetta_temp"


def resolve_model(text: str) -> Path:
    """A model from what a user typed: a path, a folder with a model in it, or an alias or source whose model is in the cache.

    Returns:
        A file; a folder if it holds a safetensors model.

    Raises:
        UnusableInput: none of these, or a model that is not here yet or is damaged.
    """
    if not text:
        raise UnusableInput("no model is named", hint="give a model file, a folder or an alias")
    path = Path(text)
    if path.is_file():
        return path
    if path.is_dir():
        return resolve_folder(path)
    if is_source(text):
        source = parse_source(text)
        found = pulled_from(source.text)
        if found is None:
            raise UnusableInput("is not here yet, or was changed since it was pulled", where=text, hint=_pull(text))
        return found
    table = load_aliases()
    if text in table:
        return _of_alias(table[text])
    if path.exists():
        raise UnusableInput("is no regular file", where=text, hint="give a model file, a folder or an alias")
    near = difflib.get_close_matches(text, table, 1)
    guess = f"did you mean the alias {near[0]!r}? " if near else ""
    raise UnusableInput(
        "no such file, and no alias of that name", where=text, hint=f"{guess}aliases: {', '.join(sorted(table))}"
    )


def _pull(text: str) -> str:
    return f"run `apr pull {text}`"


def _of_alias(alias: Alias) -> Path:
    cached = place_of(alias)
    if cached.is_dir():
        return resolve_folder(cached)
    if not cached.is_file():
        raise UnusableInput(f"the model {alias.name!r} is not here yet", hint=_pull(alias.name))
    size = cached.stat().st_size
    if alias.size is not None and size != alias.size:
        raise UnusableInput(
            f"is damaged: {size} bytes, not {alias.size}", where=str(cached), hint=f"apr pull {alias.name}"
        )
    return cached


def resolve_folder(folder: Path) -> Path:
    """The model in a folder: its safetensors model if it holds one, else its first .gguf file, else its first .apr file.

    A safetensors model is recognised by an index of shards (`model.safetensors.index.json`, or `index.json` beside weights), by
    `model.safetensors`, or by shards; it is the folder itself, because its weights, configuration and tokenizer are files of their own. Names are
    compared without regard to case; leftovers of conversions (`rosetta_temp…`) and hidden files do not count.

    Raises:
        UnusableInput: the folder holds no model, or cannot be read.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(folder)) from error
    names = [name for name in names if not name.startswith((_LEFTOVER, "."))]
    if _hold_safetensors(names):
        return folder
    for suffix in (".gguf", ".apr"):
        found = next((name for name in names if name.lower().endswith(suffix)), None)
        if found is not None:
            return folder / found
    raise UnusableInput(
        "holds no model: no safetensors index or shards, no .gguf and no .apr file",
        where=str(folder),
        hint="give a model file, or the folder that it is in",
    )


def _hold_safetensors(names: list[str]) -> bool:
    lower = [name.lower() for name in names]
    weights = any(name.endswith(".safetensors") for name in lower)
    return any(
        name.endswith(".safetensors.index.json")
        or name == "model.safetensors"
        or (name == "index.json" and weights)
        or _SHARD.fullmatch(name) is not None
        for name in lower
    )
