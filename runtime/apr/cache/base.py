"""What pulling has in common, whatever the source: its refusal, its answer, and what it tells while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from apr.errors import AprError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

CHUNK = 1 << 20
# who said what the file's hash should be: the alias table, the URL (`#sha256=`), the Hub that served it, or nobody
Voucher = Literal["alias", "url", "hub", "nobody"]


class PullError(AprError):
    """A model could not be brought into the cache; no file of that name was made or changed."""


class Pulled(NamedTuple):
    """A model that is in the cache.

    Attributes:
        path: of the file; of the first part of a split model; of the folder for a whole repository.
        downloaded: whether anything had to be downloaded.
        sha256: of the file at `path`; None for a folder.
        vouched: who had said what the hash should be.
    """

    path: Path
    downloaded: bool
    sha256: str | None
    vouched: Voucher


class Meter(Protocol):
    """What counts bytes as they come; `apr.console.Progress` is one."""

    def advance(self, amount: int = 1, /) -> None:
        """Says that `amount` more bytes are done."""


class MakeMeter(Protocol):
    """Makes a meter for a job: `apr.console.Progress`, or a silent one."""

    def __call__(self, description: str, total: int | None = None, /, *, unit: str) -> AbstractContextManager[Meter]:
        """A meter for a job of `total` units."""


@dataclass(frozen=True)
class Patience:
    """How long a download waits and how often it tries again.

    Attributes:
        attempts: how many times in a row nothing may come before it gives up.
        first_wait: seconds before the second attempt; each further wait is twice as long.
        longest_wait: seconds; a server that asks for more is not waited for.
        connect: seconds for a connection.
        silence: seconds without a byte after which a connection counts as lost.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0
    connect: float = 10.0
    silence: float = 30.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.first_wait * 2.0 ** (failures - 1), self.longest_wait)


@dataclass(frozen=True)
class Talk:
    """What a pull tells while it works.

    Attributes:
        make_meter: shows progress.
        say: takes one line, for example that the connection was lost and it tries again.
        show_pip: let pip write its progress to standard error.
    """

    make_meter: MakeMeter
    say: Callable[[str], None]
    show_pip: bool = False
