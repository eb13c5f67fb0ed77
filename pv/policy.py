"""Which rules count, and how much: `--select`, `--ignore`, and `[tool.pv.validate]`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pv.types import Diagnostic

OFF = "off"
SEVERITIES = (OFF, *Severity)
# A file that cannot be read says nothing about its contract: that is no matter of taste.
_ALWAYS = tuple(f"PV{number:03d}" for number in range(1, 9))


@dataclass(frozen=True)
class Policy:
    """Codes or beginnings of codes (`PV208`, `PV2`) that count or don't, and the severities that a project gives to some.

    The longest beginning decides; of equal ones `ignore` wins over `select`. Without `select` everything counts.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict, hash=False)

    def allows(self, code: str) -> bool:
        """Whether findings of this code are told at all."""
        if code in _ALWAYS:
            return True
        wanted = _longest(code, self.select) if self.select else 0
        return wanted >= 0 and wanted > _longest(code, self.ignore) and self._severity(code) != OFF

    def judge(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The findings that count, with the severities that the project gives them."""
        if not (self.select or self.ignore or self.severity):
            return list(findings)
        return [self._weigh(found) for found in findings if self.allows(found.code)]

    def and_also(self, select: Iterable[str], ignore: Iterable[str]) -> Policy:
        """This policy with what a command line adds: its selection stands instead of ours, what it ignores beside."""
        chosen = tuple(select)
        return replace(self, select=chosen or self.select, ignore=(*(() if chosen else self.ignore), *ignore))

    @property
    def codes(self) -> tuple[str, ...]:
        """Everything that it names, for those who can tell whether there is such a code."""
        return (*self.select, *self.ignore, *self.severity)

    def _severity(self, code: str) -> str | None:
        names = [name for name in self.severity if code.startswith(name)]
        return self.severity[max(names, key=len)] if names else None

    def _weigh(self, found: Diagnostic) -> Diagnostic:
        word = None if found.code in _ALWAYS else self._severity(found.code)
        return found if word is None else found._replace(severity=Severity(word))


def _longest(code: str, names: Iterable[str]) -> int:
    """The length of the longest of `names` that `code` begins with; -1 if it begins with none."""
    return max((len(name) for name in names if code.startswith(name)), default=-1)
