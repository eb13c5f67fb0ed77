"""The rows of a ledger: what every row says, and the rows of runs that have not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.deciders import deciders, recorded
from pv.judge import Word
from pv.words import Expect

if TYPE_CHECKING:
    from pv.config import Config
    from pv.parse import Case, Claim


def identity(claim: Claim, case: Case, node: str) -> dict[str, Any]:
    """Which case of which claim a row is about; of a mutant, also what its falsifier must find."""
    planted = case.mutant and {
        "expected": {
            "refuted": claim.expect is Expect.DISCHARGED,
            "stage": case.mutant.stage,
            "layer": case.mutant.layer,
        }
    }
    return {
        "contract": claim.contract,
        "claim": claim.id,
        "params": case.key,
        "mutant": case.mutant.id if case.mutant else "",
        "label": case.label,
        "node": node,
        "fingerprint": claim.fingerprint,
        "expect": str(claim.expect),
        **(planted or {}),
    }


def broken(claim: Claim, case: Case, node: str, config: Config, message: str) -> dict[str, Any]:
    """The row of a run that did not come to its end.

    Raises:
        OSError: code that it rests on cannot be read.
    """
    return {
        **identity(claim, case, node),
        "verdict": str(Word.ERROR),
        "ok": False,
        "refuted": False,
        "reason": "",
        "message": message,
        "level": "algorithm",
        "compared": {},
        "inputs": recorded(config, deciders(config, config.root / claim.path)),
        "falsifier": None,
    }
