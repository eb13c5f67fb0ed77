"""The ledger: one line of JSON for each thing that happened in a run, chained to the line before, never changed."""

from pv.ledger.append import append, sync
from pv.ledger.index import Entry, Key, Ledger, read
from pv.ledger.line import SCHEMA

__all__ = ["SCHEMA", "Entry", "Key", "Ledger", "append", "read", "sync"]
