"""llama.cpp's float kernels, called through ctypes, under the names of the library: each a graph of one operation on one thread.

The library is found as `ggml_quants` finds it. Functions and structures are those of ggml.h: tensors have their fastest axis first, so
the shape of an array is turned round. Computing a graph starts no thread of its own where it is asked for one.
"""

from __future__ import annotations

import ctypes as c
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from independent.ggml_quants import _LIBRARY, BUILD, PRODUCER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = [
    "BUILD",
    "PRODUCER",
    "layer_norm",
    "linear",
    "matmul",
    "rms_norm",
    "rope_neox",
    "rope_norm",
    "silu",
    "softmax",
    "swiglu",
    "tied_head",
]

_F32, _I32 = 0, 26  # enum ggml_type
_NORM, _NEOX = 0, 2  # GGML_ROPE_TYPE_NORMAL, GGML_ROPE_TYPE_NEOX
_ROOM = 1 << 20  # bytes for the structures of a graph


class _InitParams(c.Structure):
    """struct ggml_init_params."""

    _fields_ = (("mem_size", c.c_size_t), ("mem_buffer", c.c_void_p), ("no_alloc", c.c_bool))


def _function(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_LIBRARY, name, None)
    if function is None:
        raise ImportError(f"the library of llama.cpp exports no {name}", name="ggml")
    function.restype, function.argtypes = result, list(arguments)
    return function


_P = c.c_void_p
_init = _function("ggml_init", _P, _InitParams)
_free = _function("ggml_free", None, _P)
_new_tensor = _function("ggml_new_tensor", _P, _P, c.c_int, c.c_int, c.POINTER(c.c_int64))
_data = _function("ggml_get_data", _P, _P)
_new_graph = _function("ggml_new_graph", _P, _P)
_expand = _function("ggml_build_forward_expand", None, _P, _P)
_compute = _function("ggml_graph_compute_with_ctx", c.c_int, _P, _P, c.c_int)
_soft_max = _function("ggml_soft_max", _P, _P, _P)
_rms_norm = _function("ggml_rms_norm", _P, _P, _P, c.c_float)
_norm = _function("ggml_norm", _P, _P, _P, c.c_float)
_mul = _function("ggml_mul", _P, _P, _P, _P)
_add = _function("ggml_add", _P, _P, _P, _P)
_silu = _function("ggml_silu", _P, _P, _P)
_swiglu = _function("ggml_swiglu_split", _P, _P, _P, _P)
_mul_mat = _function("ggml_mul_mat", _P, _P, _P, _P)
_rope = _function("ggml_rope_ext", _P, _P, _P, _P, _P, *[c.c_int] * 3, *[c.c_float] * 6)
_function("ggml_cpu_init", None)()  # the tables that some kernels look things up in


class _Graph:
    """A context of ggml with arrays in it."""

    def __init__(self, room: int) -> None:
        self.context = _init(_InitParams(room, None, False))
        if not self.context:
            raise MemoryError(f"ggml_init gave no {room} bytes")

    def tensor(self, array: NDArray[Any]) -> Any:
        """A copy of an array, float32 or int32."""
        shape = (c.c_int64 * array.ndim)(*reversed(array.shape))
        kind = _F32 if array.dtype == np.float32 else _I32
        tensor = _new_tensor(self.context, kind, array.ndim, shape)
        flat = np.ascontiguousarray(array)
        c.memmove(_data(tensor), flat.ctypes.data, flat.nbytes)
        return tensor

    def run(self, result: Any, shape: tuple[int, ...]) -> Floats:
        """What an operation comes to."""
        graph = _new_graph(self.context)
        _expand(graph, result)
        status = _compute(self.context, graph, 1)
        if status != 0:
            raise RuntimeError(f"ggml_graph_compute_with_ctx gave {status}")
        made = np.empty(shape, np.float32)
        c.memmove(made.ctypes.data, _data(result), made.nbytes)
        return made


@contextmanager
def _graph(*arrays: NDArray[Any]) -> Iterator[_Graph]:
    """A context with room for the arrays and several results of their size."""
    largest = max(array.nbytes for array in arrays)
    graph = _Graph(_ROOM + 16 * sum(array.nbytes for array in arrays) + 16 * largest)
    try:
        yield graph
    finally:
        _free(graph.context)


def _of_one(operation: Callable[[Any, Any], Any], x: Floats) -> Floats:
    with _graph(x) as graph:
        return graph.run(operation(graph.context, graph.tensor(x)), x.shape)


def softmax(x: Floats) -> Floats:
    """[…, n] to weights that sum to one along the last axis."""
    return _of_one(_soft_max, x)


def silu(x: Floats) -> Floats:
    """Any shape: x times the logistic function of x."""
    return _of_one(_silu, x)


def swiglu(gate: Floats, up: Floats) -> Floats:
    """Two arrays of one shape: silu(gate) times up."""
    with _graph(gate, up) as graph:
        return graph.run(_swiglu(graph.context, graph.tensor(gate), graph.tensor(up)), gate.shape)


def rms_norm(x: Floats, weight: Floats, epsilon: float) -> Floats:
    """[m, n] over its root mean square, times [n] weights."""
    with _graph(x, weight) as graph:
        normed = _rms_norm(graph.context, graph.tensor(x), epsilon)
        return graph.run(_mul(graph.context, normed, graph.tensor(weight)), x.shape)


def layer_norm(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    """[m, n] less its mean, over its deviation, times [n] weights, with [n] biases."""
    with _graph(x, weight, bias) as graph:
        normed = _norm(graph.context, graph.tensor(x), epsilon)
        scaled = _mul(graph.context, normed, graph.tensor(weight))
        return graph.run(_add(graph.context, scaled, graph.tensor(bias)), x.shape)


def linear(x: Floats, weight: Floats) -> Floats:
    """[positions, in] and weights [out, in] to [positions, out]."""
    with _graph(x, weight, np.empty((len(x), len(weight)), np.float32)) as graph:
        made = _mul_mat(graph.context, graph.tensor(weight), graph.tensor(x))
        return graph.run(made, (len(x), len(weight)))


def tied_head(x: Floats, table: Floats) -> Floats:
    """[positions, hidden] and a table [vocabulary, hidden] to logits [positions, vocabulary]."""
    return linear(x, table)


def matmul(a: Floats, b: Floats) -> Floats:
    """[m, k] times [k, n]."""
    return linear(a, np.ascontiguousarray(b.T))


def rope_norm(x: Floats, positions: NDArray[np.integer[Any]], theta: float) -> Floats:
    """[positions, heads, head_dim], neighbours turned together."""
    return _turned(x, positions, theta, _NORM)


def rope_neox(x: Floats, positions: NDArray[np.integer[Any]], theta: float) -> Floats:
    """[positions, heads, head_dim], halves turned together."""
    return _turned(x, positions, theta, _NEOX)


def _turned(x: Floats, positions: NDArray[np.integer[Any]], theta: float, kind: int) -> Floats:
    places = np.asarray(positions, np.int32)
    with _graph(x, places) as graph:
        plain = (theta, 1.0, 0.0, 1.0, 32.0, 1.0)  # base, scale; no YaRN: its extent, magnitude and two ramps
        made = _rope(graph.context, graph.tensor(x), graph.tensor(places), None, x.shape[-1], kind, 0, *plain)
        return graph.run(made, x.shape)
