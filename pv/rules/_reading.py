"""Files that cannot be read as one YAML document (PV001 to PV010).

A contract must mean the same to everyone who reads it, so what YAML readers disagree about is refused.

- PV001: the file cannot be opened.
- PV002: it is not UTF-8; the message names the first bad byte.
- PV003: it is not YAML, or has a key that is no plain word.
- PV004: a key stands twice in one mapping; many readers silently take the last.
- PV005: a tag such as `!!python/object`.
- PV006: nested deeper than 64 levels.
- PV007: an alias that contains itself, names nothing, or repeats more than 10,000 values.
- PV008: a second document in the same file.
- PV009: two contracts of the project share a file name, so that their claims cannot be told apart.
- PV010: no contract. A note where the file has none of a contract's blocks; an error where it has some of them but
  lacks `metadata`.

Upstream: SCHEMA-020 for PV004, PV-DUP-001 for PV009; the others are parse errors there or go unnoticed.
"""

CODES = tuple(f"PV{number:03d}" for number in range(1, 11))
