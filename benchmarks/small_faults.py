"""Which small faults are caught: the tests of a parity run beside thresholds that are in use today, over the same arrays.

OPENBLAS_NUM_THREADS=1 python benchmarks/small_faults.py [MODEL] [--tokens N] [--free] [--quick] [--json]    default: the cached smollm2, 128 tokens

Each fault is planted in the reference, and the stage that it sits in is computed from llama.cpp's own inputs and held against
llama.cpp's stage. `ours` says how many times the clearest test is beyond its limit; the limits are those of a whole run of every
stage, in both views of a faulty subject and one of the oracle, at alpha = 1e-6. `NMSE` is that of the same two arrays against what
llama.cpp's test-backend-ops allows (5e-4 where matrices are multiplied, 1e-7 elsewhere). With --free the faulty model runs from the
tokens, and the cosine of its logits to llama.cpp's is held against 0.99, over all logits and at the worst position: a minute or more.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.cache import resolve_model
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.formats import open_model
from apr.models import load
from apr.mutants import arithmetic, model, ties
from apr.mutants.planting import Call, Mutant, at, weight
from apr.ops.arithmetic import GGML
from apr.parity.metrics import compare_arrays
from apr.parity.null import ALPHA, limit, null_of, split, tests
from apr.stages import StageKey
from apr.text.tokenizer import Tokenizer
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from apr.capture import Array, Capture
    from apr.models import Model

PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
VIEWS = 3  # of each stage, in a run whose subject is not the judge itself
COSINE = 0.99
PRODUCTS = ("qkv_matmul", "attention", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "lm_head")
OF_THE_MODEL = (
    "rope-theta-100001", "rope-theta-10000", "rope-halves-for-pairs", "rope-frequencies-in-f64", "epsilon-1.1", "epsilon-1e-6",
    "block-scale-ulp", "block-minimum-ulp", "nibble", "head-block-ulp", "head-gain-2e-4", "head-gain-2e-6", "k-heads-swapped",
    "heads-tiled", "last-element-dropped", "q-last-element-dropped", "position-off-everywhere", "position-off-by-one",
    "gelu-for-silu", "gelu-in-layer-20", "scale-head-dim-65", "scale-1.00001", "mask-off-by-one", "cache-f16",
    "probabilities-f16", "norm-gain", "ffn-out-gain-1e-5", "ffn-out-gain-2e-6", "ffn-out-gain-5e-7", "ffn-out-f16",
    "residual-missing", "token-off-by-one", "q8_1-scale-in-f32", "q8_1-sums-of-stored-scale", "q8_1-sums-in-f32",
    "activations-by-reciprocal", "activations-half-away", "q8_1-sums-of-values",
)  # fmt: skip
OF_ONE_PRODUCT = (
    "gain-1.002", "gain-1.02", "bias-0.002", "square-last-element-dropped", "channel-1.05", "token-mixed",
)  # fmt: skip
FAULTS: dict[str, Mutant] = {**model.MUTANTS, **ties.MUTANTS, **arithmetic.MUTANTS}


def _other_epsilon(call: Call) -> Array:
    sound = call.model.config.epsilon
    other = copy.copy(call.model)
    other.config = type(call.model.config)(**{**vars(call.model.config), "epsilon": 1.1 * sound})
    return other.compute(call.key, call.tokens, call.positions, call.stages)


def _through_float16(raw: NDArray[np.uint8]) -> None:
    numbers = raw.view("<f4")
    numbers[:] = numbers.astype(np.float16).astype(np.float32)


# these two change nothing: the mean square is so great, and the gains are float16 numbers already
NULL = (
    Mutant("epsilon-in-layer-20", "epsilon a tenth too large in one norm", "ffn_norm", 20, at("ffn_norm", 20, _other_epsilon)),
    Mutant("gains-f16", "gains rounded to float16", "attn_norm", 8, weight("blk.8.attn_norm.weight", _through_float16)),
)  # fmt: skip


class Clearest(NamedTuple):
    """How many times the clearest test is beyond its limit; below 1 nothing is found."""

    excess: float
    test: str


@dataclass
class Bench:
    """One model, llama.cpp's capture of it, and what has to be found.

    Attributes:
        sound: the reference, in llama.cpp's arithmetic.
        engine: runs models from the tokens.
        capture: llama.cpp's.
    """

    sound: Model
    engine: Reference
    capture: Capture

    def __post_init__(self) -> None:
        here = self.capture.provenance
        self.tokens, self.positions = np.asarray(here.tokens, np.intp), np.asarray(here.positions, np.intp)
        self.each = split(ALPHA, VIEWS * len(self.sound.stage_keys()))

    def stage(self, planted: Model, key: StageKey) -> Array:
        """One stage of a model, from llama.cpp's inputs."""
        return planted.compute(key, self.tokens, self.positions, self.capture.stages)

    def clearest(self, seen: Array, key: StageKey) -> Clearest:
        """A stage against llama.cpp's."""
        theirs = self.capture[key]
        null = null_of(
            self.sound, key, self.tokens, self.positions, self.capture.stages, self.stage(self.sound, key), GGML.name
        )
        found = [
            Clearest(test.value / allowed if allowed else np.inf if test.value else 0.0, test.name)
            for test in tests(seen, theirs, null)
            for allowed in [limit(test, self.each)]
        ]
        return max(found)

    def cosines(self, planted: Model) -> tuple[float, float]:
        """Of the logits of a free run: over all of them, and at the worst position."""
        head = StageKey("lm_head", None)
        engine = Reference(self.engine.file, planted.arithmetic, planted)
        made = dict(engine.stream(self.tokens.tolist(), {head}))[head].astype(np.float64)
        theirs = self.capture[head].astype(np.float64)
        over_all = float((made * theirs).sum() / np.sqrt((made**2).sum() * (theirs**2).sum()))
        rows = (made * theirs).sum(axis=1) / np.sqrt((made**2).sum(axis=1) * (theirs**2).sum(axis=1))
        return over_all, float(rows.min())


def word(*, caught: bool) -> str:
    """For a table."""
    return "caught" if caught else "passes"


def show(bench: Bench, faults: Iterable[Mutant], *, free: bool) -> dict[str, int]:
    """One line a fault; how many each way catches."""
    caught = dict.fromkeys(("ours", "NMSE", "all logits", "worst position"), 0)
    for fault in faults:
        key = StageKey(fault.stage, fault.layer)
        planted = fault.plant(bench.sound)
        seen = bench.stage(planted, key)
        best = bench.clearest(seen, key)
        nmse = compare_arrays(seen, bench.capture[key], limit=1).nmse
        allowed = 5e-4 if fault.stage in PRODUCTS else 1e-7
        line = f"  {fault.name:28} {key!s:26} {best.excess:9.3g} x {best.test:8} NMSE {nmse:8.1e} {word(caught=not nmse <= allowed)}"
        caught["ours"] += best.excess > 1
        caught["NMSE"] += not nmse <= allowed
        if free:
            over_all, worst = bench.cosines(planted)
            caught["all logits"] += not over_all >= COSINE
            caught["worst position"] += not worst >= COSINE
            line += f"  cosine {over_all:8.5f} {word(caught=not over_all >= COSINE)}, worst {worst:8.5f}"
            line += f" {word(caught=not worst >= COSINE)}"
        print(line, flush=True)
    return caught


def main(sheet: Sheet) -> int:
    """Prints the table; 1 if a fault was missed, or an honest stage was not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", nargs="?", default="smollm2")
    parser.add_argument("--tokens", type=int, default=16 if sheet.quick else 128)
    parser.add_argument("--free", action="store_true")
    args = parser.parse_args()
    file = open_model(resolve_model(args.model))
    tokens = Tokenizer.from_file(file).encode(PROSE.read_text(encoding="utf-8"))[: args.tokens]
    oracle = LlamaCpp(file, None)
    capture = oracle.capture(tokens)
    oracle.close()
    sound = load(file, GGML)
    bench = Bench(sound, Reference(file, GGML, sound), capture)
    start = time.process_time()
    honest = [bench.clearest(bench.stage(sound, key), key) for key in sound.stage_keys()]
    print(f"{len(tokens)} tokens; alpha {ALPHA:g} a run, {bench.each:.1e} a test")
    print(f"honest: {len(honest)} stages, the nearest to its limit at {max(honest).excess:.2f} of it")
    missed = max(honest).excess > 1
    what = "the honest stage that is nearest to its limit, of that limit"
    sheet.add("honest", what, max(honest).excess, at_most=1, at_any_size=True)
    for title, names in (("faults of the model", OF_THE_MODEL), ("faults of one product", OF_ONE_PRODUCT)):
        print(f"{title}: times beyond the limit, and by which test")
        counts = show(bench, (FAULTS[name] for name in names), free=args.free)
        missed |= counts["ours"] < len(names)
        last_word = title.rpartition(" ")[2]
        peer = (
            ("cosine of all logits below 0.99", counts["all logits"])
            if args.free
            else ("NMSE of llama.cpp's tests", counts["NMSE"])
        )
        what = f"small {title} found, of {len(names)}, alpha {ALPHA:g} a run"
        sheet.add(last_word, what, counts["ours"], against=peer, at_least=len(names))
        told = {way: number for way, number in counts.items() if args.free or way in ("ours", "NMSE")}
        print("  caught of", f"{len(names)}:", ", ".join(f"{way} {number}" for way, number in told.items()))
    for fault in NULL:
        key = StageKey(fault.stage, fault.layer)
        same = np.array_equal(bench.stage(fault.plant(sound), key), bench.stage(sound, key))
        print(f"{fault.name}: {'changes no bit, so there is nothing to find' if same else 'changes something'}")
    if args.free:
        over_all, worst = bench.cosines(sound)
        print(f"honest free run: cosine {over_all:.5f} over all logits, {worst:.5f} at the worst position")
    print(f"{time.process_time() - start:.0f} CPU seconds")
    return int(missed)


if __name__ == "__main__":
    sys.exit(told(main))
