"""The child process that llama.cpp lives in: `python -m apr.engines.llama_cpp.worker FD`.

llama.cpp aborts or crashes on some files, and what it loads can hold anything; here that ends a child and becomes the
engine's error message. Nothing but the standard library is imported, so it starts at once.
"""

from __future__ import annotations

import ctypes as c
import mmap
import os
import socket
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from apr.engines.llama_cpp import abi, wire
from apr.engines.llama_cpp.graph import READ_BY, Part, Recogniser

_KEEP_LOG = 40  # lines
_ALIGN = 64


class Refusal(Exception):
    """What goes wrong short of a crash; the message goes to the engine."""


class Arena:
    """Anonymous shared memory that grows as tensors are added; whoever has the descriptor sees it."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("apr-capture")
        else:
            with tempfile.TemporaryFile() as file:  # no name: it goes when the last descriptor does
                self.descriptor = os.dup(file.fileno())
        self._used = 0
        self._map: mmap.mmap | None = None

    def reserve(self, nbytes: int) -> tuple[int, int]:
        """Room for a tensor: its offset, and its address, which holds until the next call."""
        offset = self._used
        self._used += (nbytes + _ALIGN - 1) // _ALIGN * _ALIGN
        if self._map is None or self._used > len(self._map):
            size = max(1 << 20, 2 * self._used)
            os.ftruncate(self.descriptor, size)
            if self._map is not None:
                self._map.close()
            self._map = mmap.mmap(self.descriptor, size)
        return offset, c.addressof(c.c_char.from_buffer(self._map)) + offset

    def close(self) -> int:
        """Cuts the memory to what is used and returns that size."""
        if self._map is not None:
            self._map.close()
        os.ftruncate(self.descriptor, max(1, self._used))
        return self._used


class Recording:
    """What one decode left behind: stages in an arena, filled by the eval callback."""

    def __init__(self, library: abi.Library) -> None:
        self._library = library
        self._recogniser = Recogniser()
        self._wanted: Part | None = None
        self._op_names: dict[int, str] = {}
        self._checked = False
        self.arena = Arena()
        self.slots: list[dict[str, Any]] = []
        self.nodes = 0
        self.error: str | None = None

    def on_node(self, address: int, ask: bool) -> bool:
        """The eval callback. An exception would vanish in ctypes, so it is kept and the graph is stopped."""
        try:
            if ask:
                self._wanted = self._look(address)
                return self._wanted is not None
            self._take(address)
        except (Refusal, abi.AbiError) as error:
            self.error = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - told to the engine by name; ctypes would swallow it
            self.error = f"{type(error).__name__} in the eval callback: {error}"
            return False
        return True

    def _look(self, address: int) -> Part | None:
        if not self._checked:
            self._library.check_tensor_layout(address)
            self._checked = True
        self.nodes += 1
        tensor = abi.Tensor.from_address(address)
        operation = self._operation(tensor.op)
        if operation == "FLASH_ATTN_EXT":
            raise Refusal("flash attention is on although it was turned off; its attention is another computation")
        sources = [
            (source, abi.Tensor.from_address(source).name.decode(errors="replace")) for source in tensor.src if source
        ]
        if (
            operation == "SET_ROWS"
            and "cache_" in tensor.name.decode(errors="replace")
            and tensor.type != abi.GGML_TYPE_F32
        ):
            raise Refusal("the key and value cache is not F32 although it was set so")
        return self._recogniser.recognise(address, operation, sources)

    def _operation(self, code: int) -> str:
        if code not in self._op_names:
            self._op_names[code] = self._library.op_name(code).decode()
        return self._op_names[code]

    def _take(self, address: int) -> None:
        part = self._wanted
        if part is None:
            raise Refusal("llama.cpp computed a node that was not asked for")
        self._store(part, address)
        if part.stage in READ_BY:
            # its second source is still alive: it was this node's input
            self._store(Part(READ_BY[part.stage], part.layer), abi.Tensor.from_address(address).src[1])

    def _store(self, part: Part, address: int) -> None:
        tensor = abi.Tensor.from_address(address)
        if tensor.type != abi.GGML_TYPE_F32:
            raise Refusal(f"stage {part.stage} of layer {part.layer} is not float32 but GGML type {tensor.type}")
        strides = [4]
        for extent in tensor.ne[:3]:
            strides.append(strides[-1] * extent)
        if list(tensor.nb) != strides:
            raise Refusal(f"stage {part.stage} of layer {part.layer} is not contiguous")
        nbytes = self._library.nbytes(address)
        offset, target = self.arena.reserve(nbytes)
        self._library.tensor_get(address, target, 0, nbytes)
        self.slots.append(
            {"stage": part.stage, "layer": part.layer, "part": part.part, "offset": offset, "ne": list(tensor.ne)}
        )


class Session:
    """One library and one model."""

    def __init__(self, library_path: str, model_path: str, log: deque[str]) -> None:
        self._library = library = abi.Library(Path(library_path))
        self._log_callback = abi.LOG_CALLBACK(
            lambda _level, text, _data: log.append((text or b"").decode(errors="replace"))
        )
        library.log_set(self._log_callback, None)
        library.backend_init()
        self._layout = abi.locate_context(bytes(library.context_defaults().raw))
        model_params = library.model_defaults()
        extra = abi.locate_extra_buffers(bytes(model_params.raw))
        if extra is not None:
            model_params.put(extra, "<B", 0)
        self._model = library.load_model(os.fsencode(model_path), model_params)
        if not self._model:
            raise Refusal("llama.cpp could not load the model")
        self._vocab = library.vocab(self._model)

    def describe(self) -> dict[str, Any]:
        """What the engine wants to know of the build and the model."""
        return {
            "vocabulary": self._library.n_vocab(self._vocab),
            "system": self._library.system_info().decode(errors="replace").strip(),
        }

    def tokenize(self, text: str) -> dict[str, Any]:
        """llama.cpp's own tokens of a text; special tokens in it are recognised."""
        raw = text.encode()
        room = len(raw) + 8
        out = (c.c_int32 * room)()
        count = self._library.tokenize(self._vocab, raw, len(raw), out, room, True, True)
        if count < 0:
            raise Refusal("llama.cpp could not tokenise the text")
        return {"tokens": list(out[:count])}

    def decode(self, tokens: list[int], *, capture: bool) -> tuple[dict[str, Any], int]:
        """One pass over the tokens from an empty cache; logits of every position, and the stages if asked for.

        Returns:
            The reply, and the descriptor of the shared memory that holds logits and stages.
        """
        library, recording = self._library, Recording(self._library)
        callback = abi.EVAL_CALLBACK(lambda address, ask, _data: recording.on_node(address, ask))
        context = self._context(len(tokens), callback if capture else None)
        try:
            self._run(context, tokens)
            if recording.error:
                raise Refusal(recording.error)
            if capture and not recording.nodes:
                raise Refusal("the eval callback was never called: cb_eval is not where it was located in this build")
            width = library.n_vocab(self._vocab)
            nbytes = 4 * width * len(tokens)
            offset, target = recording.arena.reserve(nbytes)
            c.memmove(target, library.logits(context), nbytes)
        finally:
            library.free_context(context)
        logits = {"offset": offset, "ne": [width, len(tokens), 1, 1]}
        size = recording.arena.close()
        return {
            "slots": recording.slots,
            "logits": logits,
            "nodes": recording.nodes,
            "size": size,
        }, recording.arena.descriptor

    def _context(self, n_tokens: int, callback: Any) -> int:
        """A fresh context in which every token fits one graph: no flash attention, F32 cache, one thread."""
        library, layout = self._library, self._layout
        params = library.context_defaults()
        for offset in (0, 4, 8):  # n_ctx, n_batch, n_ubatch
            params.put(offset, "<I", max(n_tokens, 2))
        params.put(layout.n_threads, "<i", 1)
        params.put(layout.n_threads + 4, "<i", 1)
        params.put(layout.flash_attn_type, "<i", abi.FLASH_ATTENTION_DISABLED)
        params.put(layout.type_k, "<i", abi.GGML_TYPE_F32)
        params.put(layout.type_k + 4, "<i", abi.GGML_TYPE_F32)
        if callback is not None:
            params.put(layout.cb_eval, "<Q", c.cast(callback, c.c_void_p).value or 0)
        context = library.new_context(self._model, params)
        if not context:
            raise Refusal("llama.cpp could not make a context")
        seen = (
            library.n_ctx(context) >= n_tokens,
            library.n_ubatch(context) >= n_tokens,
            library.n_threads(context) == 1,
        )
        if not all(seen):
            library.free_context(context)
            raise Refusal(
                "the context does not have the sizes it was given: llama_context_params is laid out differently"
            )
        return int(context)

    def _run(self, context: int, tokens: list[int]) -> None:
        library = self._library
        batch = library.new_batch(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for index, token in enumerate(tokens):
                batch.token[index], batch.pos[index] = token, index
                batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
                batch.logits[index] = 1  # all of them: else the last layer keeps only the last row
            result = library.decode(context, batch)
            if result:
                raise Refusal(f"llama_decode returned {result}")
        finally:
            library.free_batch(batch)


def serve(channel: socket.socket) -> None:
    """Answers requests until the other side closes."""
    session: Session | None = None
    log: deque[str] = deque(maxlen=_KEEP_LOG)
    while True:
        try:
            request, _ = wire.receive(channel)
        except EOFError:
            return
        descriptor: int | None = None
        try:
            if request["do"] == "open":
                session = Session(request["library"], request["model"], log)
                reply = session.describe()
            elif session is not None and request["do"] == "tokenize":
                reply = session.tokenize(request["text"])
            elif session is not None:
                reply, descriptor = session.decode(request["tokens"], capture=request["capture"])
            else:
                reply = {"error": "no model is open"}
        except (Refusal, abi.AbiError) as error:
            reply = {"error": str(error), "log": list(log)}
        wire.send(channel, reply, descriptor)
        if descriptor is not None:
            os.close(descriptor)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        serve(inherited)
