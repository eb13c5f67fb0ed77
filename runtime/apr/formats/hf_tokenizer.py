"""tokenizer.json and tokenizer_config.json as GGUF keys: byte-level BPE whose way of cutting words is recognised.

Others have no keys here, so that a text for them is refused and token ids still work. Sources: the `tokenizers` library for
the file, llama.cpp's converter (`conversion/base.py`) for the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.errors import UnusableInput
from apr.formats.hf_json import Json, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from apr.formats.model_file import Value

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5  # llama_token_type in llama.h
_PREFIX = "tokenizer.ggml."
_SPECIAL = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_MAX_TEMPLATE = 1 << 20  # bytes
_MAX_PARTS = 1_500_000  # a quarter of a million tokens, and merges of twice as many, each an array of two
# the patterns of the models that gave these pre-tokenizers their names, as their tokenizer.json spells them
_AROUND = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_SPLITS = {r"\p{N}".join(_AROUND): ("qwen2", False), r"\p{N}{1,3}".join(_AROUND): ("llama-bpe", True)}


def tokenizer_keys(folder: Path, config: Json, vocabulary: int) -> dict[str, Value]:
    """The keys of a folder's tokenizer; none where it has no tokenizer.json, or one of another kind.

    Args:
        folder: with tokenizer.json.
        config: its config.json, which may say ids of special tokens.
        vocabulary: how many tokens the model has; ids that the tokenizer leaves out are unused.

    Raises:
        UnusableInput: a file is damaged, or contradicts itself or the model.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        return {}
    tokenizer = Json(path, read_object(path, _MAX_PARTS))
    model = tokenizer.object("model")
    if model is None or not _is_plain(tokenizer, model):
        return {}
    ids = _ids(tokenizer, model, vocabulary)
    stated = folder / "tokenizer_config.json"
    settings = Json(stated, read_object(stated) if stated.is_file() else {})
    tokens, kinds = _tokens(tokenizer, ids, vocabulary)
    keys: dict[str, Value] = {
        _PREFIX + "model": "gpt2",
        _PREFIX + "tokens": tokens,
        _PREFIX + "token_type": kinds,
        _PREFIX + "merges": _merges(model),
    }
    pre = _pre_tokenizer(tokenizer, model)
    if pre is not None:
        keys[_PREFIX + "pre"] = pre
    template = _chat_template(folder, settings)
    if template is not None:
        keys["tokenizer.chat_template"] = template
    return keys | _special(tokenizer, settings, config, ids)


def _is_plain(tokenizer: Json, model: Json) -> bool:
    """Whether it is byte-level BPE without the options that GGUF has no keys for."""
    if model.get("type") not in (None, "BPE") or model.get("merges") is None or model.get("byte_fallback"):
        return False
    if any(model.get(option) for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix")):
        return False
    steps = _steps(tokenizer)
    return bool(steps) and steps[-1].get("type") == "ByteLevel" and not steps[-1].get("add_prefix_space")


def _steps(tokenizer: Json) -> list[Json]:
    """The pre-tokenizers that cut one after the other; none where one of them is no object."""
    outer = tokenizer.object("pre_tokenizer")
    if outer is None:
        return []
    if outer.get("type") != "Sequence":
        return [outer]
    steps = outer.array("pretokenizers")
    if any(type(step) is not dict for step in steps):
        return []
    return [Json(outer.path, step, at=f"{outer.at}.pretokenizers") for step in steps]


def _pre_tokenizer(tokenizer: Json, model: Json) -> str | None:
    """GGUF's name of the way in which words are cut; None for one that is not known."""
    *cuts, last = _steps(tokenizer)
    normalizer = tokenizer.object("normalizer")
    if normalizer is not None and normalizer.get("type") != "NFC":
        return None
    own_words, whole_words = last.get("use_regex") is not False, model.get("ignore_merges") is True
    if len(cuts) == 1 and cuts[0].get("type") == "Split" and not own_words:
        pattern = cuts[0].object("pattern")
        name, expected = _SPLITS.get(str(pattern.get("Regex")) if pattern else "", (None, False))
        plain = cuts[0].get("behavior") == "Isolated" and not cuts[0].get("invert")
        return name if plain and expected == whole_words else None
    if not own_words or whole_words:
        return None
    if not cuts:
        return "gpt-2"
    digits = len(cuts) == 1 and cuts[0].get("type") == "Digits" and cuts[0].get("individual_digits") is True
    return "smollm" if digits else None


def _ids(tokenizer: Json, model: Json, vocabulary: int) -> dict[str, int]:
    """The id of every token, added ones too.

    Raises:
        UnusableInput: an id that is none of the model's, or two tokens of one id, or two ids of one token.
    """
    entries = model.object("vocab")
    found: list[tuple[str, Any, str]] = []
    if entries is not None:
        found += [(token, index, entries.where(repr(token))) for token, index in entries.content.items()]
    for number, added in enumerate(tokenizer.array("added_tokens")):
        place = f"{tokenizer.path}: $.added_tokens[{number}]"
        if type(added) is not dict or type(added.get("content")) is not str:
            raise UnusableInput("is no token", where=place)
        found.append((added["content"], added.get("id"), place))
    ids: dict[str, int] = {}
    owners: dict[int, str] = {}
    for token, index, place in found:
        if type(index) is not int or not 0 <= index < vocabulary:
            raise UnusableInput(f"has id {index!r}, the model has {vocabulary} tokens", where=place)
        if ids.setdefault(token, index) != index or owners.setdefault(index, token) != token:
            raise UnusableInput(f"has id {index}, and another token or another id contradicts it", where=place)
    return ids


def _tokens(tokenizer: Json, ids: Mapping[str, int], vocabulary: int) -> tuple[list[Value], list[Value]]:
    """The spelling and the kind of every id; ids without a token are unused, as the converter fills them."""
    tokens: list[Value] = [f"[PAD{index}]" for index in range(vocabulary)]
    kinds: list[Value] = [_UNUSED] * vocabulary
    for token, index in ids.items():
        tokens[index], kinds[index] = token, _NORMAL
    for added in tokenizer.array("added_tokens"):
        kinds[added["id"]] = _CONTROL if added.get("special") is True else _USER_DEFINED
    return tokens, kinds


def _merges(model: Json) -> list[Value]:
    """Pairs joined by a blank; files write them so, or as lists of two."""
    merges: list[Value] = []
    for number, merge in enumerate(model.array("merges")):
        pair = merge if type(merge) is list else merge.split(" ") if type(merge) is str else []
        if len(pair) != 2 or any(type(part) is not str or not part or " " in part for part in pair):
            raise UnusableInput("is no pair of tokens", where=f"{model.path}: {model.at}.merges[{number}]")
        merges.append(" ".join(pair))
    return merges


def _special(tokenizer: Json, settings: Json, config: Json, ids: Mapping[str, int]) -> dict[str, Value]:
    """Ids of special tokens, and whether they are put around a text."""
    keys: dict[str, Value] = {}
    around = _around(tokenizer)
    for name in _SPECIAL:
        entry = settings.get(f"{name}_token")
        content = entry.get("content") if type(entry) is dict else entry
        index = ids.get(content) if type(content) is str else None
        if index is None and type(config.get(f"{name}_token_id")) is int:
            index = config.get(f"{name}_token_id")
        if index is not None:
            keys[f"{_PREFIX}{name}_token_id"] = index
        if settings.states(f"add_{name}_token"):
            keys[f"{_PREFIX}add_{name}_token"] = settings.flag(f"add_{name}_token")
        elif name in around and index is not None:
            keys[f"{_PREFIX}add_{name}_token"] = ids.get(around[name]) == index
    return keys


def _around(tokenizer: Json) -> dict[str, str]:
    """The tokens that the post-processor puts before (`bos`) and behind (`eos`) a text."""
    outer = tokenizer.object("post_processor")
    if outer is None:
        return {}
    found: dict[str, str] = {}
    for processor in outer.array("processors") or [outer.content]:
        if type(processor) is not dict or processor.get("type") != "TemplateProcessing":
            continue
        single = Json(outer.path, processor, at=outer.at).array("single")
        for name, step in (("bos", single[0]), ("eos", single[-1])) if len(single) > 1 else ():
            special = step.get("SpecialToken") if type(step) is dict else None
            if type(special) is dict and type(special.get("id")) is str:
                found[name] = special["id"]
    return found


def _chat_template(folder: Path, settings: Json) -> str | None:
    """The template, or the one called `default` of several."""
    path, stated = folder / "chat_template.jinja", settings.get("chat_template")
    if type(stated) is list:
        entries = [entry for entry in stated if type(entry) is dict and entry.get("name") == "default"]
        stated = entries[0].get("template") if entries else None
    if type(stated) is str or not path.is_file():
        return stated if type(stated) is str else None
    if path.stat().st_size > _MAX_TEMPLATE:
        raise UnusableInput(f"has more than {_MAX_TEMPLATE} bytes", where=str(path))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInput(f"cannot be read: {error}", where=str(path)) from error
