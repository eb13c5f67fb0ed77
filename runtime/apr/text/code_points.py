"""Classes of characters as llama.cpp's tables have them, for the regular expressions of the `tokenizers` library.

llama.cpp's tables are those of Unicode 15.1, the library's are newer: what was assigned since is neither letter nor number
nor anything else there. Found by asking both about every code point.
"""

from __future__ import annotations

_LATER = (
    *((0x0897, 0x0897), (0x1B4E, 0x1B4F), (0x1B7F, 0x1B7F), (0x1C89, 0x1C8A), (0x2427, 0x2429), (0x31E4, 0x31E5)),
    *((0xA7CB, 0xA7CD), (0xA7DA, 0xA7DC), (0x105C0, 0x105F3), (0x10D40, 0x10D8F), (0x10EC2, 0x10EFC)),
    *((0x11380, 0x113E2), (0x116D0, 0x116E3), (0x11BC0, 0x11BF9), (0x11DE0, 0x11DE9), (0x11F5A, 0x11F5A)),
    *((0x13460, 0x143FA), (0x16100, 0x16139), (0x16D40, 0x16D79), (0x16FF4, 0x16FF6), (0x18CFF, 0x18CFF)),
    *((0x1CC00, 0x1CEB3), (0x1E5D0, 0x1E5FF), (0x1F8B2, 0x1F8C1), (0x1FA89, 0x1FA8F), (0x1FABE, 0x1FABE)),
    *((0x1FAC6, 0x1FAC6), (0x1FADC, 0x1FADF), (0x1FAE9, 0x1FAE9), (0x1FBCB, 0x1FBEF)),
)
_EXCEPT = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in _LATER)


def _of_category(name: str) -> str:
    return rf"[\p{{{name}}}&&[^{_EXCEPT}]]"


LETTER, NUMBER, MARK, PUNCTUATION, SYMBOL = map(_of_category, "LNMPS")
