"""What the eval callback sees of one pass: each node of the graph is looked at, and the wanted stages are copied."""

from __future__ import annotations

import ctypes as c
import itertools
import math
from typing import TYPE_CHECKING, Any, Protocol

from apr.engines.llama_cpp import abi
from apr.engines.llama_cpp.arena import Arena
from apr.engines.llama_cpp.graph import Part, Recogniser, Take
from apr.stages import INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT = 1 << 24  # whole numbers up to here are float32 numbers
_CACHE_WRITES = {"SET_ROWS", "CPY"}


class Refusal(Exception):
    """What goes wrong short of a crash; the message goes to the engine."""


class TensorAccess(Protocol):
    """What is needed of `abi.Library`.

    Attributes:
        silu: ggml's own kernel: how many, where to, where from, all float32; None where the library does not let it be called.
    """

    silu: Callable[[int, int, int], None] | None

    def op_name(self, code: int, /) -> bytes:
        """Name of an operation."""

    def nbytes(self, address: int, /) -> int:
        """Bytes of a tensor's values."""

    def tensor_get(self, address: int, target: int, offset: int, nbytes: int, /) -> None:
        """Copies values, from wherever they are."""

    def host_address(self, address: int, /) -> int | None:
        """Where a tensor's values are in this process's memory; None where they are elsewhere."""

    def check_tensor_layout(self, address: int, /) -> None:
        """Raises AbiError where `struct ggml_tensor` is laid out differently."""


class Recording:
    """Stages of one pass in an arena.

    Args:
        library: reads tensors.
        wanted: stages and layers to copy; None for all.
        arena: what they are copied into; a new one without.
    """

    def __init__(
        self,
        library: TensorAccess,
        wanted: frozenset[tuple[str, int | None]] | None = None,
        arena: Arena | None = None,
    ) -> None:
        self._library, self._wanted = library, wanted
        self._recogniser = Recogniser()
        self._asked: list[Take] = []
        self._op_names: dict[int, str] = {}
        self._checked = False
        self._cache_written = False
        self.arena = arena or Arena()
        self.slots: list[dict[str, Any]] = []
        self.nodes = 0
        self.error: str | None = None

    def on_node(self, address: int, ask: bool) -> bool:
        """The eval callback. An exception would vanish in ctypes, so the first one is kept and nothing is looked at after it."""
        if self.error:
            return False
        try:
            if ask:
                self._asked = self._look(address)
                return bool(self._asked)
            self._take(address)
        except (Refusal, abi.AbiError) as error:
            self.error = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - told to the engine by name; ctypes would swallow it
            self.error = f"{type(error).__name__} in the eval callback: {error}"
            return False
        return True

    def check(self) -> None:
        """After the pass.

        Raises:
            Refusal: a fault in between, or something that had to be seen was not.
        """
        if self.error:
            raise Refusal(self.error)
        if not self.nodes:
            raise Refusal("the eval callback was never called: cb_eval is not where it was located in this build")
        if not self._cache_written:
            raise Refusal("no write to the key and value cache was seen, so its type is not known")

    def _look(self, address: int) -> list[Take]:
        """What is wanted of a node."""
        if not self._checked:
            self._library.check_tensor_layout(address)
            self._checked = True
        self.nodes += 1
        tensor = abi.Tensor.from_address(address)
        operation = self._operation(tensor.op)
        if operation == "FLASH_ATTN_EXT":
            raise Refusal("flash attention is on although it was turned off; its attention is another computation")
        if operation in _CACHE_WRITES and b"cache_" in tensor.name:
            self._cache_written = True
            if tensor.type != abi.GGML_TYPE_F32:
                raise Refusal("the key and value cache is not F32 although it was set so")
        sources = [
            (source, abi.Tensor.from_address(source).name.decode(errors="replace")) for source in tensor.src if source
        ]
        found = self._recogniser.recognise(address, operation, sources, tensor.ne)
        return [take for take in found if self._wanted is None or (take.part.stage, take.part.layer) in self._wanted]

    def _operation(self, code: int) -> str:
        if code not in self._op_names:
            self._op_names[code] = self._library.op_name(code).decode()
        return self._op_names[code]

    def _take(self, address: int) -> None:
        if not self._asked:
            raise Refusal("llama.cpp computed a node that was not asked for")
        for part, source in self._asked:
            # a source is still alive: it was this node's input
            self._store(part, address if source is None else abi.Tensor.from_address(address).src[source])

    def _store(self, part: Part, address: int) -> None:
        tensor = abi.Tensor.from_address(address)
        expected = abi.GGML_TYPE_I32 if part.stage in INTEGER else abi.GGML_TYPE_F32
        what = f"stage {part.stage} of layer {part.layer}"
        if tensor.type != expected:
            raise Refusal(
                f"{what} is not {'int32' if part.stage in INTEGER else 'float32'} but GGML type {tensor.type}"
            )
        strides = [4]
        for extent in tensor.ne[:3]:
            strides.append(strides[-1] * extent)
        if part.stage in INTEGER:
            offset = self._store_integers(address)
        elif list(tensor.nb) == strides:
            offset = self._store_values(part, address)
        else:
            raise Refusal(f"{what} is not contiguous")
        self._note(part, offset, list(tensor.ne))

    def _note(self, part: Part, offset: int, extents: list[int]) -> None:
        self.slots.append(
            {"stage": part.stage, "layer": part.layer, "part": part.part, "offset": offset, "ne": extents}
        )

    def _store_values(self, part: Part, address: int) -> int:
        """Values that lie one after the other: the offset."""
        nbytes = self._library.nbytes(address)
        source = self._library.host_address(address)
        if source is None:
            fetched = (c.c_ubyte * nbytes)()
            source = c.addressof(fetched)
            self._library.tensor_get(address, source, 0, nbytes)
        if part.stage == "ffn_gate":
            self._store_silu(part.layer, source, list(abi.Tensor.from_address(address).ne))
        return self.arena.add(source, nbytes)

    def _store_silu(self, layer: int | None, gate: int, extents: list[int]) -> None:
        """What ggml's kernel makes of a gate, row by row as its gated unit goes; the graph itself has the product alone."""
        silu = self._library.silu
        if silu is None or (self._wanted is not None and ("ffn_silu", layer) not in self._wanted):
            return
        nbytes, row = 4 * math.prod(extents), 4 * extents[0]

        def write(target: int) -> None:
            for start in range(0, nbytes, row):
                silu(extents[0], target + start, gate + start)

        self._note(Part("ffn_silu", layer), self.arena.make(nbytes, write), extents)

    def _store_integers(self, address: int) -> int:
        """Whole numbers as float32, row by row because rows of a view lie apart: the offset."""
        tensor = abi.Tensor.from_address(address)
        columns, rows = tensor.ne[0], math.prod(tensor.ne[1:])
        values = (c.c_float * (columns * rows))()
        row = (c.c_int32 * columns)()
        places = itertools.product(*(range(extent) for extent in reversed(tensor.ne[1:])))
        for index, place in enumerate(places):
            start = sum(at * stride for at, stride in zip(reversed(place), tensor.nb[1:], strict=True))
            self._library.tensor_get(address, c.addressof(row), start, 4 * columns)
            if any(abs(value) > _EXACT for value in row):
                raise Refusal("an integer stage holds numbers that float32 does not hold exactly")
            values[index * columns : (index + 1) * columns] = list(row)
        return self.arena.add(c.addressof(values), 4 * columns * rows)
