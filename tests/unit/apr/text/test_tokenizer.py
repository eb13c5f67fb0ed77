"""Tokenizers of small vocabularies, made on the spot: what they find, what they refuse, and that nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.errors import UnsupportedModel, UnusableInput, UsageError
from apr.formats.gguf import read_gguf
from apr.text.byte_level import alphabet
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = alphabet()
SLOW = [HealthCheck.function_scoped_fixture]


@pytest.fixture
def load(write_vocabulary: Callable[..., Path], tmp_path: Path) -> Callable[..., Tokenizer]:
    """The tokenizer of a small file."""
    return lambda **changes: Tokenizer.from_file(read_gguf(write_vocabulary(tmp_path / "t.gguf", **changes)))


def spelled(tokenizer: Tokenizer, text: str, **options: Any) -> list[str]:
    return [tokenizer.tokens[index] for index in tokenizer.encode(text, **options)]


# --- byte level ------------------------------------------------------------------------------------------------------


def test_digits_stand_alone_in_smollm_and_together_in_gpt2(load: Callable[..., Tokenizer]) -> None:
    assert spelled(load(), "12 ab's") == ["1", "2", "Ġa", "b", "'s"]
    assert spelled(load(pre="gpt-2"), "12 ab's") == ["12", "Ġa", "b", "'s"]


def test_a_contraction_is_of_ascii_letters(load: Callable[..., Tokenizer]) -> None:
    # the long s is an s to whoever compares without case
    fields = {"tokens": [*BASE, "Å¿", "Å¿x", "Sx"], "token_type": [1] * 259, "merges": ["Å ¿", "Å¿ x", "S x"]}
    tokenizer = load(pre="qwen2", **fields)
    assert spelled(tokenizer, "'\u017fx") == ["'", "Å¿x"]
    assert spelled(tokenizer, "'Sx") == ["'", "S", "x"]


def test_a_word_that_is_a_token_needs_no_merge_where_the_pre_tokenizer_says_so(load: Callable[..., Tokenizer]) -> None:
    tokens = [*BASE, "aa", "aab", "aa!", "<|bos|>"]
    fields = {"tokens": tokens, "token_type": [1] * 259 + [3], "merges": ["a a"], "bos_token_id": 259}
    assert spelled(load(pre="llama-bpe", **fields), "aab aa") == ["<|bos|>", "aab", "Ġ", "aa"]
    assert spelled(load(pre="smaug-bpe", **fields), "aab aa") == ["aa", "b", "Ġ", "aa"]


def test_a_merge_that_comes_twice_counts_where_it_comes_first(load: Callable[..., Tokenizer]) -> None:
    fields = {"tokens": [*BASE, "ab", "bc"], "token_type": [1] * 258}
    assert spelled(load(merges=["a b", "b c"], **fields), "abc") == ["ab", "c"]
    assert spelled(load(merges=["b c", "a b", "b c"], **fields), "abc") == ["a", "bc"]
    assert spelled(load(merges=["a b", "b c", "a b"], **fields), "abc") == ["ab", "c"]


def test_special_tokens_are_found_the_longest_first(load: Callable[..., Tokenizer]) -> None:
    tokenizer = load()
    assert spelled(tokenizer, "a<|end|>x<|end|>user b") == ["a", "<|end|>x", "<|end|>", "user", "Ġ", "b"]
    assert tokenizer.decode(tokenizer.encode("a<|end|>xé b")) == "a<|end|>xé b"


def test_text_that_is_not_trusted_makes_no_control_tokens(load: Callable[..., Tokenizer]) -> None:
    found = spelled(load(), "user<|end|>", special=False)
    assert found == ["user", "<", "|", "e", "n", "d", "|", ">"]


def test_bos_and_eos_are_added_where_the_file_asks_or_the_caller(load: Callable[..., Tokenizer]) -> None:
    a = BASE.index("a")
    assert load(bos_token_id=5).encode("a") == [a]
    assert load(bos_token_id=5).encode("a", add_bos=True) == [5, a]
    both = load(bos_token_id=5, eos_token_id=6, add_bos_token=True, add_eos_token=True)
    assert both.encode("a") == [5, a, 6]
    assert both.encode("") == [5, 6]
    assert both.encode("a", add_bos=False, add_eos=False) == [a]
    with pytest.raises(UsageError, match="BOS is asked for, but this tokenizer has none"):
        load().encode("a", add_bos=True)


def test_a_byte_without_a_token_yields_none_and_keeps_its_neighbours_apart(load: Callable[..., Tokenizer]) -> None:
    tokens = [*BASE, "Ġa", "ab", "12", "'s", "--"]
    tokens[tokens.index(BASE[4])] = "gone"
    tokenizer = load(tokens=tokens, token_type=[1] * len(tokens))
    assert spelled(tokenizer, "--") == ["--"]
    assert spelled(tokenizer, "-\x04-") == ["-", "-"]


def test_tokens_of_other_kinds_have_no_text_and_bytes_have_one(load: Callable[..., Tokenizer]) -> None:
    tokenizer = load(tokens=[*BASE, "gone", "odd", "<0xE9>", "ab"], token_type=[1] * 256 + [5, 0, 6, 1], merges=["a b"])
    assert [tokenizer.piece(index) for index in (256, 257, 258)] == [b"", b"", b"\xe9"]


def test_a_character_that_is_no_byte_stands_for_itself(load: Callable[..., Tokenizer]) -> None:
    tokenizer = load(tokens=[*BASE, "Ġ‼", "ab"], token_type=[1] * 258, merges=["a b"])
    assert tokenizer.piece(256) == " ‼".encode()


# --- SentencePiece ---------------------------------------------------------------------------------------------------


def test_the_highest_score_is_joined_first_and_the_leftmost_of_equals(
    load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]]
) -> None:
    words = ("▁", "a", "b", "c")
    first_bc = load(**spm("bc", "ab", *words))
    assert spelled(first_bc, "abc", add_bos=False) == ["▁", "a", "bc"]
    fields = spm("bc", "ab", *words)
    fields["scores"][-6:-4] = [-1.0, -1.0]
    assert spelled(load(**fields), "abc", add_bos=False) == ["▁", "ab", "c"]


def test_the_library_could_not_do_it(load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]]) -> None:
    """The reason for a merge loop of our own: no order of two merges gives what equal scores give."""
    from tokenizers import Tokenizer as Library
    from tokenizers.models import BPE

    fields = spm("ab", "ba", "a", "b", add_space_prefix=False)
    fields["scores"][-4:-2] = [-1.0, -1.0]
    wanted = [spelled(load(**fields), text, add_bos=False) for text in ("aba", "bab")]
    assert wanted == [["ab", "a"], ["ba", "b"]]
    vocabulary = {"ab": 0, "ba": 1, "a": 2, "b": 3}
    for merges in ([("a", "b"), ("b", "a")], [("b", "a"), ("a", "b")]):
        library = Library(BPE(vocab=vocabulary, merges=merges))
        assert [library.encode(text).tokens for text in ("aba", "bab")] != wanted


def test_what_has_no_token_becomes_bytes(load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]]) -> None:
    tokenizer = load(**spm("▁", "a"))
    assert spelled(tokenizer, "aé", add_bos=False) == ["▁", "a", "<0xC3>", "<0xA9>"]
    fields = spm("▁", "a")
    fields["tokens"] = ["<unk>", "<s>", "</s>", "a", "▁", "x"]
    fields["token_type"], fields["scores"] = [2, 3, 3, 1, 1, 1], [0.0] * 6
    without = load(**fields)
    assert spelled(without, "ax", add_bos=False) == ["▁", "a", "x"]
    with pytest.raises(UnusableInput, match=r"no token for 'é', and none for its byte 0xc3"):
        without.encode("é")


def test_a_blank_is_put_before_a_text_and_behind_special_tokens_and_taken_away_again(
    load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]]
) -> None:
    tokenizer = load(**spm("▁a", "▁", "a"))
    assert spelled(tokenizer, "a</s>a a") == ["<s>", "▁a", "</s>", "▁a", "▁a"]
    assert tokenizer.decode(tokenizer.encode("a</s>a a")) == "<s>a</s>a a"
    bare = load(**spm("▁a", "▁", "a", add_space_prefix=False))
    assert spelled(bare, "a</s>a a") == ["<s>", "a", "</s>", "a", "▁a"]
    assert bare.decode(bare.encode(" a", add_bos=False)) == " a"


def test_scores_are_needed_and_extra_blanks_are_not_removed(
    load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(UnusableInput, match=r"'tokenizer.ggml.scores' is missing"):
        load(**spm("a", scores=None))
    with pytest.raises(UnusableInput, match="260 tokens have 3 scores"):
        load(**spm("a", scores=[0.0, 0.0, 0.0]))
    with pytest.raises(UnusableInput, match="the score of token 1 is nan"):
        load(**spm("a", scores=[0.0, float("nan"), *[0.0] * 258]))
    with pytest.raises(UnsupportedModel, match="extra blanks"):
        load(**spm("a", remove_extra_whitespaces=True))


# --- both ------------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(text=TEXT, pieces=st.lists(st.sampled_from(["<|end|>", "user", " ", "  a", "é"]), max_size=4))
def test_any_text_survives_a_whole_alphabet(load: Callable[..., Tokenizer], text: str, pieces: list[str]) -> None:
    tokenizer = load()
    whole = text.join(["", *pieces, ""])
    assert tokenizer.decode(tokenizer.encode(whole)) == whole


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    text=TEXT.filter(lambda text: "▁" not in text),
    pieces=st.lists(st.sampled_from(["</s>", "<s>", " ", "  a"]), max_size=4),
)
def test_any_text_survives_sentence_piece(
    load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]], text: str, pieces: list[str]
) -> None:
    tokenizer = load(**spm("▁a", "▁▁", "▁", "a"))
    whole = text.join(["", *pieces, ""])
    assert tokenizer.decode(tokenizer.encode(whole, add_bos=False)) == whole


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(ids=st.lists(st.integers(0, 263), max_size=12), cut=st.integers(0, 12))
def test_a_stream_shows_whole_characters_and_adds_up(
    load: Callable[..., Tokenizer], spm: Callable[..., dict[str, Any]], ids: list[int], cut: int
) -> None:
    for tokenizer in (load(), load(**spm("▁a", "▁", "a", "é", "日"))):
        whole = tokenizer.decode(ids)
        stream = tokenizer.stream()
        shown = [stream.feed(index) for index in ids]
        assert "".join(shown) + stream.finish() == whole
        behind = tokenizer.stream(ids[:cut])
        rest = "".join([behind.feed(index) for index in ids[cut:]]) + behind.finish()
        assert whole.endswith(rest)


def test_a_stream_waits_for_the_bytes_of_a_character(load: Callable[..., Tokenizer]) -> None:
    tokenizer = load()
    stream = tokenizer.stream()
    ids = [BASE.index(BASE[byte]) for byte in "aé😀".encode()]
    assert [stream.feed(index) for index in ids] == ["a", "", "é", "", "", "", "😀"]
    assert stream.feed(ids[3]) == ""
    assert stream.feed(ids[0]) == "\ufffda"
    assert (stream.feed(ids[1]), stream.finish()) == ("", "\ufffd")


def test_decoding_cut_characters_and_wrong_ids(load: Callable[..., Tokenizer]) -> None:
    tokenizer = load()
    assert tokenizer.decode([BASE.index(BASE[0xC3])]) == "\ufffd"
    for wrong in (-1, len(tokenizer.tokens)):
        with pytest.raises(UsageError, match=f"token id {wrong} is not in the vocabulary"):
            tokenizer.decode([wrong])
    with pytest.raises(UsageError, match="no valid Unicode"):
        tokenizer.encode("a\ud800")


REFUSED: list[tuple[dict[str, Any], type[UnusableInput], str]] = [
    ({"model": None}, UnusableInput, "has no tokenizer; pass token ids with --tokens"),
    ({"tokens": None}, UnusableInput, "has no tokenizer"),
    ({"tokens": [1]}, UnusableInput, "should be an array of strings"),
    ({"tokens": ["a", ""]}, UnusableInput, "token 1 is empty"),
    ({"tokens": ["a", "b", "a"]}, UnusableInput, "tokens 0 and 2 are both 'a'"),
    ({"model": "bert"}, UnsupportedModel, "tokenizer model 'bert' is not known here, only 'gpt2' and 'llama'"),
    ({"pre": "kimi-k2"}, UnsupportedModel, "pre-tokenizer 'kimi-k2' is not known here; known are a.x-4.0, codeshell"),
    ({"pre": None}, UnsupportedModel, "names no pre-tokenizer; known are"),
    ({"general__name": "Phi-3 mini"}, UnsupportedModel, "Phi-3's special tokens swallow the blanks behind them"),
    ({"token_type": [1, 2]}, UnusableInput, "264 tokens have 2 types"),
    ({"token_type": [7] * 264}, UnusableInput, "token 0 is of type 7, which does not exist"),
    ({"token_type": None}, UnusableInput, "'tokenizer.ggml.token_type' is missing"),
    ({"merges": None}, UnusableInput, "'tokenizer.ggml.merges' is missing"),
    ({"merges": ["ab"]}, UnusableInput, "merge 0, 'ab', is no pair"),
    ({"merges": ["a "]}, UnusableInput, "is no pair"),
    ({"merges": ["a zz"]}, UnusableInput, "needs the token 'zz'"),
    ({"merges": [1, 2]}, UnusableInput, "should be an array of strings"),
    (
        {"add_bos_token": True},
        UnusableInput,
        "'tokenizer.ggml.bos_token_id' is missing, and every text needs that token",
    ),
    ({"bos_token_id": 999}, UnusableInput, "999 is not in the vocabulary of 264"),
]


@pytest.mark.parametrize(("changes", "kind", "expected"), REFUSED)
def test_a_tokenizer_that_cannot_be_used_is_refused(
    load: Callable[..., Tokenizer], changes: dict[str, Any], kind: type[UnusableInput], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as refusal:
        load(**changes)
    assert expected in str(refusal.value)
    assert str(tmp_path / "t.gguf") in str(refusal.value)
