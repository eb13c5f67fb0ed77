"""Workers that take stages from a scheduler, as discrete events; and what the stages of a large model would cost at measured rates."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Task:
    """A stage.

    Attributes:
        name: of stage and layer.
        seconds: that measuring it takes, its inputs at hand.
        weights: that it multiplies by.
        elements: of its output.
        captured: bytes of captured stages that it reads.
        encoded: bytes of its weights in the file.
    """

    name: str
    seconds: float
    weights: int
    elements: int
    captured: int
    encoded: int


class Seen(Protocol):
    """What was measured of captures."""

    written: int
    write_seconds: float
    read: int
    read_seconds: float


@dataclass(frozen=True)
class Rates:
    """What this machine does in a second, or needs for one.

    Attributes:
        weight: seconds for each weight of a product, decoding it included.
        element: seconds for each output element of a stage without weights to speak of.
        written, read: bytes of captures a second.
        pass_seconds, pass_weights: of one forward pass, and over how many weights.
    """

    weight: float
    element: float
    written: float
    read: float
    pass_seconds: float
    pass_weights: int

    @classmethod
    def of(cls, tasks: Sequence[Task], captures: Seen, pass_seconds: float) -> Rates:
        """From stages whose weights had to be decoded; products are those with more weights than outputs."""
        products = [task for task in tasks if task.weights > task.elements]
        others = [task for task in tasks if task.weights <= task.elements]
        weights = sum(task.weights for task in products)
        return cls(
            sum(task.seconds for task in products) / weights,
            sum(task.seconds for task in others) / sum(task.elements for task in others),
            captures.written / captures.write_seconds,
            captures.read / captures.read_seconds,
            pass_seconds,
            weights,
        )

    def __str__(self) -> str:
        return (
            f"products {1e9 * self.weight:.2f} s a G weight, other stages {1e6 * self.element:.2f} s a M elements; "
            f"captures written {self.written / 1e9:.2f} GB/s, read {self.read / 1e9:.2f} GB/s"
        )


class Outcome(NamedTuple):
    """What a simulation gives.

    Attributes:
        seconds: until the last stage is back.
        busy: the share of the workers' time in which they measured.
        most: stages that were with the scheduler at once.
    """

    seconds: float
    busy: float
    most: int


def simulate(costs: Sequence[float], workers: int, window: int) -> Outcome:
    """Workers of one thread each; a stage is handed out when fewer than `window` a worker are out, and goes to the least loaded.

    Args:
        costs: seconds of each stage, in the order in which they are handed out.
        workers: how many.
        window: stages a worker that may be out at once.

    Raises:
        ValueError: no worker, or no window.
    """
    if workers < 1 or window < 1:
        raise ValueError(f"{workers} workers with {window} stages each do nothing")
    waiting = deque(costs)
    free = [(0.0, index) for index in range(workers)]  # when a worker is done with all that it was given
    heapq.heapify(free)
    back: list[float] = []  # when each stage that is out comes back
    now, most = 0.0, 0
    while waiting:
        if len(back) == window * workers:
            now = heapq.heappop(back)
        until, index = heapq.heappop(free)
        until = max(until, now) + waiting.popleft()
        heapq.heappush(free, (until, index))
        heapq.heappush(back, until)
        most = max(most, len(back))
    end = max(back, default=0.0)
    return Outcome(end, sum(costs) / (end * workers) if end else 1.0, most)


def handed_out(tasks: Sequence[Task]) -> list[Task]:
    """Stages in the order in which `apr.parity.executors.dask` hands them out: those with the largest output first."""
    return sorted(tasks, key=lambda task: task.elements, reverse=True)


@dataclass(frozen=True)
class Shape:
    """A dense model of the llama family.

    Attributes:
        layers, hidden, feed_forward, heads, kv_heads, vocabulary: as its metadata says.
        bits: of a weight in the file; 4.5 with Q4_K's scales.
    """

    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    bits: float = 4.5

    @property
    def kv_width(self) -> int:
        """Columns of all key heads."""
        return self.hidden // self.heads * self.kv_heads

    @property
    def products(self) -> dict[str, int]:
        """Weights of each product of a layer."""
        h, f = self.hidden, self.feed_forward
        return {
            "qkv_matmul": h * (h + 2 * self.kv_width),
            "attn_out": h * h,
            "ffn_gate": h * f,
            "ffn_up": h * f,
            "ffn_out": f * h,
        }

    @property
    def layer_weights(self) -> int:
        """Weights of a layer's products."""
        return sum(self.products.values())

    @property
    def weights(self) -> int:
        """Of the layers, the head and the embedding."""
        return self.layers * self.layer_weights + 2 * self.vocabulary * self.hidden

    @property
    def widths(self) -> dict[str, int]:
        """Columns of each stage of a layer."""
        h, f = self.hidden, self.feed_forward
        return {
            "attn_norm": h, "qkv_matmul": h + 2 * self.kv_width, "q_post_rope": h, "k_post_rope": h, "attention": h, "attn_out": h,
            "post_attn_residual": h, "ffn_norm": h, "ffn_gate": f, "ffn_up": f, "ffn_silu": f, "ffn_swigl": f, "ffn_out": h,
            "post_ffn_residual": h,
        }  # fmt: skip


LLAMA_70B = Shape(layers=80, hidden=8192, feed_forward=28672, heads=64, kv_heads=8, vocabulary=128256)
_FLOAT = 4  # bytes: engines write float32
# a unit reads its own stage and about two others, of both sides
_READS = 2 * 3


def capture_bytes(shape: Shape, tokens: int) -> int:
    """Bytes of one layer's stages, of one side."""
    return _FLOAT * tokens * sum(shape.widths.values())


def large_tasks(shape: Shape, tokens: int, rates: Rates) -> list[Task]:
    """Every stage of a model, in forward order, at these rates."""
    tasks = []
    for layer in range(shape.layers):
        for stage, width in shape.widths.items():
            weights = shape.products.get(stage, 0)
            tasks.append(_task(f"layer-{layer}/{stage}", weights, width * tokens, shape, rates))
    tasks.append(_task("final_norm", 0, shape.hidden * tokens, shape, rates))
    tasks.append(_task("lm_head", shape.hidden * shape.vocabulary, shape.vocabulary * tokens, shape, rates))
    return tasks


def _task(name: str, weights: int, elements: int, shape: Shape, rates: Rates) -> Task:
    seconds = weights * rates.weight + elements * rates.element
    return Task(name, seconds, weights, elements, _FLOAT * _READS * elements, round(weights * shape.bits / 8))
