"""Text as XML holds it: escaped, and without the characters that XML 1.0 has no place for."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

# what XML 1.0 cannot hold, not even as a reference (https://www.w3.org/TR/xml/#charsets)
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def content(text: str) -> str:
    """`text` between two tags."""
    return escape(_FORBIDDEN.sub("\ufffd", text), {"\r": "&#13;"})  # as it is, a reader would take it for a line break


def attribute(text: str) -> str:
    """`text` as the value of an attribute, in quotes."""
    return quoteattr(_FORBIDDEN.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def ascii_only(markup: str) -> str:
    """The same document in ASCII, which is right whatever encoding it is written in."""
    return markup.encode("ascii", "xmlcharrefreplace").decode("ascii")
