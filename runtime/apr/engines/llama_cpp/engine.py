"""llama.cpp as an engine: captures every stage, and proves itself before it is believed."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from apr.capture import Array, Capture, Provenance
from apr.engines.base import TIMEOUT, check_tokens, provenance_of
from apr.engines.generation import check_room
from apr.engines.llama_cpp.process import Child
from apr.engines.llama_cpp.providers import Provider, find_provider
from apr.errors import OracleError, UnsupportedModel
from apr.models import load
from apr.ops.arithmetic import GGML
from apr.ops.exact.exponential import silu_exact
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

# options of a build that are named beside its instruction sets
_NO_INSTRUCTIONS = frozenset({"OPENMP", "LLAMAFILE", "REPACK", "ACCELERATE", "BLAS"})
_PARTS = {"qkv_matmul": "qkv", "qkv_bias": "qkv"}  # stages that llama.cpp computes in parts, and in which order
# what ffn_silu is derived from and held against
_SILU_NEEDS = ("ffn_gate", "ffn_up", "ffn_swigl")
_PROBE_TOKENS = 5  # at least two: single tokens go through other kernels

# ffn_silu is not in llama.cpp's graph (its gated unit is fused), so it is derived from ffn_gate. Where the library lets its own
# kernel be called, and what that makes times ffn_up is ffn_swigl to the last bit, that is it. Otherwise it is computed here, and the
# derivation is held against llama.cpp's own ffn_swigl. Roundings, u = 2**-24, on each side: a float32 exp good to 2 ulp (4 u), one
# addition, one division, one multiplication: 7 u, and 14 u between the two.
_DERIVED_BOUND = 14 * 2.0**-24


@dataclass(frozen=True)
class Proof:
    """What the engine showed on load: bit-identical logits with and without the callback, and twice the same capture.

    Attributes:
        tokens: probe tokens run.
        stages: captured stages compared bit by bit.
    """

    tokens: int
    stages: int


class LlamaCpp:
    """An engine over a llama.cpp library in a child process.

    Args:
        file: the model.
        provider: which library; by default the first one found.
        timeout: seconds of silence while an answer of the child is awaited.

    Raises:
        UnsupportedModel: the file is no GGUF.
        OracleAbsent: no library.
        OracleError: it crashed, or failed to prove itself.
    """

    name = "llama.cpp"
    # llama.cpp rounds activations before quantised products; the reference's arithmetic of this name does the same
    arithmetic = GGML.name

    def __init__(self, file: ModelFile, provider: Provider | None = None, timeout: float = TIMEOUT) -> None:
        if file.format != "gguf":
            raise UnsupportedModel(
                f"llama.cpp reads GGUF, not {file.format}", where=str(file.path), hint="`apr export` writes it as GGUF"
            )
        self.provider = provider or find_provider()
        self.build = self.provider.build
        self._file = file
        self._model = load(file, GGML)  # for the stages and widths to expect; no weight of it is decoded
        self._returned: list[int] = []  # shared memory that nobody here looks at any more
        self._child = Child(f"{self.provider.library} with {file.path}", timeout)
        try:
            described, _ = self._child.ask(
                "loading", do="open", library=str(self.provider.library), model=str(file.path)
            )
            self.instructions = instruction_sets(described["system"])
            self._vocabulary: int = described["vocabulary"]
            self.proof = self._prove()
        except BaseException:
            self.close()
            raise

    @property
    def model_path(self) -> Path:
        """The model file."""
        return self._file.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process."""
        self._child.close()

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """What a run over these tokens will say of itself."""
        return provenance_of(self, self._file, tokens)

    def tokenize(self, text: str) -> list[int]:
        """llama.cpp's own tokens; special tokens in the text are recognised."""
        reply, _ = self._child.ask("tokenising", do="tokenize", text=text)
        tokens: list[int] = reply["tokens"]
        return tokens

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """[positions, vocabulary] without any callback: what llama.cpp computes when nobody looks."""
        reply, memory = self._ask("logits", tokens)
        return _array(memory, reply["logits"])

    def session(self, limit: int | None = None) -> LlamaCppSession:
        """An empty text to be continued, of up to `limit` tokens; the one before it ends.

        Raises:
            OracleError: llama.cpp could not make a context for it.
        """
        context = self._model.config.context
        room = context if limit is None else min(context, max(1, limit))
        self._child.ask("beginning a text", do="start", room=room)
        return LlamaCppSession(self, room)

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """[vocabulary] logits after tokens that are appended to the text of the last `session`."""
        reply, memory = self._ask("feed", tokens)
        return _array(memory, reply["logits"]).reshape(-1)

    @property
    def vocabulary(self) -> int:
        """Token ids that both the file and llama.cpp know."""
        return min(self._model.config.vocabulary, self._vocabulary)

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """Each stage in forward order; the pass is over before the first one comes."""
        capture = self.capture(tokens, wanted)
        return ((key, capture[key]) for key in capture.keys_in_order())

    def capture(self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None) -> Capture:
        """Stages of all positions.

        Args:
            tokens: one a position.
            wanted: the stages to capture; None for all.

        Raises:
            OracleError: a crash, a stage not seen, of another shape, or not consistent with its neighbours.
        """
        keys = [key for key in self._model.stage_keys() if wanted is None or key in wanted]
        needed = {
            StageKey(stage, key.layer)
            for key in keys
            for stage in (_SILU_NEEDS if key.stage == "ffn_silu" else (key.stage,))
        }
        activated = [key for key in keys if key.stage == "ffn_silu"]
        asked = None if wanted is None else sorted([key.stage, key.layer] for key in {*needed, *activated})
        reply, memory = self._ask("capture", tokens, wanted=asked)
        stages = self._assemble(reply, memory, tokens, needed)
        self._derive_silu(stages, activated)
        return Capture(self.provenance(tokens), {key: stages[key] for key in keys})

    def _ask(self, do: str, tokens: Sequence[int], **request: Any) -> tuple[dict[str, Any], mmap.mmap]:
        check_tokens(tokens, self.vocabulary, self._model.config.context)
        doing = f"running {len(tokens)} tokens"
        returned = [self._returned.pop() for _ in range(len(self._returned))]
        reply, descriptor = self._child.ask(doing, do=do, tokens=list(tokens), returned=returned, **request)
        if descriptor is None:
            raise OracleError("llama.cpp's process answered without its results", where=str(self._file.path))
        try:
            memory = mmap.mmap(descriptor, reply["size"], access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        # arrays over the memory keep it: it is finalized after the last of them, and only then written to again
        weakref.finalize(memory, self._returned.append, reply["arena"]).atexit = False
        return reply, memory

    def _assemble(
        self, reply: dict[str, Any], memory: mmap.mmap, tokens: Sequence[int], needed: Collection[StageKey]
    ) -> dict[StageKey, Array]:
        """Named, complete and shape-checked stages from what the callback recorded."""
        parts: dict[tuple[StageKey, str], NDArray[np.float32]] = {}
        for slot in reply["slots"]:
            place = (StageKey(slot["stage"], slot["layer"]), slot["part"])
            if place in parts:
                raise OracleError(f"stage {place[0]} was seen twice in one pass", where=self.build)
            parts[place] = _array(memory, slot, rows=len(tokens))
        stages: dict[StageKey, Array] = {}
        missing = []
        made = {key for key, _ in parts if key.stage == "ffn_silu"}  # not every library lets its kernel be called
        for key in sorted({*needed, *made}, key=lambda key: key.order):
            names = [(key, part) for part in _PARTS.get(key.stage, [""])]
            if any(name not in parts for name in names):
                missing.append(str(key))
                continue
            found = [parts[name] for name in names]
            stages[key] = found[0] if len(found) == 1 else np.concatenate(found, axis=-1)
            expected = (len(tokens), self._model.width(key.stage))
            if stages[key].shape != expected:
                raise OracleError(f"stage {key} has shape {stages[key].shape}, expected {expected}", where=self.build)
        if missing:
            raise OracleError(
                f"{len(missing)} stages were not seen in this build's graph, first {missing[0]}",
                where=self.build,
                hint="its graph is built from other operations than known here",
            )
        return stages

    def _derive_silu(self, stages: dict[StageKey, Array], keys: list[StageKey]) -> None:
        """Adds the stages that the graph does not have, each held against its neighbours wherever they are finite."""
        for key in keys:
            gate, up, product = (stages[key._replace(stage=name)] for name in _SILU_NEEDS)
            with np.errstate(all="ignore"):  # see below
                if key in stages and _same_bits(stages[key] * up, product):
                    continue
            stages[key] = _silu_as_ggml(gate, up, product)
            with np.errstate(all="ignore"):  # what is not finite is set aside below
                derived = stages[key].astype(np.float64) * up
            finite = np.isfinite(derived) & np.isfinite(product)
            difference = (derived - product)[finite]
            scale = float(np.sqrt((product[finite].astype(np.float64) ** 2).mean())) if finite.any() else 0.0
            off = float(np.sqrt((difference**2).mean())) / scale if scale else 0.0
            if off > _DERIVED_BOUND:
                raise OracleError(
                    f"silu(ffn_gate) * ffn_up is off llama.cpp's ffn_swigl by {off:.1e} in layer {key.layer}",
                    where=self.build,
                    hint="this build or model uses another activation, so ffn_silu cannot be derived",
                )

    def _prove(self) -> Proof:
        """Harmless: the callback does not change logits. Deterministic: two captures agree. Complete: see `_assemble`."""
        vocabulary = self.vocabulary
        count = min(_PROBE_TOKENS, self._model.config.context)
        tokens = [1 + index * (vocabulary - 2) // count for index in range(count)]
        plain = self.logits(tokens)
        first, second = self.capture(tokens), self.capture(tokens)
        if not _same_bits(plain, first[StageKey("lm_head", None)]):
            raise OracleError(
                "logits with and without the eval callback differ: looking changes the result", where=self.build
            )
        for key in first.stages:
            if not _same_bits(first[key], second[key]):
                raise OracleError(f"two captures of the same tokens differ, first in {key}", where=self.build)
        return Proof(len(tokens), len(first.stages))


class LlamaCppSession:
    """A growing text in llama.cpp's own cache."""

    def __init__(self, engine: LlamaCpp, limit: int) -> None:
        self._engine, self._limit, self._length = engine, limit, 0

    @property
    def room(self) -> int:
        """How many more tokens fit."""
        return self._limit - self._length

    def feed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Appends tokens: [vocabulary] logits after the last of them.

        Raises:
            UsageError: see `apr.engines.generation.check_room`.
        """
        check_room(tokens, self._engine.vocabulary, self.room, self._limit)
        logits = self._engine.feed(tokens)
        self._length += len(tokens)
        return logits


def instruction_sets(system: str) -> frozenset[str]:
    """The instruction sets in what `llama_print_system_info` says, such as `CPU : AVX2 = 1 | FMA = 1 | OPENMP = 1 |`."""
    stated = re.findall(r"(\w+) = 1\b", system)
    return frozenset(name for name in stated if name not in _NO_INSTRUCTIONS)


def _silu_as_ggml(gate: Array, up: Array, product: Array) -> Array:
    """Computes x / (1 + exp(-x)) with ggml's exponential for AVX2 where its product is llama.cpp's bit by bit, else in float32.

    The second is written here, so that a fault in the reference's is seen.
    """
    with np.errstate(all="ignore"):  # exp overflows to infinity below -88, where the quotient is the correct -0
        with contextlib.suppress(UnsupportedModel):  # no C library that could be asked
            exact = silu_exact(gate)
            if _same_bits(exact * up, product):
                return exact
        return gate / (np.float32(1) + np.exp(-gate))


def _same_bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(
        np.array_equal(np.ascontiguousarray(a).view(np.uint32), np.ascontiguousarray(b).view(np.uint32))
    )


def _array(memory: mmap.mmap, slot: dict[str, Any], rows: int | None = None) -> NDArray[np.float32]:
    """[positions, width] view of the shared memory; `ne` is innermost first, heads fold into the width."""
    count = int(np.prod(slot["ne"]))
    flat = np.frombuffer(memory, np.float32, count, slot["offset"])
    return flat.reshape(rows, -1) if rows else flat.reshape(-1, slot["ne"][0])
