"""Shapes and sizes of a model as the runtime computes them: hyper-parameters in, whole numbers out."""

from __future__ import annotations

from apr.kernels.shapes_cache import kv_cache_bytes, kv_cache_held, kv_cache_rows
from apr.kernels.shapes_config import config_is_read, config_widths, experts_are_read, kv_head_of
from apr.kernels.shapes_counts import parameters_llama, parameters_qwen2, parameters_qwen3, parameters_qwen3moe
from apr.kernels.shapes_flow import flow_llama, flow_qwen2, flow_qwen3, flow_qwen3moe
from apr.kernels.shapes_inventory import (
    tensor_shapes_llama,
    tensor_shapes_qwen2,
    tensor_shapes_qwen3,
    tensor_shapes_qwen3moe,
)
from apr.kernels.shapes_layout import (
    filled_bytes,
    matrix_of_bytes,
    packed_matrix,
    padded,
    shape_of_dims,
    tensor_bytes,
)

__all__ = [
    "config_is_read",
    "config_widths",
    "experts_are_read",
    "filled_bytes",
    "flow_llama",
    "flow_qwen2",
    "flow_qwen3",
    "flow_qwen3moe",
    "kv_cache_bytes",
    "kv_cache_held",
    "kv_cache_rows",
    "kv_head_of",
    "matrix_of_bytes",
    "packed_matrix",
    "padded",
    "parameters_llama",
    "parameters_qwen2",
    "parameters_qwen3",
    "parameters_qwen3moe",
    "shape_of_dims",
    "tensor_bytes",
    "tensor_shapes_llama",
    "tensor_shapes_qwen2",
    "tensor_shapes_qwen3",
    "tensor_shapes_qwen3moe",
]
