"""ggml's own arithmetic on blocks of numbers, called in this process: quantising, dequantising, dot products.

These are pure functions on memory that the caller owns. Shapes and types are checked before C sees them, because C checks
them by aborting. Functions are found by the names they are exported under (`dequantize_row_q4_K`,
`ggml_vec_dot_q4_K_q8_K`), so no struct of a build nobody has seen is assumed; which rounding of activations a weight type
meets is read off the name of its dot product. Source: ggml.h, ggml-quants.h and ggml-cpu/quants.h of llama.cpp.
"""

from __future__ import annotations

import ctypes as c
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGMLQuantizationType

from apr.engines.llama_cpp.providers import find_provider
from apr.errors import OracleError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from apr.engines.llama_cpp.providers import Provider
    from apr.quant.activations import Rounded

# what ggml_quantize_chunk has a case for; anything else makes it abort
QUANTISABLE = (
    *("F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
    *("IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_S", "IQ1_M"),
    *("TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0"),
)
_ROUNDINGS = ("F16", "BF16", "Q8_0", "Q8_1", "Q8_K")
# these two convert rows without blocks, and have names of their own
_TO_FLOAT = {"F16": "ggml_fp16_to_fp32_row", "BF16": "ggml_bf16_to_fp32_row"}
_FROM_FLOAT = {"F16": "ggml_cpu_fp32_to_fp16", "BF16": "ggml_cpu_fp32_to_bf16"}


class Kernels:
    """The functions of one shared library.

    Raises:
        OracleError: the library cannot be opened, or lacks ggml.
    """

    def __init__(self, library: Path) -> None:
        self.library = library
        self._libraries = [self._open(library)]
        for prefix in ("libggml-base.", "libggml-cpu."):
            beside = min((found for found in library.parent.iterdir() if found.name.startswith(prefix)), default=None)
            if beside is not None:
                self._libraries.append(self._open(beside))
        if self.exports("ggml_cpu_init"):
            self.function("ggml_cpu_init", None)()
        self._type_name = self.function("ggml_type_name", c.c_char_p, c.c_int)
        self._type_size = self.function("ggml_type_size", c.c_size_t, c.c_int)
        self._block = self.function("ggml_blck_size", c.c_int64, c.c_int)
        self._quantise = self.function(
            "ggml_quantize_chunk", c.c_size_t, c.c_int, c.c_void_p, c.c_void_p, *[c.c_int64] * 3, c.c_void_p
        )
        self._needs_importance = self.function("ggml_quantize_requires_imatrix", c.c_bool, c.c_int)

    def _open(self, library: Path) -> c.CDLL:
        try:
            # local symbols: two builds in one process must not see each other's
            return c.CDLL(str(library))
        except OSError as error:
            raise OracleError(f"cannot be opened: {error}", where=str(library)) from error

    def exports(self, name: str) -> bool:
        """Whether the library has a function of that name."""
        return any(hasattr(library, name) for library in self._libraries)

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """A function that the library exports, typed; who calls it vouches for what it gets.

        Raises:
            OracleError: it is not exported.
        """
        for library in self._libraries:
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                return function
        raise OracleError(f"does not export {name}", where=str(self.library))

    def _type(self, type_name: str) -> int:
        """The number of a type, by which the library itself has to mean the same one."""
        if type_name not in GGMLQuantizationType.__members__:
            raise UsageError(f"{type_name!r} is no tensor type", hint="the names are gguf's: Q4_K, BF16, MXFP4")
        # ggml reads past the end of its table without a word; what this build can convert is in the table
        if not (self.exports(_to_float(type_name)) or self.exports(_from_float(type_name))):
            raise OracleError(f"this build has no kernels for type {type_name}", where=str(self.library))
        number = int(GGMLQuantizationType[type_name])
        if self._type_name(number).decode() != _spelled(type_name):
            raise OracleError(f"this build calls type {number} otherwise than {type_name}", where=str(self.library))
        return number

    def block(self, type_name: str) -> tuple[int, int]:
        """Weights in a block, and bytes a block takes."""
        number = self._type(type_name)
        return int(self._block(number)), int(self._type_size(number))

    def needs_importance(self, type_name: str) -> bool:
        """Whether a type cannot be made without the importance of each column."""
        return bool(self._needs_importance(self._type(type_name)))

    def _row_bytes(self, columns: int, type_name: str) -> int:
        weights, nbytes = self.block(type_name)
        if columns % weights:
            raise UsageError(f"rows of {columns} numbers cannot be {type_name}, whose blocks hold {weights}")
        return columns // weights * nbytes

    def quantise(
        self, array: NDArray[np.float32], type_name: str, importance: NDArray[np.float32] | None = None
    ) -> NDArray[np.uint8]:
        """Rows as ggml encodes them.

        Args:
            array: [..., columns] float32, finite.
            type_name: one of `QUANTISABLE`.
            importance: [columns] float32, how much each column matters; some types demand it.

        Returns:
            [..., bytes a row] uint8.

        Raises:
            UsageError: another type or shape, numbers that are not finite, or importance that is missing or misshapen.
        """
        if type_name not in QUANTISABLE:
            raise UsageError(f"ggml does not quantise to {type_name}", hint=f"one of {', '.join(QUANTISABLE)}")
        number, columns = self._type(type_name), _width(array)
        row_bytes = self._row_bytes(columns, type_name)
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise UsageError("only finite float32 numbers can be quantised")
        if importance is not None and (importance.shape != (columns,) or importance.dtype != np.float32):
            raise UsageError(f"importance must be {columns} float32 numbers, one a column")
        if importance is None and self.needs_importance(type_name):
            raise UsageError(f"{type_name} cannot be made without the importance of each column")
        source = np.ascontiguousarray(array)
        weighed = None if importance is None else np.ascontiguousarray(importance)
        out = np.zeros((*array.shape[:-1], row_bytes), np.uint8)
        rows = math.prod(array.shape[:-1])
        if rows:
            at = None if weighed is None else weighed.ctypes.data
            self._quantise(number, source.ctypes.data, out.ctypes.data, 0, rows, columns, at)
        return out

    def dequantise(
        self, raw: NDArray[np.uint8], type_name: str, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Rows as numbers.

        Args:
            raw: [..., bytes a row] uint8.
            type_name: a type with a `dequantize_row_…`, or F16 or BF16.
            out: where to put them, contiguous and of the right shape; made if it is not given.

        Returns:
            [..., columns] float32.

        Raises:
            UsageError: the bytes are no whole number of blocks.
            OracleError: this build cannot dequantise the type.
        """
        weights, nbytes = self.block(type_name)
        if raw.dtype != np.uint8 or _width(raw) % nbytes:
            raise UsageError(f"rows of {raw.shape[-1]} bytes are no whole blocks of {type_name}, which take {nbytes}")
        shape = (*raw.shape[:-1], raw.shape[-1] // nbytes * weights)
        made = np.empty(shape, np.float32) if out is None else out
        if made.shape != shape or made.dtype != np.float32 or not made.flags.c_contiguous:
            raise UsageError(f"the place for the result must be contiguous float32 {list(shape)}")
        source = np.ascontiguousarray(raw)
        convert = self.function(_to_float(type_name), None, c.c_void_p, c.c_void_p, c.c_int64)
        convert(source.ctypes.data, made.ctypes.data, made.size)
        return made

    def rounding(self, type_name: str) -> str:
        """Which type activations are rounded to before they meet weights of a type (`Q8_K` for Q4_K)."""
        found = [kind for kind in _ROUNDINGS if self.exports(_dot(type_name, kind))]
        if len(found) != 1:
            raise OracleError(f"exports {len(found)} dot products for {type_name}, not one", where=str(self.library))
        return found[0]

    def round_activations(self, x: NDArray[np.float32], rounding: str) -> NDArray[np.uint8]:
        """[positions, columns] float32 as the CPU kernels round them: [positions, bytes a row].

        Raises:
            UsageError: columns that are no whole number of blocks.
            OracleError: this build does not export that rounding.
        """
        if rounding not in _ROUNDINGS:
            raise UsageError(f"activations are never rounded to {rounding}", hint=f"one of {', '.join(_ROUNDINGS)}")
        row_bytes = self._row_bytes(_width(x), rounding)
        convert = self.function(_from_float(rounding), None, c.c_void_p, c.c_void_p, c.c_int64)
        source = np.ascontiguousarray(x, np.float32)
        out = np.zeros((*x.shape[:-1], row_bytes), np.uint8)
        convert(source.ctypes.data, out.ctypes.data, source.size)
        return out

    def linear(self, x: NDArray[np.float32], raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
        """Multiplies activations with weights, each element one call of the type's `ggml_vec_dot_…`.

        Args:
            x: [positions, columns] float32.
            raw: [rows, bytes a row] uint8, the weights.
            type_name: of the weights.

        Returns:
            [positions, rows] float32.

        Raises:
            UsageError: rows that are not as long as the positions.
            OracleError: this build has no such dot product.
        """
        columns, rounding = _width(x), self.rounding(type_name)
        if x.ndim != 2 or raw.ndim != 2 or raw.shape[1] != self._row_bytes(columns, type_name):
            raise UsageError(f"{type_name} weights {list(raw.shape)} do not fit activations {list(x.shape)}")
        rounded, weights = self.round_activations(x, rounding), np.ascontiguousarray(raw)
        size = c.c_size_t
        dot = self.function(
            _dot(type_name, rounding),
            None,
            c.c_int,
            c.c_void_p,
            size,
            c.c_void_p,
            size,
            c.c_void_p,
            size,
            c.c_int,
        )
        out = np.empty((len(x), len(raw)), np.float32)
        for t, y in enumerate(rounded):
            for n, w in enumerate(weights):
                dot(columns, out[t, n:].ctypes.data, 0, w.ctypes.data, 0, y.ctypes.data, 0, 1)
        return out


def packed(rounded: Rounded, rounding: str) -> NDArray[np.uint8]:
    """Rounded activations in the bytes of ggml's blocks, to be held against `Kernels.round_activations` bit by bit.

    Layouts (ggml-common.h): Q8_0 float16 scale, 32 codes; Q8_1 float16 scale, float16 sum, 32 codes; Q8_K float32 scale,
    256 codes, 16 int16 sums of 16 codes each.
    """
    codes = rounded.codes.view(np.uint8)
    if rounding == "Q8_K":
        sums = rounded.codes.reshape(*rounded.codes.shape[:2], 16, 16).sum(axis=-1, dtype="<i2")
        parts = [_bytes(rounded.scales, "<f4"), codes, sums.view(np.uint8)]
    else:
        stored = [rounded.scales] if rounded.sums is None else [rounded.scales, rounded.sums]
        parts = [*(_bytes(part, "<f2") for part in stored), codes]
    return np.concatenate(parts, axis=-1).reshape(len(codes), -1)


def _bytes(numbers: NDArray[np.float32], dtype: str) -> NDArray[np.uint8]:
    """[..., n] numbers as [..., n, bytes a number]."""
    return np.ascontiguousarray(numbers.astype(dtype)[..., None]).view(np.uint8)


def _spelled(type_name: str) -> str:
    """A type as ggml's function names spell it (`q4_K`)."""
    return type_name.lower().replace("_k", "_K")


def _to_float(type_name: str) -> str:
    return _TO_FLOAT.get(type_name) or f"dequantize_row_{_spelled(type_name)}"


def _from_float(type_name: str) -> str:
    return _FROM_FLOAT.get(type_name) or f"quantize_row_{_spelled(type_name)}"


def _dot(type_name: str, rounding: str) -> str:
    """The dot product's name; F16 and BF16 only meet themselves."""
    name = f"ggml_vec_dot_{_spelled(type_name)}"
    return name if type_name == rounding and type_name in _TO_FLOAT else f"{name}_{_spelled(rounding)}"


def _width(array: NDArray[Any]) -> int:
    if array.ndim == 0:
        raise UsageError("rows are needed, not a single number")
    return int(array.shape[-1])


@lru_cache(maxsize=4)
def open_kernels(provider: Provider | None = None) -> Kernels:
    """The kernels of a provider, or of the first one found.

    Raises:
        OracleError: there is none, or it has no kernels that can be called.
    """
    return Kernels((provider or find_provider()).library)


def quantise(
    array: NDArray[np.float32], type_name: str, importance: NDArray[np.float32] | None = None
) -> NDArray[np.uint8]:
    """`Kernels.quantise` of the first provider found; every column matters equally where a type wants to know and nobody says."""
    kernels = open_kernels()
    if importance is None and type_name in QUANTISABLE and kernels.needs_importance(type_name):
        importance = np.ones(_width(array), np.float32)
    return kernels.quantise(array, type_name, importance)
