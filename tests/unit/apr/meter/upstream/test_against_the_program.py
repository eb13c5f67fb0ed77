"""The upstream's own program on odd traces, where `CCPA_UPSTREAM` names it: it decides what `--compat upstream` has to say."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from apr.ccpa.upstream import traces
from apr.errors import AprError
from tests.odd_traces import Odd

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = os.environ.get("CCPA_UPSTREAM")
PAIRS = int(os.environ.get("CCPA_UPSTREAM_PAIRS", "500"))
needs_program = pytest.mark.skipif(
    not PROGRAM, reason="CCPA_UPSTREAM names no program: build ccpa from paiml/claude-code-parity-apr"
)


def _theirs(*arguments: str | Path) -> tuple[int, str]:
    assert PROGRAM is not None
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


def _ours(teacher: Path, student: Path) -> tuple[int, str]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            code = traces.diff(teacher, student, as_json=True)
    except AprError:
        return 2, ""
    return code, said.getvalue()


@needs_program
def test_it_accepts_and_scores_as_the_upstream_does(tmp_path: Path) -> None:
    for seed in range(PAIRS):
        chance = random.Random(seed)  # noqa: S311 - no secret
        odd = Odd(chance, chance.choice([0, 0.02, 0.05, 0.15]))
        teacher, student = tmp_path / "teacher", tmp_path / "student"
        teacher.write_bytes(first := odd.trace())
        student.write_bytes(odd.trace() if chance.random() < 0.5 else first.replace(b'"a"', b'"b"', 1))
        assert _ours(teacher, student) == _theirs("diff", "--json", teacher, student), f"seed {seed}"


def test_the_generator_makes_what_is_read_and_what_is_not(tmp_path: Path) -> None:
    """Otherwise the comparison with the program would compare little."""
    outcomes, categories = [0, 0, 0], set()
    for seed in range(400):
        chance = random.Random(seed)  # noqa: S311 - no secret
        odd = Odd(chance, chance.choice([0, 0.05]))
        paths = tmp_path / "teacher", tmp_path / "student"
        for path in paths:
            path.write_bytes(odd.trace())
        code, said = _ours(*paths)
        outcomes[code] += 1
        if code < 2:
            categories |= {drift["category"] for drift in json.loads(said)["drifts"]}
    assert min(outcomes) > 20
    assert len(categories) == 11, "every category that the upstream's program ever produces"
