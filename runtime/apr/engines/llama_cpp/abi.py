"""The part of llama.cpp's C interface that a capture needs, and how its structs are found in a build nobody has seen.

`llama_context_params` and `llama_model_params` gain and lose fields from month to month, so their layout is not assumed:
each build's own defaults are read and the fields are located by the values they are known to start with. What was
located is proved afterwards by the getters (`llama_n_ctx`, …) and by the graph itself. Both structs are passed by value
in memory, so a buffer longer than the real struct is harmless.
"""

from __future__ import annotations

import ctypes as c
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

GGML_TYPE_F32, GGML_TYPE_I32 = 0, 26
FLASH_ATTENTION_DISABLED = 0
_MAX_DIMS, _MAX_SRC, _MAX_NAME, _MAX_OP_PARAMS = 4, 10, 64, 16


class AbiError(Exception):
    """This build's interface is not the one that is known here; the message says which part."""


class Tensor(c.Structure):
    """`struct ggml_tensor` (ggml.h); checked against the library's own getters on the first tensor seen."""

    _fields_ = [
        ("type", c.c_int),
        ("buffer", c.c_void_p),
        ("ne", c.c_int64 * _MAX_DIMS),
        ("nb", c.c_size_t * _MAX_DIMS),
        ("op", c.c_int),
        ("op_params", c.c_int32 * _MAX_OP_PARAMS),
        ("flags", c.c_int32),
        ("src", c.c_void_p * _MAX_SRC),
        ("view_src", c.c_void_p),
        ("view_offs", c.c_size_t),
        ("data", c.c_void_p),
        ("name", c.c_char * _MAX_NAME),
        ("extra", c.c_void_p),
        ("padding", c.c_char * 8),
    ]


class Batch(c.Structure):
    """`struct llama_batch` (llama.h)."""

    _fields_ = [
        ("n_tokens", c.c_int32),
        ("token", c.POINTER(c.c_int32)),
        ("embd", c.POINTER(c.c_float)),
        ("pos", c.POINTER(c.c_int32)),
        ("n_seq_id", c.POINTER(c.c_int32)),
        ("seq_id", c.POINTER(c.POINTER(c.c_int32))),
        ("logits", c.POINTER(c.c_int8)),
    ]


class Params(c.Structure):
    """A parameter struct of unknown layout; longer than any build's."""

    _fields_ = [("raw", c.c_ubyte * 1024)]

    def put(self, offset: int, fmt: str, value: int) -> None:
        """Packs a little-endian value into the struct."""
        struct.pack_into(fmt, self.raw, offset, value)


EVAL_CALLBACK = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_bool, c.c_void_p)
LOG_CALLBACK = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)


@dataclass(frozen=True)
class ContextLayout:
    """Byte offsets in `llama_context_params`.

    `n_ctx`, `n_batch` and `n_ubatch` are the first three words of every build.
    """

    n_threads: int
    flash_attn_type: int
    cb_eval: int
    type_k: int


_MINUS_ONE = 0xFFFFFFFF


def locate_context(raw: bytes) -> ContextLayout:
    """Finds the fields that a capture sets, from a build's default parameters.

    The landmarks, in order: 512, 2048, 512 (context and batch sizes); 4, 4 (threads); four enumerations that all start
    as -1, the last of them the flash attention type; then, after the floats and `defrag_thold`, two null pointers
    (`cb_eval` and its data) followed by the two cache types, which both start as F16 (1).

    Raises:
        AbiError: a landmark is missing.
    """
    words = struct.unpack(f"<{len(raw) // 4}I", raw)
    if words[0] != 512 or words[2] != 512:
        raise AbiError(f"llama_context_params starts with {words[:3]}, not with the default sizes 512, 2048, 512")
    threads = next((i for i in range(3, 16) if words[i] == words[i + 1] == 4), None)
    if threads is None:
        raise AbiError("llama_context_params has no pair of default thread counts (4, 4)")
    enums = next((i for i in range(threads + 2, threads + 6) if words[i : i + 4] == (_MINUS_ONE,) * 4), None)
    if enums is None or words[enums + 4] == _MINUS_ONE:
        raise AbiError(
            "llama_context_params has no four enumerations of default -1; flash attention cannot be turned off"
        )
    types = next(
        (i for i in range(enums + 12, enums + 24) if words[i : i + 2] == (1, 1) and not any(words[i - 4 : i])), None
    )
    if types is None:
        raise AbiError(
            "llama_context_params has no two null pointers followed by two F16 cache types; cb_eval cannot be found"
        )
    return ContextLayout(4 * threads, 4 * (enums + 3), 4 * types - 16, 4 * types)


_N_GPU_LAYERS = 16  # after two pointers, in every build that has `tensor_buft_overrides`
_ALL_OR_NONE = (_MINUS_ONE, 0, 999)  # what it has started as, from build to build


def keep_on_cpu(params: Params) -> None:
    """Puts every layer on the CPU, whose kernels the arithmetic `ggml` describes, where the field is found."""
    if struct.unpack_from("<I", params.raw, _N_GPU_LAYERS)[0] in _ALL_OR_NONE:
        params.put(_N_GPU_LAYERS, "<I", 0)


def locate_extra_buffers(raw: bytes) -> int | None:
    """Offset of `use_extra_bufts` in `llama_model_params`, or None where it is not found.

    It is the last boolean that starts as true. Turned off because ggml's AMX buffers crash on some processors; results are
    the same without.
    """
    start = _model_booleans(raw)
    return None if start is None else start + raw[start : start + 8].rindex(1)


def locate_vocab_only(raw: bytes) -> int:
    """Offset of `vocab_only` in `llama_model_params`: the first boolean, which starts as false.

    Raises:
        AbiError: the booleans are not where every known build has them.
    """
    start = _model_booleans(raw)
    if start is None or raw[start]:
        raise AbiError(
            "llama_model_params has no booleans where they are known to be; a vocabulary cannot be loaded alone"
        )
    return start


def _model_booleans(raw: bytes) -> int | None:
    """Where the booleans of `llama_model_params` start, or None where they are not found.

    They stand behind the pointer `kv_overrides`, which starts as null and, from build to build, at byte 56 or 64.
    """
    start = 72 if not any(raw[64:72]) else 64
    region = raw[start : start + 8]
    return None if any(byte not in (0, 1) for byte in region) or 1 not in region else start


# embeddings, offload_kqv, no_perf, op_offload, swa_full, kv_unified as they start
_CONTEXT_BOOLS = bytes([0, 1, 1, 1, 1, 0])


def locate_offloads(raw: bytes, layout: ContextLayout) -> tuple[int, ...]:
    """Offsets of `offload_kqv` and `op_offload` in `llama_context_params`; empty where they are not found.

    Both would move work to an accelerator even with every layer on the CPU.
    """
    behind_types = layout.type_k + 8
    start = raw.find(_CONTEXT_BOOLS, behind_types, behind_types + 48)
    return () if start < 0 else (start + 1, start + 3)


class Library:
    """A llama.cpp shared object, its functions typed.

    Raises:
        AbiError: it cannot be opened, or lacks a function.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._llama = c.CDLL(str(path), mode=c.RTLD_GLOBAL)
        except OSError as error:
            raise AbiError(f"cannot be opened: {error}") from error
        self._libraries = [self._llama]
        self._host_buffers: dict[int | None, bool] = {}
        if not hasattr(self._llama, "ggml_nbytes"):
            beside = [self._beside(path, name) for name in ("libggml-base.", "libggml.")]
            self._libraries += [c.CDLL(str(found), mode=c.RTLD_GLOBAL) for found in beside if found]
        if not any(hasattr(library, "ggml_nbytes") for library in self._libraries):
            raise AbiError("neither it nor a libggml-base beside it exports ggml_nbytes")
        pointer, size, i32 = c.c_void_p, c.c_size_t, c.c_int32
        self.op_name = self._function("ggml_op_name", c.c_char_p, c.c_int)
        self.tensor_name = self._function("ggml_get_name", c.c_void_p, pointer)
        self.tensor_data = self._function("ggml_get_data", c.c_void_p, pointer)
        self.nbytes = self._function("ggml_nbytes", size, pointer)
        self.tensor_get = self._function("ggml_backend_tensor_get", None, pointer, pointer, size, size)
        self.silu = self._optional("ggml_vec_silu_f32", None, c.c_int, pointer, pointer)
        self.is_host = self._function("ggml_backend_buffer_is_host", c.c_bool, pointer)
        self.backend_init = self._function("llama_backend_init", None)
        self.log_set = self._function("llama_log_set", None, LOG_CALLBACK, pointer)
        self.system_info = self._function("llama_print_system_info", c.c_char_p)
        self.model_defaults = self._function("llama_model_default_params", Params)
        self.context_defaults = self._function("llama_context_default_params", Params)
        self.load_model = self._function("llama_model_load_from_file", pointer, c.c_char_p, Params)
        self.new_context = self._function("llama_init_from_model", pointer, pointer, Params)
        self.free_context = self._function("llama_free", None, pointer)
        self.n_ctx = self._function("llama_n_ctx", c.c_uint32, pointer)
        self.n_ubatch = self._function("llama_n_ubatch", c.c_uint32, pointer)
        self.n_threads = self._function("llama_n_threads", i32, pointer)
        self.n_threads_batch = self._function("llama_n_threads_batch", i32, pointer)
        self.backends = self._function("ggml_backend_reg_count", size)
        self.load_backends = self._function("ggml_backend_load_all_from_path", None, c.c_char_p)
        self.vocab = self._function("llama_model_get_vocab", pointer, pointer)
        self.n_vocab = self._function("llama_vocab_n_tokens", i32, pointer)
        self.tokenize = self._function(
            "llama_tokenize", i32, pointer, c.c_char_p, i32, c.POINTER(i32), i32, c.c_bool, c.c_bool
        )
        self.new_batch = self._function("llama_batch_init", Batch, i32, i32, i32)
        self.free_batch = self._function("llama_batch_free", None, Batch)
        self.decode = self._function("llama_decode", i32, pointer, Batch)
        self.logits = self._function("llama_get_logits", pointer, pointer)

    def type_vocabulary_functions(self) -> None:
        """Types what only a question about a vocabulary needs.

        Raises:
            AbiError: the build lacks one.
        """
        pointer, i32, truth = c.c_void_p, c.c_int32, c.c_bool
        self.to_piece = self._function("llama_token_to_piece", i32, pointer, i32, c.c_char_p, i32, i32, truth)
        self.is_end = self._function("llama_vocab_is_eog", truth, pointer, i32)
        self.add_bos = self._function("llama_vocab_get_add_bos", truth, pointer)
        self.add_eos = self._function("llama_vocab_get_add_eos", truth, pointer)
        self.special_tokens = {
            name: self._function(f"llama_vocab_{name}", i32, pointer) for name in ("bos", "eos", "eot", "pad")
        }

    @staticmethod
    def _beside(path: Path, prefix: str) -> Path | None:
        return min((found for found in path.parent.iterdir() if found.name.startswith(prefix)), default=None)

    def _optional(self, name: str, result: Any, *arguments: Any) -> Any:
        """A function that not every build exports; None where it does not."""
        there = any(hasattr(library, name) for library in self._libraries)
        return self._function(name, result, *arguments) if there else None

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        for library in self._libraries:
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                return function
        raise AbiError(f"does not export {name}")

    def host_address(self, address: int) -> int | None:
        """Where a tensor's values are in this process's memory; None where they are in a device's."""
        tensor = Tensor.from_address(address)
        buffer = tensor.buffer or (Tensor.from_address(tensor.view_src).buffer if tensor.view_src else None)
        if buffer not in self._host_buffers:
            self._host_buffers[buffer] = bool(buffer) and bool(self.is_host(buffer))
        return tensor.data if self._host_buffers[buffer] else None

    def check_tensor_layout(self, address: int) -> None:
        """Compares our idea of `struct ggml_tensor` with the library's own getters on a live tensor.

        Raises:
            AbiError: they disagree.
        """
        if self.tensor_name(address) != address + Tensor.name.offset:
            raise AbiError("struct ggml_tensor has its name elsewhere than known here")
        tensor = Tensor.from_address(address)
        if (self.tensor_data(address) or 0) != (tensor.data or 0):
            raise AbiError("struct ggml_tensor has its data pointer elsewhere than known here")
        if tensor.type == GGML_TYPE_F32 and self.nbytes(address) != tensor.ne[3] * tensor.nb[3]:
            raise AbiError("struct ggml_tensor has its sizes elsewhere than known here")
