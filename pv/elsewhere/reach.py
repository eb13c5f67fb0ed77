"""Whether a scheduler of dask.distributed answers at an address, asked before a client is made, which would ask for ever."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from pv.types import UsageProblem

_ADDRESS = re.compile(r"(?:tcp|tls|ws|wss)://[^\s/]+:(\d{1,5})")
_PORTS = range(1, 1 << 16)


def reach(address: str, timeout: float) -> None:
    """Ask what is at an address what it is, and wait `timeout` seconds for the answer.

    Raises:
        UsageProblem: dask.distributed is not installed, the address is none, or no scheduler answers there in time.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[1]) not in _PORTS:
        raise UsageProblem(
            f"{address!r} is no address of a scheduler; write tcp://HOST:PORT (or tls, ws, wss), with a port from 1 to 65535"
        )
    try:
        import distributed  # noqa: F401, PLC0415  only who asks for a scheduler pays for it

        said = asyncio.run(asyncio.wait_for(_identity(address, timeout), timeout))
    except ModuleNotFoundError as problem:
        raise UsageProblem(f"{problem.name} is needed: pip install 'pv-falsify[distributed]'") from None
    except (OSError, ValueError, TypeError) as problem:  # TimeoutError among them; TypeError: dask lacks certificates
        told = str(problem).splitlines()
        raise UsageProblem(
            f"no scheduler of dask.distributed answers at {address} within {timeout:g} s ({told[0] if told else type(problem).__name__}); "
            "start one with `dask scheduler`, and use the address that it prints"
        ) from None
    if said != "Scheduler":
        raise UsageProblem(
            f"a {said.lower()} of dask answers at {address}, and no scheduler; use the address that `dask scheduler` prints"
        )


async def _identity(address: str, seconds: float) -> str:
    """`Scheduler`, `Worker`, … as whoever is there calls itself."""
    from distributed.comm.core import connect  # noqa: PLC0415  as above

    asked: Any = connect  # it has no types
    comm = await asked(address, timeout=seconds)
    try:
        await comm.write({"op": "identity", "reply": True})
        said = await comm.read()
    finally:
        comm.abort()
    return str(said.get("type")) if isinstance(said, dict) else type(said).__name__
