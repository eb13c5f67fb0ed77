"""What a confined run leaves behind: its output, what it was kept from, and what it tried to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# what an attempt speaks: `unix` is a socket in the file system, `dns` a name that was asked for
UNIX, DNS = "unix", "dns"


@dataclass(frozen=True)
class Attempt:
    """An address that a program tried to reach, or a name that it asked for.

    Attributes:
        family: `inet`, `inet6`, `unix`, `packet`, `vsock` …; a number where there is no name for it.
        address: as numbers; a path for `unix` (`@name` where it is abstract); empty where the family was refused as a whole.
        port: None where the family has none.
        protocol: `tcp`, `udp`, `dns`, `stream` …; `unknown` where the socket could not be looked at.
        program: the name of the executable.
        pid: of the process, as the machine counts them.
        loopback: the address lies inside: it never leaves the machine, nor the namespace where there is one.
        host: the name that was asked for; None for addresses.
        times: how often.
    """

    family: str
    address: str
    port: int | None
    protocol: str
    program: str
    pid: int
    loopback: bool
    host: str | None = None
    times: int = 1

    @property
    def outward(self) -> bool:
        """True where the network was meant: neither loopback nor a socket in the file system."""
        return not self.loopback and self.family != UNIX

    @property
    def target(self) -> str:
        """What was to be reached, for people: a name, `address:port`, a path."""
        if self.host is not None:
            return self.host
        if self.port is None:
            return self.address or self.family
        return f"[{self.address}]:{self.port}" if self.family == "inet6" else f"{self.address}:{self.port}"

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "target": self.target,
            "family": self.family,
            "address": self.address,
            "port": self.port,
            "protocol": self.protocol,
            "host": self.host,
            "program": self.program,
            "pid": self.pid,
            "loopback": self.loopback,
            "times": self.times,
        }


@dataclass(frozen=True)
class Isolation:
    """What stood between a program and the network; None for what was in place, else the reason why not.

    Attributes:
        network: a network namespace where only loopback exists.
        watching: system calls that name an address were seen.
        names: a name server of ours wrote down what was asked for.
    """

    network: str | None = None
    watching: str | None = None
    names: str | None = None

    @property
    def isolated(self) -> bool:
        """True where nothing outside could be reached by a socket of the network."""
        return self.network is None

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "isolated": self.isolated,
            "reason": self.network,
            "watched": self.watching is None,
            "unwatched_reason": self.watching,
            "names_seen": self.names is None,
            "names_reason": self.names,
        }


@dataclass(frozen=True)
class Confined:
    """A program that ran and is over, with everything it started.

    Attributes:
        returncode: as `subprocess` counts: negative for the signal that ended it.
        stdout, stderr: what it wrote, undecodable bytes as U+FFFD.
        attempts: in the order of their first time; None where nobody watched, see `isolation.watching`.
        isolation: what it ran in.
        timed_out: it was ended because its time was up.
        dropped: bytes of output beyond the limit, which were read and thrown away.
    """

    returncode: int
    stdout: str
    stderr: str
    attempts: tuple[Attempt, ...] | None
    isolation: Isolation
    timed_out: bool = False
    dropped: int = 0

    @property
    def outward(self) -> tuple[Attempt, ...]:
        """The attempts at the network, without loopback and the file system's sockets; empty where nobody watched, too."""
        return tuple(attempt for attempt in self.attempts or () if attempt.outward)
