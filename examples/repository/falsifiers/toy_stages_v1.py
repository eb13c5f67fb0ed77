"""Falsifiers of `toy-stages-v1`: they ask `apr diff` about files, as anybody else could."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from pv import Evidence, Inconclusive, Mutant, Refuted, falsifies
from toyengine.engine import Engine


@falsifies("toy-stages-v1", "FALSIFY-TOY-STAGES-001")
def two_passes_write_the_same_bits(evidence: Evidence, mutant: Mutant | None) -> None:
    """On the sound engine, and once more on the one that keeps something from one pass to the next."""
    program = shutil.which("apr")
    if program is None:
        raise Inconclusive("no apr", "pip install 'pv-falsify[runtime]'")
    engine = Engine(drift=mutant is not None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for which in ("first", "second"):
            engine.write([3, 1, 4, 1, 5], folder / which)
        command = [program, "diff", "--values", "--json", "--allow", "model", "first", "second"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise Inconclusive("apr diff", done.stderr.strip())
    said = json.loads(done.stdout)
    evidence.compared(len(said["stages"]), "stages")
    for one in said["stages"]:  # in forward order
        if not one["bit_identical"]:
            raise Refuted("a second pass writes other bits", stage=one["stage"], layer=one["layer"])
