"""What it costs to look: every stage of llama.cpp captured, beside the plain run and what people use, in one process, in turns.

OPENBLAS_NUM_THREADS=1 python benchmarks/capture.py [MODEL] [--tokens N] [--rounds N] [--quick] [--json]    default: the cached smollm2, 128, 9

CPU time of the process that llama.cpp runs in; each round runs every job once, so that what else the machine does meets all of
them. Ratios are to the plain run, of the least times, and the median of those within a round. `first` gets fresh memory for
each capture, `again` memory that an earlier capture has given back, as every capture of an engine but its first ones gets. Naive
is a callback that copies every node of the graph into a `bytes` object. The last figure is what the engine's own process adds:
queries, keys and values put side by side, and the proof of `ffn_silu`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes as c
import os
import statistics
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apr.cache import resolve_model
from apr.engines.llama_cpp import abi
from apr.engines.llama_cpp.arena import Arenas
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import find_provider
from apr.engines.llama_cpp.worker import Session
from apr.engines.transformers.library import is_installed
from apr.formats import open_model
from apr.text.tokenizer import Tokenizer
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.formats.model_file import ModelFile

PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
PLAIN = "plain run"


class Jobs:
    """The ways to run one prompt in this process."""

    def __init__(self, library: Path, model: Path, tokens: list[int]) -> None:
        self._library, self._tokens = abi.Library(library), tokens
        self._session = Session(str(library), str(model), deque(maxlen=40))

    def _run(self, callback: object = None) -> None:
        with self._session._pass(self._tokens, callback):  # noqa: SLF001 - a pass and nothing else
            pass

    def plain(self) -> None:
        """No callback, nothing kept."""
        self._run()

    def asked(self) -> None:
        """A callback that wants nothing."""
        self._run(abi.EVAL_CALLBACK(lambda _address, _ask, _data: False))

    def naive(self) -> None:
        """Every node, into a `bytes` object of its own."""
        library, seen = self._library, []

        def copy(address: int, ask: bool, _data: object) -> bool:
            if not ask:
                nbytes = library.nbytes(address)
                buffer = (c.c_ubyte * nbytes)()
                library.tensor_get(address, c.addressof(buffer), 0, nbytes)
                seen.append((abi.Tensor.from_address(address).name, bytes(buffer)))
            return True

        self._run(abi.EVAL_CALLBACK(copy))

    def first(self) -> Callable[[], None]:
        """Ours, into memory that is new; returns what gives it back."""
        self._session.arenas = arenas = Arenas()
        reply, descriptor = self._session.capture(self._tokens, None)

        def give_back() -> None:
            arenas.take_back([reply["arena"]])
            os.ftruncate(descriptor, 1)
            arenas.take().discard()

        return give_back

    def again(self) -> None:
        """Ours, into memory that an earlier capture gave back, if there is any."""
        reply, _ = self._session.capture(self._tokens, None)
        self._session.arenas.take_back([reply["arena"]])

    def megabytes(self) -> float:
        """Of one capture."""
        reply, _ = self._session.capture(self._tokens, None)
        self._session.arenas.take_back([reply["arena"]])
        return float(reply["size"]) / 1e6


def in_turns(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds of each job in each round, after one round to warm up; what a job returns is called untimed."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.process_time()
            after = job()
            took = 1e3 * (time.process_time() - start)
            if callable(after):
                after()
            if number:
                spent[name].append(took)
    return spent


def ratio_of(spent: dict[str, list[float]], name: str, base: str) -> float:
    """The median of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(spent[name], spent[base], strict=True))


def print_table(spent: dict[str, list[float]], base: str) -> None:
    """One line a job."""
    print(f"{'CPU ms':44}{'min':>9}{'median':>9}{'ratio of min':>14}{'median ratio':>14}")
    for name, times in spent.items():
        ratio = ratio_of(spent, name, base)
        print(
            f"{name:44}{min(times):9.1f}{statistics.median(times):9.1f}{min(times) / min(spent[base]):14.3f}{ratio:14.3f}"
        )


def of_llama_cpp(sheet: Sheet, file: ModelFile, tokens: list[int], rounds: int) -> None:
    """The table for llama.cpp, and what the engine's own process adds."""
    jobs = Jobs(find_provider().library, file.path, tokens)
    ways: dict[str, Callable[[], object]] = {
        PLAIN: jobs.plain,
        "callback that wants nothing": jobs.asked,
        "naive: every node, bytes()": jobs.naive,
    }
    again = in_turns(ways | {"every stage, again": jobs.again}, rounds)
    print_table(again, PLAIN)
    print(f"one capture: {jobs.megabytes():.0f} MB")
    first = in_turns({PLAIN: jobs.plain, "every stage, first": jobs.first}, rounds)
    print_table(first, PLAIN)
    for name, spent, at_most in (("again", again, 1.10), ("first", first, 1.10)):
        enter(sheet, name, f"every stage captured, {name}", (spent, f"every stage, {name}"), at_most)
    enter(sheet, "naive", "a callback that copies every node", (again, "naive: every node, bytes()"))
    with LlamaCpp(file) as engine:
        spent = in_turns({"logits": lambda: engine.logits(tokens), "capture": lambda: engine.capture(tokens)}, rounds)
    added = statistics.median(spent["capture"])
    print(f"the engine's own process adds {added:.0f} ms a capture")


def enter(
    sheet: Sheet, name: str, what: str, way: tuple[dict[str, list[float]], str], at_most: float | None = None
) -> None:
    """A way as the plain run's least time times the median of the ratios, for a round's ratio is the steadier figure."""
    spent, row = way
    plain = min(spent[PLAIN])
    ours = plain * ratio_of(spent, row, PLAIN)
    sheet.add(name, what, ours, "ms", against=(PLAIN, plain), at_most=at_most, of_ratio=at_most is not None)


def of_transformers(file: ModelFile, tokens: list[int], rounds: int) -> None:
    """The table for transformers."""
    from apr.engines.transformers.engine import Transformers  # noqa: PLC0415 - loads torch, where it is installed

    engine = Transformers(file)
    plain = "transformers, nothing recorded"
    ways: dict[str, Callable[[], object]] = {
        plain: lambda: engine.logits(tokens),
        "transformers, every stage by hooks": lambda: engine.capture(tokens),
    }
    print_table(in_turns(ways, rounds), plain)


def main(sheet: Sheet) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="smollm2")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=2 if sheet.quick else 9)
    args = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        print("OPENBLAS_NUM_THREADS=1 has to be set: llama.cpp gets one thread too", file=sys.stderr)
        return 2
    file = open_model(resolve_model(args.model))
    tokens = Tokenizer.from_file(file).encode(PROSE.read_text(encoding="utf-8"))[: args.tokens]
    print(f"{file.path.name}, {len(tokens)} tokens, {args.rounds} rounds, numpy {np.__version__}")
    of_llama_cpp(sheet, file, tokens, args.rounds)
    if is_installed():
        of_transformers(file, tokens, args.rounds)
    else:
        sheet.leave_out("stages by hooks of transformers: it is not installed")
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(told(main))
