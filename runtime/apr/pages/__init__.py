"""What the HTML reports have in common: one palette, light and dark, and the look of plain elements."""

from __future__ import annotations

from importlib import resources


def style(package: str, name: str) -> str:
    """The style sheet of a report: what all have, then its own.

    Args:
        package: where its own is.
        name: of the file.
    """
    common = resources.files("apr.pages").joinpath("common.css").read_text(encoding="utf-8")
    return f"{common}\n{resources.files(package).joinpath(name).read_text(encoding='utf-8')}"
