"""Special tokens: what a file states, what its architecture fills in and says so, and where generation stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apr.errors import UnusableInput
from apr.formats.gguf import read_gguf
from apr.text.special import DEFAULTS, SpecialTokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def special(write_vocabulary: Callable[..., Path], tmp_path: Path) -> Callable[..., SpecialTokens]:
    """The special tokens of a small file with these tokens, all control tokens, and keys."""

    def of(*tokens: str, architecture: str = "gpt2", kind: int = 3, **keys: Any) -> SpecialTokens:
        fields = {"tokens": [*tokens, "a", "b", "ab"], "token_type": [kind] * len(tokens) + [1] * 3, "merges": ["a b"]}
        return SpecialTokens.of(read_gguf(write_vocabulary(tmp_path / "t.gguf", architecture, **fields | keys)))

    return of


def test_what_the_file_states_is_taken_without_a_word(special: Callable[..., SpecialTokens]) -> None:
    found = special("<s>", "</s>", "<|im_end|>", bos_token_id=0, eos_token_id=1, padding_token_id=2, unknown_token_id=0)
    assert (found.bos, found.eos, found.eot, found.pad, found.unk) == (0, 1, 2, 2, 0)
    assert (found.add_bos, found.add_eos, found.notes) == (False, False, ())
    assert found.stop == {1, 2}


def test_a_default_is_said(special: Callable[..., SpecialTokens]) -> None:
    found = special("<pad>", "<s>", "</s>", architecture="mistral")
    assert (found.bos, found.eos) == (1, 2)
    assert found.notes == (
        "the file names no BOS; taken is 1, '<s>', the default of mistral",
        "the file names no EOS; taken is 2, '</s>', the default of mistral",
    )
    assert found.stop == {2}


def test_zero_is_an_id_and_none_is_none(special: Callable[..., SpecialTokens]) -> None:
    deepseek = special("<begin>", architecture="deepseek")
    assert deepseek.bos == 0
    assert DEFAULTS["deepseek"].bos == 0
    assert DEFAULTS["gpt2"].bos is None
    assert special("<s>", architecture="gpt2").bos is None
    assert special("<s>", bos_token_id=0, add_bos_token=True).add_bos


def test_a_default_that_cannot_be_right_is_not_taken(special: Callable[..., SpecialTokens]) -> None:
    ordinary = special("x", "y", "z", architecture="mistral", kind=1)
    assert (ordinary.bos, ordinary.eos, ordinary.stop) == (None, None, frozenset())
    assert ordinary.notes == (
        "the file names no BOS; 1, the default of mistral, is the ordinary token 'y' here: there is none",
        "the file names no EOS; 2, the default of mistral, is the ordinary token 'z' here: there is none",
        "no token is known at which generation stops: it goes on to the length limit",
    )
    outside = special(architecture="qwen2")
    assert "151643, the default of qwen2, is outside of this vocabulary: there is none" in outside.notes[0]
    unknown = special(architecture="falcon")
    assert unknown.notes[0] == "the file names no BOS, and no default is known for falcon: there is none"


def test_generation_stops_at_whatever_ends_a_turn(special: Callable[..., SpecialTokens]) -> None:
    chat = special("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eom_id|>", eos_token_id=0)
    assert chat.stop == {0, 2, 3}
    assert chat.eot == 2
    stated = special("<x>", "<y>", "<|im_end|>", eos_token_id=0, eot_token_id=1)
    assert stated.eot == 1
    assert stated.stop == {0, 1, 2}
    # a default belongs to them as well
    assert special("<pad>", "<s>", "<end>", architecture="mistral").stop == {2}


def test_ends_that_go_on_in_certain_company(special: Callable[..., SpecialTokens]) -> None:
    harmony = special("<|end|>", "<|return|>", "<|call|>", eos_token_id=1)
    assert harmony.stop == {1, 2}
    assert special("<|end|>", "<|return|>", eos_token_id=1).stop == {0, 1}
    gemma = special("<eos>", "</s>", "<|tool_response>", eos_token_id=0)
    assert gemma.stop == {0, 2}


def test_gaps_to_fill_end_where_texts_end(special: Callable[..., SpecialTokens]) -> None:
    found = special("<|fim_prefix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<e>", eos_token_id=4)
    assert found.stop == {1, 2, 3, 4}
    # stated ids count instead of spellings
    assert special("<|fim_pad|>", "<p>", "<e>", eos_token_id=2, fim_pad_token_id=1).stop == {1, 2}


def test_bos_around_every_text_as_the_kind_is_used_to(
    write_vocabulary: Callable[..., Path], spm: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    def around(**fields: Any) -> tuple[bool, bool]:
        found = SpecialTokens.of(read_gguf(write_vocabulary(tmp_path / "t.gguf", **fields)))
        return found.add_bos, found.add_eos

    assert around(**spm("a")) == (True, False)
    assert around(**spm("a", add_bos_token=False, add_eos_token=True)) == (False, True)
    assert around(pre="llama-bpe", bos_token_id=3) == (True, False)
    assert around(pre="qwen2", bos_token_id=3) == (False, False)
    with pytest.raises(
        UnusableInput, match=r"'tokenizer\.ggml\.eos_token_id' is missing, and every text needs that token"
    ):
        around(add_eos_token=True)


def test_ids_outside_of_the_vocabulary(special: Callable[..., SpecialTokens]) -> None:
    for name in ("bos", "eos", "eot", "eom", "fim_pad"):
        with pytest.raises(
            UnusableInput, match=rf"'tokenizer\.ggml\.{name}_token_id': 99 is not in the vocabulary of 4"
        ):
            special("<s>", **{f"{name}_token_id": 99})
    padded = special("<s>", eos_token_id=0, bos_token_id=0, padding_token_id=4)
    assert padded.pad is None
    assert padded.notes == ("padding_token_id is left out: 4 is not in the vocabulary of 4",)
