"""How a text is cut into words before byte-level BPE merges within each: `tokenizer.ggml.pre`, by name.

The patterns are those that the models were trained with, as llama.cpp runs them (`src/llama-vocab.cpp`): each in turn cuts
every piece that the ones before it have left, and what lies between two matches is a piece of its own. Only names are here
whose words were held against llama.cpp's, text by text; a name that is not here is refused, because a text cut otherwise
gives other tokens and nobody would notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.text.code_points import LETTER, MARK, NUMBER, PUNCTUATION, SYMBOL

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer as Cutter


@dataclass(frozen=True)
class PreTokenizer:
    """One way to cut.

    Attributes:
        patterns: regular expressions of the `tokenizers` library (Oniguruma's), in the order in which they cut.
        whole_words: a word that is a token is that token, whatever the merges would make of it.
        adds_bos: texts begin with BOS where the file does not say.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    adds_bos: bool = False

    def cutter(self) -> Cutter:
        """The library's pre-tokenizer: cuts, then spells every byte with its character."""
        from tokenizers import Regex  # noqa: PLC0415 - only a text needs the library, token ids do not
        from tokenizers import pre_tokenizers as pre  # noqa: PLC0415 - only a text needs the library, token ids do not

        cuts = [pre.Split(Regex(pattern), "isolated") for pattern in self.patterns]
        return pre.Sequence([*cuts, pre.ByteLevel(add_prefix_space=False, use_regex=False)])


_BLANKS = r"\s+(?!\S)|\s+"  # all but the last blank before a word, which belongs to the word
_NEITHER = rf"[^\s{LETTER}{NUMBER}]"
_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
# spelled out: a caseless match would take the long s and the Kelvin sign as well
_CONTRACTIONS_ANY_CASE = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"


def _words(letters: str, numbers: str, other: str = _NEITHER) -> str:
    """Words with the character before them, numbers, the rest with its line ends, line ends, blanks (since GPT-4)."""
    before = rf"[^\r\n{LETTER}{NUMBER}]?"
    return rf"{_CONTRACTIONS_ANY_CASE}|{before}{letters}+|{numbers}| ?{other}+[\r\n]*|\s*[\r\n]+|{_BLANKS}"


_GPT2_WORDS = rf"{_CONTRACTIONS}| ?{LETTER}+| ?{NUMBER}+| ?{_NEITHER}+|{_BLANKS}"
_UP_TO_THREE = f"{NUMBER}{{1,3}}"

_GPT2 = PreTokenizer((_GPT2_WORDS,))
_DIGITS_APART = PreTokenizer((NUMBER, _GPT2_WORDS))
_QWEN2 = PreTokenizer((_words(LETTER, NUMBER),))
_LLAMA3_WORDS = _words(LETTER, _UP_TO_THREE)
_LLAMA3 = PreTokenizer((_LLAMA3_WORDS,), whole_words=True, adds_bos=True)

# DeepSeek Coder: also letters and punctuation take one blank before them, of whatever kind
_DEEPSEEK_CODER = PreTokenizer(
    (r"[\r\n]", rf"\s?{LETTER}+", rf"\s?{PUNCTUATION}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", NUMBER)
)
_KANA_AND_HAN = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
_MARKS_AND_WORD = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
_DEEPSEEK3_WORDS = (
    rf"{_MARKS_AND_WORD}|[^\r\n{LETTER}{PUNCTUATION}{SYMBOL}]?[{LETTER}{MARK}]+| ?[{PUNCTUATION}{SYMBOL}]+[\r\n]*"
    rf"|\s*[\r\n]+|{_BLANKS}"
)
_DEEPSEEK3 = PreTokenizer((_UP_TO_THREE, _KANA_AND_HAN, _DEEPSEEK3_WORDS))
_FALCON = PreTokenizer((rf"[{PUNCTUATION}$+<=>^~|`]+", _GPT2_WORDS, "[0-9][0-9][0-9]"))

PRE_TOKENIZERS = {
    **dict.fromkeys(("gpt-2", "phi-2", "gigachat", "a.x-4.0", "mellum", "exaone4"), _GPT2),
    **dict.fromkeys(("mpt", "olmo", "jais", "trillion", "granite-docling"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), _DIGITS_APART),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2", "hunyuan", "solar-open"), _QWEN2),
    "qwen35": PreTokenizer((_words(f"[{LETTER}{MARK}]", NUMBER, rf"[^\s{LETTER}{MARK}{NUMBER}]"),)),
    **dict.fromkeys(
        ("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"), _LLAMA3
    ),
    "deepseek-coder": _DEEPSEEK_CODER,
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense", "joyai-llm"), _DEEPSEEK3),
    "falcon": _FALCON,
    **dict.fromkeys(("dbrx", "smaug-bpe"), PreTokenizer((_LLAMA3_WORDS,))),
}
