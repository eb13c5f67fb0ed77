"""tokenizer.json: a tokenizer as the `tokenizers` library itself writes it, with what stands beside it in the folder.

The library does all of the cutting, special tokens and normalisation included; here is what a token's bytes are, which tokens
are special, and where generation ends (tokenizer_config.json, generation_config.json and config.json of transformers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.hf_json import Json, read_object
from apr.text.byte_level import byte_of, spelled_bytes
from apr.text.sentence_piece import BLANK
from apr.text.special import SpecialTokens
from apr.text.vocabulary import BY_HAND, Kind, Vocabulary, correct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tokenizers import Tokenizer as Library

_SETTINGS = "tokenizer_config.json"
_CONFIGS = ("generation_config.json", "config.json")


class JsonCutter:
    """Cuts with the library, special tokens included.

    Attributes:
        blank_in_front: a blank is put before a text.
        blank_behind_special: a blank is put before what follows a special token.
    """

    def __init__(self, library: Library, vocabulary: Vocabulary, content: Json) -> None:
        self._library, self._vocabulary = library, vocabulary
        decoders = {step.get("type") for step in _steps(content, "decoder", "decoders")}
        if "ByteLevel" not in decoders and "ByteFallback" not in decoders:
            named = ", ".join(sorted(map(str, decoders))) or "none"
            raise UnsupportedModel(
                f"decoder {named} is not known here, only ByteLevel and ByteFallback",
                where=content.where("decoder"),
                hint=BY_HAND,
            )
        self._byte_level = "ByteLevel" in decoders
        scheme = _blanks(content)
        self.blank_in_front, self.blank_behind_special = scheme != "never", scheme == "always"

    def encode(self, text: str, *, special: bool) -> list[int]:
        """The ids of a text.

        Args:
            text: to cut.
            special: whether control tokens are recognised in it.
        """
        self._library.encode_special_tokens = not special
        ids: list[int] = self._library.encode(text, add_special_tokens=False).ids
        return ids

    def piece(self, index: int) -> bytes:
        """The bytes of a token that is not special."""
        token, kind = self._vocabulary.tokens[index], self._vocabulary.kinds[index]
        if kind is Kind.UNUSED:
            return b""
        if self._byte_level:
            return spelled_bytes(token)
        return byte_of(token) if kind is Kind.BYTE else token.replace(BLANK, " ").encode()


def _blanks(content: Json) -> str:
    """When a blank is put before a text: `never`, `first` (where it begins), `always` (also behind special tokens)."""
    for step in _steps(content, "normalizer", "normalizers"):
        if step.get("type") == "Prepend":
            return "always"
    for step in _steps(content, "pre_tokenizer", "pretokenizers"):
        if step.get("type") == "Metaspace":
            return str(step.get("prepend_scheme") or ("always" if step.get("add_prefix_space", True) else "never"))
        if step.get("type") == "ByteLevel" and step.get("add_prefix_space"):
            return "always"
    return "never"


def _steps(content: Json, name: str, members: str) -> Iterator[dict[str, Any]]:
    """A component, or those of the sequence that it is."""
    outer = content.object(name)
    if outer is not None:
        yield from (step for step in outer.array(members) or [outer.content] if isinstance(step, dict))


def load_json(path: Path, architecture: str | None) -> tuple[Vocabulary, JsonCutter, SpecialTokens]:
    """What a tokenizer consists of.

    Args:
        path: of a tokenizer.json, or the folder that it is in.
        architecture: whose default special tokens fill in; None where it is not known.

    Raises:
        UnusableInput: a file is missing or damaged, or contradicts itself.
        UnsupportedModel: something that has no place here.
    """
    from tokenizers import Tokenizer as Library  # noqa: PLC0415 - only a text needs the library, token ids do not

    path = path / "tokenizer.json" if path.is_dir() else path
    content = Json(path, read_object(path))
    try:
        library = Library.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing more special
        raise UnusableInput(f"the tokenizers library cannot read it: {error}", where=str(path)) from error
    library.no_truncation()  # a file may ask to have texts cut off, or filled up
    library.no_padding()
    settings, *configs = (
        Json(found, read_object(found) if found.is_file() else {})
        for found in (path.with_name(name) for name in (_SETTINGS, *_CONFIGS))
    )
    ids = library.get_vocab(with_added_tokens=True)
    tokens, kinds = _tokens(content, ids)
    stated = dict(_stated(settings, configs, ids))
    before, behind = _around(library, str(path))
    for name, found in (("bos", before), ("eos", behind)):
        if found is not None and stated.setdefault(name, found) != found:
            raise UnsupportedModel(
                f"puts {tokens[found]!r} around every text, which is not its {name.upper()}",
                where=str(path),
                hint=BY_HAND,
            )
    ends = correct(ids, kinds, stated) | {index for config in configs for index in _listed(config, "eos", len(tokens))}
    vocabulary = Vocabulary(str(path), tokens, kinds, ends)
    around = before is not None, behind is not None
    special = SpecialTokens.assemble(vocabulary, architecture or "an unknown architecture", stated, around)
    return vocabulary, JsonCutter(library, vocabulary, content), special


def _tokens(content: Json, ids: Mapping[str, int]) -> tuple[list[str], list[Kind]]:
    """The spelling and the kind of every id; those without a token are unused."""
    size = max(ids.values(), default=-1) + 1
    if size > 2 * len(ids) + 4096:
        raise UnusableInput(f"{len(ids)} tokens have ids up to {size - 1}", where=str(content.path))
    tokens, kinds = [f"[PAD{index}]" for index in range(size)], [Kind.UNUSED] * size
    model = content.object("model")
    fallback = model is not None and bool(model.get("byte_fallback"))
    for token, index in ids.items():
        is_byte = fallback and len(token) == len("<0x00>") and token.startswith("<0x") and token.endswith(">")
        tokens[index], kinds[index] = token, Kind.BYTE if is_byte else Kind.NORMAL
    for added in content.array("added_tokens"):
        # by its spelling: the library gives ids of its own to those that contradict the vocabulary
        kinds[ids[added["content"]]] = Kind.CONTROL if added.get("special") is True else Kind.USER_DEFINED
    return tokens, kinds


def _stated(settings: Json, configs: list[Json], ids: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Ids of special tokens by name: by their spelling from the tokenizer's settings, else from the model's."""
    for name, key in (("bos", "bos"), ("eos", "eos"), ("padding", "pad"), ("unknown", "unk")):
        entry = settings.get(f"{key}_token")
        content = entry.get("content") if isinstance(entry, dict) else entry
        index = ids.get(content) if isinstance(content, str) else None
        found = [index] if index is not None else [one for config in configs for one in _listed(config, key, len(ids))]
        if found:
            yield name, found[0]


def _listed(config: Json, name: str, size: int) -> list[int]:
    """The ids under `<name>_token_id`, which is one or a list of them.

    Raises:
        UnusableInput: something else, or outside of the vocabulary.
    """
    key = f"{name}_token_id"
    value = config.get(key)
    found = [] if value is None else value if isinstance(value, list) else [value]
    for index in found:
        if type(index) is not int or not 0 <= index < size:
            raise UnusableInput(f"is {index!r}; ids are 0 to {size - 1}", where=config.where(key))
    return found


def _around(library: Library, where: str) -> tuple[int | None, int | None]:
    """The tokens that the library puts before and behind every text."""
    plain: list[int] = library.encode("a", add_special_tokens=False).ids
    whole: list[int] = library.encode("a", add_special_tokens=True).ids
    for before in range(len(whole) - len(plain) + 1):
        behind = len(whole) - len(plain) - before
        if whole[before : before + len(plain)] == plain and before <= 1 and behind <= 1:
            return whole[0] if before else None, whole[-1] if behind else None
    raise UnsupportedModel("puts several tokens around every text", where=where, hint=BY_HAND)
