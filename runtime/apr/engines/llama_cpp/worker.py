"""The child process that llama.cpp lives in: `python -m apr.engines.llama_cpp.worker FD`.

llama.cpp aborts or crashes on some files, and what it loads can hold anything; here that ends a child and becomes the
engine's error message. Nothing but the standard library is imported, so it starts at once.
"""

from __future__ import annotations

import contextlib
import ctypes as c
import os
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.engines.llama_cpp import abi, wire
from apr.engines.llama_cpp.arena import Arena, Arenas
from apr.engines.llama_cpp.recording import Recording, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEEP_LOG = 40  # lines
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Loaded:
    """One library and one model, or of the model nothing but its vocabulary."""

    def __init__(self, library_path: str, model_path: str, log: deque[str], *, vocabulary_only: bool) -> None:
        self._library = library = abi.Library(Path(library_path))
        self._log_callback = abi.LOG_CALLBACK(
            lambda _level, text, _data: log.append((text or b"").decode(errors="replace"))
        )
        library.log_set(self._log_callback, None)
        library.backend_init()
        if not library.backends():
            library.load_backends(os.fsencode(Path(library_path).parent))  # a build whose backends are libraries apart
        model_params = library.model_defaults()
        abi.keep_on_cpu(model_params)
        if vocabulary_only:
            model_params.put(abi.locate_vocab_only(bytes(model_params.raw)), "<B", 1)
        extra = abi.locate_extra_buffers(bytes(model_params.raw))
        if extra is not None:
            model_params.put(extra, "<B", 0)
        self._model = library.load_model(os.fsencode(model_path), model_params)
        if not self._model:
            raise Refusal("llama.cpp could not load the model")
        self._vocab = library.vocab(self._model)

    def _tokens(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        raw = text.encode()
        room = len(raw) + 8  # enough for most; one byte may become three tokens, as a blank without a token does
        for _ in range(2):
            out = (c.c_int32 * room)()
            count: int = self._library.tokenize(self._vocab, raw, len(raw), out, room, add_special, parse_special)
            if count >= 0:
                return out[:count]
            room = -count
        raise Refusal("llama.cpp could not tokenise the text")


class VocabularySession(Loaded):
    """A vocabulary alone, loaded without the weights."""

    def __init__(self, library_path: str, model_path: str, log: deque[str]) -> None:
        super().__init__(library_path, model_path, log, vocabulary_only=True)
        self._library.type_vocabulary_functions()

    def describe(self) -> dict[str, Any]:
        """The special tokens and every token's text, as llama.cpp has them; an id of -1 is none."""
        library, vocab = self._library, self._vocab
        count = library.n_vocab(vocab)
        return {
            "special": {name: of(vocab) for name, of in library.special_tokens.items()},
            "add_bos": library.add_bos(vocab),
            "add_eos": library.add_eos(vocab),
            "ends": [index for index in range(count) if library.is_end(vocab, index)],
            "pieces": [self._piece(index).hex() for index in range(count)],
        }

    def _piece(self, index: int) -> bytes:
        """The bytes of a token; special ones as they are spelled."""
        room = 64
        while True:
            out = c.create_string_buffer(room)
            count = self._library.to_piece(self._vocab, index, out, room, 0, True)
            if count >= 0:
                return out.raw[:count]
            room = -count

    def tokenize(self, texts: list[str], *, add_special: bool, parse_special: bool) -> dict[str, Any]:
        """The tokens of each text.

        Args:
            texts: to cut.
            add_special: BOS and EOS are added where the file asks for them.
            parse_special: control tokens are recognised where a text spells them out.
        """
        cut = [self._tokens(text, add_special=add_special, parse_special=parse_special) for text in texts]
        return {"tokens": cut}


class Session(Loaded):
    """One library and one model."""

    def __init__(self, library_path: str, model_path: str, log: deque[str]) -> None:
        super().__init__(library_path, model_path, log, vocabulary_only=False)
        self.arenas = Arenas()
        self._layout = abi.locate_context(bytes(self._library.context_defaults().raw))
        self._growing: int | None = None  # the context of a text that is continued
        self._length = 0

    def describe(self) -> dict[str, Any]:
        """What the engine wants to know of the build and the model."""
        return {
            "vocabulary": self._library.n_vocab(self._vocab),
            "system": self._library.system_info().decode(errors="replace").strip(),
        }

    def tokenize(self, text: str) -> dict[str, Any]:
        """llama.cpp's own tokens of a text; special tokens in it are recognised."""
        return {"tokens": self._tokens(text, add_special=True, parse_special=True)}

    def logits(self, tokens: list[int]) -> tuple[dict[str, Any], int]:
        """One pass from an empty cache with no callback at all.

        Returns:
            The reply, and the descriptor of the shared memory that holds the logits of every position.
        """
        with self._pass(tokens, None) as context:
            return self._logits(context, len(tokens))

    def capture(self, tokens: list[int], wanted: list[list[Any]] | None) -> tuple[dict[str, Any], int]:
        """One pass from an empty cache with the wanted stages captured; None captures all.

        Returns:
            The reply, and the descriptor of the shared memory that holds the stages.
        """
        keys = None if wanted is None else frozenset((stage, layer) for stage, layer in wanted)
        recording = Recording(self._library, keys, self.arenas.take())
        callback = abi.EVAL_CALLBACK(lambda address, ask, _data: recording.on_node(address, ask))
        try:
            with self._pass(tokens, callback) as context:
                recording.check()
                self._check_head(recording, context)
        except BaseException:
            recording.arena.discard()
            raise
        return self._lend(recording.arena, {"slots": recording.slots, "nodes": recording.nodes})

    def start(self, room: int) -> dict[str, Any]:
        """Begins a text of up to `room` tokens; the one before it ends."""
        if self._growing is not None:
            self._library.free_context(self._growing)
            self._growing = None
        self._growing, self._length = self._context(room, None), 0
        return {}

    def feed(self, tokens: list[int]) -> tuple[dict[str, Any], int]:
        """Appends tokens to the text that was begun.

        Returns:
            The reply, and the descriptor of the shared memory that holds the logits after the last of them.
        """
        if self._growing is None:
            raise Refusal("no text was begun")
        self._run(self._growing, tokens, start=self._length, every=False)
        self._length += len(tokens)
        return self._logits(self._growing, 1)

    def _logits(self, context: int, rows: int) -> tuple[dict[str, Any], int]:
        """The logits of the last pass: the reply and the descriptor of the shared memory that holds them."""
        width = self._library.n_vocab(self._vocab)
        arena = self.arenas.take()
        try:
            offset = arena.add(self._library.logits(context), 4 * width * rows)
        except BaseException:
            arena.discard()
            raise
        return self._lend(arena, {"logits": {"offset": offset, "ne": [width, rows, 1, 1]}})

    def _lend(self, arena: Arena, reply: dict[str, Any]) -> tuple[dict[str, Any], int]:
        return reply | {"size": arena.size, "arena": self.arenas.lend(arena)}, arena.descriptor

    def _check_head(self, recording: Recording, context: int) -> None:
        for slot in recording.slots:
            if slot["stage"] == "lm_head":
                nbytes = 4 * slot["ne"][0] * slot["ne"][1]
                if not recording.arena.holds(slot["offset"], self._library.logits(context), nbytes):
                    raise Refusal("the captured lm_head is not what llama_get_logits returns")

    @contextlib.contextmanager
    def _pass(self, tokens: list[int], callback: Any) -> Iterator[int]:
        """A context after one pass over the tokens."""
        context = self._context(len(tokens), callback)
        try:
            self._run(context, tokens)
            yield context
        finally:
            self._library.free_context(context)

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
        for offset in abi.locate_offloads(bytes(params.raw), layout):
            params.put(offset, "<B", 0)
        if callback is not None:
            params.put(layout.cb_eval, "<Q", c.cast(callback, c.c_void_p).value or 0)
        context = library.new_context(self._model, params)
        if not context:
            raise Refusal("llama.cpp could not make a context")
        seen = (
            library.n_ctx(context) >= n_tokens,
            library.n_ubatch(context) >= n_tokens,
            library.n_threads(context) == 1,
            library.n_threads_batch(context) == 1,
        )
        if not all(seen):
            library.free_context(context)
            raise Refusal(
                "the context does not have the sizes it was given: llama_context_params is laid out differently"
            )
        return int(context)

    def _run(self, context: int, tokens: list[int], *, start: int = 0, every: bool = True) -> None:
        """Runs tokens from position `start`; `every` asks for the logits of all of them and not of the last alone."""
        library = self._library
        batch = library.new_batch(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for index, token in enumerate(tokens):
                batch.token[index], batch.pos[index] = token, start + index
                batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
                # without all of them the last layer keeps only the last row
                batch.logits[index] = every or index + 1 == len(tokens)
            result = library.decode(context, batch)
            if result:
                raise Refusal(f"llama_decode returned {result}")
        finally:
            library.free_batch(batch)


class Desk:
    """Where requests are answered: one model, or one vocabulary, a process."""

    def __init__(self) -> None:
        self.log: deque[str] = deque(maxlen=_KEEP_LOG)
        self._session: Session | None = None
        self._vocabulary: VocabularySession | None = None

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
        """The reply, and the descriptor of the shared memory that goes with it, which stays open for the next pass.

        Raises:
            Refusal, AbiError: it cannot be done; the message says why.
        """
        do = request["do"]
        if do == "open":
            self._session = Session(request["library"], request["model"], self.log)
            return self._session.describe(), None
        if do == "open_vocabulary":
            self._vocabulary = VocabularySession(request["library"], request["model"], self.log)
            return self._vocabulary.describe(), None
        if do == "tokenize_all" and self._vocabulary is not None:
            options = {name: request[name] for name in ("add_special", "parse_special")}
            return self._vocabulary.tokenize(request["texts"], **options), None
        if self._session is None:
            raise Refusal("no model is open")
        self._session.arenas.take_back(request.get("returned", ()))
        return self._answer_of_model(self._session, do, request)

    def _answer_of_model(self, session: Session, do: str, request: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
        if do == "tokenize":
            return session.tokenize(request["text"]), None
        if do == "start":
            return session.start(request["room"]), None
        if do == "feed":
            return session.feed(request["tokens"])
        if do == "logits":
            return session.logits(request["tokens"])
        return session.capture(request["tokens"], request["wanted"])


def serve(channel: socket.socket) -> None:
    """Answers requests until the other side closes."""
    desk = Desk()
    while True:
        try:
            request, _ = wire.receive(channel)
        except EOFError:
            return
        descriptor: int | None = None
        try:
            reply, descriptor = desk.answer(request)
        except (Refusal, abi.AbiError) as error:
            reply = {"error": str(error), "log": list(desk.log)}
        wire.send(channel, reply, descriptor)


def die_with_parent() -> None:
    """Has the kernel end this process when the one that started it dies without a word (Linux only)."""
    if sys.platform == "linux":
        c.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent()
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        serve(inherited)
