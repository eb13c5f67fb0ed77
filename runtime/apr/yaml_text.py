"""YAML that people write by hand, read into plain data: what readers disagree about, and what costs more than it says, is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import yaml

MAX_BYTES = 1 << 20
MAX_DEPTH = 64  # mappings and lists within each other
MAX_VALUES = 50_000  # those that aliases repeat are counted again


def parse_yaml(text: str, where: str) -> Any:
    """The data of a YAML text: mappings, lists and scalars as PyYAML's safe loader makes them.

    Args:
        text: one document.
        where: the file, for messages.

    Raises:
        UnusableInput: no YAML; a key twice in one mapping; a tag; an alias of what it stands in; more than `MAX_BYTES`,
            `MAX_DEPTH` or `MAX_VALUES`; the message names the line where it can.
    """
    import yaml  # noqa: PLC0415 - only what reads such a file pays for it

    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise UnusableInput(f"has {size} bytes, at most {MAX_BYTES} are read", where=where)
    inner = re.search("[\n\r\x85\u2028\u2029]\ufeff", text)  # libyaml passes over it, and PyYAML takes it for a letter
    if inner:
        line = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text[: inner.end()]))
        raise UnusableInput("is no YAML: a byte order mark in the middle", where=f"{where}:{line}:1")
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it

    class Loader(base):  # type: ignore[misc]  # a base that is chosen when it runs
        """Refuses a key that is there twice; YAML forbids it, and the library lets the last one win."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            if all(isinstance(key, yaml.ScalarNode) for key in own):  # others are refused further down
                repeated = _repeated([self.construct_object(key, deep=True) for key in own])
                if repeated is not None:
                    _refuse(f"the key {own[repeated].value!r} is there twice", own[repeated].start_mark)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    try:
        walk = _Walk()
        for event in yaml.parse(text, base):
            walk.take(event)
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader # nosec B506
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: a date that does not exist
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        parts = [getattr(error, name, None) for name in ("problem", "context")]
        said = ", ".join(filter(None, parts)) or " ".join(str(error).split())
        raise UnusableInput(f"is no YAML: {said}", where=place) from error


class _Walk:
    """Counts through a document's events before anything is built of them."""

    def __init__(self) -> None:
        self._open: list[
            tuple[str | None, int]
        ] = []  # the anchor of each open mapping or list, and the values before it
        self._sizes: dict[str, int] = {}
        self._values = 0

    def take(self, event: yaml.Event) -> None:
        """The next event."""
        from yaml.events import AliasEvent, CollectionEndEvent, NodeEvent  # noqa: PLC0415 - as above

        if isinstance(event, CollectionEndEvent):
            anchor, before = self._open.pop()
            if anchor is not None:
                self._sizes[anchor] = self._values - before
        elif isinstance(event, AliasEvent):
            if event.anchor in [anchor for anchor, _ in self._open]:
                _refuse(f"alias *{event.anchor} contains itself", event.start_mark)
            self._values += self._sizes.get(event.anchor or "", 0)  # without an anchor it is refused when it is loaded
        elif isinstance(event, NodeEvent):
            self._begin(event)
        if self._values > MAX_VALUES:
            _refuse(f"holds more than {MAX_VALUES} values", event.start_mark)

    def _begin(self, event: Any) -> None:
        """A scalar, or what begins a mapping or list."""
        from yaml.events import ScalarEvent  # noqa: PLC0415 - as above

        if event.tag not in (None, "!"):
            _refuse(f"the tag {event.tag!r} is not read here: write the plain value", event.start_mark)
        self._values += 1
        if not isinstance(event, ScalarEvent):
            self._open.append((event.anchor, self._values - 1))
        elif event.anchor is not None:
            self._sizes[event.anchor] = 1
        if len(self._open) > MAX_DEPTH:
            _refuse(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)


def _refuse(problem: str, mark: Any) -> NoReturn:
    from yaml import MarkedYAMLError  # noqa: PLC0415 - as above

    raise MarkedYAMLError(problem=problem, problem_mark=mark)


def _repeated(keys: Sequence[Hashable]) -> int | None:
    """The position of the first key that was there before; None if there is none."""
    seen = set[Any]()
    for number, key in enumerate(keys):
        if key in seen:
            return number
        seen.add(key)
    return None
