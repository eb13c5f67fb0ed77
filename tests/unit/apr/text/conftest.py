"""What tests of text share: vocabularies made on the spot, those that llama.cpp tests itself with, and texts that are hard."""

from __future__ import annotations

import importlib.util
import random
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import pytest

from apr import cache
from apr.engines.llama_cpp.providers import find_provider
from apr.errors import OracleAbsent
from apr.text.byte_level import alphabet

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[4]
BASE = alphabet()
MERGES = ["Ġ a", "a b", "1 2", "' s", "- -"]


def write(path: Path, architecture: str = "llama", **changes: Any) -> Path:
    """A file that is nothing but a tokenizer: 256 bytes, the merges' results, and three special tokens.

    `changes` are keys below `tokenizer.ggml.`; None leaves one out, `key__general` goes by its own name.
    """
    tokens = [*BASE, *(merge.replace(" ", "") for merge in MERGES), "<|end|>", "<|end|>x", "user"]
    fields: dict[str, Any] = {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": tokens,
        "token_type": [1] * (len(tokens) - 3) + [3, 3, 4],
        "merges": MERGES,
    } | changes
    writer = gguf.GGUFWriter(path, architecture)
    for name, value in fields.items():
        key = name.replace("__", ".") if "__" in name else f"tokenizer.ggml.{name}"
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif value is not None:
            writer.add_string(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def sentence_piece(*words: str, special: tuple[str, ...] = ("<unk>", "<s>", "</s>"), **changes: Any) -> dict[str, Any]:
    """Fields of a SentencePiece vocabulary: special tokens, 256 bytes, then the words, the first with the highest score."""
    return {
        "model": "llama",
        "pre": None,
        "merges": None,
        "tokens": [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *words],
        "token_type": [2, *[3] * (len(special) - 1), *[6] * 256, *[1] * len(words)],
        "scores": [0.0] * (len(special) + 256) + [-float(rank) for rank in range(len(words))],
        "unknown_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    } | changes


@pytest.fixture(scope="session")
def write_vocabulary() -> Callable[..., Path]:
    """Writes a GGUF file that is nothing but a tokenizer."""
    return write


@pytest.fixture(scope="session")
def spm() -> Callable[..., dict[str, Any]]:
    """Fields of a SentencePiece vocabulary."""
    return sentence_piece


@pytest.fixture(scope="session")
def fetcher() -> ModuleType:
    """fixtures/vocabularies.py as a module."""
    spec = importlib.util.spec_from_file_location("fixtures_vocabularies", ROOT / "fixtures" / "vocabularies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def vocabularies(fetcher: ModuleType) -> Path:
    """The folder with llama.cpp's vocabulary files; skips where they were not fetched."""
    place: Path = fetcher.folder()
    if not place.is_dir():
        pytest.skip(f"llama.cpp's vocabulary files are not in {place}: make vocabularies")
    return place


@pytest.fixture(scope="session")
def llama_cpp() -> None:
    """Skips where there is no llama.cpp."""
    try:
        find_provider()
    except OracleAbsent as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The real model; skips where it was not fetched."""
    path: Path = cache.model_path("smollm2")
    if not path.exists():
        pytest.skip("the model is not in the cache: apr pull smollm2")
    return path


@pytest.fixture(scope="session")
def other_pre() -> Callable[[Path, Path, str], Path]:
    """Copies a vocabulary file with another pre-tokenizer's name in it."""

    def copy(source: Path, target: Path, name: str) -> Path:
        raw = source.read_bytes()
        key = b"tokenizer.ggml.pre" + struct.pack("<I", 8)  # a string follows
        at = raw.index(key) + len(key)
        (old,) = struct.unpack_from("<Q", raw, at)
        # there is no tensor data behind, whose alignment would suffer
        target.write_bytes(raw[:at] + struct.pack("<Q", len(name)) + name.encode() + raw[at + 8 + old :])
        return target

    return copy


TRICKY = [
    "", " ", "  ", "   a", "a   ", "\n", "\r\n", "\t\t x", " \n \n", "a\n\n\nb", "\u00a0", "a\u3000b", "\u2028", "\x85",
    "Hello, world!", "don't I'LL we've they'd 'tis '''s", "x=1;y=22;z=333", "3.14159", "1 2 3", " 1 22", "²³½ ٣٤ Ⅷ", "\uff11\uff12",
    "1234567 12345678", "it\u017f '\u017f 'S 'K \u212a", "HTTPServer getHTTPResponse", "你好\uff0c世界。", "カタカナひらがな漢字", "( [ { /* */ } ] )",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|im_end|><|im_end|>", "<|im_start|", "a<|endoftext|>b",
    " <|im_end|> ", "<|im_<|im_end|>end|>", "<repo_name>x<filename>", "<s>[INST] hi [/INST] yes</s><s>", "<unk>", "<0x0A>", "▁", "a▁b ▁ c",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>", "grün Straße ÅÄÖ", "日本語のテキスト", "한국어", "العربية ١٢٣",
    "हिन्दी", "Ελληνικά", "e\u0301 n\u0303", "😀", "👨‍👩‍👧‍👦", "🇩🇪🏳️‍🌈", "a\u200db", "\ufeff", "\x00", "\x04-a", "\x7f", "\ue000", "\U0010ffff",
    "\U00013c35's", "\U00011396x", "def f(x):\n    return x ** 2  # sq\n", '{"a": [1, 2.5e-3]}', "C:\\x\\y", "a_b__c", "------", "!?!?",
    "AAAaaa", "a" * 300, "ab " * 100, "0" * 50, "\n" * 40, " " * 70,
]  # fmt: skip
_SPANS = ((0x00, 0x80), (0x80, 0x600), (0x900, 0xE00), (0x2000, 0x2C00), (0x3000, 0xD7FF), (0xE000, 0x11000), (0x11000, 0x20000))  # fmt: skip
_PIECES = (
    "'s", "'LL", " ", "  ", "\n", "\r", "\r\n", "\t", "\u00a0", "7", "42", "1234567", "a", "Bc", "don't", "HTTPServer", "ÀB", "é", "e\u0301",
    ".", "?!", " (", "/", "\u2013", "你好", "ｶ", "한", "▁", "<s>", "</s>",
)  # fmt: skip


@pytest.fixture(scope="session")
def hard_texts() -> Callable[..., list[str]]:
    """Texts that are hard, and as many made up of pieces that meet badly: seeded, so that a failure comes again."""

    def made(count: int, special: list[str]) -> list[str]:
        dice = random.Random(20)  # noqa: S311 - not a secret

        def piece() -> str:
            chance = dice.random()
            if chance < 0.5:
                return dice.choice(_PIECES)
            if chance < 0.6 and special:
                return dice.choice(special)
            return chr(dice.randrange(*dice.choice(_SPANS)))

        return TRICKY + ["".join(piece() for _ in range(dice.randrange(1, 14))) for _ in range(count)]

    return made
