"""The ledger: one line of JSON for each thing that happened in a run, chained to the line before, never changed."""

from pv.ledger.append import append, sync
from pv.ledger.breaks import Found, Kind
from pv.ledger.index import Entry, Glimpse, Key, Ledger, read
from pv.ledger.line import SCHEMA
from pv.ledger.verify import Verified, verify

__all__ = [
    "SCHEMA",
    "Entry",
    "Found",
    "Glimpse",
    "Key",
    "Kind",
    "Ledger",
    "Verified",
    "append",
    "read",
    "sync",
    "verify",
]
