"""Programs run where no network is: only loopback exists, and what they tried to reach is listed.

A new network namespace isolates; nothing in it can be forgotten or got around by a program, whatever it was written in. What is
*listed* comes from watching system calls, and from a name server that knows no names. These say what was tried; they hold
nothing back that the namespace would let through.
"""

from apr.sandbox.report import Attempt, Confined, Isolation
from apr.sandbox.running import available, machine, run

__all__ = ["Attempt", "Confined", "Isolation", "available", "machine", "run"]
