"""Whether a dask scheduler answers at an address, asked before a client is made, which would ask for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from apr.errors import AprError, UsageError

_SCHEMES = ("tcp", "tls", "ws", "wss")


def reach(address: str, timeout: float) -> None:
    """Asks what is at an address what it is, and waits `timeout` seconds for the answer.

    Raises:
        UsageError: an address that is none, or `tls://` without dask being told of certificates.
        AprError: nobody answers in time, or somebody who is no scheduler.
    """
    _written(address)
    try:
        said = asyncio.run(asyncio.wait_for(_identity(address, timeout), timeout))
    except TypeError as error:  # dask's, where it lacks an SSL context
        raise UsageError(
            f"dask cannot speak {address.partition(':')[0]}: {error}",
            where="--scheduler",
            hint="name the certificates in dask's configuration, distributed.comm.tls",
        ) from error
    except (
        OSError,
        ValueError,
    ) as error:  # a TimeoutError is one of the first; the second is what dask makes of odd answers
        raise AprError(
            f"no scheduler of dask.distributed answers within {timeout:g} s",
            where=address,
            hint="start one with `dask scheduler`, and give the address that it prints",
        ) from error
    if said != "Scheduler":
        raise AprError(
            f"a {said.lower()} of dask answers, and no scheduler",
            where=address,
            hint="give the address that `dask scheduler` prints",
        )


def _written(address: str) -> None:
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if scheme not in _SCHEMES or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise UsageError(
            f"{address!r} is no address of a scheduler",
            where="--scheduler",
            hint=f"write {_SCHEMES[0]}://HOST:PORT; before :// may stand {', '.join(_SCHEMES)}, and a port is 1 to 65535",
        )


async def _identity(address: str, seconds: float) -> str:
    """`Scheduler`, `Worker`, … as whoever is there calls itself."""
    from distributed.comm.core import connect  # noqa: PLC0415  most of its cost is only for who asks

    asked: Any = connect  # it has no types
    comm = await asked(address, timeout=seconds)
    try:
        await comm.write({"op": "identity", "reply": True})
        said = await comm.read()
    finally:
        comm.abort()
    return str(said.get("type")) if isinstance(said, dict) else type(said).__name__
