"""The harness: contracts are read, bound to falsifiers, judged, and their status is computed."""

__version__ = "0.1.0"
