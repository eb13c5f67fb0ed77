"""The tokenizer against llama.cpp's own, and its refusals."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr import cache
from apr.errors import UnsupportedModel, UnusableInput, UsageError
from apr.formats.gguf import read_gguf
from apr.formats.tokenizer import Tokenizer, _byte_to_char

# Reads a JSON list of texts, answers with a JSON list of token id lists; runs apart because llama.cpp may end its process.
LLAMA_TOKENIZE = """
import ctypes as C, json, sys
lib = C.CDLL(sys.argv[1])
class Params(C.Structure):
    _fields_ = [("raw", C.c_ubyte * 512)]
Log = C.CFUNCTYPE(None, C.c_int, C.c_char_p, C.c_void_p)
silent = Log(lambda level, text, data: None)
lib.llama_log_set.argtypes = [Log, C.c_void_p]
lib.llama_log_set(silent, None)
lib.llama_backend_init()
lib.llama_model_default_params.restype = Params
lib.llama_model_load_from_file.argtypes, lib.llama_model_load_from_file.restype = [C.c_char_p, Params], C.c_void_p
lib.llama_model_get_vocab.argtypes, lib.llama_model_get_vocab.restype = [C.c_void_p], C.c_void_p
lib.llama_tokenize.argtypes = [C.c_void_p, C.c_char_p, C.c_int32, C.POINTER(C.c_int32), C.c_int32, C.c_bool, C.c_bool]
lib.llama_tokenize.restype = C.c_int32
vocab = lib.llama_model_get_vocab(lib.llama_model_load_from_file(sys.argv[2].encode(), lib.llama_model_default_params()))
answer = []
for text in json.load(sys.stdin):
    raw = text.encode()
    ids = (C.c_int32 * (len(raw) + 8))()
    count = lib.llama_tokenize(vocab, raw, len(raw), ids, len(ids), True, True)
    assert count >= 0, count
    answer.append(list(ids[:count]))
json.dump(answer, sys.stdout)
"""

TRICKY = [
    "", " ", "  ", "   a", "a   ", "\n", "\r\n", "\t\t x", " \n \n", "a\n\n\nb", "\u00a0", "a\u3000b", "\u2028", "\x85",
    "Hello, world!", "don't I'LL we've they'd 'tis '''s", "x=1;y=22;z=333", "3.14159", "1 2 3", " 1 22", "²³½ ٣٤ Ⅷ", "\uff11\uff12",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|im_end|><|im_end|>", "<|im_start|", "a<|endoftext|>b",
    " <|im_end|> ", "<|im_<|im_end|>end|>", "<repo_name>x<filename>", "grün Straße ÅÄÖ", "日本語のテキスト", "한국어", "العربية ١٢٣",
    "हिन्दी", "Ελληνικά", "e\u0301 n\u0303", "😀", "👨‍👩‍👧‍👦", "🇩🇪🏳️‍🌈", "a\u200db", "\ufeff", "\x00", "\x04-a", "\x7f", "\ue000", "\U0010ffff",
    "\U00013c35's", "\U00011396x", "def f(x):\n    return x ** 2  # sq\n", '{"a": [1, 2.5e-3]}', "C:\\x\\y", "a_b__c", "------", "!?!?",
    "AAAaaa", "a" * 300, "ab " * 100, "0" * 50, "\n" * 40, " " * 70,
]  # fmt: skip


def lookup() -> tuple[Path, Path]:
    """The model and a llama.cpp library; skips where either is missing."""
    model = cache.model_path("smollm2")
    if not model.exists():
        pytest.skip("the model is not in the cache: apr pull smollm2")
    spec = importlib.util.find_spec("xllamacpp")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("xllamacpp is not installed")
    libraries = sorted(Path(spec.submodule_search_locations[0]).glob("xllamacpp*.so"))
    if not libraries:
        pytest.skip("xllamacpp has no shared object here")
    return model, libraries[0]


def llama_tokens(texts: list[str]) -> list[list[int]]:
    model, library = lookup()
    done = subprocess.run(
        [sys.executable, "-c", LLAMA_TOKENIZE, str(library), str(model)],
        input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    answer: list[list[int]] = json.loads(done.stdout)
    return answer


def real_tokenizer() -> Tokenizer:
    return Tokenizer.from_gguf(read_gguf(lookup()[0]))


def made_up_texts(count: int) -> list[str]:
    """Texts of pieces that meet badly: seeded, so that a failure comes again."""
    dice = random.Random(20)  # noqa: S311 - not a secret
    spans = (
        (0x00, 0x80),
        (0x80, 0x600),
        (0x900, 0xE00),
        (0x2000, 0x2C00),
        (0x3000, 0xD7FF),
        (0xE000, 0x11000),
        (0x11000, 0x20000),
    )
    pieces = ("'s", "'LL", " ", "  ", "\n", "\r", "7", "42", "a", "Bc", "<|im_end|>", "<|im_start|>", ".", "–")  # noqa: RUF001 - a dash on purpose

    def piece() -> str:
        return dice.choice(pieces) if dice.random() < 0.6 else chr(dice.randrange(*dice.choice(spans)))

    return ["".join(piece() for _ in range(dice.randrange(1, 14))) for _ in range(count)]


@pytest.mark.oracle
@pytest.mark.real_model
def test_texts_are_cut_as_llama_cpp_cuts_them() -> None:
    texts = TRICKY + made_up_texts(3000)
    tokenizer = real_tokenizer()
    expected = llama_tokens(texts)
    assert len(expected) == len(texts) > 3000
    wrong = [
        (text, theirs, ours)
        for text, theirs in zip(texts, expected, strict=True)
        if (ours := tokenizer.encode(text)) != theirs
    ]
    assert wrong == []


@pytest.mark.oracle
@pytest.mark.real_model
@pytest.mark.parametrize("plane", [0, 1])
def test_every_code_point_belongs_to_the_same_class_as_in_llama_cpp(plane: int) -> None:
    # `'s` is cut off behind letters and numbers but not behind anything else, which shows the class
    characters = [chr(code) for code in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= code < 0xE000]
    texts = [
        "\n".join(f"{char}'s {char}a" for char in characters[start : start + 256])
        for start in range(0, len(characters), 256)
    ]
    tokenizer = real_tokenizer()
    expected = llama_tokens(texts)
    assert [hex(ord(text[0])) for text, ids in zip(texts, expected, strict=True) if tokenizer.encode(text) != ids] == []


@pytest.mark.oracle
@pytest.mark.real_model
def test_texts_that_hypothesis_makes_are_cut_alike() -> None:
    texts: list[str] = []

    @settings(max_examples=300, database=None, derandomize=True)
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    tokenizer = real_tokenizer()
    assert len(texts) >= 200
    assert [tokenizer.encode(text) for text in texts] == llama_tokens(texts)


@pytest.mark.real_model
def test_what_was_encoded_decodes_to_itself() -> None:
    tokenizer = real_tokenizer()
    for text in ("Hello, wörld! 日本 😀\n 12", "<|im_start|>user\nhi<|im_end|>", "  a  b "):
        assert tokenizer.decode(tokenizer.encode(text)) == text


# --- small vocabularies, no model needed -----------------------------------------------------------------------------

BASE = _byte_to_char()
MERGES = ["Ġ a", "a b", "1 2", "' s", "- -"]


def write(path: Path, **changes: Any) -> Path:
    """A file that is nothing but a tokenizer: 256 bytes, the merges' results, and two special tokens."""
    tokens = [*BASE, *(merge.replace(" ", "") for merge in MERGES), "<|end|>", "<|end|>x", "user"]
    fields: dict[str, Any] = {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": tokens,
        "token_type": [1] * (len(tokens) - 3) + [3, 3, 4],
        "merges": MERGES,
    } | changes
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in fields.items():
        if isinstance(value, list):
            writer.add_array(f"tokenizer.ggml.{key}", value)
        elif isinstance(value, bool):
            writer.add_bool(f"tokenizer.ggml.{key}", value)
        elif isinstance(value, int):
            writer.add_uint32(f"tokenizer.ggml.{key}", value)
        elif value is not None:
            writer.add_string(f"tokenizer.ggml.{key}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def load(path: Path, **changes: Any) -> Tokenizer:
    return Tokenizer.from_gguf(read_gguf(write(path, **changes)))


def spelled(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[index] for index in tokenizer.encode(text)]


def test_digits_stand_alone_in_smollm_and_together_in_gpt2(tmp_path: Path) -> None:
    assert spelled(load(tmp_path / "a"), "12 ab's") == ["1", "2", "Ġa", "b", "'s"]
    assert spelled(load(tmp_path / "b", pre="gpt-2"), "12 ab's") == ["12", "Ġa", "b", "'s"]


def test_special_tokens_are_found_the_longest_first(tmp_path: Path) -> None:
    tokenizer = load(tmp_path / "a")
    assert spelled(tokenizer, "a<|end|>x<|end|>user b") == ["a", "<|end|>x", "<|end|>", "user", "Ġ", "b"]
    assert tokenizer.decode(tokenizer.encode("a<|end|>xé b")) == "a<|end|>xé b"


def test_bos_and_eos_are_added_where_the_file_asks(tmp_path: Path) -> None:
    assert load(tmp_path / "a", bos_token_id=5).encode("a") == [BASE.index("a")]
    both = load(tmp_path / "b", bos_token_id=5, eos_token_id=6, add_bos_token=True, add_eos_token=True)
    assert both.encode("a") == [5, BASE.index("a"), 6]
    assert both.encode("") == [5, 6]


def test_a_byte_without_a_token_yields_none_and_keeps_its_neighbours_apart(tmp_path: Path) -> None:
    tokens = [*BASE, *(merge.replace(" ", "") for merge in MERGES)]
    tokens[tokens.index(BASE[4])] = "gone"
    tokenizer = load(tmp_path / "a", tokens=tokens, token_type=[1] * len(tokens))
    assert spelled(tokenizer, "--") == ["--"]
    assert spelled(tokenizer, "-\x04-") == ["-", "-"]


def test_decoding_cut_characters_and_wrong_ids(tmp_path: Path) -> None:
    tokenizer = load(tmp_path / "a")
    assert tokenizer.decode([BASE.index(BASE[0xC3])]) == "\ufffd"
    for wrong in (-1, len(tokenizer.tokens)):
        with pytest.raises(UsageError, match=f"token id {wrong} is not in the vocabulary"):
            tokenizer.decode([wrong])
    with pytest.raises(UsageError, match="no valid Unicode"):
        tokenizer.encode("a\ud800")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_survives_a_whole_alphabet(tmp_path: Path, text: str) -> None:
    tokenizer = (
        load(tmp_path / "a") if not (tmp_path / "a").exists() else Tokenizer.from_gguf(read_gguf(tmp_path / "a"))
    )
    assert tokenizer.decode(tokenizer.encode(text)) == text


REFUSED: list[tuple[dict[str, Any], type[UnusableInput], str]] = [
    ({"model": None}, UnusableInput, "has no tokenizer; pass token ids with --tokens"),
    ({"tokens": None}, UnusableInput, "has no tokenizer"),
    ({"model": "llama"}, UnsupportedModel, "tokenizer model 'llama' is not supported"),
    ({"pre": "qwen2"}, UnsupportedModel, "pre-tokenizer 'qwen2' is not supported"),
    ({"pre": None}, UnsupportedModel, "pre-tokenizer None is not supported"),
    ({"token_type": [1, 2]}, UnusableInput, "264 tokens have 2 types"),
    ({"token_type": None}, UnusableInput, "'tokenizer.ggml.token_type' is missing"),
    ({"merges": None}, UnusableInput, "'tokenizer.ggml.merges' is missing"),
    ({"merges": ["ab"]}, UnusableInput, "merge 0, 'ab', is no pair"),
    ({"merges": ["a "]}, UnusableInput, "is no pair"),
    ({"merges": ["a zz"]}, UnusableInput, "needs the token 'zz'"),
    ({"merges": [1, 2]}, UnusableInput, "should be an array of strings"),
    ({"add_bos_token": True}, UnusableInput, "'tokenizer.ggml.bos_token_id' is missing"),
    ({"add_bos_token": True, "bos_token_id": 999}, UnusableInput, "999 is not in the vocabulary of 264"),
]


@pytest.mark.parametrize(("changes", "kind", "expected"), REFUSED)
def test_a_tokenizer_that_cannot_be_used_is_refused(
    changes: dict[str, Any], kind: type[UnusableInput], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.gguf"
    with pytest.raises(kind) as refusal:
        load(path, **changes)
    assert expected in str(refusal.value)
    assert str(path) in str(refusal.value)
