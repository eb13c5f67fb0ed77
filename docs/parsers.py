"""Command lines as Markdown, out of their parsers: what a command takes, and what each argument says."""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING, Any

from pv.report.language import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def commands(top: argparse.ArgumentParser) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Every command by its name, with its line of help; none where the parser has no commands below it."""
    below = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  no other way
    return {one.dest: (one.help or "", of.choices[one.dest]) for of in below for one in of._choices_actions}  # noqa: SLF001


def arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes, what stands by its place first; `-h` is the same everywhere, what is hidden stays so."""
    known = [
        action
        for action in command._actions  # noqa: SLF001  no other way
        if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))  # noqa: SLF001  as above
        and action.help is not argparse.SUPPRESS
    ]
    return sorted(known, key=lambda action: bool(action.option_strings))


def synopsis(words: str, command: argparse.ArgumentParser) -> str:
    """The command line behind `words`; made here, because the lines that argparse makes differ with the terminal and with Python."""
    parts = [words.replace(" ", "\0")]
    for action in arguments(command):
        given = value(action)
        text = f"{action.option_strings[-1]}{f' {given}' if given else ''}" if action.option_strings else given
        text = text.replace(" ", "\0")  # no line ends between an option and its value
        parts.append(text if action.required and action.nargs != "*" else f"[{text}]")
    indent = " " * len(f"    {words} ")
    wrapped = textwrap.fill(
        " ".join(parts), 110, initial_indent="    ", subsequent_indent=indent, break_on_hyphens=False
    )
    return wrapped.replace("\0", " ")


def rows(command: argparse.ArgumentParser) -> str:
    """The table of a command's arguments; empty if it takes none."""
    found = [(_names(action), _about(action)) for action in arguments(command)]
    return table(("argument", "what it says"), found) if found else ""


def value(action: argparse.Action) -> str:
    """What stands behind an option, or in the place of an argument; empty for a switch."""
    if action.nargs == 0:
        return ""
    choices: Iterable[Any] = action.choices or ()
    metavar = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    word = str(metavar or "|".join(map(str, choices)) or action.dest.upper())
    return f"{word} …" if action.nargs in ("*", "+") else word


def safe(text: str) -> str:
    """Prose in which `<`, `*` and the like stand for themselves, outside of code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<*\[\]])", r"\\\1", part) for part in parts)


def walk(
    words: str, about: str, command: argparse.ArgumentParser
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """A command and those below it, as typed, each with its line of help."""
    yield words, about, command
    for name, (line, below) in commands(command).items():
        yield from walk(f"{words} {name}", line, below)


def _names(action: argparse.Action) -> str:
    given = value(action)
    if not action.option_strings:
        return f"`{given}`"
    return ", ".join(f"`{name}{f' {given}' if given else ''}`" for name in action.option_strings)


def _about(action: argparse.Action) -> str:
    said = action.help or ("repeatable" if isinstance(action, argparse._AppendAction) else "")  # noqa: SLF001  no other way
    return safe(said % (vars(action) | {"choices": ", ".join(map(str, action.choices or ()))}))
