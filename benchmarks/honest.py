"""Honest comparisons by the thousand, and how many alarms they raise: there must be none beyond the alpha that is stated.

OPENBLAS_NUM_THREADS=1 python benchmarks/honest.py [--comparisons N] [--seed N] [--types A,B] [--quick] [--json]    default: 20000, every weight type

Exits with 1 on an alarm, and with 2 where it cannot run: no llama.cpp, or arguments that ask for nothing.

Random products of every weight type go through llama.cpp's own dot products, and through numpy in four orders of summation. Random
tiny models of every architecture run in llama.cpp (every provider found) and in numpy, over random prompts; each stage is judged in
each arithmetic on the engine's own inputs, except by the very code that computed it.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "fixtures"))

from apr.engines.llama_cpp.engine import LlamaCpp  # noqa: E402 - after the path is known
from apr.engines.llama_cpp.kernels import QUANTISABLE, open_kernels  # noqa: E402
from apr.engines.llama_cpp.providers import providers  # noqa: E402
from apr.engines.reference import Reference  # noqa: E402
from apr.errors import AprError, OracleAbsent, UsageError  # noqa: E402
from apr.formats import open_model  # noqa: E402
from apr.models import load  # noqa: E402
from apr.ops.arithmetic import ARITHMETICS  # noqa: E402
from apr.parity.honest import JUDGES, Comparison, products, stages  # noqa: E402
from apr.parity.null import ALPHA, split  # noqa: E402
from apr.quant.blocks import FORMATS  # noqa: E402
from figures import Sheet, told  # noqa: E402
from tinymodels import ARCHITECTURES, Spec, write_model  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apr.capture import Capture
    from apr.engines.llama_cpp.providers import Provider
    from apr.formats.model_file import ModelFile

TYPES = ("F32", *(name for name in FORMATS if name in QUANTISABLE))
# of models; the rarer types take long to make, their kernels are tried as products
_MODEL_TYPES = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_1", "Q4_K_M", "Q6_K", "Q3_K")
_PRODUCTS = 0.4  # share of the comparisons
_PROMPTS = 3  # each model


@dataclass
class Tally:
    """What came of comparisons of one kind."""

    count: int = 0
    worst: float = 0.0
    test: str = ""
    alarms: list[str] = field(default_factory=list)

    def add(self, comparison: Comparison, alpha_each: float) -> None:
        """One more."""
        ratio, test = comparison.worst(alpha_each)
        self.count += 1
        if ratio >= self.worst:
            self.worst, self.test = ratio, test
        if not ratio <= 1:
            self.alarms.append(f"{comparison.family}, {comparison.what}, {comparison.pair}: {test} {ratio:.2f}")


def of_products(
    rng: np.random.Generator, found: list[Provider], types: tuple[str, ...] = TYPES
) -> Iterator[Comparison]:
    """Without end, every type in turn, in the kernels of every provider in turn."""
    built = [open_kernels(provider) for provider in found]
    for kernels, name in itertools.cycle(itertools.product(built, types)):
        yield from products(rng, name, kernels)


def random_spec(rng: np.random.Generator) -> Spec:
    """A tiny model of any architecture and size."""
    architecture, weights = str(rng.choice(ARCHITECTURES)), str(rng.choice(_MODEL_TYPES))
    hidden = int(rng.choice([256, 512]))
    # only heads that are normalised may be wider or narrower together than the residual stream
    heads = int(rng.choice([2, 4, 8])) if architecture.startswith("qwen3") else hidden // 64
    massive = tuple(int(n) for n in rng.integers(0, 256, 2)) if rng.random() < 0.3 else ()
    return Spec(
        architecture=architecture,
        weights=weights,
        layers=int(rng.integers(1, 4)),
        hidden=hidden,
        feed_forward=int(rng.choice([256, 512])),
        heads=heads,
        kv_heads=int(rng.choice([1, 2])),
        head_dim=64,
        expert_feed_forward=256,
        experts=int(rng.choice([4, 8])),
        used=int(rng.choice([2, 3])),
        theta=float(rng.choice([1e4, 1e5, 1e6])),
        epsilon=float(rng.choice([1e-5, 1e-6])),
        biased=architecture == "llama" and bool(rng.random() < 0.3),
        massive=massive,
        seed=int(rng.integers(1 << 31)),
    )


def captures(
    rng: np.random.Generator, found: list[Provider], file: ModelFile, prompts: int
) -> Iterator[tuple[str, Capture]]:
    """Random prompts through every engine there is."""
    vocabulary = file.tensors["token_embd.weight"].shape[0]
    texts = [rng.integers(0, vocabulary, int(rng.integers(2, 25))).tolist() for _ in range(prompts)]
    for provider in found:
        with LlamaCpp(file, provider) as engine:
            for text in texts:
                yield f"llama.cpp {provider.name}", engine.capture(text)
    for name in ("f32", "f64", "ggml"):
        yield f"numpy {name}", Reference(file, ARITHMETICS[name]).capture(texts[0])


def of_models(rng: np.random.Generator, found: list[Provider], prompts: int = _PROMPTS) -> Iterator[Comparison]:
    """Without end, one random model after another."""
    with tempfile.TemporaryDirectory() as folder:
        while True:
            path = Path(folder) / "model.gguf"
            spec = random_spec(rng)
            file = open_model(write_model(path, spec))
            judges = [load(file, ARITHMETICS[name]) for name in JUDGES]
            for engine, capture in captures(rng, found, file, prompts):
                for judge in judges:
                    origin = capture.provenance
                    if (origin.engine, origin.arithmetic) == (Reference.name, judge.arithmetic.name):
                        continue  # the same code over the same inputs: there is nothing to compare
                    yield from stages(judge, capture, f"{spec.architecture} {spec.weights}, {engine}")
            path.unlink()


def main(arguments: list[str] | None = None, sheet: Sheet | None = None) -> int:
    """Prints a table of what was compared, and every alarm; 1 if there is one, 2 if nothing can be compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    sheet = sheet or Sheet()
    parser.add_argument("--comparisons", type=int, default=400 if sheet.quick else 20_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--types", type=lambda text: tuple(text.split(",")), default=TYPES)
    wanted = parser.parse_args(arguments)
    try:
        return compare(sheet, wanted.comparisons, wanted.seed, wanted.types, _found(wanted))
    except AprError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _found(wanted: argparse.Namespace) -> list[Provider]:
    """The libraries that take part.

    Raises:
        UsageError: arguments that ask for nothing, or for types that there are not.
        OracleAbsent: no library.
    """
    if wanted.comparisons < 1:
        raise UsageError(f"--comparisons {wanted.comparisons} compares nothing", hint="give a number of at least 1")
    unknown = [name for name in wanted.types if name not in TYPES]
    if unknown:
        raise UsageError(
            f"--types: there is no kernel for {', '.join(unknown)!r}", hint=f"one or more of {', '.join(TYPES)}"
        )
    found = providers()
    if not found:
        raise OracleAbsent("no llama.cpp library was found", hint="pip install xllamacpp")
    return found


def compare(sheet: Sheet, comparisons: int, seed: int, types: tuple[str, ...], found: list[Provider]) -> int:
    """Prints the table; 1 if there is an alarm, 0 otherwise."""
    rng = np.random.Generator(np.random.PCG64(seed))
    start, alpha_each = time.process_time(), split(ALPHA, comparisons)
    by_products = int(_PRODUCTS * comparisons)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    for source, count in (
        (of_products(rng, found, types), by_products),
        (of_models(rng, found), comparisons - by_products),
    ):
        for _, comparison in zip(range(count), source, strict=False):
            kind = comparison.what if comparison.family == "product" else comparison.family
            tallies[kind].add(comparison, alpha_each)
            tallies[f"{comparison.pair.judge} against {comparison.pair.other}"].add(comparison, alpha_each)
            tallies["all"].add(comparison, alpha_each)
    print(f"{'':26} {'compared':>8} {'worst value / limit':>20}  of test")
    for kind, tally in tallies.items():
        print(f"{kind:26} {tally.count:8} {tally.worst:20.3f}  {tally.test if tally.worst else ''}")
    for alarm in tallies["all"].alarms:
        print(f"alarm: {alarm}")
    everything = tallies["all"]
    built = ", ".join(provider.build for provider in found) + (" and no other build" if len(found) == 1 else "")
    print(
        f"{everything.count} honest comparisons, {len(everything.alarms)} alarms at alpha {ALPHA:g} for all of them together"
    )
    what = f"alarms in honest comparisons, alpha {ALPHA:g} for all of them together"
    sheet.add("compared", "honest comparisons", everything.count, at_least=20_000)
    sheet.add("alarms", what, len(everything.alarms), at_most=0, at_any_size=True)
    print(f"llama.cpp: {built}; {time.process_time() - start:.0f} CPU seconds")
    return 1 if everything.alarms else 0


if __name__ == "__main__":
    sys.exit(told(lambda sheet: main(sheet=sheet)))
