"""Tokenizers against llama.cpp's own, and against what each model's own tokenizer made of the texts beside its vocabulary.

The vocabulary files are llama.cpp's (`make vocabularies`); where they are not, the real model's vocabulary and small ones
made on the spot still are held against it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.engines.llama_cpp.vocabulary import LlamaVocabulary
from apr.errors import OracleError, UnusableInput
from apr.formats.gguf import read_gguf
from apr.text.byte_level import alphabet
from apr.text.pre_tokenizers import PRE_TOKENIZERS
from apr.text.spellings import ALWAYS_SHOWN, END_OF_GENERATION, FILL_IN_MIDDLE
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("llama_cpp")]

PROVED = ("baichuan", "command-r", "deepseek-coder", "falcon", "gpt-2", "llama-bpe", "llama-spm", "mpt", "qwen2", "qwen35", "refact", "starcoder")  # fmt: skip
REFUSED = {
    "aquila": "names no pre-tokenizer",
    "bert-bge": "tokenizer model 'bert'",
    "deepseek-llm": "pre-tokenizer 'deepseek-llm'",
    "gemma-4": "tokenizer model 'gemma4'",
    "gpt-neox": "names no pre-tokenizer",
    "nomic-bert-moe": "tokenizer model 't5'",
    "phi-3": "Phi-3's special tokens",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def file_of(vocabularies: Path, name: str) -> Path:
    return vocabularies / f"ggml-vocab-{name}.gguf"


@lru_cache(maxsize=4)  # a vocabulary takes a second or two, and tests in a row want it
def load(path: Path) -> Tokenizer:
    return Tokenizer.from_file(read_gguf(path))


@pytest.fixture(scope="module")
def proved(request: pytest.FixtureRequest, vocabularies: Path) -> tuple[Path, Tokenizer]:
    """A vocabulary file and its tokenizer; by its scope pytest brings the tests of one together, in whatever order they come."""
    path = file_of(vocabularies, request.param)
    return path, load(path)


def special_spellings(tokenizer: Tokenizer) -> list[str]:
    return [token for index, token in enumerate(tokenizer.tokens) if tokenizer.is_special(index)]


def require_equal(tokenizer: Tokenizer, oracle: LlamaVocabulary, texts: list[str], **options: Any) -> None:
    """The same tokens for every text, whether control tokens are recognised or not."""
    wrong = [
        (text, special, theirs, ours)
        for special in (True, False)
        for text, theirs in zip(texts, oracle.tokenize(texts, special=special), strict=True)
        if (ours := tokenizer.encode(text, special=special, **options)) != theirs
    ]
    assert wrong[:3] == []


@cache
def drawn(count: int) -> list[str]:
    """Texts that hypothesis makes, the same in every run."""
    texts: list[str] = []

    @settings(max_examples=count, database=None, derandomize=True)
    @given(TEXT)
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    assert len(texts) >= count // 2
    return texts


def test_every_vocabulary_file_is_proved_or_refused(vocabularies: Path) -> None:
    there = {path.name.removeprefix("ggml-vocab-").removesuffix(".gguf") for path in vocabularies.glob("*.gguf")}
    assert there == {*PROVED, *REFUSED}


@pytest.mark.parametrize("proved", PROVED, indirect=True, scope="module")
def test_texts_are_cut_as_llama_cpp_cuts_them(
    proved: tuple[Path, Tokenizer], hard_texts: Callable[..., list[str]]
) -> None:
    path, tokenizer = proved
    texts = hard_texts(400, special_spellings(tokenizer)) + drawn(200)
    assert len(texts) > 550
    with LlamaVocabulary(path) as oracle:
        require_equal(tokenizer, oracle, texts)
        pieces = oracle.described.pieces
        # of up to 260,000 plain ones every seventh
        some = {*range(0, len(pieces), 7), *filter(tokenizer.is_special, range(len(pieces)))}
        for index in sorted(some):
            if b"[UNK_BYTE_" not in pieces[index]:  # llama.cpp's word for a character that stands for no byte
                assert tokenizer.piece(index) == pieces[index]


@pytest.mark.parametrize("proved", [name for name in PROVED if name != "baichuan"], indirect=True, scope="module")
def test_texts_are_cut_as_the_models_own_tokenizer_cuts_them(
    fetcher: ModuleType, proved: tuple[Path, Tokenizer]
) -> None:
    path, tokenizer = proved
    texts = path.with_name(f"{path.name}.inp").read_text(encoding="utf-8").split(fetcher.SEPARATOR)
    expected = path.with_name(f"{path.name}.out").read_text(encoding="utf-8").split("\n")
    assert len(texts) == len(expected) > 40
    for text, ids in zip(texts, expected, strict=True):
        assert tokenizer.encode(text, special=False, add_bos=False) == [int(index) for index in ids.split()]


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_the_others_are_refused(vocabularies: Path, name: str, reason: str) -> None:
    with pytest.raises(UnusableInput, match=reason):
        load(file_of(vocabularies, name))


@pytest.mark.parametrize("name", sorted(PRE_TOKENIZERS))
def test_every_pre_tokenizer_cuts_as_llama_cpp_does(
    vocabularies: Path,
    other_pre: Callable[[Path, Path, str], Path],
    hard_texts: Callable[..., list[str]],
    tmp_path: Path,
    name: str,
) -> None:
    # GPT-2's vocabulary stands in: it has words, numbers of several digits and runs of blanks and marks to tell cuts by
    path = other_pre(file_of(vocabularies, "gpt-2"), tmp_path / "v.gguf", name)
    tokenizer = load(path)
    with LlamaVocabulary(path) as oracle:
        assert tokenizer.special.add_bos == oracle.described.add_bos
        require_equal(tokenizer, oracle, hard_texts(150, ["<|endoftext|>"]))


@pytest.mark.real_model
@pytest.mark.parametrize("plane", [0, 1])
def test_every_code_point_belongs_to_the_same_class_as_in_llama_cpp(
    real_model: Path, vocabularies: Path, plane: int
) -> None:
    # `'s` is cut off behind letters and numbers but not behind anything else, which shows the class; qwen35 has marks as
    # well, and the pre-tokenizer of DeepSeek's coders punctuation
    characters = [chr(code) for code in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= code < 0xE000]
    texts = [
        "\n".join(f"{char}'s {char}a !{char}" for char in characters[start : start + 256])
        for start in range(0, len(characters), 256)
    ]
    for path in (real_model, file_of(vocabularies, "qwen35"), file_of(vocabularies, "deepseek-coder")):
        tokenizer = load(path)
        with LlamaVocabulary(path) as oracle:
            expected = oracle.tokenize(texts)
        wrong = [text for text, ids in zip(texts, expected, strict=True) if tokenizer.encode(text) != ids]
        assert [hex(ord(text[0])) for text in wrong] == []


@pytest.mark.real_model
def test_the_real_models_texts_are_cut_as_llama_cpp_cuts_them(
    real_model: Path, hard_texts: Callable[..., list[str]]
) -> None:
    tokenizer = load(real_model)
    texts = hard_texts(2000, special_spellings(tokenizer)) + drawn(300)
    with LlamaVocabulary(real_model) as oracle:
        require_equal(tokenizer, oracle, texts)
        assert [tokenizer.piece(index) for index in range(len(tokenizer.tokens))] == list(oracle.described.pieces)
    spelled = {byte for byte, char in enumerate(alphabet()) if char in tokenizer.tokens}
    whole = [text for text in texts if spelled.issuperset(text.encode())]
    assert len(whole) > 1500
    assert [text for text in whole if tokenizer.decode(tokenizer.encode(text)) != text] == []


# --- vocabularies made on the spot, no download needed ---------------------------------------------------------------

SPELLED = sorted(
    {*END_OF_GENERATION, *ALWAYS_SHOWN, "<|tool|>", "</tag>", "plain"}
    | {spellings[0] for _, spellings in FILL_IN_MIDDLE.values()}
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    words=st.lists(st.tuples(st.sampled_from(SPELLED), st.sampled_from([1, 3, 4, 5])), unique_by=lambda pair: pair[0], max_size=8),
    eos=st.integers(0, 300),
)  # fmt: skip
def test_what_a_spelling_means_is_what_it_means_to_llama_cpp(
    tmp_path_factory: pytest.TempPathFactory,
    write_vocabulary: Callable[..., Path],
    words: list[tuple[str, int]],
    eos: int,
) -> None:
    tokens = [*alphabet(), "ab", *(word for word, _ in words)]
    kinds = [1] * 257 + [kind for _, kind in words]
    path = write_vocabulary(
        tmp_path_factory.mktemp("spelled") / "v.gguf",
        tokens=tokens,
        token_type=kinds,
        merges=["a b"],
        eos_token_id=eos % len(tokens),
        bos_token_id=0,
        llama__context_length=64,
        llama__embedding_length=64,
        llama__block_count=1,
    )
    tokenizer = load(path)
    texts = ["".join(f"{word} x" for word, _ in words), *(word for word, _ in words)]
    with LlamaVocabulary(path) as oracle:
        assert tokenizer.special.stop == oracle.described.ends
        assert tokenizer.special.eos == oracle.described.eos
        assert oracle.described.eot is None or oracle.described.eot in {tokenizer.special.eot, *tokenizer.special.stop, *(tokens.index(t) for t in ("<|end|>",) if t in tokens)}  # fmt: skip
        assert (tokenizer.special.eot is None) == (oracle.described.eot is None)
        assert [tokenizer.piece(index) for index in range(len(tokens))] == list(oracle.described.pieces)
        require_equal(tokenizer, oracle, texts)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    words=st.lists(st.text("ab▁é", min_size=1, max_size=4), unique=True, max_size=12),
    ranks=st.lists(st.integers(0, 4), min_size=12, max_size=12),
    blank=st.booleans(),
    texts=st.lists(st.text("ab é\n日", max_size=12), min_size=1, max_size=40),
)
def test_sentence_piece_of_any_scores_joins_as_llama_cpp_does(
    tmp_path_factory: pytest.TempPathFactory,
    write_vocabulary: Callable[..., Path],
    spm: Callable[..., dict[str, Any]],
    words: list[str],
    ranks: list[int],
    blank: bool,
    texts: list[str],
) -> None:
    fields = spm(*words, add_space_prefix=blank)
    if words:
        fields["scores"][-len(words) :] = [-float(rank) for rank in ranks[: len(words)]]  # ties among them
    path = write_vocabulary(
        tmp_path_factory.mktemp("spm") / "v.gguf",
        **fields,
        llama__context_length=64,
        llama__embedding_length=64,
        llama__block_count=1,
    )
    tokenizer = load(path)
    with LlamaVocabulary(path) as oracle:
        require_equal(tokenizer, oracle, [*texts, "a<s>b a</s></s> a"])
        assert [tokenizer.piece(index) for index in range(len(tokenizer.tokens))] == list(oracle.described.pieces)


def test_a_vocabulary_that_llama_cpp_does_not_take_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "v.gguf"
    path.write_bytes(b"GGUF nothing")
    with pytest.raises(OracleError, match="could not load the model"):
        LlamaVocabulary(path)
