"""The modules that are mutated, and the fast tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PV = "tests/unit/pv"
_PARITY = "tests/unit/apr/parity"


@dataclass(frozen=True)
class Module:
    """What is mutated under one name: files below the root of the checkout, and the files of tests that are run for them.

    `without` are tests of these files that take seconds and are left out.
    """

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()

    def digest(self, root: Path) -> str:
        """The sha256 over the names and contents of what is mutated and of the tests; a result holds for these alone."""
        total = sha256()
        for name in (*self.files, *self.tests):
            total.update(f"{name}\0{sha256((root / name).read_bytes()).hexdigest()}\n".encode())
        return total.hexdigest()


def _pv(*names: str) -> tuple[str, ...]:
    return tuple(f"{_PV}/test_{name}.py" for name in names)


def _ledger(*names: str) -> tuple[str, ...]:
    return tuple(f"pv/ledger/{name}.py" for name in names)


_OF_LEDGER = _pv("ledger", "ledger_rows", "ledger_schema", "ledger_verify", "ledger_lines", "ledger_found")
_SLOW = (
    f"{_PV}/test_ledger.py::test_writers_at_the_same_time_keep_lines_whole",
    f"{_PV}/test_ledger.py::test_a_line_torn_anywhere_hides_no_earlier_one_and_no_later_one",
    f"{_PV}/test_ledger_schema.py::test_every_single_change_is_refused_by_both_or_by_none",
    f"{_PV}/test_ledger_schema.py::test_a_changed_row_is_refused_by_both_or_by_none",
    f"{_PV}/test_ledger_verify.py::test_any_byte_that_is_changed_is_found_but_in_the_last_line",
)

MODULES = (
    Module("judge", ("pv/judge.py",), _pv("judge")),
    Module("bind", ("pv/bind.py",), _pv("bind", "corpus")),
    Module("status", ("pv/status.py",), _pv("status", "status_parts", "valid_for")),
    Module("fold", ("pv/fold.py",), _pv("fold", "status", "matrix")),
    Module("freshness", ("pv/freshness.py",), _pv("freshness", "status", "valid_for")),
    Module("ledger-check", _ledger("verify", "breaks"), _OF_LEDGER, _SLOW),
    Module("ledger-line", _ledger("line", "kinds"), _OF_LEDGER, _SLOW),
    Module("ledger-append", _ledger("append"), (*_OF_LEDGER, *_pv("ledger_append")), _SLOW),
    Module("ledger-read", _ledger("index", "scan"), (*_OF_LEDGER, *_pv("ledger_open")), _SLOW),
    Module("load", ("pv/load.py",), _pv("load", "load_refusals")),
    # what decides whether two sides agree: may they be compared, are the engines to be believed, what follows from a measurement
    Module(
        "comparable",
        ("runtime/apr/parity/comparable.py", "runtime/apr/parity/gates.py"),
        (f"{_PARITY}/test_comparable.py",),
    ),
    Module(
        "verdict",
        ("runtime/apr/parity/verdict.py",),
        (f"{_PARITY}/test_verdict.py", f"{_PARITY}/test_verdict_words.py"),
    ),
)
