"""What a rule's test file is given: one rule, and what it makes of a fragment of a contract.

A test file is named after the rule's module and begins with `CODE`. A fragment holds whole top-level blocks; good blocks stand
for those that it leaves out. In a bad one `§` marks where the finding must point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pv.corpus import Reading, read_text
from pv.rules import all_rules
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.index import Index
    from pv.rules import Rule
    from pv.types import Diagnostic, Severity


@dataclass
class Tried:
    """One rule, tried on fragments; `folder` stands for the project's folder of contracts."""

    rule: Rule
    whole: Callable[[str], str]
    folder: Path
    index: Index

    def read(self, fragment: str, name: str = "base-v1") -> Reading:
        """What is said of a contract made of this fragment; of a text with `metadata` of its own, nothing is added before it."""
        return read_text(self.folder / f"{name}.yaml", Source(f"{name}.yaml", self.whole(fragment)), index=self.index)

    def beside(self, name: str, text: str) -> None:
        """Put another file into the folder of contracts."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")

    def found(self, fragment: str) -> list[Diagnostic]:
        """What the rule itself says of the fragment."""
        return [one for one in self.read(fragment).findings if one.code == self.rule.CODE]

    def accepts(self, fragment: str) -> None:
        """The rule has nothing to say."""
        assert self.found(fragment) == []

    def finds(self, fragment: str, words: str = "", severity: Severity | None = None) -> Diagnostic:
        """The rule says one thing, where `§` stands, in these words; the same text without the mark is what is read."""
        plain = fragment.replace("§", "")
        assert plain != fragment, "mark the place with §"
        found = self.found(plain)
        text = self.whole(plain)
        expected = Source("", text).locate(text.index(plain) + fragment.index("§"))
        assert [(one.span.line, one.span.col) for one in found] == [(expected.line, expected.col)], found
        assert words in f"{found[0].message} {found[0].help}"
        assert severity in {None, found[0].severity}
        return found[0]


@pytest.fixture
def rule(request: pytest.FixtureRequest, tmp_path: Path, whole_of: Callable[[str], str]) -> Tried:
    """The rule whose code the test file gives, with an empty folder of contracts."""
    from pv.corpus import walk
    from pv.index import Index

    code = request.module.CODE
    module = next(one for one in all_rules() if code == one.CODE)
    index = Index(
        lambda: walk([tmp_path]), lambda path: path.relative_to(tmp_path).as_posix(), subjects=("kernels", "scipy")
    )
    return Tried(module, whole_of, tmp_path, index)


@pytest.fixture
def tested() -> Callable[..., str]:
    """Makes a contract of the text that tests its only claim; several lines become a block, where a `§` marks its beginning."""

    def make(text: str, key: str = "test") -> str:
        value = text
        if "\n" in text:
            lines = text.replace("§", "").splitlines()
            value = "\n      ".join(["§|" if "§" in text else "|", *lines])
        elif text.lstrip("§")[0] in "[!'{&*#" or text.endswith(":") or ": " in text:  # not plain text to YAML
            quoted = text.removeprefix("§").replace("'", "''")
            value = f"{text[: text.startswith('§')]}'{quoted}'"
        return f"falsification_tests:\n  - id: F-1\n    prediction: p\n    if_fails: q\n    {key}: {value}"

    return make
