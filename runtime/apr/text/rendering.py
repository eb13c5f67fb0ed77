"""The process that a chat template runs in: `python -m apr.text.rendering`, a request on stdin, the answer on stdout.

A template is a program that came with a model file. jinja2's sandbox keeps it from the machine; what it does not bound is
time and memory, of which `{% for %}` in `{% for %}` takes as much as there is. Here the system bounds them, and what goes
wrong ends this process and nothing else.

Source: transformers' `apply_chat_template`, whose environment, filters and functions templates are written for.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment, nodes
    from jinja2.parser import Parser

_NAME = "<template>"  # what jinja2 calls a template without a file


class _Refused(Exception):
    """The template called `raise_exception`."""


class _TooLong(Exception):
    """The text is longer than it may be."""


def render(request: Mapping[str, Any]) -> dict[str, Any]:
    """Renders a template.

    Args:
        request: `template`, `variables`, `now` (ISO 8601), and `longest`, the characters that the text may have.

    Returns:
        `text`; or else `fault` (the template is at fault) or `refused` (it refuses these messages), with `line`; or
        `missing`, the library that is not there.
    """
    try:
        return {"text": _text(request)}
    except ImportError:
        return {"missing": "jinja2"}
    except Exception as error:  # noqa: BLE001 - a template can raise whatever Python can
        return _told(error)


def _text(request: Mapping[str, Any]) -> str:
    environment = _environment(datetime.fromisoformat(request["now"]))
    length, pieces = 0, []
    for piece in environment.from_string(request["template"]).generate(**request["variables"]):
        length += len(piece)
        if length > request["longest"]:
            raise _TooLong(f"its text is longer than {request['longest']} characters")
        pieces.append(piece)
    return "".join(pieces)


def _told(error: Exception) -> dict[str, Any]:
    """What went wrong, and in which line of the template."""
    line = _line(error)
    if isinstance(error, _Refused):
        return {"refused": str(error), "line": line}
    if isinstance(error, MemoryError):
        return {"fault": "it needs more memory than it may have", "line": line}
    if isinstance(error, RecursionError):
        return {"fault": "it is nested too deep", "line": line}
    if isinstance(error, _TooLong):
        return {"fault": str(error), "line": line}
    # a syntax error carries its line itself
    return {"fault": f"{type(error).__name__}: {error}", "line": getattr(error, "lineno", line)}


def _environment(now: datetime) -> Environment:
    from jinja2 import nodes  # noqa: PLC0415 - heavy, and this process may lack it
    from jinja2.ext import Extension, loopcontrols  # noqa: PLC0415 - heavy, and this process may lack it
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - heavy, and this process may lack it

    class Generation(Extension):
        """`{% generation %}…{% endgeneration %}`, which marks what the assistant said for training: here it is text."""

        tags = {"generation"}  # noqa: RUF012 - jinja2's own way to declare it

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = now.strftime
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is: jinja2's own filter escapes it for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: object) -> NoReturn:
    raise _Refused(str(message))


def _line(error: BaseException) -> int | None:
    """The template's line in which an error was raised: jinja2 puts them into the traceback."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _NAME:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _limit(seconds: int, nbytes: int) -> None:
    """Bounds this process; where the system has no such limits (Windows), only the caller's patience does."""
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (nbytes, nbytes))


def main() -> None:
    """Answers one request."""
    request = json.load(sys.stdin)
    _limit(request["seconds"], request["nbytes"])
    json.dump(render(request), sys.stdout)


if __name__ == "__main__":
    main()
