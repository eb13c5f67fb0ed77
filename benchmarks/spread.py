"""What stages cost one by one, what spreading them over workers gains, and what a large model would take on many machines.

python benchmarks/spread.py [MODEL] [--tokens 16] [--layers A..B] [--simulate] [--nodes 8] [--workers 8] [--read-rate 1.0] [--quick] [--json]

Measures on MODEL (default: the cached smollm2): CPU seconds of every stage, what captures are written and read back with, and a run with one
and with two workers, each a process of its own. The same discrete events that simulate a large model are run for those two first, and
printed beside what was seen. `--simulate` prints a 70B model on NODES machines with WORKERS each, from the rates measured here and
--read-rate, the GB/s at which a machine reads weights, which nobody can measure here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client

from apr.cache import resolve_model
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.reference import Reference
from apr.formats import open_model
from apr.ops.arithmetic import F64, GGML
from apr.parity.executors.dask import IN_FLIGHT, Dask
from apr.parity.executors.local import Local
from apr.parity.explain import look_closer
from apr.parity.measure import Filters, measure
from apr.parity.sides import Judge, Side
from apr.parity.work.compare import compare
from apr.parity.work.setting import needed
from apr.parity.work.storage import Storage, fetch
from apr.parity.work.unit import Done
from apr.stages import parse_layers
from figures import Sheet, told
from simulated import LLAMA_70B, Rates, Task, capture_bytes, handed_out, large_tasks, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.parity.work.setting import Setting
    from apr.parity.work.unit import Unit
    from apr.stages import StageKey

# the tensors that a stage of a dense model multiplies by
_PARTS = {"qkv_matmul": ("attn_q", "attn_k", "attn_v"), "attn_out": ("attn_output",), "ffn_gate": ("ffn_gate",), "ffn_up": ("ffn_up",),
          "ffn_out": ("ffn_down",)}  # fmt: skip
_START = 120.0  # seconds that a scheduler or a worker may take to start


@dataclass
class Timed(Local):
    """Measures units here, and how long each takes; their captures are written and read as a worker would.

    Attributes:
        tasks: seconds, weights and elements of each unit.
        written, write_seconds, read, read_seconds: of captures.
    """

    folder: str
    file: ModelFile
    tasks: list[Task] = field(default_factory=list)
    written: int = 0
    write_seconds: float = 0.0
    read: int = 0
    read_seconds: float = 0.0

    def __post_init__(self) -> None:
        super().__init__()

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        """Each unit twice over: where its captures lie, and measured."""
        with Storage(self.folder) as storage:
            start = time.perf_counter()
            laid = [storage.put(setting.ours, "subject", 0), storage.put(setting.theirs, "oracle", 0)]
            self.write_seconds, self.written = time.perf_counter() - start, storage.written
            for unit in units:
                pieces = [side[key] for side in laid for key in needed(unit.key, setting) if key in side]
                start = time.perf_counter()
                _, nbytes = fetch(pieces)
                self.read_seconds, self.read = self.read_seconds + time.perf_counter() - start, self.read + nbytes
                start = time.process_time()  # of this one thread: whoever else is on the machine does not count
                findings = compare(unit, setting)
                seconds = time.process_time() - start
                tensors = [self.file.tensors[name] for name in _matrices(self.file, unit.key)]
                weights, encoded = sum(math.prod(one.shape) for one in tensors), sum(one.nbytes for one in tensors)
                self.tasks.append(Task(str(unit.key), seconds, weights, setting.ours[unit.key].size, nbytes, encoded))
                yield Done(unit, findings)


def _matrices(file: ModelFile, key: StageKey) -> list[str]:
    """The tensors that a product multiplies by; none of other stages."""
    if key.stage == "lm_head":
        return [next(name for name in ("output.weight", "token_embd.weight") if name in file.tensors)]
    return [f"blk.{key.layer}.{part}.weight" for part in _PARTS.get(key.stage, ())]


@dataclass
class Pair:
    """Two sides over one file: the reference in two arithmetics, of which one is taken for a program from outside."""

    path: Path

    def __post_init__(self) -> None:
        file = open_model(self.path)
        self.file = file
        self.judge = Judge(file, ProvedDequantiser(file))
        self.subject = self._side("numpy:ggml", GGML.name)
        self.oracle = self._side("numpy:f64", F64.name)
        self.kept: dict[str, Capture] = {}

    def _side(self, spec: str, arithmetic: str) -> Side:
        model = self.judge.model(arithmetic)
        return Side(spec, Reference(self.file, model.arithmetic, model), self.judge, stock=True)

    def take(self, side: Side, tokens: Sequence[int], _filters: Filters) -> Capture:
        """One pass a side, whoever measures."""
        if side.spec not in self.kept:
            self.kept[side.spec] = side.engine.capture(tokens)
        return self.kept[side.spec]

    def timed(self, executor: Local | Dask, tokens: Sequence[int], filters: Filters) -> float:
        """Wall seconds of a measurement whose captures are there."""
        start = time.perf_counter()
        measure(
            self.subject, self.oracle, [tokens], filters, captures=self.take, look_closer=look_closer, executor=executor
        )
        return time.perf_counter() - start


@contextlib.contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """The address of a scheduler with so many workers, each a process."""
    about = folder / f"scheduler-{workers}.json"
    with contextlib.ExitStack() as stack:

        def started(*words: str) -> None:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1"], cwd=folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)

        started("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(about))
        _until(lambda: about.exists() and b"}" in about.read_bytes()[-2:], "the scheduler")
        address: str = json.loads(about.read_text("utf-8"))["address"]
        for _ in range(workers):
            started(
                "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)
            )
        join: Any = Client  # distributed does not say of what type
        with join(address) as client:
            client.wait_for_workers(workers, timeout=_START)
        yield address


def _until(there: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _START
    while not there():
        if time.monotonic() > until:
            raise SystemExit(f"{what} did not start within {_START:g} s")
        time.sleep(0.05)


def seen(pair: Pair, tokens: Sequence[int], filters: Filters, folder: Path, workers: int) -> float:
    """Wall seconds with so many workers, after one run in which they open the model."""
    with cluster(workers, folder) as address:
        times = []
        for _ in range(2):
            with Dask(address, str(folder)) as executor:
                times.append(pair.timed(executor, tokens, filters))
        return times[-1]


def main(sheet: Sheet) -> None:
    """Measures, predicts, compares; simulates where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", default="smollm2")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--layers", type=parse_layers, default=range(2) if sheet.quick else None)
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--read-rate", type=float, default=1.0)
    args = parser.parse_args()
    tokens, filters = [1, *range(100, 99 + args.tokens)], Filters(layers=args.layers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = Pair(resolve_model(args.model))
        start = time.process_time()
        pair.take(pair.subject, tokens, filters)
        pass_seconds = time.process_time() - start
        pair.take(pair.oracle, tokens, filters)
        kept, pair = pair.kept, Pair(pair.path)  # opened anew: nothing of it is decoded
        pair.kept = kept
        here = Timed(str(folder), pair.file)
        pair.timed(here, tokens, filters)  # weights are decoded once, here as in a worker
        decoding = sum(task.seconds for task in here.tasks)
        cold = list(here.tasks)
        here.tasks.clear()
        pair.timed(here, tokens, filters)
        alone = sum(task.seconds for task in here.tasks)
        rates = Rates.of(cold, here, pass_seconds)
        print(
            f"{len(here.tasks)} stages at {len(tokens)} tokens: {decoding:.2f} s of CPU with weights to decode, then {alone:.2f} s"
        )
        print(rates)
        one, two = (seen(pair, tokens, filters, folder, workers) for workers in (1, 2))
    # what a worker takes for a unit besides measuring it is taken from the run with one, so the run with two is predicted alone
    overhead = max(0.0, (one - alone) / len(here.tasks))
    predicted = simulate(
        [task.seconds + overhead for task in handed_out(here.tasks)], workers=2, window=IN_FLIGHT
    ).seconds
    sheet.add("speed-up", "two workers against one, wall time", two, "s", against=("one worker", one))
    sheet.add("predicted", "two workers as the events predict them", predicted, "s", against=("seen", two))
    sheet.add("overhead", "scheduler, text and captures for a stage", 1e3 * overhead, "ms")
    sheet.add("capture-write", "captures written", rates.written / 1e9, "GB/s")
    sheet.add("capture-read", "captures read back, hashes looked at", rates.read / 1e9, "GB/s")
    print(
        f"one worker {one:.2f} s, two {two:.2f} s = {two / one:.2f}; predicted for two {predicted:.2f} s = {predicted / two:.2f} of that"
    )
    print(f"{os.cpu_count()} processors here: scheduler, client and workers share them")
    if args.simulate:
        alone_seconds, spread_seconds = show(
            rates, args.nodes, args.workers, args.read_rate * 1e9, overhead, len(tokens)
        )
        what = f"70B, all stages, {args.nodes} machines of {args.workers} workers, simulated from the rates of this machine"
        sheet.add("large", what, spread_seconds, "s", against=("one worker", alone_seconds))


def show(rates: Rates, nodes: int, workers: int, read_rate: float, overhead: float, tokens: int) -> tuple[float, float]:
    """A 70B model, with the arithmetic; the seconds of one worker and of all."""
    shape = LLAMA_70B
    tasks = handed_out(large_tasks(shape, tokens, rates))
    weights = sum(task.encoded for task in tasks)
    per_token = capture_bytes(shape, 1)
    captures = 2 * capture_bytes(shape, tokens) * shape.layers
    compute = sum(task.seconds for task in tasks)
    # a machine's workers share what it reads with
    reading = [task.encoded / (read_rate / workers) + task.captured / (read_rate / workers) for task in tasks]
    costs = [task.seconds + wait + overhead for task, wait in zip(tasks, reading, strict=True)]
    spread = simulate(costs, workers=nodes * workers, window=IN_FLIGHT)
    in_order = sorted(zip(tasks, costs, strict=True), key=lambda each: each[0].name == "lm_head")
    head_last = simulate([cost for _, cost in in_order], nodes * workers, IN_FLIGHT)
    alone = simulate(
        [task.seconds + (task.encoded + task.captured) / read_rate + overhead for task in tasks], 1, IN_FLIGHT
    )
    passes = 2 * rates.pass_seconds * shape.weights / rates.pass_weights
    print(
        f"\n70B: {shape.layers} layers, {shape.weights / 1e9:.1f} G weights, {weights / 1e9:.1f} GB in 4.5 bits; {len(tasks)} stages, {tokens} tokens"
    )
    print(
        f"  weights of a layer      {shape.layer_weights / 1e6:.0f} M = {shape.layer_weights * shape.bits / 8e9:.2f} GB, read by whoever needs them"
    )
    print(
        f"  captures                {per_token / 1e6:.2f} MB a token, layer and side; {captures / 1e9:.2f} GB for both sides"
    )
    print(
        f"  two passes, in sequence {passes:.0f} s in numpy at the rate of this machine: captures of a faster engine come as dir:"
    )
    print(f"  captures written        {captures / rates.written:.0f} s")
    print(
        f"  all stages, no waiting  {compute:.0f} s; longest {max(task.seconds for task in tasks):.1f} s ({max(tasks, key=lambda t: t.seconds).name})"
    )
    print(f"  one worker              {alone.seconds:.0f} s")
    print(
        f"  {nodes} x {workers} workers           {spread.seconds:.0f} s at {read_rate / 1e9:g} GB/s a machine = 1/{alone.seconds / spread.seconds:.0f}; busy {100 * spread.busy:.0f} %"
    )
    print(
        f"  with the head last      {head_last.seconds:.0f} s = {head_last.seconds / spread.seconds:.2f} times as long"
    )
    print(f"  with the scheduler      {IN_FLIGHT * nodes * workers} stages at most")
    return alone.seconds, spread.seconds


if __name__ == "__main__":
    sys.exit(told(main))
