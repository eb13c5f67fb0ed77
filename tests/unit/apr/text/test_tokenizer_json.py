"""tokenizer.json: the library cuts, and what it does not say is found beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.gguf import read_gguf
from apr.text.byte_level import alphabet
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = [HealthCheck.function_scoped_fixture]
MERGES = [("Ġ", "a"), ("a", "b"), ("1", "2"), ("'", "s"), ("-", "-")]
ENDS = ["<|end|>", "<|end|>x", "user"]


def byte_level() -> Library:
    """What the small GGUF vocabulary of these tests is, as a tokenizer.json."""
    tokens = [*alphabet(), *("".join(pair) for pair in MERGES)]
    library = Library(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=MERGES))
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(words, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([AddedToken(text, special=True) for text in ENDS[:2]])
    library.add_tokens([AddedToken("user", special=False)])
    return library


def sentence_piece(words: list[str]) -> Library:
    """SentencePiece as transformers converts it: ranks for scores, bytes for what has no token."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    merges = [(w[:i], w[i:]) for w in words for i in range(1, len(w)) if w[:i] in words and w[i:] in words]
    library = Library(
        models.BPE(
            vocab={token: index for index, token in enumerate(tokens)},
            merges=merges,
            unk_token="<unk>",  # noqa: S106 - a token of another kind
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    library.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    library.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    library.add_special_tokens([AddedToken(text, normalized=False) for text in ("<unk>", "<s>", "</s>")])
    library.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return library


def save(folder: Path, library: Library, **beside: Any) -> Path:
    library.save(str(folder / "tokenizer.json"))
    for name, content in beside.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"]) | st.sampled_from("ab '-12▁"), max_size=20)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(text=TEXT, pieces=st.lists(st.sampled_from([*ENDS, " "]), max_size=4))
def test_it_cuts_and_joins_as_the_same_vocabulary_in_gguf(
    write_vocabulary: Callable[..., Path], tmp_path: Path, text: str, pieces: list[str]
) -> None:
    if not (tmp_path / "v.gguf").exists():
        write_vocabulary(tmp_path / "v.gguf")
        save(tmp_path, byte_level())
    gguf = Tokenizer.from_file(read_gguf(tmp_path / "v.gguf"))
    ours = Tokenizer.from_json(tmp_path, "llama")
    whole = text.join(["", *pieces, ""])
    for special in (True, False):
        ids = ours.encode(whole, special=special)
        assert ids == gguf.encode(whole, special=special)
        assert ours.decode(ids) == whole
    assert ours.special.stop == gguf.special.stop


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(text=st.text("ab é\n日", max_size=12), pieces=st.lists(st.sampled_from(["<s>", "</s>", " "]), max_size=4))
def test_it_cuts_and_joins_as_sentence_piece_in_gguf(
    write_vocabulary: Callable[..., Path],
    spm: Callable[..., dict[str, Any]],
    tmp_path: Path,
    text: str,
    pieces: list[str],
) -> None:
    words = ["▁a", "ab", "▁ab", "▁▁", "▁", "a", "b"]
    if not (tmp_path / "v.gguf").exists():
        write_vocabulary(tmp_path / "v.gguf", **spm(*words))
        save(tmp_path, sentence_piece(words), tokenizer_config={"bos_token": "<s>", "eos_token": {"content": "</s>"}})
    gguf = Tokenizer.from_file(read_gguf(tmp_path / "v.gguf"))
    ours = Tokenizer.from_json(tmp_path / "tokenizer.json", "llama")
    whole = text.join(["", *pieces, ""])
    assert ours.encode(whole) == gguf.encode(whole)
    assert ours.decode(ours.encode(whole, add_bos=False)) == whole
    assert ours.special == gguf.special.__class__(**{**vars(gguf.special), "unk": ours.special.unk})


def test_a_blank_only_where_the_text_begins(tmp_path: Path) -> None:
    library = sentence_piece(["▁a", "▁", "a"])
    library.normalizer = None
    library.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    ours = Tokenizer.from_json(save(tmp_path, library))
    assert [ours.tokens[index] for index in ours.encode("a</s>a a")] == ["<s>", "▁a", "</s>", "a", "▁a"]
    assert ours.decode(ours.encode("a</s> a a", add_bos=False)) == "a</s> a a"


def test_the_byte_level_kind_may_begin_with_a_blank_too(tmp_path: Path) -> None:
    library = byte_level()
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    ours = Tokenizer.from_json(save(tmp_path, library))
    assert [ours.tokens[index] for index in ours.encode("a")] == ["Ġa"]
    assert ours.decode(ours.encode("a<|end|>a b")) == "a<|end|>a b"


def test_ids_without_a_token_have_no_text(tmp_path: Path) -> None:
    content = json.loads(byte_level().to_str())
    content["model"]["vocab"]["far"] = 300
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    ours = Tokenizer.from_json(tmp_path)
    assert len(ours.tokens) == 301
    assert [ours.piece(index) for index in (299, 300)] == [b"", b"far"]


def test_special_tokens_come_from_beside_it(tmp_path: Path) -> None:
    library = byte_level()
    library.add_special_tokens([AddedToken("<|im_end|>", special=True)])
    end, im_end = (library.get_vocab()[text] for text in ("<|end|>", "<|im_end|>"))
    by_spelling = Tokenizer.from_json(save(tmp_path, library, tokenizer_config={"eos_token": "<|end|>"}))
    assert by_spelling.special.eos == end
    assert by_spelling.special.stop == {end, im_end}
    by_id = Tokenizer.from_json(
        save(tmp_path, library, tokenizer_config={}, generation_config={"eos_token_id": [5, 7]})
    )
    assert by_id.special.eos == 5
    assert by_id.special.stop == {5, 7, end, im_end}
    assert any("an unknown architecture" in note for note in by_id.special.notes)


def test_what_a_file_asks_for_besides_cutting_is_not_done(tmp_path: Path) -> None:
    library = byte_level()
    library.enable_truncation(3)
    library.enable_padding(length=50)
    tokenizer = Tokenizer.from_json(save(tmp_path, library))
    assert tokenizer.decode(tokenizer.encode("a longer text")) == "a longer text"


def test_a_folder_whose_kind_has_no_gguf_keys_is_read_from_it(tmp_path: Path) -> None:
    class Folder:
        path, format, architecture = save(tmp_path, sentence_piece(["▁a", "▁", "a"])), "safetensors", "llama"
        metadata: dict[str, Any] = {}  # noqa: RUF012 - stands in for an instance

        def optional(self, _key: str, _kind: type) -> None:
            return None

    folder: Any = Folder()
    assert Tokenizer.from_file(folder).encode("a") == [1, 259]


def test_refusals_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"tokenizer\.json"):
        Tokenizer.from_json(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "Nothing"}}', encoding="utf-8")
    with pytest.raises(UnusableInput, match="tokenizers library cannot read it"):
        Tokenizer.from_json(tmp_path)
    library = byte_level()
    library.decoder = decoders.WordPiece()
    with pytest.raises(UnsupportedModel, match="decoder WordPiece is not known here"):
        Tokenizer.from_json(save(tmp_path, library))
    library = byte_level()
    library.post_processor = processors.TemplateProcessing(
        single="<|end|> <|end|> $A", special_tokens=[("<|end|>", library.token_to_id("<|end|>"))]
    )
    with pytest.raises(UnsupportedModel, match="puts several tokens around every text"):
        Tokenizer.from_json(save(tmp_path, library))
    library = sentence_piece(["a"])
    with pytest.raises(UnsupportedModel, match="puts '<s>' around every text, which is not its BOS"):
        Tokenizer.from_json(save(tmp_path, library, tokenizer_config={"bos_token": "</s>"}))
    for wrong in (999, "x", [1, True]):
        with pytest.raises(UnusableInput, match=r"generation_config\.json: \$\.eos_token_id"):
            Tokenizer.from_json(save(tmp_path, library, tokenizer_config={}, generation_config={"eos_token_id": wrong}))
    library = byte_level()
    content = json.loads(library.to_str())
    content["model"]["vocab"]["far"] = 10**9
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UnusableInput, match="tokens have ids up to 1000000000"):
        Tokenizer.from_json(tmp_path)
