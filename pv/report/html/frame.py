"""What every page of `pv` begins with: a head that forbids every request, and one palette, light and dark."""

from __future__ import annotations

import html
import pkgutil

from pv.report.console import escape

_LONGEST = 4000  # characters of any one text


def head(title: str, style: str, *, scripts: str = "'none'") -> str:
    """The lines from the doctype to the end of the head.

    Args:
        title: escaped already.
        style: of the whole page.
        scripts: what the page's own policy lets run; every request is forbidden by it.
    """
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>"""


def style(package: str, name: str) -> str:
    """What all pages look like, then the style sheet of one kind of them: the file of that name in a package."""
    return f"{asset('pv.report.html', 'common.css')}\n{asset(package, name)}"


def asset(package: str, name: str) -> str:
    """A file that stands beside the code of a package.

    Raises:
        FileNotFoundError: it is not there.
    """
    found = pkgutil.get_data(package, name)  # `importlib.resources` takes several times as long to load
    if found is None:
        raise FileNotFoundError(f"{package} has no {name}")
    return found.decode("utf-8")


def text(value: object) -> str:
    """Foreign text, harmless to read: line by line, what cannot be seen is made visible."""
    return "\n".join(escape(line) for line in str(value)[:_LONGEST].strip().split("\n"))


def markup(value: object) -> str:
    """Foreign text, harmless in markup and in attributes as well."""
    return html.escape(text(value))
