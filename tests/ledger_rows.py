"""The row of a case with everything that it must hold, for tests of the ledger to vary."""

from __future__ import annotations

from typing import Any

KEY = {"contract": "c", "claim": "F", "params": "{}", "mutant": ""}
CASE: dict[str, Any] = {
    "kind": "case",
    "run": "1" * 32,
    **KEY,
    "verdict": "discharged",
    "level": "authored",
    "compared": {"x": 1},
    "inputs": [],
    "fingerprint": "0" * 64,
    "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64},
}
